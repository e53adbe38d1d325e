package node

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/store"
)

// arrival is a message of another store, decoded, or why it is not to be heard.
type arrival struct {
	message         store.Message
	id              uint64
	fromStore       uint64
	fromIncarnation uint64
	refused         error
}

// envelopeBytes is about what a message is beside its content.
const envelopeBytes = 64

// Deliver takes a message that another store sent in its present life. It never waits: when too many wait already, the
// message is dropped and counted. The parcel is the node's.
func (n *Node) Deliver(fromStore, fromIncarnation uint64, p *rpcpb.Parcel) {
	a := arrival{id: p.GetId(), fromStore: fromStore, fromIncarnation: fromIncarnation}
	rm := p.GetMessage()
	bytes := envelopeBytes + len(rm.GetMessage())
	if rm.GetExtra() != nil {
		bytes = proto.Size(rm)
	}
	switch rm {
	case nil:
		a.refused = errors.New("the parcel is empty")
	default:
		a.message, a.refused = store.Decode(rm)
	}
	if a.refused == nil && a.message.FromStore != fromStore {
		a.refused = fmt.Errorf("S%d sends what claims to be from S%d", fromStore, a.message.FromStore)
	}
	if n.arrivals.enter(a, bytes) != entered {
		n.stats.messagesDropped.Add(1)
		return
	}
	n.wake()
}

// step gives the store a message.
func (l *loop) step(a *arrival) {
	mark := l.sight.mark()
	if l.sight.happens() {
		l.sight.delivered(a)
	}
	l.noteHeard(a)
	err := a.refused
	if err == nil {
		l.touch(a.message.RegionID)
		err = l.store.Step(a.message)
	}
	if err == nil {
		l.n.stats.messagesDelivered.Add(1)
		return
	}
	l.n.stats.messagesRefused.Add(1)
	l.sight.retract(mark)
	if l.sight.happens() {
		l.sight.refused(a, err)
	}
	l.n.log.Debug("a message was refused", "from", a.fromStore, "region", a.message.RegionID, "why", err)
}

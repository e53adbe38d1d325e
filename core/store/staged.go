package store

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// incoming is a snapshot that is being received. Its pairs go to the engine as they come, apart from the data; once the
// last is written, raft is told of the snapshot, and takes it or not.
type incoming struct {
	id      uint64
	from    Message // the first chunk's envelope
	message *raftpb.Message
	state   *raftserverpb.RegionSnapshot
	next    uint32
	bytes   int
	clients int
	lastKey []byte
	// idleTicks since a chunk came.
	idleTicks int

	ops      []*raftcmdpb.Pair // not yet in a batch
	complete bool
	stepped  bool // raft was told
	taken    bool // raft took it
}

// stepChunk takes a chunk. A chunk that does not follow is answered with the one that does; what the region here has no
// use for is refused with the reason, so that the sender stops.
func (s *Store) stepChunk(p *peer, m Message, chunk *raftserverpb.SnapshotChunk) error {
	in := p.incoming
	same := in != nil && in.id == chunk.GetSnapshotId() && in.from.FromStore == m.FromStore && in.from.FromPeer == m.FromPeer &&
		in.message.GetSnapshot().GetMetadata().GetIndex() == chunk.GetIndex() &&
		in.message.GetSnapshot().GetMetadata().GetTerm() == chunk.GetTerm()
	switch {
	case in != nil && in.stepped:
		return nil // raft has the last one in its hands; the sender asks again
	case same && chunk.GetNumber() < in.next:
		if !in.complete {
			p.ack(m, &raftserverpb.SnapshotAck{SnapshotId: in.id, Next: in.next})
		}
		return nil
	case chunk.GetNumber() == 0:
		return s.beginIncoming(p, m, chunk)
	case !same:
		done := p.initialized && p.applied >= chunk.GetIndex() && chunk.GetLast()
		p.ack(m, &raftserverpb.SnapshotAck{SnapshotId: chunk.GetSnapshotId(), Done: done})
		return nil
	case chunk.GetNumber() > in.next:
		p.ack(m, &raftserverpb.SnapshotAck{SnapshotId: in.id, Next: in.next})
		return nil
	}
	if err := p.takeChunk(in, chunk); err != nil {
		return err
	}
	p.touched()
	return nil
}

// beginIncoming looks at the raft message of a first chunk before anything of it is kept.
func (s *Store) beginIncoming(p *peer, m Message, chunk *raftserverpb.SnapshotChunk) error {
	r := &raftpb.Message{}
	if err := proto.Unmarshal(chunk.GetMessage(), r); err != nil {
		return errors.New("its raft message does not parse")
	}
	if r.GetType() != raftpb.MsgSnap || r.GetFrom() != m.FromPeer || r.GetTo() != m.ToPeer {
		return errors.New("a chunk's raft message is a snapshot between the envelope's peers")
	}
	if err := p.validateForm(r); err != nil {
		return err
	}
	refuse := func(why string) error {
		if s.peers[m.RegionID] != p {
			return errors.New(why) // it was not even made
		}
		p.ack(m, &raftserverpb.SnapshotAck{SnapshotId: chunk.GetSnapshotId(), Refused: why})
		return nil
	}
	if r.GetTerm() < p.term {
		return refuse(fmt.Sprintf("its term %d is over; this is term %d", r.GetTerm(), p.term))
	}
	state, err := p.checkSnapshot(r)
	if err != nil {
		return refuse(err.Error())
	}
	in := &incoming{id: chunk.GetSnapshotId(), from: m, message: r, state: state}
	if err := p.takeChunk(in, chunk); err != nil {
		return err
	}
	s.adopt(p)
	p.heardFrom(m.FromPeer, m.FromStore)
	p.incoming, p.unstage = in, true
	p.touched()
	return nil
}

// takeChunk checks a chunk's pairs, which are the users' within the region, or records of its clients, in order; and keeps
// them for the next batch.
func (p *peer) takeChunk(in *incoming, chunk *raftserverpb.SnapshotChunk) error {
	from, to := dataBounds(in.state.GetRegion().GetStartKey(), in.state.GetRegion().GetEndKey())
	clients := raftKey(p.region.GetId(), clientSuffix)
	last, size, records := in.lastKey, in.bytes, in.clients
	for _, pair := range chunk.GetPairs() {
		key, value := pair.GetKey(), pair.GetValue()
		if last != nil && bytes.Compare(key, last) <= 0 {
			return fmt.Errorf("key %q in its snapshot is out of order", key)
		}
		switch {
		case bytes.Compare(key, from) >= 0 && bytes.Compare(key, to) < 0:
			if len(value) < 8 {
				return fmt.Errorf("the value of key %q in its snapshot has no revision", key)
			}
		case bytes.HasPrefix(key, clients) && len(key) == len(clients)+8:
			record := &raftserverpb.ClientRecord{}
			if err := proto.Unmarshal(value, record); err != nil || record.GetAnswer() == nil {
				return fmt.Errorf("the record of client %d in its snapshot does not parse", lastNumber(key))
			}
			records++
		default:
			return fmt.Errorf("key %q in its snapshot is outside the region", key)
		}
		last = key
		size += len(key) + len(value)
	}
	switch limits := p.s.cfg.Limits; {
	case size > limits.SnapshotBytesMax:
		return fmt.Errorf("its snapshot has more than %d bytes", limits.SnapshotBytesMax)
	case records > limits.ClientsRememberedMax:
		return fmt.Errorf("its snapshot remembers %d clients; the most is %d", records, limits.ClientsRememberedMax)
	}
	in.lastKey, in.bytes, in.clients = last, size, records
	in.ops = append(in.ops, chunk.GetPairs()...)
	in.next++
	in.idleTicks = 0
	in.complete = chunk.GetLast() || p.s.cfg.Bugs.Has(BugSnapshotAppliedHalf)
	return nil
}

// ack answers a chunk, once what came is written.
func (p *peer) ack(to Message, ack *raftserverpb.SnapshotAck) {
	out := p.envelope(to.FromPeer)
	out.ToStore, out.Extra = to.FromStore, ack
	p.s.saysAfter = append(p.s.saysAfter, out)
}

// collectStaged writes what came of a snapshot, and asks for more.
func (p *peer) collectStaged(ready *Ready) bool {
	part := p.unstage
	if p.unstage {
		p.unstage = false
		from, to := stagedBounds(p.region.GetId())
		p.clear(ready.Batch, from, to)
	}
	in := p.incoming
	if in == nil || len(in.ops) == 0 && (in.complete || in.next == 0) {
		return part || in != nil
	}
	for _, pair := range in.ops {
		// Also in the overlay: who is removed in this very turn takes them out of the batch again.
		key := stagedKey(p.region.GetId(), pair.GetKey())
		p.s.overlay.Put(key, pair.GetValue())
		ready.Batch.Put(key, pair.GetValue())
	}
	in.ops = nil
	if !in.complete {
		p.ack(in.from, &raftserverpb.SnapshotAck{SnapshotId: in.id, Next: in.next})
	}
	return true
}

// stepIncoming tells raft of a snapshot whose pairs are all in the engine. What has happened since its first chunk may
// have made it useless.
func (p *peer) stepIncoming() {
	in := p.incoming
	if in == nil || !in.complete || in.stepped || len(in.ops) > 0 {
		return
	}
	in.stepped = true
	m := in.from
	m.Raft, m.Extra = in.message, nil
	_, err := p.checkSnapshot(in.message)
	if err == nil {
		err = p.step(m)
	}
	if err != nil {
		p.endIncoming(err.Error())
		return
	}
	p.touched()
}

// settleIncoming follows the Ready in which raft took the snapshot, or did not.
func (p *peer) settleIncoming() {
	in := p.incoming
	switch {
	case in == nil || !in.stepped:
	case in.taken, p.rn.BasicStatus().GetCommit() >= in.message.GetSnapshot().GetMetadata().GetIndex():
		p.endIncoming("")
	default:
		p.endIncoming("raft did not take it")
	}
}

// incomingIdleMax is after how many election timeouts without a chunk a snapshot is given up: the sender has by then asked
// again several times.
const incomingIdleMax = 4

// tickIncoming gives up a snapshot that nobody goes on with.
func (p *peer) tickIncoming() {
	if in := p.incoming; in != nil && !in.stepped {
		if in.idleTicks++; in.idleTicks > incomingIdleMax*p.s.cfg.ElectionTicksMin {
			p.endIncoming("no chunk has come for too long")
		}
	}
}

func (p *peer) endIncoming(why string) {
	in := p.incoming
	p.incoming = nil
	if !in.taken {
		p.unstage = true
		p.touched()
	}
	p.ack(in.from, &raftserverpb.SnapshotAck{SnapshotId: in.id, Done: why == "", Refused: why})
}

// hasStaged tells whether the engine holds staged pairs of the region.
func (p *peer) hasStaged() bool {
	found := false
	from, to := stagedBounds(p.region.GetId())
	err := p.s.cfg.Engine.Ascend(from, to, func(_, _ []byte) bool {
		found = true
		return false
	})
	p.must(nil, false, err)
	return found
}

package node

import (
	"fmt"
	"slices"

	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/store"
)

// write is a batch on the disk.
type write struct {
	busy  bool
	id    uint64
	ready store.Ready
}

// settle takes what the store owes. A turn that writes nothing needs no disk and is over at once; a batch that nobody has to
// wait for is written on the way.
func (l *loop) settle() error {
	for !l.write.busy {
		rd, ok := l.store.Ready()
		if !ok {
			return nil
		}
		l.send(rd.Messages)
		if !rd.MustSync && rd.Batch.Len() == 0 {
			l.send(rd.AfterSync)
			l.store.Advance()
			continue
		}
		l.startWrite(rd)
		if l.disk.inline(rd) {
			if err := l.wrote(l.disk.commit(rd.Batch, rd.MustSync)); err != nil {
				return err
			}
		}
	}
	return nil
}

// startWrite hands a batch to the disk.
func (l *loop) startWrite(rd store.Ready) {
	l.lastWrite++
	l.write = write{busy: true, id: l.lastWrite, ready: rd}
	l.steps = 0
	for i := range rd.Writes {
		l.touch(rd.Writes[i].RegionID)
	}
	if l.sight.watched {
		l.sight.writeStarted(&l.write)
	}
	l.n.patience.begin()
	if !l.disk.inline(rd) {
		l.disk.batches <- batch{rd.Batch, rd.MustSync}
	}
}

// wrote is the end of a write: what waited for it is sent, and the store goes on.
func (l *loop) wrote(o outcome) error {
	l.n.patience.end()
	stats := &l.n.stats
	stats.writes.Add(1)
	if o.err != nil {
		return fmt.Errorf("the disk failed: %w", o.err)
	}
	done := l.write
	if done.ready.MustSync {
		stats.syncs.Add(1)
		stats.sync.add(o.micros)
	}
	if l.sight.watched {
		l.sight.wrote(&done)
	}
	l.write = write{}
	for i := range done.ready.Writes {
		l.touch(done.ready.Writes[i].RegionID)
	}
	l.send(done.ready.AfterSync)
	l.store.Advance()
	return nil
}

// send gives messages to the transport.
func (l *loop) send(messages []store.Message) {
	for i := range messages {
		m := &messages[i]
		l.touch(m.RegionID)
		l.lastParcel++
		if l.sight.happens() {
			l.sight.sent(m, l.lastParcel)
		}
		l.n.stats.messagesSent.Add(1)
		rm, err := m.Encode()
		if err == nil {
			err = l.n.cfg.Transport.Send(m.ToStore, &rpcpb.Parcel{Id: l.lastParcel, Message: rm})
		}
		if err != nil {
			l.unsent(m.ToStore, err)
		}
	}
}

// unsent takes back a message that the transport refused, and has the store hear of it in the next turn.
func (l *loop) unsent(toStore uint64, err error) {
	l.n.stats.messagesUnsent.Add(1)
	if l.sight.happens() {
		l.sight.unsent(l.lastParcel, err)
	}
	if !slices.Contains(l.lost, toStore) {
		l.lost = append(l.lost, toStore)
		l.more = true
	}
}

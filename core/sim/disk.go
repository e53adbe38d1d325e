package sim

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// write is one batch on a disk: first handed over, then written to the engine, then synced if it must be.
type write struct {
	busy  bool
	id    uint64
	ready store.Ready
	// parts are the batch's, of the regions that the store still has a peer of.
	parts      []store.PeerWrite
	writtenDue int64
	syncedDue  int64 // 0 when nothing waits for a sync
	written    bool
}

func (d *write) sizeBytes() int {
	if d.ready.Batch == nil {
		return 0
	}
	return d.ready.Batch.SizeBytes()
}

// startWrite hands a batch to the disk.
func (m *machine) startWrite(rd store.Ready) {
	writeMicros, fsyncMicros := m.drawDisk()
	m.w.lastWriteID++
	m.write = write{busy: true, id: m.w.lastWriteID, ready: rd, writtenDue: m.w.now + writeMicros}
	if rd.MustSync {
		m.write.syncedDue = m.write.writtenDue + fsyncMicros
	}
	// What a peer wrote that was destroyed in the same turn is nobody's.
	m.write.parts = m.ofPeers(rd.Writes)
	for i := range m.write.parts {
		p := &m.write.parts[i]
		before := p.LastIndex // more than stood there only when a snapshot took the log's place
		if len(p.Entries) > 0 {
			before = p.Entries[0].GetIndex() - 1
		}
		t := m.track(p.RegionID)
		t.synced = min(t.synced, before)
	}
	if m.w.observed {
		m.emitWriteStarted()
	}
	m.w.agenda.add(item{due: m.write.writtenDue, deed: deedWritten, store: uint32(m.id - 1)})
}

// wrote is the moment at which the batch is in the engine, where a crash still undoes it.
func (m *machine) wrote() {
	if m.writeFails() {
		return
	}
	if batch := m.write.ready.Batch; batch != nil {
		if err := m.engine.Write(batch); err != nil {
			m.stop(fmt.Sprintf("the disk failed to write: %v", err))
			return
		}
	}
	m.write.written = true
	if m.w.observed {
		m.w.emitWritten(m.id, m.write.id)
	}
	if m.write.ready.MustSync {
		if m.armed.moment == sessionpb.CrashMoment_CRASH_MOMENT_BEFORE_SYNC {
			m.w.crash(m, m.armed.keeps)
			return
		}
		// A pause may have kept it back until after that.
		m.w.agenda.add(item{due: max(m.write.syncedDue, m.w.now), deed: deedSynced, store: uint32(m.id - 1)})
		return
	}
	m.finishWrite()
}

// synced is the moment at which everything written so far is durable.
func (m *machine) synced() {
	if m.syncFails() {
		return
	}
	if err := m.sync(); err != nil {
		m.stop(fmt.Sprintf("the disk failed to sync: %v", err))
		return
	}
	for i := range m.write.parts {
		p := &m.write.parts[i]
		m.track(p.RegionID).synced = p.LastIndex
	}
	if m.w.observed {
		m.w.emitSynced(m.id, m.write.id)
	}
	m.finishWrite()
}

// sync makes what was written durable; unless nobody does, and everybody believes it.
func (m *machine) sync() error {
	if m.bugs.Has(store.BugNoFsync) {
		return nil
	}
	return m.engine.Sync()
}

// finishWrite sends what waited for the batch, tells the store, and takes its next turn.
func (m *machine) finishWrite() {
	waited := m.write.ready.AfterSync
	m.write = write{}
	m.w.send(waited)
	m.drive(func() {
		m.store.Advance()
		m.settle()
	})
}

package sim

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

func validateCrash(a *sessionpb.CrashStore) error {
	switch {
	case a.GetKeeps() < 0 || a.GetKeeps() > sessionpb.CrashKeeps_CRASH_KEEPS_ALL_BUT_TORN:
		return fmt.Errorf("a crash cannot keep %d", a.GetKeeps())
	case a.GetMoment() < 0 || a.GetMoment() > sessionpb.CrashMoment_CRASH_MOMENT_BEFORE_SYNC:
		return fmt.Errorf("there is no moment %d to crash at", a.GetMoment())
	}
	return nil
}

// crashStore crashes a store now, or sees to it that the store will crash.
func (w *World) crashStore(a *sessionpb.CrashStore) error {
	m, err := w.existing(a.GetStoreId())
	switch {
	case err != nil:
		return err
	case m.store == nil:
		return fmt.Errorf("S%d is down already", m.id)
	case a.GetMoment() == sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED:
		w.crash(m, a.GetKeeps())
		return nil
	case a.GetMoment() == m.armed.moment && a.GetKeeps() == m.armed.keeps:
		return fmt.Errorf("S%d is about to crash in that way already", m.id)
	}
	m.armed.moment, m.armed.keeps = a.GetMoment(), a.GetKeeps()
	m.tellArmed()
	return nil
}

// crash cuts a store's power. What stood at its door is lost as what is sent to a store that is down.
func (w *World) crash(m *machine, keeps sessionpb.CrashKeeps) {
	crashed := m.crash(keeps)
	if w.observed {
		crashed.Store = m.state()
		w.emit(m.id, &sessionpb.Event{Body: &sessionpb.Event_StoreCrashed{StoreCrashed: crashed}})
	}
	m.tellArmed()
	m.emptyDoor()
}

// crash takes the store with its memory, and what its disk had not synced but for what the crash keeps: that is durable
// from here on. The batch on the disk is the last of those; a torn one is dropped by its checksum.
func (m *machine) crash(keeps sessionpb.CrashKeeps) *sessionpb.StoreCrashed {
	batches, _ := m.engine.Unsynced()
	halfway := m.write.busy && !m.write.written
	if halfway {
		batches++
	}
	// Drawn always, so that what one crash keeps does not depend on what others did.
	keep := int(m.crashes.below(uint64(batches) + 1))
	torn := false
	switch keeps {
	case sessionpb.CrashKeeps_CRASH_KEEPS_UNSPECIFIED:
		keep = 0
	case sessionpb.CrashKeeps_CRASH_KEEPS_ALL_BUT_TORN:
		keep = max(batches-1, 0)
		torn = m.bugs.Has(store.BugTornWriteKept)
	}
	bytesLost := 0
	if batch := m.write.ready.Batch; halfway && batch != nil {
		if torn || keep == batches {
			// It reaches the disk after all, or a part of it. Memory's writes do not fail.
			_ = m.engine.Write(batch)
		} else {
			bytesLost = batch.SizeBytes()
		}
	}
	if torn {
		bytesLost += m.engine.CrashTorn(keep)
	} else {
		bytesLost += m.engine.Crash(keep)
	}
	m.halt()
	return &sessionpb.StoreCrashed{
		BatchesLost: uint32(batches - keep), BytesLost: uint32(bytesLost), Keeps: keeps, BatchesKept: uint32(keep)}
}

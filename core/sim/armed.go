package sim

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// armed is what will go wrong with a store's disk, and whether the store will crash between a write and its sync. A disk's
// fault outlives the store; a crash that was to come does not.
type armed struct {
	disk   sessionpb.DiskFault
	moment sessionpb.CrashMoment
	keeps  sessionpb.CrashKeeps
}

// tellArmed tells what is armed when that has changed.
func (m *machine) tellArmed() {
	if m.armed == m.told {
		return
	}
	m.told = m.armed
	if m.w.observed {
		m.w.emit(m.id, &sessionpb.Event{Body: &sessionpb.Event_FaultArmed{FaultArmed: &sessionpb.FaultArmed{
			DiskFault: m.armed.disk, CrashMoment: m.armed.moment, CrashKeeps: m.armed.keeps}}})
	}
}

func validateDiskFault(fault sessionpb.DiskFault) error {
	if fault < 0 || fault > sessionpb.DiskFault_DISK_FAULT_FULL {
		return fmt.Errorf("there is no fault %d of a disk", fault)
	}
	return nil
}

// failDisk arms a fault of a store's disk, in place of the one before, or mends it. The store need not be up.
func (w *World) failDisk(a *sessionpb.FailDisk) error {
	m, err := w.existing(a.GetStoreId())
	switch {
	case err != nil:
		return err
	case a.GetFault() == m.armed.disk && a.GetFault() == sessionpb.DiskFault_DISK_FAULT_UNSPECIFIED:
		return fmt.Errorf("S%d's disk has no fault to be mended", m.id)
	case a.GetFault() == m.armed.disk:
		return fmt.Errorf("S%d's disk has that fault already", m.id)
	}
	m.armed.disk = a.GetFault()
	m.tellArmed()
	return nil
}

// writeFails is a fault's effect on a write: nothing of the batch is in the engine, and the store gives up. It has sent
// nothing that the batch was to make good.
func (m *machine) writeFails() bool {
	switch m.armed.disk {
	case sessionpb.DiskFault_DISK_FAULT_WRITE_ERROR:
		m.armed.disk = sessionpb.DiskFault_DISK_FAULT_UNSPECIFIED
		m.stop("the disk failed to write")
	case sessionpb.DiskFault_DISK_FAULT_FULL:
		m.stop("the disk is full")
	default:
		return false
	}
	return true
}

// syncFails is a fault's effect on a sync. As on Linux nobody knows afterwards what of the batches since the last one is on
// the disk, and a second sync would not say: they count as lost, and the store gives up instead of trying again ("Can
// applications recover from fsync failures?", Rebello and others 2020). Nothing of them was acknowledged.
func (m *machine) syncFails() bool {
	if m.armed.disk != sessionpb.DiskFault_DISK_FAULT_SYNC_ERROR {
		return false
	}
	m.armed.disk = sessionpb.DiskFault_DISK_FAULT_UNSPECIFIED
	m.engine.Crash(0)
	m.stop("the disk failed to sync: what was not durable is lost")
	return true
}

package sim_test

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// The actions that make disks, processes and clocks fail.

const (
	keepsNone = sessionpb.CrashKeeps_CRASH_KEEPS_UNSPECIFIED
	keepsSome = sessionpb.CrashKeeps_CRASH_KEEPS_SOME
	keepsTorn = sessionpb.CrashKeeps_CRASH_KEEPS_ALL_BUT_TORN

	mended     = sessionpb.DiskFault_DISK_FAULT_UNSPECIFIED
	writeError = sessionpb.DiskFault_DISK_FAULT_WRITE_ERROR
	syncError  = sessionpb.DiskFault_DISK_FAULT_SYNC_ERROR
	diskFull   = sessionpb.DiskFault_DISK_FAULT_FULL
)

func crashKeeping(store uint64, keeps sessionpb.CrashKeeps) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: store, Keeps: keeps}}}
}

func crashBeforeSync(store uint64, keeps sessionpb.CrashKeeps) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{
		StoreId: store, Keeps: keeps, Moment: sessionpb.CrashMoment_CRASH_MOMENT_BEFORE_SYNC}}}
}

func failDisk(store uint64, fault sessionpb.DiskFault) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_FailDisk{FailDisk: &sessionpb.FailDisk{StoreId: store, Fault: fault}}}
}

func setDisk(store uint64, disk *sessionpb.Disk) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetDisk{SetDisk: &sessionpb.SetDisk{StoreId: store, Disk: disk}}}
}

func corruptDisk(store uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_CorruptDisk{CorruptDisk: &sessionpb.CorruptDisk{StoreId: store}}}
}

func restartWiped(store uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_RestartStore{
		RestartStore: &sessionpb.RestartStore{StoreId: store, Wiped: true}}}
}

func pause(store uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_PauseStore{PauseStore: &sessionpb.PauseStore{StoreId: store}}}
}

func resume(store uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_ResumeStore{ResumeStore: &sessionpb.ResumeStore{StoreId: store}}}
}

func setClock(store uint64, clock *sessionpb.Clock, jump int64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetClock{SetClock: &sessionpb.SetClock{
		StoreId: store, Clock: clock, JumpMicros: jump}}}
}

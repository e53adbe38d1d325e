package swarm

import (
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// deedOf names what an action does to a cluster, and tells whether that is a fault. What ends a fault, and what clients
// ask for, has no name.
func deedOf(a *sessionpb.Action) (name string, fault bool) {
	switch b := a.GetAction().(type) {
	case *sessionpb.Action_Propose:
		return adminOf(b.Propose.GetRequest().GetAdmin()), false
	case *sessionpb.Action_AddStore:
		return "store added", false
	case *sessionpb.Action_CrashStore:
		return crashes[b.CrashStore.GetMoment()] + keeps[b.CrashStore.GetKeeps()], true
	case *sessionpb.Action_RestartStore:
		if b.RestartStore.GetWiped() {
			return "disk wiped", true
		}
	case *sessionpb.Action_TimeOutStore:
		return "election timer fired by hand", true
	case *sessionpb.Action_SetNetwork:
		return networkOf(b.SetNetwork.GetNetwork())
	case *sessionpb.Action_SetLinks:
		for _, l := range b.SetLinks.GetLinks() {
			switch {
			case l.GetCut():
				return "link cut", true
			case l.GetClogged():
				return "link clogged", true
			case l.GetNetwork() != nil:
				return "link slow and lossy", true
			}
		}
	case *sessionpb.Action_Partition:
		if name := partitions[b.Partition.GetKind()]; name != "" {
			return name, true
		}
	case *sessionpb.Action_SetFilters:
		for _, f := range b.SetFilters.GetFilters() {
			return filters[f.GetDeed()], true
		}
	case *sessionpb.Action_SetDisk:
		if b.SetDisk.GetDisk() != nil {
			return "slow disk", true
		}
	case *sessionpb.Action_FailDisk:
		if name := diskFaults[b.FailDisk.GetFault()]; name != "" {
			return name, true
		}
	case *sessionpb.Action_CorruptDisk:
		return "disk corrupted", true
	case *sessionpb.Action_PauseStore:
		return "store paused", true
	case *sessionpb.Action_SetClock:
		switch c := b.SetClock; {
		case c.GetJumpMicros() != 0:
			return "clock jumps", true
		case c.GetClock().GetLateMicros() != 0:
			return "late ticks", true
		case c.GetClock().GetRatePpm() != 0:
			return "clock runs fast or slow", true
		}
	}
	return "", false
}

var crashes = map[sessionpb.CrashMoment]string{
	sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED: "crash",
	sessionpb.CrashMoment_CRASH_MOMENT_BEFORE_SYNC: "crash between write and sync",
}

var keeps = map[sessionpb.CrashKeeps]string{
	sessionpb.CrashKeeps_CRASH_KEEPS_UNSPECIFIED:  "",
	sessionpb.CrashKeeps_CRASH_KEEPS_SOME:         " that keeps some batches",
	sessionpb.CrashKeeps_CRASH_KEEPS_ALL_BUT_TORN: " that tears a batch",
}

var partitions = map[sessionpb.PartitionKind]string{
	sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC: "partition",
	sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY:   "partition one way",
	sessionpb.PartitionKind_PARTITION_KIND_RING:      "partition to a ring",
	sessionpb.PartitionKind_PARTITION_KIND_BRIDGE:    "partition with a bridge",
}

var filters = map[sessionpb.FilterDeed]string{
	sessionpb.FilterDeed_FILTER_DEED_LOSE:      "filter that loses",
	sessionpb.FilterDeed_FILTER_DEED_HOLD:      "filter that holds",
	sessionpb.FilterDeed_FILTER_DEED_DELAY:     "filter that delays",
	sessionpb.FilterDeed_FILTER_DEED_DUPLICATE: "filter that duplicates",
}

var diskFaults = map[sessionpb.DiskFault]string{
	sessionpb.DiskFault_DISK_FAULT_WRITE_ERROR: "write error",
	sessionpb.DiskFault_DISK_FAULT_SYNC_ERROR:  "sync error",
	sessionpb.DiskFault_DISK_FAULT_FULL:        "full disk",
}

func networkOf(n *sessionpb.Network) (name string, fault bool) {
	switch {
	case n.GetLossPpm() > 0:
		return "network loses messages", true
	case n.GetSlowPpm() > 0:
		return "network has a slow tail", true
	case n.GetDuplicatePpm() > 0:
		return "network duplicates", true
	case n.GetReorderPpm() > 0:
		return "network reorders", true
	case n.GetBytesPerSecond() > 0:
		return "network is narrow", true
	}
	return "", false
}

func adminOf(admin *raftcmdpb.AdminRequest) string {
	switch b := admin.GetRequest().(type) {
	case *raftcmdpb.AdminRequest_Split:
		return "split asked for"
	case *raftcmdpb.AdminRequest_ChangePeers:
		if b.ChangePeers.GetLeaveJoint() {
			return "joint configuration to be left"
		}
		if len(b.ChangePeers.GetChanges()) > 1 {
			return "change of several members asked for"
		}
		return "change of a member asked for"
	case *raftcmdpb.AdminRequest_CompactLog:
		return "compaction asked for"
	case *raftcmdpb.AdminRequest_TransferLeader:
		return "transfer asked for"
	}
	return ""
}

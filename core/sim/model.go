package sim

import (
	"fmt"
	"slices"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// LeavesModel says what of an action, in a run so configured, neither Raft nor the leases of this store promise to survive:
// a sentence for each reason, none for what they bear. Without an action it judges the configuration. What a judge finds
// after such a fault is no fault of Raft's. See docs/decisions/faults.md.
func LeavesModel(cfg *sessionpb.Config, action *sessionpb.Action) []string {
	var reasons []string
	add := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	switch a := action.GetAction().(type) {
	case nil:
		if len(cfg.GetBugs()) > 0 {
			add("the stores are broken on purpose")
		}
		for _, own := range cfg.GetClocks() {
			if cfg.GetRaft().GetLeaseReads() && drifts(own.GetClock()) {
				add(driftsText, own.GetStoreId())
			}
		}
	case *sessionpb.Action_RestartStore:
		if a.RestartStore.GetWiped() {
			add("S%d started on an empty disk: it has forgotten its votes and the entries it acknowledged", a.RestartStore.GetStoreId())
		}
	case *sessionpb.Action_CorruptDisk:
		add("S%d's disk changed what was written to it: Raft copies what its members wrote and believes what they read", a.CorruptDisk.GetStoreId())
	case *sessionpb.Action_SetClock:
		id, lease := a.SetClock.GetStoreId(), cfg.GetRaft().GetLeaseReads()
		if lease && drifts(a.SetClock.GetClock()) {
			add(driftsText, id)
		}
		switch jump := a.SetClock.GetJumpMicros(); {
		case lease && jump < 0:
			add("S%d's clock went back: a lease that it counts lasts longer than the promises it is made of", id)
		case lease && jump > 0:
			add("S%d's clock leapt: after a restart it may vote before a promise that it forgot has ended, on which a lease counts", id)
		}
	case *sessionpb.Action_TimeOutStore:
		if readsByLease(cfg) {
			add("S%d's election timer was fired by hand: it did not wait as it had promised its leader, on which a lease counts", a.TimeOutStore.GetStoreId())
		}
	case *sessionpb.Action_SetElectionTimeout:
		if set := a.SetElectionTimeout; readsByLease(cfg) && set.GetTimeoutTicks() < cfg.GetRaft().GetElectionTicksMin() {
			add("S%d's election timeout was set shorter than the shortest, on which a lease counts", set.GetStoreId())
		}
	}
	return reasons
}

const driftsText = "S%d's clock runs further from true time than leases allow for"

// drifts tells whether a clock runs faster or slower than leases allow for: too slow a leader believes in its lease for too
// long, too quick a follower ends its promise too soon. Late ticks only make the promise longer.
func drifts(c *sessionpb.Clock) bool {
	off := rateOf(c) - rateTrue
	return max(off, -off) > store.DefaultConfig().ClockDriftPPMMax
}

// readsByLease tells whether clients that work by themselves read in leases. A person who fires a timer by hand and asks by
// hand sees what comes of it: that is no reason to speak of it each time.
func readsByLease(cfg *sessionpb.Config) bool {
	return cfg.GetRaft().GetLeaseReads() && slices.ContainsFunc(cfg.GetWorkloads(), func(l *sessionpb.Workload) bool {
		return slices.Contains(l.GetReadModes(), raftcmdpb.ReadMode_READ_MODE_LEASE)
	})
}

// leaveModel notes, and tells once, each reason for which the run is outside of what Raft promises from here on.
func (w *World) leaveModel(action *sessionpb.Action) {
	for _, why := range LeavesModel(w.config, action) {
		if slices.Contains(w.modelLeft, why) {
			continue
		}
		w.modelLeft = append(w.modelLeft, why)
		if w.observed {
			w.emit(0, &sessionpb.Event{Body: &sessionpb.Event_ModelLeft{ModelLeft: &sessionpb.ModelLeft{Why: why}}})
		}
	}
}

package swarm

import (
	"cmp"
	"maps"
	"slices"

	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// Coverage counts how often each kind of fault, change and judge's case occurred, by name.
type Coverage map[string]uint64

func (c Coverage) add(other map[string]uint64) {
	for name, n := range other {
		c[name] += n
	}
}

// Line is one name with its count.
type Line struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

// Lines are all names that a swarm wants to see, with their counts: zeros first, then by name.
func (c Coverage) Lines(unsafe bool) []Line {
	var lines []Line
	for _, name := range slices.Sorted(maps.Keys(wanted(unsafe))) {
		lines = append(lines, Line{name, c[name]})
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return cmp.Compare(min(a.Count, 1), min(b.Count, 1)) })
	return lines
}

// event counts what happens rather than what was asked for.
func (c Coverage) event(e *sessionpb.Event) {
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_MessageSent:
		if b.MessageSent.GetMessage().GetCopyOf() != 0 {
			c["message sent twice"]++
		}
		// A filter holds a message as it is sent.
		if reason := b.MessageSent.GetMessage().GetHeld(); reason != 0 {
			c[holds[reason]]++
		}
	case *sessionpb.Event_MessageLost:
		c[losses[b.MessageLost.GetReason()]]++
	case *sessionpb.Event_MessageHeld:
		c[holds[b.MessageHeld.GetReason()]]++
	case *sessionpb.Event_StoreCrashed:
		if b.StoreCrashed.GetBatchesLost() > 0 {
			c["crash that loses a batch"]++
		}
		if b.StoreCrashed.GetBatchesKept() > 0 {
			c["crash that keeps a batch that was not synced"]++
		}
	case *sessionpb.Event_StoreStopped:
		c["store stops for a reason of its own"]++
	case *sessionpb.Event_SnapshotRestored:
		c["snapshot restored"]++
	case *sessionpb.Event_PeerDestroyed:
		c["peer destroyed"]++
	case *sessionpb.Event_LogCompacted:
		c["log compacted"]++
	case *sessionpb.Event_RegionChanged:
		c[regionChanges[b.RegionChanged.GetReason()]]++
	case *sessionpb.Event_OperationStarted:
		if b.OperationStarted.GetOperation().GetRetryOf() != 0 {
			c["operation tried again"]++
		}
	}
}

var losses = map[sessionpb.LossReason]string{
	sessionpb.LossReason_LOSS_REASON_NETWORK:    "message lost by the network",
	sessionpb.LossReason_LOSS_REASON_STORE_DOWN: "message for a store that is down",
	sessionpb.LossReason_LOSS_REASON_REFUSED:    "message refused by its store",
	sessionpb.LossReason_LOSS_REASON_CUT:        "message lost on a cut link",
	sessionpb.LossReason_LOSS_REASON_FILTER:     "message lost by a filter",
}

var holds = map[sessionpb.HoldReason]string{
	sessionpb.HoldReason_HOLD_REASON_FILTER:  "message held by a filter",
	sessionpb.HoldReason_HOLD_REASON_CLOGGED: "message held on a clogged link",
	sessionpb.HoldReason_HOLD_REASON_PAUSED:  "message at the door of a paused store",
}

var regionChanges = map[sessionpb.RegionChangeReason]string{
	sessionpb.RegionChangeReason_REGION_CHANGE_REASON_CONF_CHANGE: "members changed",
	sessionpb.RegionChangeReason_REGION_CHANGE_REASON_SPLIT:       "region split",
}

// wanted are the names of which none may be missing from a swarm.
func wanted(unsafe bool) map[string]bool {
	names := map[string]bool{
		"message sent twice": true, "crash that loses a batch": true, "crash that keeps a batch that was not synced": true,
		"store stops for a reason of its own": true, "snapshot restored": true, "peer destroyed": true,
		"log compacted": true, "operation tried again": true,
	}
	for _, table := range []map[string]bool{values(losses), values(holds), values(regionChanges)} {
		maps.Copy(names, table)
	}
	for _, run := range sample(unsafe) {
		for _, a := range run.GetActions() {
			if name, _ := deedOf(a); name != "" {
				names[name] = true
			}
		}
	}
	for _, c := range check.New(nil).Cases() {
		names[c.Name] = true
	}
	return names
}

func values[K comparable](table map[K]string) map[string]bool {
	names := map[string]bool{}
	for _, name := range table {
		names[name] = true
	}
	return names
}

// sample are enough runs to hold every kind of action that a swarm may draw.
func sample(unsafe bool) []*sessionpb.Run {
	runs := make([]*sessionpb.Run, 200)
	for i := range runs {
		runs[i] = sim.Swarm(uint64(i)+1, unsafe)
	}
	return runs
}

package check

import (
	"slices"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// Stores that are broken on purpose, and what their judges have to say of them.
func TestABrokenStoreIsNoticed(t *testing.T) {
	for _, c := range []struct {
		bug    sessionpb.Bug
		judges []string
	}{
		{sessionpb.Bug_BUG_SEND_BEFORE_SYNC, []string{judgeSyncFirst, judgeDurableCommit}},
		{sessionpb.Bug_BUG_NO_FSYNC, []string{judgeDurability, judgeMonotonic}},
		{sessionpb.Bug_BUG_FORGET_VOTE, []string{judgeOneVote}},
		{sessionpb.Bug_BUG_FORGET_APPLIED, []string{judgeStateMachine}},
		{sessionpb.Bug_BUG_WRONG_QUORUM, []string{judgeDurableCommit}},
		{sessionpb.Bug_BUG_APPLY_BEFORE_COMMIT, []string{judgeStateMachine}},
	} {
		found := map[string]bool{}
		for seed := uint64(1); seed <= 8; seed++ {
			run := sim.Exercise(seed)
			run.Config.Bugs = []sessionpb.Bug{c.bug}
			run.Config.Disk.FsyncMicros = 30_000 // longer than a message takes
			var events recording
			j := New(func(v *sessionpb.Violation) {
				found[v.Judge] = true
				holdsUp(t, v, events)
			})
			if _, err := sim.Play(run, &events, j); err != nil {
				t.Fatalf("exercise %d with %s: %v", seed, c.bug, err)
			}
		}
		for _, judge := range c.judges {
			if !found[judge] {
				t.Errorf("%s: nothing from the judge of %s; found: %v", c.bug, judge, found)
			}
		}
	}
}

// holdsUp looks at a verdict's evidence: events in their order, up to the present one, and the kinds that tell the story.
func holdsUp(t *testing.T, v *sessionpb.Violation, events recording) {
	seqs := v.EvidenceSeqs
	last := events[len(events)-1]
	if len(seqs) == 0 || !slices.IsSorted(seqs) || seqs[0] == 0 || seqs[len(seqs)-1] != last.Seq {
		t.Fatalf("evidence %v at event %d: %v", seqs, last.Seq, v)
	}
	has := func(of func(*sessionpb.Event) bool) bool {
		return slices.ContainsFunc(seqs, func(seq uint64) bool { return of(events[seq-1]) })
	}
	switch v.Judge {
	case judgeSyncFirst:
		if last.GetMessageSent() == nil {
			t.Fatalf("a promise without its message: %v", v)
		}
	case judgeDurability:
		if !has(func(e *sessionpb.Event) bool { return e.GetSynced() != nil || e.GetStoreStarted() != nil }) ||
			!has(func(e *sessionpb.Event) bool { return e.GetStoreCrashed() != nil }) {
			t.Fatalf("something forgotten without a sync and a crash: %v", v)
		}
	case judgeDurableCommit:
		if last.GetCommitted() == nil && last.GetStoreCrashed() == nil && last.GetStoreStarted() == nil {
			t.Fatalf("a lost commit without its event: %v", v)
		}
	}
}

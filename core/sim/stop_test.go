package sim

import (
	"strings"
	"testing"

	"raftplay/core/engine"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

type events []*sessionpb.Event

func (r *events) Event(e *sessionpb.Event) { *r = append(*r, e) }

func TestAStoreThatCannotStartSaysWhy(t *testing.T) {
	var seen events
	w, err := New(DefaultConfig(), &seen)
	if err != nil {
		t.Fatal(err)
	}
	crash := &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: 2}}}
	restart := &sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: 2}}}
	if _, err := w.Act(crash); err != nil {
		t.Fatal(err)
	}
	whole := w.machines[1].engine
	w.machines[1].engine = engine.NewMemory()
	if _, err := w.Act(restart); err != nil {
		t.Fatal(err)
	}
	reason := seen[len(seen)-1].GetStoreStopped().GetReason()
	if !strings.HasPrefix(reason, "S2 does not start: ") {
		t.Errorf("the last event is %v, want a StoreStopped with its reason", seen[len(seen)-1])
	}
	if s := w.Keyframe().Stores[1]; s.Up || s.StoppedReason != reason {
		t.Errorf("the keyframe says up %v, %q", s.Up, s.StoppedReason)
	}
	w.RunUntil(5_000_000) // the others live on
	if w.Leader() == 0 {
		t.Error("four stores have no leader after 5 s")
	}
	w.machines[1].engine = whole
	if _, err := w.Act(restart); err != nil {
		t.Fatal(err)
	}
	if s := w.Keyframe().Stores[1]; !s.Up || s.StoppedReason != "" {
		t.Errorf("started again: up %v, %q", s.Up, s.StoppedReason)
	}
}

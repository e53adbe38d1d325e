package session

import (
	"strings"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func pauseStore(id uint64) *sessionpb.Command {
	return act(&sessionpb.Action{Action: &sessionpb.Action_PauseStore{PauseStore: &sessionpb.PauseStore{StoreId: id}}})
}

func TestAPausedStoreIsNotSteppedThroughItsTick(t *testing.T) {
	v := newViewer(t)
	v.must(pauseStore(2))
	if reply := v.try(step(sessionpb.StepUnit_STEP_UNIT_TICK, 2)); reply.GetFailure() != "S2 is paused and does not tick" {
		t.Fatalf("the reply is %v", reply)
	}
	v.must(step(sessionpb.StepUnit_STEP_UNIT_TICK, 1))
	for id := uint64(1); id <= 5; id++ {
		if id != 2 {
			v.must(pauseStore(id))
		}
	}
	for range 100 {
		if reply := v.try(step(sessionpb.StepUnit_STEP_UNIT_EVENT, 0)); reply.GetFailure() != "" {
			if !strings.Contains(reply.GetFailure(), "every store is down or paused") {
				t.Fatalf("the reply is %v", reply)
			}
			return
		}
	}
	t.Fatal("though every store is paused, events go on")
}

// A story tells what goes wrong, and going back over it shows the same.
func TestFaultsAreInteresting(t *testing.T) {
	v := newViewer(t)
	for _, a := range []*sessionpb.Action{
		{Action: &sessionpb.Action_FailDisk{FailDisk: &sessionpb.FailDisk{StoreId: 3, Fault: sessionpb.DiskFault_DISK_FAULT_FULL}}},
		{Action: &sessionpb.Action_SetClock{SetClock: &sessionpb.SetClock{StoreId: 4, JumpMicros: 1_000_000}}},
		{Action: &sessionpb.Action_PauseStore{PauseStore: &sessionpb.PauseStore{StoreId: 5}}},
		{Action: &sessionpb.Action_ResumeStore{ResumeStore: &sessionpb.ResumeStore{StoreId: 5}}},
	} {
		v.must(act(a))
	}
	told := v.events[1:]
	if len(told) != 5 {
		t.Fatalf("told are %v", told)
	}
	for _, e := range told {
		if !interesting(e) {
			t.Errorf("%v is not interesting", e)
		}
	}
	v.stepTo("S3 stops", func(e *sessionpb.Event) bool {
		return e.GetStoreId() == 3 && e.GetStoreStopped().GetReason() == "the disk is full"
	})
	hash, seq := v.hash(), uint64(len(v.events))
	v.must(seek(2))
	v.must(seek(seq))
	if again := v.hash(); again != hash {
		t.Errorf("the hash was %s and is %s after going back and forth", hash, again)
	}
}

package session

import (
	"slices"
	"strings"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
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

// Whatever brings a violation about, a step or a hand: a run that is to stop at one stops.
func TestAViolationThatAHandBringsAboutStopsPlaying(t *testing.T) {
	for _, stop := range []bool{true, false} {
		v := newViewer(t)
		cfg := sim.DefaultConfig()
		cfg.Bugs, cfg.StopAtViolation = []sessionpb.Bug{sessionpb.Bug_BUG_NO_FSYNC}, stop
		v.events = nil
		v.must(&sessionpb.Command{Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{Run: &sessionpb.Run{Config: cfg}}}})
		leader := v.elect()
		v.must(playAt(ppm))
		v.play(500_000)
		v.must(crash(leader))
		found := slices.ContainsFunc(v.events, func(e *sessionpb.Event) bool { return e.GetViolation() != nil })
		if !found || v.status.GetPlaying() == stop {
			t.Errorf("stop at a violation: %v; a violation: %v; playing: %v", stop, found, v.status.GetPlaying())
		}
		// Such a run begins with two events, and going back over them counts as it did.
		all, hash := len(v.events), v.hash()
		v.must(seek(3))
		v.must(seek(0))
		if len(v.events) != all || v.hash() != hash {
			t.Errorf("%d events with the hash %s became %d with %s", all, hash, len(v.events), v.hash())
		}
	}
}

package session

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func TestSourceGreetsOnceAndStartsARun(t *testing.T) {
	s := New("1.2.3")
	f := s.Handle(&sessionpb.Request{}, forever)
	if f.GetHello().GetVersion() != "1.2.3" || f.GetHello().GetProtocolVersion() != ProtocolVersion || len(f.GetEvents()) != 0 {
		t.Fatalf("got %v", f)
	}
	if s.Handle(&sessionpb.Request{}, forever).GetHello() != nil {
		t.Fatal("it greeted twice")
	}
	v := newViewer(t)
	if len(v.events) != 1 || len(v.events[0].GetRunStarted().GetStores()) != 5 {
		t.Fatalf("a run starts with %v", v.events)
	}
}

func TestNextEventShowsOneAndPreviousTakesOneBack(t *testing.T) {
	v := newViewer(t)
	for range 400 {
		before := len(v.events)
		v.must(step(sessionpb.StepUnit_STEP_UNIT_EVENT, 0))
		if len(v.events) != before+1 {
			t.Fatalf("%d events became %d", before, len(v.events))
		}
	}
	all := v.events
	for n := 399; n > 300; n-- {
		v.must(seek(uint64(n)))
		if len(v.events) != n {
			t.Fatalf("%d events after going back to %d", len(v.events), n)
		}
	}
	v.must(seek(0))
	for i := range all {
		if !proto.Equal(all[i], v.events[i]) {
			t.Fatalf("event %d differs after going back and forth:\n%v\n%v", i+1, all[i], v.events[i])
		}
	}
}

func TestNextEventThatIsNoTickPassesOverTicks(t *testing.T) {
	v := newViewer(t)
	v.must(step(sessionpb.StepUnit_STEP_UNIT_EVENT_BUT_TICK, 0))
	last := len(v.events) - 1
	if v.events[last].GetTicked() != nil || v.events[last].GetRoleChanged() == nil {
		t.Fatalf("the first event that is no tick is %v", v.events[last])
	}
	for _, e := range v.events[1:last] {
		if e.GetTicked() == nil {
			t.Fatalf("it passed over %v", e)
		}
	}
}

func TestTickGoesThroughTheStoresNextTick(t *testing.T) {
	v := newViewer(t)
	for n := uint32(1); n <= 3; n++ {
		v.must(step(sessionpb.StepUnit_STEP_UNIT_TICK, 4))
		var last *sessionpb.Event
		for _, e := range v.events {
			if e.GetTicked() != nil && e.GetStoreId() == 4 {
				last = e
			}
		}
		if got := last.GetTicked().GetTimers()[0].GetElapsedTicks(); got != n {
			t.Fatalf("tick %d shows %d elapsed", n, got)
		}
	}
	v.must(crash(4))
	if r := v.try(step(sessionpb.StepUnit_STEP_UNIT_TICK, 4)); !strings.Contains(r.GetFailure(), "S4 is down") {
		t.Fatalf("got %q", r.GetFailure())
	}
}

func TestNextMessageGoesThroughADelivery(t *testing.T) {
	v := newViewer(t)
	for range 5 {
		delivered := 0
		before := len(v.events)
		v.must(step(sessionpb.StepUnit_STEP_UNIT_MESSAGE, 0))
		for _, e := range v.events[before:] {
			if e.GetMessageDelivered() != nil || e.GetMessageLost() != nil {
				delivered++
			}
		}
		if delivered != 1 {
			t.Fatalf("%d deliveries", delivered)
		}
	}
}

func TestRefusedActionsChangeNothing(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	v.must(crash(leader))
	run, hash, seq := v.run(), v.hash(), v.status.GetSeq()
	for name, c := range map[string]*sessionpb.Command{
		"put to a crashed store": put(leader, "a", "1"),
		"crash twice":            crash(leader),
		"no such store":          crash(77),
		"empty key":              put(leader%5+1, "", "1"),
		"no such message": act(&sessionpb.Action{Action: &sessionpb.Action_DropMessage{
			DropMessage: &sessionpb.DropMessage{MessageId: 1 << 40}}}),
		"loss of 130 %": act(&sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
			Network: &sessionpb.Network{LatencyMicros: 20_000, LossPpm: 1_300_000}}}}),
		"empty action": act(&sessionpb.Action{}),
		"no action":    act(nil),
		"empty":        {},
		"too fast":     playAt(1 << 40),
		"no such step": step(99, 0),
		"beyond":       seek(1 << 40),
		"no branch":    {Command: &sessionpb.Command_SwitchBranch{SwitchBranch: &sessionpb.SwitchBranch{BranchId: 9}}},
		"bad run": {Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{Run: &sessionpb.Run{
			Config: &sessionpb.Config{Stores: 900}}}}},
	} {
		r := v.try(c)
		if r.GetFailure() == "" || strings.Count(r.GetFailure(), "\n") > 0 {
			t.Errorf("%s: failure is %q", name, r.GetFailure())
		}
		if v.status.GetSeq() != seq || v.status.GetPlaying() {
			t.Errorf("%s: moved to %v", name, v.status)
		}
	}
	if !proto.Equal(v.run(), run) || v.hash() != hash {
		t.Error("the run changed")
	}
}

func TestStoryIsSlowWhileSomethingFliesAndQuickWhileNothingDoes(t *testing.T) {
	v := newViewer(t)
	v.must(&sessionpb.Command{Command: &sessionpb.Command_Play{Play: &sessionpb.Play{
		Pace: sessionpb.Pace_PACE_STORY, FlightMicros: 300_000}}})
	sent := map[uint64]int64{} // wall time of sending, by message
	var wall, leaderAt int64
	quick := false
	for wall = 0; wall < 8_000_000; wall += 16_667 {
		v.send(&sessionpb.Request{ElapsedMicros: 16_667}, forever)
		quick = quick || v.status.GetQuick()
		if v.status.GetQuick() && v.status.GetMessagesInFlight() > 0 {
			t.Fatal("quick while messages fly")
		}
		if leaderAt == 0 && v.s.line.world.Leader() != 0 {
			leaderAt = wall
		}
		for _, e := range v.frame.GetEvents() {
			if m := e.GetMessageSent().GetMessage(); m != nil {
				sent[m.GetId()] = wall
			}
			if m := e.GetMessageDelivered(); m != nil && wall-sent[m.GetId()] < 300_000-2*16_667 {
				t.Fatalf("message %d flew for %d µs of wall time", m.GetId(), wall-sent[m.GetId()])
			}
		}
	}
	if !quick || leaderAt == 0 || leaderAt > 5_000_000 {
		t.Fatalf("quick %v, leader after %d µs of wall time", quick, leaderAt)
	}
}

func TestWorkStopsWhenTheBudgetIsSpent(t *testing.T) {
	v := newViewer(t)
	v.must(playAt(speedMax))
	for range 5 {
		asked := 0
		v.send(&sessionpb.Request{ElapsedMicros: 100_000}, func() bool { asked++; return asked < 10 })
		if asked != 10 {
			t.Fatalf("asked %d times", asked)
		}
	}
	before := len(v.events)
	v.must(&sessionpb.Command{Command: &sessionpb.Command_Pause{Pause: &sessionpb.Pause{}}})
	v.play(1_000_000)
	if len(v.events) != before || v.status.GetPlaying() {
		t.Fatal("it goes on after Pause")
	}
	// Going back takes many small pieces, and arrives.
	v.must(playAt(speedMax))
	v.play(3_000_000)
	v.id++
	c := seek(100)
	c.Id = v.id
	v.send(&sessionpb.Request{Commands: []*sessionpb.Command{c}}, func() bool { return false })
	frames := 1
	for ; v.status.GetSeq() != 100; frames++ {
		if w := v.status.GetWork(); w.GetWhat() == "" {
			t.Fatal("the viewer is not told what is going on")
		}
		v.send(&sessionpb.Request{}, func() bool { return false })
	}
	if v.frame.GetReplies()[0].GetCommandId() != v.id {
		t.Fatalf("no reply after %d frames", frames)
	}
}

func TestStepAndPauseInOneRequestDoBoth(t *testing.T) {
	v := newViewer(t)
	first, second := step(sessionpb.StepUnit_STEP_UNIT_EVENT, 0), &sessionpb.Command{
		Command: &sessionpb.Command_Pause{Pause: &sessionpb.Pause{}}}
	first.Id, second.Id = 50, 51
	v.send(&sessionpb.Request{Commands: []*sessionpb.Command{first, second}}, forever)
	for i, r := range v.frame.GetReplies() {
		if r.GetFailure() != "" || r.GetCommandId() != uint64(50+i) {
			t.Fatalf("replies are %v", v.frame.GetReplies())
		}
	}
}

func TestBudgetIsAskedForBetweenCommands(t *testing.T) {
	v := newViewer(t)
	var commands []*sessionpb.Command
	for id := range uint64(100) {
		commands = append(commands, &sessionpb.Command{Id: 100 + id, Command: &sessionpb.Command_GetKeyframe{
			GetKeyframe: &sessionpb.GetKeyframe{}}})
	}
	v.send(&sessionpb.Request{Commands: commands}, func() bool { return false })
	replies := len(v.frame.GetReplies())
	if replies != 1 || v.status.GetWork() == nil {
		t.Fatalf("%d replies within no budget", replies)
	}
	for ; replies < len(commands); replies += len(v.frame.GetReplies()) {
		v.send(&sessionpb.Request{}, func() bool { return false })
	}
}

func TestKeyframeOnDemandIsThePresent(t *testing.T) {
	v := newViewer(t)
	v.elect()
	v.must(&sessionpb.Command{Command: &sessionpb.Command_GetKeyframe{GetKeyframe: &sessionpb.GetKeyframe{}}})
	if v.frame.GetKeyframe().GetSeq() != uint64(len(v.events)) {
		t.Fatalf("keyframe at %d of %d", v.frame.GetKeyframe().GetSeq(), len(v.events))
	}
}

package sim_test

import (
	"slices"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func TestARunStartsWithItsConfigurationAndEveryStore(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	if len(seen) != 1 || seen[0].Seq != 1 || seen[0].Step != 0 || seen[0].TimeMicros != 0 {
		t.Fatalf("events %v, want RunStarted with number 1", seen)
	}
	started := seen[0].GetRunStarted()
	if started.GetConfig().GetSeed() != 1 || len(started.GetStores()) != 5 || w.Seq() != 1 {
		t.Fatalf("started %v", started)
	}
	for i, s := range started.GetStores() {
		p := s.GetPeers()[0]
		if s.Id != uint64(i+1) || !s.Up || p.PeerId != 101+uint64(i) || p.Role != sessionpb.Role_ROLE_FOLLOWER ||
			p.Timer.GetTimeoutTicks() < 15 || p.Timer.GetTimeoutTicks() > 29 {
			t.Errorf("S%d starts as %v", i+1, s)
		}
	}
}

func TestEventsAreNumberedAndInOrder(t *testing.T) {
	var seen recording
	w, err := sim.Play(sim.Exercise(2), &seen)
	if err != nil {
		t.Fatal(err)
	}
	var step uint64
	var micros int64
	for i, e := range seen {
		if e.Seq != uint64(i+1) || e.Step < step || e.TimeMicros < micros {
			t.Fatalf("event %d has number %d, step %d after %d, time %d after %d", i+1, e.Seq, e.Step, step, e.TimeMicros, micros)
		}
		step, micros = e.Step, e.TimeMicros
	}
	if w.Seq() != uint64(len(seen)) {
		t.Errorf("the world stands at event %d of %d", w.Seq(), len(seen))
	}
}

func TestEveryStepHasAnEvent(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	for range 2_000 {
		before := len(seen)
		w.Step()
		if len(seen) == before {
			t.Fatalf("nothing happens in step %d", w.Steps())
		}
	}
}

func TestALeaderIsElectedSoonAndAgainAfterItsCrash(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		cfg := sim.DefaultConfig()
		cfg.Seed = seed
		w, err := sim.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		first := elect(t, w)
		if w.Now() > 5_000_000 {
			t.Errorf("seed %d: the first leader stands after %d ms", seed, w.Now()/1000)
		}
		_, term, _ := w.Store(first).Role(1)
		act(t, w, crash(first))
		second := elect(t, w)
		if _, next, _ := w.Store(second).Role(1); second == first || next <= term {
			t.Errorf("seed %d: S%d leads term %d, after S%d led term %d", seed, second, next, first, term)
		}
	}
}

func TestTheClockObeys(t *testing.T) {
	w := newWorld(t)
	due, ok := w.NextDue()
	if !ok || due >= 100_000 {
		t.Fatalf("the first thing is due at %d, %v; want a tick within 100 ms", due, ok)
	}
	if err := w.AdvanceTo(due); err != nil || w.Now() != due || w.Steps() != 0 {
		t.Errorf("advance to what is due: %v, now %d, %d steps", err, w.Now(), w.Steps())
	}
	if err := w.AdvanceTo(due - 1); err == nil {
		t.Error("the clock went back")
	}
	if err := w.AdvanceTo(due + 1); err == nil || w.Now() != due {
		t.Errorf("advanced past what is due: %v, now %d", err, w.Now())
	}
	w.RunUntil(due)
	if next, _ := w.NextDue(); w.Steps() == 0 || next <= due || w.Now() != due {
		t.Errorf("ran until %d: %d steps, now %d, next %d", due, w.Steps(), w.Now(), next)
	}
	w.RunUntil(1_000_000)
	if w.Now() != 1_000_000 {
		t.Errorf("ran until 1 s, the clock says %d", w.Now())
	}
	w.RunUntil(500_000)
	if w.Now() != 1_000_000 {
		t.Errorf("running until the past moved the clock to %d", w.Now())
	}
	if w.RunWhile(1_200_000, func() bool { return true }) || w.Now() > 1_200_000 {
		t.Errorf("what never ceases has ceased by %d", w.Now())
	}
}

func TestSteppingThroughATickOrAMessage(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	for _, store := range []uint64{3, 3, 1, 0} {
		from := len(seen)
		if err := w.StepThroughTick(store); err != nil {
			t.Fatal(err)
		}
		var ticks []uint64
		for _, e := range seen[from:] {
			if e.GetTicked() != nil {
				ticks = append(ticks, e.StoreId)
			}
		}
		switch i := slices.Index(ticks, store); {
		case store == 0 && len(ticks) != 1:
			t.Errorf("any store: ticks of %v", ticks)
		case store != 0 && i != len(ticks)-1:
			t.Errorf("S%d: ticks of %v", store, ticks)
		}
	}
	for range 20 {
		from := len(seen)
		if err := w.StepThroughDelivery(); err != nil {
			t.Fatal(err)
		}
		arrivals := 0
		for _, e := range seen[from:] {
			if e.GetMessageDelivered() != nil || e.GetMessageLost() != nil {
				arrivals++
			}
		}
		if arrivals != 1 {
			t.Fatalf("%d arrivals in one step through a delivery", arrivals)
		}
	}
	for id := uint64(1); id <= 5; id++ {
		act(t, w, crash(id))
	}
	if err := w.StepThroughTick(2); err == nil || err.Error() != "S2 is down: restart it first" {
		t.Errorf("tick of a store that is down: %v", err)
	}
	w.RunUntil(w.Now() + 1_000_000)
	if w.Step() || w.StepThroughTick(0) == nil || w.StepThroughDelivery() == nil {
		t.Error("something happens though every store is down")
	}
}

// gossip reports a violation at every leader's election.
type gossip struct {
	recording
	w *sim.World
}

func (g *gossip) Event(e *sessionpb.Event) {
	g.recording.Event(e)
	if e.GetRoleChanged().GetRole() == sessionpb.Role_ROLE_LEADER {
		g.w.Report(&sessionpb.Violation{Judge: "gossip", EvidenceSeqs: []uint64{e.Seq}})
	}
}

func TestAReportIsAnEventForEverybody(t *testing.T) {
	w := newWorld(t)
	first, second := &gossip{w: w}, &recording{}
	w.Observe(first, second)
	elect(t, w)
	w.Report(&sessionpb.Violation{Judge: "between steps"})
	if !slices.Equal(first.recording, *second) {
		t.Error("the observers were told different things")
	}
	var judges []string
	for i, e := range *second {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		if v := e.GetViolation(); v != nil {
			judges = append(judges, v.Judge)
		}
	}
	if len(judges) < 2 || judges[0] != "gossip" || judges[len(judges)-1] != "between steps" {
		t.Errorf("violations by %v", judges)
	}
}

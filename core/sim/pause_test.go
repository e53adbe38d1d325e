package sim_test

import (
	"fmt"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func leaseRead(store uint64, key string) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		StoreId: store, Request: read(readLease, key)}}}
}

// A paused store does nothing, and others cannot tell: its messages wait at its door, its clients wait, and it is as it was.
func TestAPausedStoreDoesNothing(t *testing.T) {
	var seen recording
	w, leader := settledLeader(t, 1, &seen)
	follower := leader%5 + 1
	act(t, w, put(leader, "city", "Nara"))
	stepTo(t, w, &seen, follower, func(e *sessionpb.Event) bool { return e.GetWriteStarted() != nil })
	act(t, w, pause(follower))
	if s := state(w, follower); !s.Paused || !s.Up || len(s.Writes) != 1 || !w.Paused(follower) {
		t.Fatalf("paused it is %v", s)
	}
	from := len(seen)
	id := act(t, w, leaseRead(follower, "city"))
	w.RunUntil(w.Now() + 1_000_000)
	held := 0
	for _, e := range seen[from:] {
		switch {
		case e.GetMessageHeld() != nil:
			held++
		case e.StoreId == follower && e.GetOperationStarted() == nil:
			t.Fatalf("while paused it does %v", e)
		}
	}
	for _, m := range w.Keyframe().Messages {
		if m.Held == sessionpb.HoldReason_HOLD_REASON_PAUSED && m.ToStore == follower {
			held--
		}
	}
	if held != 0 || seen.ended(id) != nil {
		t.Errorf("%d messages are not where they were said to be held; the command is answered %v", held, seen.ended(id))
	}
}

// What fell due while a store was paused happens when it is resumed, in order, its missed ticks as one.
func TestAResumedStoreCatchesUpInOrder(t *testing.T) {
	var seen recording
	w, leader := settledLeader(t, 1, &seen)
	follower := leader%5 + 1
	act(t, w, put(leader, "city", "Nara"))
	stepTo(t, w, &seen, follower, func(e *sessionpb.Event) bool { return e.GetWriteStarted() != nil })
	act(t, w, pause(follower))
	id := act(t, w, leaseRead(follower, "city"))
	w.RunUntil(w.Now() + 1_000_000)
	var held []uint64
	for _, e := range seen {
		if m := e.GetMessageHeld(); m != nil {
			held = append(held, m.Id)
		}
	}
	from, resumed := len(seen), w.Now()
	act(t, w, resume(follower))
	w.RunUntil(resumed + 150_000)
	var delivered []uint64
	var ticks []int64
	first := true
	for _, e := range seen[from:] {
		if e.StoreId != follower {
			continue
		}
		switch b := e.Body.(type) {
		case *sessionpb.Event_StoreResumed:
			first = false
		case *sessionpb.Event_MessageRescheduled:
			if b.MessageRescheduled.DueMicros != resumed {
				t.Errorf("%v at %d", e, resumed)
			}
		case *sessionpb.Event_MessageDelivered:
			if e.TimeMicros == resumed {
				delivered = append(delivered, b.MessageDelivered.Id)
			}
		case *sessionpb.Event_Ticked:
			ticks = append(ticks, e.TimeMicros)
		}
		if first {
			t.Errorf("before it is resumed it does %v", e)
		}
	}
	if fmt.Sprint(delivered) != fmt.Sprint(held) || len(held) == 0 {
		t.Errorf("delivered are %v, held were %v", delivered, held)
	}
	if len(ticks) != 2 || ticks[0] != resumed || ticks[1] != resumed+100_000 {
		t.Errorf("resumed at %d it ticks at %v, want once at once and then on", resumed, ticks)
	}
	if answer := seen.ended(id); answer.GetHeader().GetError().GetNotLeader() == nil {
		t.Errorf("the command that waited is answered %v", answer)
	}
	if w.Paused(follower) || state(w, follower).Paused {
		t.Error("it is still paused")
	}
	wantAgreement(t, w, "city", "Nara")
}

// A pause shorter than a tick moves nothing but what fell due within it.
func TestAShortPauseDoesNotMoveTheNextTick(t *testing.T) {
	var seen recording
	w, _ := settledLeader(t, 1, &seen)
	tick := stepTo(t, w, &seen, 3, func(e *sessionpb.Event) bool { return e.GetTicked() != nil })
	act(t, w, pause(3))
	w.RunUntil(w.Now() + 30_000)
	act(t, w, resume(3))
	next := stepTo(t, w, &seen, 3, func(e *sessionpb.Event) bool { return e.GetTicked() != nil })
	if next.TimeMicros != tick.TimeMicros+100_000 {
		t.Errorf("ticks at %d and %d", tick.TimeMicros, next.TimeMicros)
	}
}

// A leader that was paused for longer than an election believes that it leads when it is resumed; its lease has ended by its
// clock, so nobody reads there what has been overwritten meanwhile.
func TestAPausedLeaderServesNoStaleRead(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		var seen recording
		w, old := settledLeader(t, seed, &seen)
		act(t, w, leaseRead(old, "city"))
		w.RunUntil(w.Now() + 100_000)
		id := act(t, w, leaseRead(old, "city"))
		if answer := seen.ended(id); answer.GetHeader().GetReadMode() != readLease {
			t.Fatalf("seed %d: there is no lease: %v", seed, answer)
		}
		act(t, w, pause(old))
		if !w.RunWhile(w.Now()+20_000_000, func() bool { return w.Leader() == old }) {
			t.Fatalf("seed %d: the others elect nobody", seed)
		}
		if s := state(w, old); s.Peers[0].Role != sessionpb.Role_ROLE_LEADER {
			t.Errorf("seed %d: paused it has become %v", seed, s.Peers[0].Role)
		}
		id = act(t, w, put(w.Leader(), "city", "Nara"))
		w.RunUntil(w.Now() + 500_000)
		if seen.ended(id).GetHeader().GetError() != nil {
			t.Fatalf("seed %d: the write is answered %v", seed, seen.ended(id))
		}
		reads := []uint64{act(t, w, leaseRead(old, "city"))}
		act(t, w, resume(old))
		for range 40 {
			reads = append(reads, act(t, w, leaseRead(old, "city")))
			w.Step()
		}
		w.RunUntil(w.Now() + 6_000_000)
		for _, id := range reads {
			answer := seen.ended(id)
			if answer.GetHeader().GetError() == nil && string(answer.GetResponses()[0].GetGet().GetValue()) != "Nara" {
				t.Fatalf("seed %d: after Nara was acknowledged the old leader answers %v", seed, answer)
			}
		}
		if s := state(w, old); s.Peers[0].Role != sessionpb.Role_ROLE_FOLLOWER {
			t.Errorf("seed %d: resumed it is %v", seed, s.Peers[0].Role)
		}
	}
}

func TestAPausedStoreCrashes(t *testing.T) {
	var seen recording
	w, leader := settledLeader(t, 1, &seen)
	follower := leader%5 + 1
	act(t, w, pause(follower))
	id := act(t, w, put(follower, "city", "Nara"))
	act(t, w, put(leader, "city", "Osaka"))
	w.RunUntil(w.Now() + 500_000)
	held := 0
	for _, m := range w.Keyframe().Messages {
		if m.Held != 0 {
			held++
		}
	}
	from := len(seen)
	act(t, w, crash(follower))
	lost := 0
	for _, e := range seen[from:] {
		if e.GetMessageLost().GetReason() == sessionpb.LossReason_LOSS_REASON_STORE_DOWN {
			lost++
		}
	}
	if s := state(w, follower); s.Up || s.Paused || lost != held || held == 0 {
		t.Errorf("crashed it is %v; %d messages were held, %d are lost", s, held, lost)
	}
	if _, err := w.Act(resume(follower)); err == nil {
		t.Error("a store that is down is resumed")
	}
	act(t, w, restart(follower))
	wantAgreement(t, w, "city", "Osaka")
	if answer := seen.ended(id); answer.GetHeader().GetError().GetTimeout() == nil {
		t.Errorf("the command that waited for it is answered %v", answer)
	}
}

// A command reaches its store when that is resumed, also when the client has given up meanwhile: then it applies unheard.
func TestACommandWaitsForAPausedStore(t *testing.T) {
	for _, pauseMicros := range []int64{900_000, 6_000_000} {
		var seen recording
		cfg := sim.DefaultConfig()
		cfg.Stores = 1 // a leader that nobody replaces
		w, err := sim.New(cfg, &seen)
		if err != nil {
			t.Fatal(err)
		}
		leader := elect(t, w)
		w.RunUntil(w.Now() + 1_000_000)
		act(t, w, pause(leader))
		id := act(t, w, put(leader, "city", "Nara"))
		w.RunUntil(w.Now() + pauseMicros)
		givenUp := seen.ended(id).GetHeader().GetError().GetTimeout() != nil
		if late := pauseMicros > cfg.ClientTimeoutMicros; givenUp != late {
			t.Errorf("after %d µs the client has given up: %v", pauseMicros, givenUp)
		}
		act(t, w, resume(leader))
		w.RunUntil(w.Now() + 900_000)
		if answer := seen.ended(id); answer == nil || !givenUp && answer.GetHeader().GetError() != nil {
			t.Errorf("paused for %d µs the command is answered %v", pauseMicros, answer)
		}
		wantAgreement(t, w, "city", "Nara")
	}
}

func TestWhatAPausedStoreIsNotAskedFor(t *testing.T) {
	var seen recording
	w, leader := settledLeader(t, 1, &seen)
	other := leader%5 + 1
	act(t, w, pause(2))
	act(t, w, crash(3))
	w.RunUntil(w.Now() + 500_000)
	held := firstInFlight(t, w, func(m *sessionpb.Message) bool { return m.Held != 0 })
	for _, c := range []struct {
		action *sessionpb.Action
		want   string
	}{
		{pause(2), "S2 is paused already"},
		{pause(3), "S3 is down: restart it first"},
		{pause(6), "there is no S6: the cluster has 5 stores"},
		{resume(1), "S1 is not paused"},
		{resume(3), "S3 is down: restart it first"},
		{timeOut(2), "S2 is paused: resume it first"},
		{setTimeout(2, 5), "S2 is paused: resume it first"},
		{restart(2), "S2 is up already"},
		{deliver(held.Id), fmt.Sprintf("message %d cannot be delivered: S2 is paused: resume it first", held.Id)},
	} {
		if _, err := w.Act(c.action); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %q", c.action, err, c.want)
		}
	}
	if err := w.StepThroughTick(2); err == nil || err.Error() != "S2 is paused: resume it first" {
		t.Errorf("stepping to its tick: %v (S%d leads, S%d follows)", err, leader, other)
	}
	// A message at the door can be lost like any other in flight.
	act(t, w, drop(held.Id))
	act(t, w, resume(2))
	from := len(seen)
	w.RunUntil(w.Now() + 1)
	for _, e := range seen[from:] {
		if e.GetMessageDelivered().GetId() == held.Id {
			t.Error("what was dropped is delivered")
		}
	}
	for id := uint64(1); id <= 5; id++ {
		if state(w, id).Up {
			act(t, w, pause(id))
		}
	}
	for w.Step() {
		if w.Now() > 100_000_000 {
			t.Fatal("though every store is down or paused, something happens for ever")
		}
	}
	if w.Busy() {
		t.Error("though every store is down or paused, the world is busy")
	}
}

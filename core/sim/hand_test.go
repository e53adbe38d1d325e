package sim_test

import (
	"fmt"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func hold(message uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_HoldMessage{HoldMessage: &sessionpb.HoldMessage{MessageId: message}}}
}

func release(message uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_ReleaseMessage{ReleaseMessage: &sessionpb.ReleaseMessage{MessageId: message}}}
}

func delay(message uint64, micros int64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_DelayMessage{
		DelayMessage: &sessionpb.DelayMessage{MessageId: message, DelayMicros: micros}}}
}

func duplicate(message uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_DuplicateMessage{DuplicateMessage: &sessionpb.DuplicateMessage{MessageId: message}}}
}

// endOf is how a message came to its end, or nil.
func endOf(r recording, id uint64) *sessionpb.Event {
	for _, e := range r {
		if e.GetMessageDelivered().GetId() == id || e.GetMessageLost().GetId() == id {
			return e
		}
	}
	return nil
}

// onTheWay is a message with some way to go.
func onTheWay(t *testing.T, w *sim.World) *sessionpb.Message {
	t.Helper()
	return firstInFlight(t, w, func(m *sessionpb.Message) bool { return m.DueMicros > w.Now()+5_000 && m.Held == 0 })
}

func TestAHeldMessageKeepsTheTimeItStillHadToGo(t *testing.T) {
	var seen recording
	w, _, _ := leaderAndFollower(t, &seen)
	m := onTheWay(t, w)
	act(t, w, hold(m.Id))
	left := m.DueMicros - w.Now()
	if h := seen[len(seen)-1].GetMessageHeld(); h.GetId() != m.Id || h.Reason != sessionpb.HoldReason_HOLD_REASON_BY_HAND {
		t.Fatalf("held: %v", seen[len(seen)-1])
	}
	w.RunUntil(w.Now() + 777_000)
	if e := endOf(seen, m.Id); e != nil {
		t.Fatalf("it is held, and %v", e)
	}
	act(t, w, release(m.Id))
	due := w.Now() + left
	if r := seen[len(seen)-1].GetMessageRescheduled(); r.GetId() != m.Id || r.DueMicros != due {
		t.Fatalf("released: %v, want it due at %d", seen[len(seen)-1], due)
	}
	w.RunUntil(due)
	if e := endOf(seen, m.Id); e.GetMessageDelivered() == nil || e.TimeMicros != due {
		t.Errorf("released, it ends with %v", e)
	}
}

func TestAHeldMessageIsDroppedOrDelivered(t *testing.T) {
	var seen recording
	w, _, _ := leaderAndFollower(t, &seen)
	dropped, delivered := onTheWay(t, w), uint64(0)
	act(t, w, hold(dropped.Id))
	delivered = onTheWay(t, w).Id
	act(t, w, hold(delivered))
	w.RunUntil(w.Now() + 100_000)
	act(t, w, drop(dropped.Id))
	act(t, w, deliver(delivered))
	if e := endOf(seen, dropped.Id); e.GetMessageLost().GetReason() != sessionpb.LossReason_LOSS_REASON_BY_HAND {
		t.Errorf("dropped: %v", e)
	}
	if e := endOf(seen, delivered); !e.GetMessageDelivered().GetByHand() {
		t.Errorf("delivered: %v", e)
	}
	for _, id := range []uint64{dropped.Id, delivered} {
		if _, err := w.Act(release(id)); err == nil || err.Error() != fmt.Sprintf("message %d is no longer in flight", id) {
			t.Errorf("released afterwards: %v", err)
		}
	}
}

func TestAHeldMessageIsNothingThatMoves(t *testing.T) {
	w := newWorld(t)
	elect(t, w)
	for w.Busy() {
		for _, m := range w.Keyframe().Messages {
			if m.Held == 0 {
				act(t, w, hold(m.Id))
			}
		}
		w.Step()
	}
	held := w.Keyframe().Messages
	if len(held) == 0 {
		t.Fatal("no message was held")
	}
	for _, m := range held {
		act(t, w, drop(m.Id))
	}
	if onTheWay(t, w); !w.Busy() {
		t.Error("one that is not held moves, and the cluster is not busy")
	}
}

func TestAMessageIsDelayed(t *testing.T) {
	var seen recording
	w, _, _ := leaderAndFollower(t, &seen)
	m := onTheWay(t, w)
	act(t, w, delay(m.Id, 500_000))
	if r := seen[len(seen)-1].GetMessageRescheduled(); r.GetId() != m.Id || r.DueMicros != m.DueMicros+500_000 {
		t.Fatalf("delayed: %v", seen[len(seen)-1])
	}
	w.RunUntil(m.DueMicros + 500_000)
	if e := endOf(seen, m.Id); e.GetMessageDelivered() == nil || e.TimeMicros != m.DueMicros+500_000 {
		t.Errorf("delayed, it ends with %v", e)
	}
	_, ends := trips(seen, m.FromStore, m.ToStore)
	for i, end := range ends {
		if end.Id == m.Id && (i == 0 || ends[i-1].Id < m.Id) {
			t.Error("nothing passed it")
		}
	}
}

func TestAMessageIsDuplicated(t *testing.T) {
	var seen recording
	w, _, _ := leaderAndFollower(t, &seen)
	m := onTheWay(t, w)
	act(t, w, duplicate(m.Id))
	c := seen[len(seen)-1].GetMessageSent().GetMessage()
	if c.GetCopyOf() != m.Id || c.Id == m.Id || c.Type != m.Type || c.SentMicros != w.Now() || c.DueMicros < m.DueMicros {
		t.Fatalf("a copy of %v is %v", m, c)
	}
	w.RunUntil(c.DueMicros)
	for _, id := range []uint64{m.Id, c.Id} {
		if e := endOf(seen, id); e.GetMessageDelivered() == nil {
			t.Errorf("message %d ends with %v", id, e)
		}
	}
	if first := endOf(seen, m.Id); first.Seq > endOf(seen, c.Id).Seq {
		t.Error("the copy arrives first")
	}
}

// A hand that doubles a message moves nothing that chance has for the others.
func TestHandsDoNotMoveChance(t *testing.T) {
	travel := func(interfere bool) []int64 {
		var seen recording
		w := newWorld(t, &seen)
		elect(t, w)
		if interfere {
			m := onTheWay(t, w)
			act(t, w, duplicate(m.Id))
			act(t, w, drop(w.Keyframe().Messages[len(w.Keyframe().Messages)-1].Id))
		}
		from := len(seen)
		w.RunUntil(w.Now() + 200_000)
		return flights(seen[from:])
	}
	calm, touched := travel(false), travel(true)
	for i := range min(len(calm), len(touched), 3) {
		if calm[i] != touched[i] {
			t.Errorf("message %d takes %d µs, and %d µs when another was doubled", i+1, calm[i], touched[i])
		}
	}
}

func TestWhatMayNotBeDoneToAMessage(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	onLink := func(m *sessionpb.Message) bool { return m.FromStore == leader && m.ToStore == follower }
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower, Clogged: true}))
	clogged := firstInFlight(t, w, func(m *sessionpb.Message) bool { return onLink(m) && m.Held != 0 }).Id
	held := onTheWay(t, w).Id
	act(t, w, hold(held))
	travels := onTheWay(t, w).Id
	for _, c := range []struct {
		action *sessionpb.Action
		want   string
	}{
		{hold(0), "there is no message 0"},
		{hold(1), "message 1 is no longer in flight"},
		{hold(held), fmt.Sprintf("message %d is held already", held)},
		{hold(clogged), fmt.Sprintf("message %d is held already", clogged)},
		{release(travels), fmt.Sprintf("message %d is not held", travels)},
		{release(clogged), fmt.Sprintf("message %d waits until the link from S%d to S%d flows again", clogged, leader, follower)},
		{delay(held, 1_000), fmt.Sprintf("message %d is held: release it first", held)},
		{delay(travels, 0), "the delay must be 0.001 ms to 60000 ms, not 0 ms"},
		{delay(travels, -5), "the delay must be 0.001 ms to 60000 ms, not -0.005 ms"},
		{delay(travels, 60_000_001), "the delay must be 0.001 ms to 60000 ms, not 60000.001 ms"},
		{duplicate(1_000_000), "there is no message 1000000"},
	} {
		events := len(seen)
		if _, err := w.Act(c.action); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %q", c.action, err, c.want)
		}
		if len(seen) != events {
			t.Errorf("%v was refused, and %v", c.action, seen[events:])
		}
	}
}

package sim_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func useNetwork(n *sessionpb.Network) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{Network: n}}}
}

func setLinks(links ...*sessionpb.Link) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetLinks{SetLinks: &sessionpb.SetLinks{Links: links}}}
}

// trip is a message from its departure to its end.
type trip struct {
	*sessionpb.Message
	// ended is when, -1 before.
	ended     int64
	delivered bool
	loss      sessionpb.LossReason
}

// trips are the messages between two stores, in the order they were sent; ends are they in the order of their ends.
func trips(r recording, from, to uint64) (sent, ends []*trip) {
	byID := map[uint64]*trip{}
	end := func(id uint64, e *sessionpb.Event) *trip {
		t := byID[id]
		if t == nil {
			return &trip{}
		}
		t.ended, ends = e.TimeMicros, append(ends, t)
		return t
	}
	for _, e := range r {
		switch b := e.Body.(type) {
		case *sessionpb.Event_MessageSent:
			if m := b.MessageSent.Message; m.FromStore == from && m.ToStore == to {
				byID[m.Id] = &trip{Message: m, ended: -1}
				sent = append(sent, byID[m.Id])
			}
		case *sessionpb.Event_MessageDelivered:
			end(b.MessageDelivered.Id, e).delivered = true
		case *sessionpb.Event_MessageLost:
			end(b.MessageLost.Id, e).loss = b.MessageLost.Reason
		}
	}
	return sent, ends
}

// leaderAndFollower is a cluster with a leader at rest, and one of its followers.
func leaderAndFollower(t *testing.T, seen *recording) (w *sim.World, leader, follower uint64) {
	t.Helper()
	w = newWorld(t, seen)
	leader = elect(t, w)
	w.RunUntil(w.Now() + 500_000)
	return w, leader, 1 + leader%5
}

func TestACutLinkLosesWhatIsSentAndWhatWouldArrive(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	before := firstInFlight(t, w, func(m *sessionpb.Message) bool { return m.FromStore == leader && m.ToStore == follower })
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower, Cut: true}))
	cutAt := w.Now()
	w.RunUntil(cutAt + 400_000)
	sent, _ := trips(seen, leader, follower)
	after := 0
	for _, m := range sent {
		switch {
		case m.Id == before.Id && (m.loss != sessionpb.LossReason_LOSS_REASON_CUT || m.ended != m.DueMicros || m.Doomed):
			t.Errorf("what was on its way ends as %+v", m)
		case m.SentMicros > cutAt:
			if after++; !m.Doomed || m.delivered || m.ended >= 0 && m.loss != sessionpb.LossReason_LOSS_REASON_CUT {
				t.Errorf("what was sent over the cut link ends as %+v", m)
			}
		}
	}
	if after == 0 {
		t.Error("nothing was sent over the cut link")
	}
	// The other direction is whole.
	back, _ := trips(seen, follower, leader)
	for _, m := range back {
		if m.loss != 0 {
			t.Errorf("on the way back %+v is lost", m)
		}
	}
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower}))
	mended := w.Now()
	w.RunUntil(mended + 2_000_000)
	sent, _ = trips(seen, leader, follower)
	arrived := 0
	for _, m := range sent {
		if m.SentMicros > mended && m.loss != 0 {
			t.Errorf("the link is mended, and loses %+v", m)
		}
		if m.SentMicros > mended && m.delivered {
			arrived++
		}
	}
	if arrived == 0 {
		t.Error("the link is mended, and nothing arrives")
	}
}

func TestACloggedLinkHoldsWhatWouldArriveAndLetsItGoInOrder(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	// Late messages come to wait behind those that pass them.
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000, ReorderPpm: 300_000}))
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower, Clogged: true}))
	from := len(seen)
	for range 10 {
		act(t, w, put(leader, "key", "value"))
		w.RunUntil(w.Now() + 50_000)
	}
	var held []uint64
	for _, e := range seen[from:] {
		if h := e.GetMessageHeld(); h != nil {
			if h.Reason != sessionpb.HoldReason_HOLD_REASON_CLOGGED {
				t.Fatalf("held: %v", h)
			}
			held = append(held, h.Id)
		}
	}
	sent, ends := trips(seen[from:], leader, follower)
	if len(held) < 10 || len(ends) > 0 {
		t.Fatalf("of %d messages %d are held and %d came to their ends", len(sent), len(held), len(ends))
	}
	for _, m := range w.Keyframe().Messages {
		if clogged := m.FromStore == leader && m.ToStore == follower && m.DueMicros <= w.Now(); clogged != (m.Held != 0) {
			t.Errorf("the keyframe shows %v", m)
		}
	}

	from = len(seen)
	flows := w.Now()
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower}))
	for i, id := range held {
		if r := seen[from+1+i].GetMessageRescheduled(); r.GetId() != id || r.GetDueMicros() != flows {
			t.Fatalf("the link flows again, and then %v, want message %d", seen[from+1+i], id)
		}
	}
	w.RunUntil(flows)
	var arrived []uint64
	for _, e := range seen[from:] {
		if d := e.GetMessageDelivered(); d != nil && e.StoreId == follower {
			arrived = append(arrived, d.Id)
		}
	}
	if len(arrived) < len(held) {
		t.Fatalf("%d of %d arrived", len(arrived), len(held))
	}
	for i, id := range held {
		if arrived[i] != id {
			t.Fatalf("message %d arrives where message %d was waiting", arrived[i], id)
		}
	}
}

// What is due at the very instant at which a clogged link flows again stays behind what waited.
func TestNothingOvertakesWhatWaitedInACloggedLink(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower, Clogged: true}))
	onLink := func(m *sessionpb.Message) bool { return m.FromStore == leader && m.ToStore == follower }
	waits := firstInFlight(t, w, func(m *sessionpb.Message) bool { return onLink(m) && m.Held != 0 })
	next := firstInFlight(t, w, func(m *sessionpb.Message) bool { return onLink(m) && m.Held == 0 && m.Id > waits.Id })
	for {
		if due, _ := w.NextDue(); due >= next.DueMicros {
			break
		}
		w.Step()
	}
	if err := w.AdvanceTo(next.DueMicros); err != nil {
		t.Fatal(err)
	}
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower}))
	w.RunUntil(w.Now())
	_, ends := trips(seen, leader, follower)
	last := uint64(0)
	for _, m := range ends {
		if m.Id < last {
			t.Fatalf("message %d arrives after message %d", m.Id, last)
		}
		last = m.Id
	}
	if last != next.Id {
		t.Errorf("the last that arrived is message %d, want message %d", last, next.Id)
	}
}

func TestALinkHasANetworkOfItsOwn(t *testing.T) {
	var seen recording
	cfg := sim.DefaultConfig()
	cfg.Network.JitterMicros = 0
	cfg.Links = []*sessionpb.Link{{FromStore: 1, ToStore: 2, Network: &sessionpb.Network{LatencyMicros: 70_000}}}
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	w.RunUntil(5_000_000)
	act(t, w, setLinks(&sessionpb.Link{FromStore: 1, ToStore: 2}))
	like := w.Now()
	w.RunUntil(10_000_000)
	for _, link := range [][2]uint64{{1, 2}, {2, 1}} {
		sent, _ := trips(seen, link[0], link[1])
		for _, m := range sent {
			want := int64(20_000)
			if m.FromStore == 1 && m.SentMicros < like {
				want = 70_000
			}
			// Those behind a slow one wait for it.
			if got := m.DueMicros - m.SentMicros; got < want || m.SentMicros != like && got > 70_000 {
				t.Fatalf("message %d from S%d to S%d takes %d µs", m.Id, m.FromStore, m.ToStore, got)
			}
		}
		if len(sent) == 0 {
			t.Errorf("S%d sends S%d nothing", link[0], link[1])
		}
	}
}

func TestLinksAreMergedByTheirEnds(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	own := &sessionpb.Network{LatencyMicros: 1_000}
	act(t, w, setLinks(&sessionpb.Link{FromStore: 2, ToStore: 1, Cut: true}, &sessionpb.Link{FromStore: 1, ToStore: 2, Network: own}))
	act(t, w, setLinks(&sessionpb.Link{FromStore: 1, ToStore: 3, Clogged: true}, &sessionpb.Link{FromStore: 2, ToStore: 1}))
	want := &sessionpb.SettingsChanged{Network: w.Config().Network, Disk: w.Config().Disk, Links: []*sessionpb.Link{
		{FromStore: 1, ToStore: 2, Network: own}, {FromStore: 1, ToStore: 3, Clogged: true}}}
	if got := seen[len(seen)-1].GetSettingsChanged(); !proto.Equal(got, want) {
		t.Errorf("the settings are %v, want %v", got, want)
	}
}

func TestSomeMessagesAreSlow(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000, SlowPpm: 100_000, SlowMicros: 150_000}))
	from := len(seen)
	w.RunUntil(w.Now() + 60_000_000)
	sent, ends := trips(seen[from:], leader, follower)
	slow := 0
	for _, m := range sent {
		if m.DueMicros-m.SentMicros == 170_000 {
			slow++
		}
	}
	if n := len(sent); slow < n/20 || slow > n/5 {
		t.Errorf("%d of %d messages are slow, want about a tenth", slow, n)
	}
	for i, m := range ends {
		if i > 0 && m.Id < ends[i-1].Id {
			t.Errorf("message %d overtakes message %d", ends[i-1].Id, m.Id)
		}
	}
}

func TestSomeMessagesAreOvertaken(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000, ReorderPpm: 100_000}))
	from := len(seen)
	for range 300 {
		act(t, w, put(0, "key", "value"))
		w.RunUntil(w.Now() + 10_000)
	}
	sent, ends := trips(seen[from:], leader, follower)
	late := map[uint64]bool{}
	for _, m := range sent {
		if latency := m.DueMicros - m.SentMicros; latency > 20_000 {
			if late[m.Id] = true; latency > 100_000 {
				t.Errorf("message %d is late by more than four latencies: %d µs", m.Id, latency-20_000)
			}
		}
	}
	if n := len(sent); len(late) < n/20 || len(late) > n/5 {
		t.Errorf("%d of %d messages are late, want about a tenth", len(late), n)
	}
	last, passed := uint64(0), 0
	for _, m := range ends {
		switch {
		case late[m.Id] && m.Id < last:
			passed++
		case m.Id < last:
			t.Errorf("message %d is not late and was overtaken", m.Id)
		case !late[m.Id]:
			last = m.Id
		}
	}
	if passed < 10 {
		t.Errorf("only %d messages were overtaken", passed)
	}
}

func TestSomeMessagesArriveTwice(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000, JitterMicros: 10_000, DuplicatePpm: 100_000}))
	from := len(seen)
	w.RunUntil(w.Now() + 60_000_000)
	sent, _ := trips(seen[from:], leader, follower)
	byID, copies, apart := map[uint64]*trip{}, 0, 0
	for _, m := range sent {
		byID[m.Id] = m
		if m.CopyOf == 0 {
			continue
		}
		copies++
		of := byID[m.CopyOf]
		if of == nil || of.SentMicros != m.SentMicros || of.Type != m.Type || of.Index != m.Index || m.ended >= 0 && !m.delivered {
			t.Fatalf("message %v is no copy of %v", m, of)
		}
		if m.ended >= 0 && m.ended < of.ended {
			t.Errorf("message %d arrives before what it is a copy of", m.Id)
		}
		if m.DueMicros > of.DueMicros {
			apart++
		}
	}
	if n := len(sent); copies < n/20 || copies > n/5 || apart == 0 {
		t.Errorf("of %d messages %d are copies, and %d of them come later", n, copies, apart)
	}
	if w.LeaderOf(1) != leader {
		t.Error("copies cost the leader its office")
	}
}

func TestALinkSendsOneMessageAfterTheOther(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	const bytesPerSecond = 2_000
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower,
		Network: &sessionpb.Network{LatencyMicros: 20_000, BytesPerSecond: bytesPerSecond}}))
	from := len(seen)
	for i := range 6 {
		act(t, w, put(leader, "key", string(make([]byte, 100*(i+1)))))
	}
	w.RunUntil(w.Now() + 3_000_000)
	sent, _ := trips(seen[from:], leader, follower)
	free, waited := int64(0), false
	for _, m := range sent {
		start := max(free, m.SentMicros)
		waited = waited || start > m.SentMicros
		free = start + (int64(m.SizeBytes)*1_000_000+bytesPerSecond-1)/bytesPerSecond
		if want := free + 20_000; m.DueMicros != want {
			t.Fatalf("message %d of %d bytes is due %d µs after it was sent, want %d", m.Id, m.SizeBytes,
				m.DueMicros-m.SentMicros, want-m.SentMicros)
		}
	}
	if !waited || len(sent) < 10 {
		t.Errorf("%d messages, and none had to wait", len(sent))
	}
}

func TestALinkThatCannotKeepUpLosesMessages(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	act(t, w, setLinks(&sessionpb.Link{FromStore: leader, ToStore: follower,
		Network: &sessionpb.Network{LatencyMicros: 20_000, BytesPerSecond: 1_000}}))
	from := len(seen)
	for range 40 {
		act(t, w, put(leader, "key", string(make([]byte, 1_000))))
		w.RunUntil(w.Now() + 100_000)
	}
	sent, _ := trips(seen[from:], leader, follower)
	doomed := 0
	for _, m := range sent {
		if m.Doomed {
			doomed++
		}
		// The longest queue, the largest message, the latency.
		if wait := m.DueMicros - m.SentMicros; wait > 10_000_000+8_000_000 {
			t.Errorf("message %d of %d bytes waits %d µs", m.Id, m.SizeBytes, wait)
		}
	}
	if doomed == 0 || doomed == len(sent) {
		t.Errorf("%d of %d messages find the queue full", doomed, len(sent))
	}
}

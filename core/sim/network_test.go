package sim_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func TestMessagesOfALinkDoNotOvertake(t *testing.T) {
	var seen recording
	cfg := sim.DefaultConfig()
	cfg.Network = &sessionpb.Network{LatencyMicros: 100_000, JitterMicros: 100_000, LossPpm: 20_000}
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		w.RunUntil(w.Now() + 500_000)
		act(t, w, put(0, "key", "value"))
	}
	type link struct{ from, to uint64 }
	links, last := map[uint64]link{}, map[link]uint64{}
	arrived := func(id uint64) {
		if l := links[id]; id < last[l] {
			t.Fatalf("message %d from S%d to S%d arrives after message %d", id, l.from, l.to, last[l])
		} else {
			last[l] = id
		}
	}
	for _, e := range seen {
		switch b := e.Body.(type) {
		case *sessionpb.Event_MessageSent:
			links[b.MessageSent.Message.Id] = link{b.MessageSent.Message.FromStore, b.MessageSent.Message.ToStore}
		case *sessionpb.Event_MessageDelivered:
			arrived(b.MessageDelivered.Id)
		case *sessionpb.Event_MessageLost:
			arrived(b.MessageLost.Id)
		}
	}
	if len(links) < 1000 {
		t.Fatalf("only %d messages", len(links))
	}
}

func TestEveryMessageArrivesOrIsLostOnce(t *testing.T) {
	var seen recording
	p, err := sim.NewPlayer(sim.Exercise(4), &seen)
	if err != nil {
		t.Fatal(err)
	}
	flying, told := map[uint64]bool{}, 0
	for more := true; more; {
		if more, err = p.Next(); err != nil {
			t.Fatal(err)
		}
		for ; told < len(seen); told++ {
			switch b := seen[told].Body.(type) {
			case *sessionpb.Event_MessageSent:
				flying[b.MessageSent.Message.Id] = true
			case *sessionpb.Event_MessageDelivered:
				if !flying[b.MessageDelivered.Id] {
					t.Fatalf("message %d arrives without being in flight", b.MessageDelivered.Id)
				}
				delete(flying, b.MessageDelivered.Id)
			case *sessionpb.Event_MessageLost:
				if !flying[b.MessageLost.Id] {
					t.Fatalf("message %d is lost without being in flight", b.MessageLost.Id)
				}
				delete(flying, b.MessageLost.Id)
			}
		}
		if p.World.MessagesInFlight() != len(flying) {
			t.Fatalf("%d messages in flight, events say %d", p.World.MessagesInFlight(), len(flying))
		}
	}
}

func TestLossIsAsFrequentAsAsked(t *testing.T) {
	w := newWorld(t)
	act(t, w, network(1_000, 0, 50_000))
	w.RunUntil(1_000_000_000)
	c := w.Counts()
	if c.MessagesSent < 20_000 {
		t.Fatalf("only %d messages", c.MessagesSent)
	}
	if ppm := c.MessagesLost * 1_000_000 / c.MessagesSent; ppm < 45_000 || ppm > 55_000 {
		t.Errorf("%d of %d messages lost, %d in a million; want about 50,000", c.MessagesLost, c.MessagesSent, ppm)
	}
}

// Until the first message is lost, a run with losses is the run without: one knob does not reshuffle the others.
func TestOneKnobDoesNotReshuffleTheRest(t *testing.T) {
	run := func(with func(*sessionpb.Config)) recording {
		var seen recording
		cfg := sim.DefaultConfig()
		with(cfg)
		w, err := sim.New(cfg, &seen)
		if err != nil {
			t.Fatal(err)
		}
		w.RunUntil(30_000_000)
		return seen
	}
	calm := run(func(*sessionpb.Config) {})
	lossy := run(func(cfg *sessionpb.Config) { cfg.Network.LossPpm = 5_000 })
	same := 0
	for i, e := range lossy[1:] {
		if e.GetMessageSent().GetMessage().GetDoomed() {
			break
		}
		if !proto.Equal(e, calm[i+1]) {
			t.Fatalf("with losses event %d is\n%v\nwithout\n%v", e.Seq, e, calm[i+1])
		}
		same++
	}
	if same < 100 || same == len(lossy)-1 {
		t.Fatalf("%d of %d events alike: the comparison says nothing", same, len(lossy))
	}
	// Another disk moves no latency and no election timeout: the first messages travel as long as before.
	slow := run(func(cfg *sessionpb.Config) { cfg.Disk.FsyncMicros = 9_000 })
	a, b := flights(calm), flights(slow)
	for i := range 20 {
		if a[i] != b[i] {
			t.Fatalf("message %d travels %d µs, with a slower disk %d µs", i+1, a[i], b[i])
		}
	}
}

// flights are how long the messages travel that S1 sends to S2, in their order.
func flights(r recording) []int64 {
	var micros []int64
	for _, e := range r {
		if m := e.GetMessageSent().GetMessage(); m.GetFromStore() == 1 && m.GetToStore() == 2 {
			micros = append(micros, m.DueMicros-m.SentMicros)
		}
	}
	return micros
}

func TestMessagesToAStoreThatIsDownAreLostOnArrival(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	leader := elect(t, w)
	down := 1 + leader%5
	act(t, w, crash(down))
	from := len(seen)
	w.RunUntil(w.Now() + 1_000_000)
	lost := 0
	for _, e := range seen[from:] {
		if e.GetMessageDelivered() != nil && e.StoreId == down {
			t.Fatalf("a message is delivered to a store that is down: %v", e)
		}
		if l := e.GetMessageLost(); l != nil {
			if e.StoreId != down || l.Reason != sessionpb.LossReason_LOSS_REASON_STORE_DOWN {
				t.Fatalf("lost: %v", e)
			}
			lost++
		}
	}
	if lost == 0 {
		t.Error("no message was lost")
	}
}

// firstInFlight is the oldest message in flight that fits.
func firstInFlight(t *testing.T, w *sim.World, fits func(*sessionpb.Message) bool) *sessionpb.Message {
	t.Helper()
	for range 10_000 {
		for _, m := range w.Keyframe().Messages {
			if fits(m) {
				return m
			}
		}
		w.Step()
	}
	t.Fatal("no such message")
	return nil
}

func TestAMessageIsDroppedOrDeliveredByHand(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	elect(t, w)
	any := func(*sessionpb.Message) bool { return true }

	m := firstInFlight(t, w, any)
	act(t, w, &sessionpb.Action{Action: &sessionpb.Action_DropMessage{DropMessage: &sessionpb.DropMessage{MessageId: m.Id}}})
	if l := seen[len(seen)-1].GetMessageLost(); l.GetId() != m.Id || l.Reason != sessionpb.LossReason_LOSS_REASON_BY_HAND {
		t.Fatalf("dropped: %v", seen[len(seen)-1])
	}

	m = firstInFlight(t, w, any)
	from, flying := len(seen), w.MessagesInFlight()
	act(t, w, deliver(m.Id))
	if d := seen[from].GetMessageDelivered(); d.GetId() != m.Id || !d.ByHand {
		t.Fatalf("delivered: %v", seen[from])
	}
	sent := 0
	for _, e := range seen[from:] {
		if e.GetMessageSent() != nil {
			sent++
		}
	}
	if got := w.MessagesInFlight(); got != flying-1+sent {
		t.Errorf("%d messages in flight, want %d", got, flying-1+sent)
	}
	w.RunUntil(w.Now() + 1_000_000)
	for _, e := range seen[from+1:] {
		if e.GetMessageDelivered().GetId() == m.Id {
			t.Fatal("it arrives a second time")
		}
	}

	// What the network has doomed is saved by a hand.
	act(t, w, network(20_000, 0, 1_000_000))
	m = firstInFlight(t, w, func(m *sessionpb.Message) bool { return m.Doomed })
	from = len(seen)
	act(t, w, deliver(m.Id))
	if d := seen[from].GetMessageDelivered(); d.GetId() != m.Id {
		t.Fatalf("delivered: %v", seen[from])
	}
}

func deliver(message uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_DeliverMessage{DeliverMessage: &sessionpb.DeliverMessage{MessageId: message}}}
}

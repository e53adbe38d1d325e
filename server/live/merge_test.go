package live

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

const ms = int64(1_000)

// play is a merger and what left it.
type play struct {
	t      *testing.T
	m      *merger
	events []*sessionpb.Event
	viewer *fold // what a viewer makes of them
}

func newPlay(t *testing.T, stores ...uint64) *play {
	t.Helper()
	limits := DefaultLimits()
	p := &play{t: t, m: newMerger(&limits, &numbers{}), viewer: newFold()}
	p.m.publish = func(e *sessionpb.Event, _ subject, _ uint64) {
		p.events = append(p.events, e)
		p.viewer.apply(e)
	}
	for _, id := range stores {
		p.m.add(id)
		p.find(id, 1, 0)
		p.m.tell(id, showing(id, 0, 0), 0)
	}
	p.m.drain(0)
	p.events = nil
	return p
}

func (p *play) find(id, incarnation uint64, now int64) {
	p.m.found(id, &rpcpb.WatchHello{ClusterId: 7, StoreId: id, Incarnation: incarnation}, now)
}

// tell has a store tell something at a time of its own, and the merger do what is due.
func (p *play) tell(id uint64, now int64, seen *rpcpb.Seen) {
	p.m.tell(id, seen, now)
	p.m.drain(now)
}

// take is what left the merger since the last time, in words.
func (p *play) take() []string {
	var out []string
	for _, e := range p.events {
		out = append(out, words(e))
	}
	p.events = nil
	return out
}

func (p *play) wants(want ...string) {
	p.t.Helper()
	if got := p.take(); !slices.Equal(got, want) {
		p.t.Errorf("it gave %q, want %q", got, want)
	}
}

func words(e *sessionpb.Event) string {
	at := fmt.Sprintf("S%d %dms ", e.StoreId, e.TimeMicros/ms)
	switch b := e.Body.(type) {
	case *sessionpb.Event_MessageSent:
		return at + fmt.Sprintf("sent %d", b.MessageSent.Message.Id)
	case *sessionpb.Event_MessageDelivered:
		return at + fmt.Sprintf("delivered %d", b.MessageDelivered.Id)
	case *sessionpb.Event_MessageLost:
		return at + fmt.Sprintf("lost %d: %s", b.MessageLost.Id, b.MessageLost.Why)
	case *sessionpb.Event_Ticked:
		return at + "ticked"
	case *sessionpb.Event_StoreShown:
		return at + fmt.Sprintf("shown up=%t: %s", b.StoreShown.Store.Up, b.StoreShown.Why)
	case *sessionpb.Event_WriteStarted:
		return at + fmt.Sprintf("writes %d", b.WriteStarted.WriteId)
	case *sessionpb.Event_Synced:
		return at + fmt.Sprintf("synced %d", b.Synced.WriteId)
	case *sessionpb.Event_OperationStarted:
		return at + fmt.Sprintf("asked %d", b.OperationStarted.Operation.Id)
	case *sessionpb.Event_OperationEnded:
		return at + fmt.Sprintf("answered %d: %s", b.OperationEnded.Id, b.OperationEnded.Response.GetHeader().GetError().GetMessage())
	}
	return at + fmt.Sprintf("%T", e.Body)
}

func seenAt(wall int64, e *sessionpb.Event) *rpcpb.Seen {
	e.TimeMicros = wall
	return &rpcpb.Seen{Event: e}
}

func ticking(wall int64) *rpcpb.Seen {
	return seenAt(wall, &sessionpb.Event{Body: &sessionpb.Event_Ticked{Ticked: &sessionpb.Ticked{}}})
}

func sending(wall int64, to, id uint64) *rpcpb.Seen {
	return seenAt(wall, &sessionpb.Event{Body: &sessionpb.Event_MessageSent{MessageSent: &sessionpb.MessageSent{
		Message: &sessionpb.Message{Id: id, ToStore: to, RegionId: 1, Type: sessionpb.MessageType_MESSAGE_TYPE_APPEND}}}})
}

func arriving(wall int64, from, incarnation, id uint64) *rpcpb.Seen {
	s := seenAt(wall, &sessionpb.Event{Body: &sessionpb.Event_MessageDelivered{MessageDelivered: &sessionpb.MessageDelivered{Id: id}}})
	s.FromStore, s.FromIncarnation = from, incarnation
	return s
}

func showing(id uint64, wall int64, leftOut uint64) *rpcpb.Seen {
	return seenAt(wall, &sessionpb.Event{Body: &sessionpb.Event_StoreShown{StoreShown: &sessionpb.StoreShown{
		Store: &sessionpb.StoreState{Id: id, Up: true}, EventsLeftOut: leftOut}}})
}

func TestAMessageArrivesAfterItWasSent(t *testing.T) {
	p := newPlay(t, 1, 2)
	p.tell(2, 1*ms, arriving(1*ms, 1, 1, 41))
	p.tell(2, 2*ms, ticking(2*ms))
	p.m.drain(249 * ms)
	p.wants()
	p.tell(1, 249*ms, sending(0, 2, 41))
	p.m.drain(500 * ms)
	p.wants("S1 0ms sent 1", "S2 1ms delivered 1", "S2 2ms ticked")
}

func TestAStoreIsHeldBackForAMomentAlone(t *testing.T) {
	p := newPlay(t, 1, 2)
	for i := range int64(10) {
		p.tell(2, i*ms, arriving(i*ms, 1, 1, 41+uint64(i)))
	}
	p.tell(2, 10*ms, ticking(10*ms))
	p.m.drain(250 * ms)
	p.wants()
	// The moment counts from when each was heard: they do not wait one after the other.
	p.m.drain(260 * ms)
	p.wants("S2 10ms ticked")
}

func TestNobodyWaitsForASendingThatWasLeftOut(t *testing.T) {
	p := newPlay(t, 1, 2)
	p.tell(1, 0, sending(0, 2, 1))
	p.tell(1, 1*ms, showing(1, 1*ms, 12))
	p.tell(1, 2*ms, sending(2*ms, 2, 9))
	p.tell(2, 3*ms, arriving(3*ms, 1, 1, 8))
	p.tell(2, 3*ms, arriving(3*ms, 1, 1, 9))
	p.m.drain(3*ms + DefaultLimits().OrderWait.Microseconds())
	p.wants("S1 0ms sent 1", "S1 1ms shown up=true: ", "S1 2ms sent 2", "S2 3ms delivered 2")
}

func TestMessagesOfTwoLivesAreToldApart(t *testing.T) {
	p := newPlay(t, 1, 2)
	p.tell(1, 0, sending(0, 2, 1))
	p.m.lost(1, "it stopped", 1*ms)
	p.find(1, 2, 20*ms)
	p.tell(1, 20*ms, showing(1, 900*ms, 0)) // with another wall clock
	p.tell(1, 21*ms, sending(901*ms, 2, 1))
	p.tell(2, 22*ms, arriving(22*ms, 1, 2, 1))
	p.tell(2, 23*ms, arriving(23*ms, 1, 1, 1))
	p.m.drain(300 * ms)
	p.wants("S1 0ms sent 1", "S1 0ms shown up=false: it stopped", "S1 20ms shown up=true: it is reachable again", "S1 21ms sent 2",
		"S2 22ms delivered 2", "S2 23ms delivered 1")
}

func TestAClockThatIsBehindIsMovedOn(t *testing.T) {
	for _, skew := range []int64{-400 * ms, -3_600_000 * ms, 400 * ms, 3_600_000 * ms} {
		p := newPlay(t, 1, 2)
		// S2's clock jumps, then messages go to and fro, each 2 ms on its way.
		for i := range int64(20) {
			at, id := 100*ms+i*10*ms, uint64(i+1)
			p.tell(1, at, sending(at, 2, id))
			p.tell(2, at+2*ms, arriving(at+2*ms+skew, 1, 1, id))
			p.tell(2, at+2*ms, sending(at+2*ms+skew, 1, id))
			p.tell(1, at+4*ms, arriving(at+4*ms, 2, 1, id))
		}
		p.m.drain(1_000 * ms)
		last := p.m.last
		sent := map[uint64]int64{}
		for _, e := range p.events {
			switch b := e.Body.(type) {
			case *sessionpb.Event_MessageSent:
				sent[b.MessageSent.Message.Id] = e.TimeMicros
			case *sessionpb.Event_MessageDelivered:
				if flight := e.TimeMicros - sent[b.MessageDelivered.Id]; flight < 0 {
					t.Errorf("clock off by %d ms: message %d arrives %d µs early", skew/ms, b.MessageDelivered.Id, -flight)
				}
			}
		}
		if len(p.events) != 80 || last > 300*ms+skewMicrosMax {
			t.Errorf("clock off by %d ms: %d events until %d ms", skew/ms, len(p.events), last/ms)
		}
	}
}

// Messages go to and fro within an eighth of a millisecond. A third store is heard of at once, and these two later, as on a busy
// machine.
func TestTwoStoresDoNotDriveEachOthersClocksOn(t *testing.T) {
	p := newPlay(t, 1, 2, 3)
	chance := rand.New(rand.NewPCG(1, 2))
	offsets := map[uint64]int64{1: 0, 2: 90 * ms}
	waiting, due := map[uint64][]*rpcpb.Seen{}, map[uint64]int64{1: 0, 2: 90 * ms}
	for i := range int64(4_000) {
		now := i * ms / 4
		from, to := uint64(i%2+1), uint64((i+1)%2+1)
		waiting[from] = append(waiting[from], sending(now+offsets[from], to, uint64(i+1)))
		waiting[to] = append(waiting[to], arriving(now+ms/8+offsets[to], from, 1, uint64(i+1)))
		p.m.tell(3, ticking(now), now)
		for id := range uint64(2) {
			if id++; now < due[id] {
				continue
			}
			due[id] = now + 5*ms + chance.Int64N(40)*ms
			for _, seen := range waiting[id] {
				if seen.Event.TimeMicros <= now+offsets[id] {
					p.m.tell(id, seen, now)
				}
			}
			waiting[id] = slices.DeleteFunc(waiting[id], func(seen *rpcpb.Seen) bool { return seen.Event.TimeMicros <= now+offsets[id] })
		}
		p.m.drain(now)
		if p.m.last > now {
			t.Fatalf("at %d ms an event is said to be of %d ms", now/ms, p.m.last/ms)
		}
	}
	// Once the stores' clocks are known.
	settled := p.events[len(p.events)/2:]
	still, longest := 0, 0
	for i, e := range settled[1:] {
		if still++; e.TimeMicros != settled[i].TimeMicros {
			still = 0
		}
		longest = max(longest, still)
	}
	if longest > 5 {
		t.Errorf("%d events in a row have the same time", longest)
	}
}

func TestAMessageThatNobodySawArriveIsLost(t *testing.T) {
	p := newPlay(t, 1, 2)
	p.tell(1, 1*ms, sending(1*ms, 2, 5))
	p.m.drain(3_000 * ms)
	p.wants("S1 1ms sent 1")
	p.m.drain(3_052 * ms)
	p.wants("S2 2752ms lost 1: nobody saw it arrive")
	p.tell(2, 3_100*ms, arriving(3_100*ms, 1, 1, 5))
	p.m.drain(3_500 * ms)
	p.wants()
	if p.m.flights.oldest() != nil {
		t.Error("it is still under way")
	}
}

func TestTooManyMessagesUnderWayAreNotFollowed(t *testing.T) {
	p := newPlay(t, 1)
	p.m.flights.max = 10
	for i := range uint64(15) {
		p.tell(1, 0, sending(0, 2, i+1))
	}
	p.m.drain(100 * ms)
	if n := len(p.m.flights.byParcel); n != 10 {
		t.Errorf("%d are under way", n)
	}
	if got := p.take(); got[len(got)-1] != "S2 0ms lost 5: more than 10 messages are under way" {
		t.Errorf("it gave %q", got)
	}
}

func TestEarlierEventsOfOtherStoresGoFirst(t *testing.T) {
	p := newPlay(t, 1, 2)
	p.tell(1, 20*ms, ticking(5*ms))
	p.tell(1, 20*ms, ticking(15*ms))
	p.wants()
	p.tell(2, 21*ms, ticking(3*ms))
	p.tell(2, 21*ms, ticking(10*ms))
	p.wants("S2 3ms ticked", "S1 5ms ticked", "S2 10ms ticked")
	p.m.drain(71 * ms)
	p.wants("S1 15ms ticked")
}

func TestAStoreThatFallsSilentHoldsNobodyUp(t *testing.T) {
	p := newPlay(t, 1, 2)
	p.m.lost(2, "gone", 1*ms)
	p.tell(1, 10*ms, ticking(10*ms))
	p.wants("S2 0ms shown up=false: gone", "S1 10ms ticked")
}

func TestWritesAndOperationsHaveNumbersOfTheSession(t *testing.T) {
	p := newPlay(t, 1, 2)
	write := func(wall int64, id uint64) *rpcpb.Seen {
		return seenAt(wall, &sessionpb.Event{Body: &sessionpb.Event_WriteStarted{WriteStarted: &sessionpb.WriteStarted{WriteId: id, MustSync: true}}})
	}
	synced := func(wall int64, id uint64) *rpcpb.Seen {
		return seenAt(wall, &sessionpb.Event{Body: &sessionpb.Event_Synced{Synced: &sessionpb.Synced{WriteId: id}}})
	}
	asked := func(wall int64, id uint64) *rpcpb.Seen {
		return seenAt(wall, &sessionpb.Event{Body: &sessionpb.Event_OperationStarted{OperationStarted: &sessionpb.OperationStarted{
			Operation: &sessionpb.Operation{Id: id}}}})
	}
	answered := func(wall int64, id uint64) *rpcpb.Seen {
		return seenAt(wall, &sessionpb.Event{Body: &sessionpb.Event_OperationEnded{OperationEnded: &sessionpb.OperationEnded{Id: id}}})
	}
	for i, seen := range []*rpcpb.Seen{write(1*ms, 9), asked(1*ms, 9), synced(1*ms, 9), synced(1*ms, 9), answered(1*ms, 9), answered(1*ms, 9)} {
		p.m.tell(1, seen, 2*ms+int64(i))
		p.m.tell(2, seenAt(2*ms, seenClone(seen).Event), 2*ms+int64(i))
	}
	p.m.drain(60 * ms)
	p.wants("S1 1ms writes 1", "S1 1ms asked 1", "S1 1ms synced 1", "S1 1ms answered 1: ",
		"S2 2ms writes 2", "S2 2ms asked 2", "S2 2ms synced 2", "S2 2ms answered 2: ")
}

func TestAnAnswerThatWasLeftOutIsUnknownInTheEnd(t *testing.T) {
	p := newPlay(t, 1)
	p.tell(1, 0, seenAt(0, &sessionpb.Event{Body: &sessionpb.Event_OperationStarted{OperationStarted: &sessionpb.OperationStarted{
		Operation: &sessionpb.Operation{Id: 3}}}}))
	p.m.drain(60_000 * ms)
	p.wants("S1 0ms asked 1")
	p.tell(1, 60_001*ms, showing(1, 60_001*ms, 4))
	p.m.drain(65_000 * ms)
	p.wants("S1 60001ms shown up=true: ")
	p.m.drain(65_100 * ms)
	p.wants("S1 64800ms answered 1: the answer was not seen: events of the store were left out")
}

// Any streams: each store's order is kept, nothing arrives before it is sent, times do not go back, numbers are unique.
func TestTheMergedStreamIsCausal(t *testing.T) {
	for seed := range uint64(60) {
		if what := mergeRandom(t, seed); what != "" {
			t.Fatalf("%s; go test ./server/live -run TestTheMergedStreamIsCausal (seed %d)", what, seed)
		}
	}
}

func mergeRandom(t *testing.T, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	p := newPlay(t, 1, 2, 3)
	skew := []int64{0, r.Int64N(2_000) * ms, -r.Int64N(2_000) * ms, r.Int64N(20) * ms}
	type told struct {
		at, lag int64
		seen    *rpcpb.Seen
	}
	streams := make([][]told, 4)
	next := make([]uint64, 4)
	lag := []int64{0, r.Int64N(60) * ms, r.Int64N(60) * ms, r.Int64N(200) * ms}
	for now := int64(1); now < 400*ms; now += 1 + r.Int64N(3*ms) {
		from := 1 + r.Uint64N(3)
		to := 1 + (from+r.Uint64N(2))%3
		next[from]++
		flight := 50 + r.Int64N(2*ms)
		streams[from] = append(streams[from], told{now, lag[from], sending(now+skew[from], to, next[from])})
		if r.IntN(10) > 0 {
			streams[to] = append(streams[to], told{now + flight, lag[to], arriving(now+flight+skew[to], from, 1, next[from])})
		}
	}
	type heard struct {
		at   int64
		id   uint64
		seen *rpcpb.Seen
	}
	var all []heard
	for id := range streams {
		slices.SortStableFunc(streams[id], func(a, b told) int { return int(a.at - b.at) })
		for _, s := range streams[id] {
			all = append(all, heard{s.at/(20*ms)*(20*ms) + 20*ms + s.lag, uint64(id), s.seen}) // in batches
		}
	}
	slices.SortStableFunc(all, func(a, b heard) int { return int(a.at - b.at) })
	order := map[uint64][]*sessionpb.Event{}
	for _, h := range all {
		order[h.id] = append(order[h.id], h.seen.Event)
		p.tell(h.id, h.at, h.seen)
	}
	p.m.drain(2_000 * ms)
	var last int64
	flying := map[uint64]bool{}
	for _, e := range p.events {
		if e.TimeMicros < last {
			return fmt.Sprintf("%s comes after %d µs", words(e), last)
		}
		last = e.TimeMicros
		if order[e.StoreId][0] != e {
			return fmt.Sprintf("%s is not the next of its store", words(e))
		}
		order[e.StoreId] = order[e.StoreId][1:]
		switch b := e.Body.(type) {
		case *sessionpb.Event_MessageSent:
			if _, twice := flying[b.MessageSent.Message.Id]; twice {
				return fmt.Sprintf("%s: the number is taken", words(e))
			}
			flying[b.MessageSent.Message.Id] = true
		case *sessionpb.Event_MessageDelivered:
			if !flying[b.MessageDelivered.Id] {
				return fmt.Sprintf("%s is not under way", words(e))
			}
			flying[b.MessageDelivered.Id] = false
		}
	}
	for id, rest := range order {
		if len(rest) > 0 {
			return fmt.Sprintf("%d events of S%d are missing, the first is %s", len(rest), id, words(rest[0]))
		}
	}
	return ""
}

package sim_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// weather is a run in the making, in which everything happens to the network that can: what it does next depends on the
// seed, and on what is in flight.
type weather struct {
	t    *testing.T
	draw *rand.Rand
	w    *sim.World
	run  *sessionpb.Run
	fold *fold
	seen *recording
}

func newWeather(t *testing.T, seed uint64) *weather {
	t.Helper()
	s := &weather{t: t, draw: rand.New(rand.NewPCG(seed, 4)), fold: newFold(), seen: &recording{}}
	cfg := sim.DefaultConfig()
	cfg.Seed, cfg.Stores = seed, 3+2*uint32(s.draw.IntN(2))
	cfg.Network = s.network()
	cfg.Links, cfg.Filters = s.links(uint64(cfg.Stores)), s.filters(uint64(cfg.Stores))
	if s.draw.IntN(2) == 0 {
		cfg.Workloads = []*sessionpb.Workload{{
			Kind: sessionpb.WorkloadKind(1 + s.draw.IntN(4)), Clients: 2, Objects: 3, ThinkMicros: 200_000, TimeoutMicros: 500_000,
			AttemptsMax: 4, AstrayPpm: 100_000}}
	}
	s.run = &sessionpb.Run{Config: cfg}
	var err error
	judges := check.New(func(v *sessionpb.Violation) { t.Errorf("seed %d: %v", seed, v) })
	if s.w, err = sim.New(cfg, s.fold, s.seen, judges); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return s
}

// act does something now and notes it; that it is refused is well.
func (s *weather) act(a *sessionpb.Action) {
	a.AfterStep, a.AtMicros = s.w.Steps(), s.w.Now()
	s.run.Actions = append(s.run.Actions, a)
	_, _ = s.w.Act(a)
}

func (s *weather) sometimes(share uint32) uint32 {
	if s.draw.IntN(3) > 0 {
		return 0
	}
	return s.draw.Uint32N(share)
}

func (s *weather) network() *sessionpb.Network {
	n := &sessionpb.Network{
		LatencyMicros: 1_000 + s.draw.Int64N(30_000), LossPpm: s.sometimes(100_000), SlowPpm: s.sometimes(50_000),
		SlowMicros: s.draw.Int64N(300_000), DuplicatePpm: s.sometimes(300_000), ReorderPpm: s.sometimes(300_000),
	}
	n.JitterMicros = s.draw.Int64N(n.LatencyMicros + 1)
	if s.draw.IntN(3) == 0 {
		n.BytesPerSecond = 1_000 + s.draw.Uint64N(20_000)
	}
	return n
}

// ends are a link's.
func (s *weather) ends(stores uint64) (from, to uint64) {
	from, to = 1+s.draw.Uint64N(stores), 1+s.draw.Uint64N(stores-1)
	if to >= from {
		to++
	}
	return from, to
}

func (s *weather) links(stores uint64) []*sessionpb.Link {
	var links []*sessionpb.Link
	for range s.draw.IntN(4) {
		l := &sessionpb.Link{Cut: s.draw.IntN(3) == 0, Clogged: s.draw.IntN(3) == 0}
		if l.FromStore, l.ToStore = s.ends(stores); s.draw.IntN(3) == 0 {
			l.Network = s.network()
		}
		if len(links) == 0 || links[0].FromStore != l.FromStore {
			links = append([]*sessionpb.Link{l}, links[:min(len(links), 1)]...)
		}
	}
	return links
}

func (s *weather) filters(stores uint64) []*sessionpb.Filter {
	var filters []*sessionpb.Filter
	for range s.draw.IntN(3) {
		f := &sessionpb.Filter{
			Deed: sessionpb.FilterDeed(1 + s.draw.IntN(4)), Type: sessionpb.MessageType(1 + s.draw.IntN(9)),
			DelayMicros: 1 + s.draw.Int64N(200_000),
		}
		if s.draw.IntN(2) == 0 {
			f.FromStore, f.ToStore = s.ends(stores)
		}
		filters = append(filters, f)
	}
	return filters
}

func (s *weather) partition() *sessionpb.Action {
	kind := sessionpb.PartitionKind(1 + s.draw.IntN(4))
	ids := s.draw.Perm(s.w.Stores())
	sides := make([][]uint64, 1)
	for i, id := range ids {
		if kind != sessionpb.PartitionKind_PARTITION_KIND_RING && i > 0 && s.draw.IntN(3) == 0 {
			sides = append(sides, nil)
		}
		last := len(sides) - 1
		sides[last] = append(sides[last], uint64(id+1))
	}
	return partition(kind, sides...)
}

// byHand does something to one of the messages in flight.
func (s *weather) byHand() {
	messages := s.w.Keyframe().Messages
	if len(messages) == 0 {
		return
	}
	id := messages[s.draw.IntN(len(messages))].Id
	s.act([]*sessionpb.Action{
		hold(id), hold(id), release(id), release(id), release(id), delay(id, 1+s.draw.Int64N(300_000)), duplicate(id), drop(id), deliver(id),
	}[s.draw.IntN(9)])
}

func (s *weather) something() {
	store := 1 + s.draw.Uint64N(uint64(s.w.Stores()))
	switch s.draw.IntN(19) {
	case 0:
		s.act(useNetwork(s.network()))
	case 1, 2:
		s.act(setLinks(s.links(uint64(s.w.Stores()))...))
	case 3:
		s.act(s.partition())
	case 13:
		s.act(pause(store))
	case 14:
		s.act(resume(store))
	case 15:
		s.act([]*sessionpb.Action{
			setClock(store, &sessionpb.Clock{RatePpm: 500_000 + s.draw.Uint32N(1_000_000), LateMicros: s.draw.Int64N(50_000)}, s.draw.Int64N(3)),
			failDisk(store, sessionpb.DiskFault(s.draw.IntN(4))), crashBeforeSync(store, sessionpb.CrashKeeps(s.draw.IntN(3))),
			setDisk(store, &sessionpb.Disk{WriteMicros: s.draw.Int64N(50_000), FsyncMicros: s.draw.Int64N(50_000)}),
		}[s.draw.IntN(4)])
	case 12:
		if s.draw.IntN(4) == 0 {
			s.act(heal(store, 1+store%uint64(s.w.Stores())))
		}
	case 4:
		s.act(setFilters(s.filters(uint64(s.w.Stores()))...))
	case 5:
		s.act(crash(store))
	case 6:
		s.act(restart(store))
	case 7, 8, 9, 10, 11:
		s.byHand()
	default:
		s.act(put(0, fmt.Sprintf("key-%d", s.draw.IntN(5)), fmt.Sprintf("value-%d", s.draw.Uint32())))
	}
}

// accounted says that every message that was sent has been delivered, lost or is in flight, each once.
func (s *weather) accounted() {
	s.t.Helper()
	sent, ended := map[uint64]bool{}, 0
	for _, e := range *s.seen {
		if m := e.GetMessageSent().GetMessage(); m != nil {
			sent[m.Id] = true
		}
		id := e.GetMessageDelivered().GetId() + e.GetMessageLost().GetId()
		if id == 0 {
			continue
		}
		if ended++; !sent[id] {
			s.t.Fatalf("seed %d: message %d ends, and is not in flight", s.run.Config.Seed, id)
		}
		delete(sent, id)
	}
	for _, m := range s.w.Keyframe().Messages {
		if !sent[m.Id] {
			s.t.Fatalf("seed %d: message %d is in flight, and was not sent or has ended", s.run.Config.Seed, m.Id)
		}
	}
	if total := s.w.Counts().MessagesSent; len(sent) != s.w.MessagesInFlight() || uint64(ended+len(sent)) != total {
		s.t.Fatalf("seed %d: of %d messages %d have ended and %d are in flight, the world says %d",
			s.run.Config.Seed, total, ended, len(sent), s.w.MessagesInFlight())
	}
}

func (s *weather) wantFolded() {
	s.t.Helper()
	if what := s.fold.differs(s.w.Keyframe()); what != "" {
		s.t.Fatalf("seed %d after step %d: %s", s.run.Config.Seed, s.w.Steps(), what)
	}
}

// Whatever happens to the network: the events tell all of it, the run repeats, watched or not, no message is forgotten,
// and when the storm is over the cluster serves.
func TestAStormOnTheNetworkIsAccountedFor(t *testing.T) {
	told := map[string]int{}
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		s := newWeather(t, seed)
		for range 250 {
			for range s.draw.IntN(40) {
				s.w.Step()
			}
			s.something()
			s.wantFolded()
		}
		s.accounted()
		s.act(heal())
		s.w.RunUntil(s.w.Now() + 15_000_000)
		s.wantFolded()
		s.accounted()
		for _, m := range s.w.Keyframe().Messages {
			if m.Held != 0 || m.SentMicros < s.w.Now()-100_000 {
				t.Errorf("seed %d: all is calm, and in flight is %v", seed, m)
			}
		}
		at := len(s.run.Actions)
		s.act(put(0, "after", "the storm"))
		operation := s.w.Counts().OperationsStarted
		s.w.RunUntil(s.w.Now() + 1_000_000)
		if r := s.seen.ended(operation); r == nil || r.GetHeader().GetError() != nil {
			t.Errorf("seed %d: all is calm, and %v is answered with %v", seed, s.run.Actions[at], r)
		}

		s.run.Steps, s.run.NowMicros, s.run.Acted = s.w.Steps(), s.w.Now(), uint32(len(s.run.Actions))
		var again recording
		if _, err := sim.Play(s.run, &again); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i, e := range *s.seen {
			if i >= len(again) || !proto.Equal(e, again[i]) {
				t.Fatalf("seed %d: played again, event %d differs: %v", seed, i+1, e)
			}
		}
		sameWatchedOrNot(t, s.run)
		for kind, n := range s.fold.told {
			told[kind] += n
		}
	}
	for _, kind := range []string{"MessageHeld", "MessageRescheduled", "MessageLost", "SettingsChanged", "StoreCrashed"} {
		if uint64(told["*sessionpb.Event_"+kind]) < 4*seeds {
			t.Errorf("%d times %s: these storms are too mild", told["*sessionpb.Event_"+kind], kind)
		}
	}
}

package live

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func seenClone(s *rpcpb.Seen) *rpcpb.Seen { return proto.Clone(s).(*rpcpb.Seen) }

// storm is a simulated world whose stores tell a merger what happens, each with a clock of its own and in its own time: real
// stores' events, whose truth is known.
type storm struct {
	p      *play
	chance *rand.Rand
	skew   map[uint64]int64
	from   map[uint64]uint64 // by message
	now    int64
	// wire is what the stores told and the merger has not heard.
	wire  map[uint64][]*rpcpb.Seen
	heard map[uint64]int64 // when a store's wire was heard last
}

// Event implements sim.Observer.
func (s *storm) Event(e *sessionpb.Event) {
	e = proto.Clone(e).(*sessionpb.Event)
	s.now = e.TimeMicros
	for _, id := range slices.Sorted(maps.Keys(s.wire)) {
		if late := s.now - s.heard[id]; late > 20*ms && s.chance.IntN(3) == 0 || late > 100*ms {
			s.hear(id, s.wire[id])
		}
	}
	switch b := e.Body.(type) {
	case *sessionpb.Event_RunStarted:
		for _, state := range b.RunStarted.Stores {
			s.come(state)
		}
		return
	case *sessionpb.Event_StoreAdded:
		s.come(b.StoreAdded.Store)
		return
	case *sessionpb.Event_MessageSent:
		s.from[b.MessageSent.Message.Id] = e.StoreId
	}
	if e.StoreId == 0 {
		return
	}
	seen := seenAt(e.TimeMicros+s.skew[e.StoreId], e)
	id := uint64(0)
	switch b := e.Body.(type) {
	case *sessionpb.Event_MessageDelivered:
		id = b.MessageDelivered.Id
	case *sessionpb.Event_MessageLost:
		id = b.MessageLost.Id
	case *sessionpb.Event_OperationStarted, *sessionpb.Event_OperationEnded:
		return // These happen at the simulation's clients, which time out by themselves.
	}
	if id != 0 {
		seen.FromStore, seen.FromIncarnation = s.from[id], 1
	}
	s.wire[e.StoreId] = append(s.wire[e.StoreId], seen)
}

func (s *storm) come(state *sessionpb.StoreState) {
	id := state.Id
	s.skew[id] = (s.chance.Int64N(2_000) - 1_000) * 86_400 * ms
	s.wire[id] = nil
	s.p.m.add(id)
	s.p.find(id, 1, s.now)
	seen := showing(id, s.now+s.skew[id], 0)
	seen.Event.GetStoreShown().Store = proto.Clone(state).(*sessionpb.StoreState)
	s.p.tell(id, s.now, seen)
}

func (s *storm) hear(id uint64, waiting []*rpcpb.Seen) {
	s.wire[id], s.heard[id] = nil, s.now
	for _, seen := range waiting {
		s.p.m.tell(id, seen, s.now)
	}
	s.p.m.drain(s.now)
}

func TestRealStoresAreFoldedToWhatTheyAre(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		for name, run := range map[string]*sessionpb.Run{"exercise": sim.Exercise(seed), "regions": sim.ExerciseRegions(seed)} {
			if what := foldsToTheWorld(t, run, seed); what != "" {
				t.Fatalf("%s %d: %s", name, seed, what)
			}
		}
	}
}

func foldsToTheWorld(t *testing.T, run *sessionpb.Run, seed uint64) string {
	p := newPlay(t)
	s := &storm{
		p: p, chance: rand.New(rand.NewPCG(seed, 2)), skew: map[uint64]int64{}, from: map[uint64]uint64{},
		wire: map[uint64][]*rpcpb.Seen{}, heard: map[uint64]int64{},
	}
	player, err := sim.NewPlayer(run, s)
	if err != nil {
		t.Fatal(err)
	}
	for steps := 1; ; steps++ {
		more, err := player.Next()
		if err != nil {
			t.Fatal(err)
		}
		if steps%500 == 0 || !more {
			// Everything is heard, and there is a moment for its order.
			for _, id := range slices.Sorted(maps.Keys(s.wire)) {
				s.hear(id, s.wire[id])
			}
			p.m.drain(s.now + 60*ms)
			if what := differs(p, player.World.Keyframe()); what != "" {
				return fmt.Sprintf("after step %d: %s", steps, what)
			}
		}
		if !more {
			return ""
		}
	}
}

// differs compares what left the merger with the truth, as core/sim's own fold is compared.
func differs(p *play, k *sessionpb.Keyframe) string {
	for _, want := range k.Stores {
		for whose, f := range map[string]*fold{"the gateway": p.m.fold, "a viewer": p.viewer} {
			got, want := plainStore(f.store(want.Id)), plainStore(want)
			if !proto.Equal(got, want) {
				return fmt.Sprintf("%s has S%d as\n%v\nwant\n%v", whose, want.Id, got, want)
			}
		}
	}
	under := map[uint64]bool{}
	for _, m := range k.Messages {
		under[m.Id] = true
	}
	for parcel := range p.m.flights.byParcel {
		if !under[parcel.id] {
			return fmt.Sprintf("message %d is not under way any more", parcel.id)
		}
	}
	return ""
}

// plainStore leaves out what events do not tell, and the numbers that the merger gives.
func plainStore(s *sessionpb.StoreState) *sessionpb.StoreState {
	s = proto.Clone(s).(*sessionpb.StoreState)
	s.Paused, s.DiskFault, s.CrashMoment, s.CrashKeeps, s.LocalMicros = false, 0, 0, 0, 0
	for _, w := range s.Writes {
		w.WriteId, w.WrittenDueMicros, w.SyncedDueMicros = 0, 0, 0
	}
	for i := range s.WrittenIds {
		s.WrittenIds[i] = 0
	}
	for _, p := range s.Peers {
		p.Timer, p.Votes, p.LeaseUntilMicros, p.SizeBytes = nil, nil, 0, 0
	}
	return s
}

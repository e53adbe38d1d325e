package check

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// recording keeps every event of a run.
type recording []*sessionpb.Event

func (r *recording) Event(e *sessionpb.Event) { *r = append(*r, e) }

func record(t *testing.T, run *sessionpb.Run) recording {
	t.Helper()
	var events recording
	if _, err := sim.Play(run, &events); err != nil {
		t.Fatalf("exercise %d: %v", run.Config.Seed, err)
	}
	return events
}

func TestARealRunBreaksNothing(t *testing.T) {
	for seed := uint64(1); seed <= 15; seed++ {
		j := New(func(v *sessionpb.Violation) { t.Errorf("exercise %d: %v", seed, v) })
		feed(j, record(t, sim.Exercise(seed)))
	}
	for seed := uint64(1); seed <= 40; seed++ {
		j := New(func(v *sessionpb.Violation) { t.Errorf("exercise of regions %d: %v", seed, v) })
		feed(j, record(t, sim.ExerciseRegions(seed)))
	}
}

// A run in which stores lie breaks things at many places, so that rewinding has verdicts to forget.
func lie(events recording, rng *rand.Rand) {
	for i, e := range events {
		if rng.IntN(10) > 0 {
			continue
		}
		switch b := e.Body.(type) {
		case *sessionpb.Event_Applied:
			events[i] = &sessionpb.Event{Seq: e.Seq, StoreId: e.StoreId, Body: &sessionpb.Event_Applied{Applied: &sessionpb.Applied{
				RegionId: b.Applied.RegionId, Index: b.Applied.Index, Term: b.Applied.Term, Digest: 1}}}
		case *sessionpb.Event_Committed:
			events[i] = &sessionpb.Event{Seq: e.Seq, StoreId: e.StoreId, Body: &sessionpb.Event_Committed{
				Committed: &sessionpb.Committed{RegionId: b.Committed.RegionId, Index: b.Committed.IndexBefore / 2, IndexBefore: b.Committed.IndexBefore}}}
		case *sessionpb.Event_RoleChanged, *sessionpb.Event_WriteStarted, *sessionpb.Event_RegionChanged,
			*sessionpb.Event_PeerCreated, *sessionpb.Event_PeerDestroyed, *sessionpb.Event_SnapshotRestored:
			events[i] = &sessionpb.Event{Seq: e.Seq, StoreId: 1 + e.StoreId%3, Body: e.Body}
		}
	}
}

func TestRewindForgetsExactly(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		rng := rand.New(rand.NewPCG(seed, 1))
		run := sim.Exercise(seed)
		if seed > 4 {
			run = sim.ExerciseRegions(seed)
		}
		events := record(t, run)
		if seed%2 == 0 {
			lie(events, rng)
		}
		j := New(func(*sessionpb.Violation) {})
		at := 0
		for range 15 {
			ahead := at + rng.IntN(len(events)-at+1)
			feed(j, events[at:ahead])
			at = rng.IntN(ahead + 1)
			if !j.Rewind(uint64(at)) {
				t.Fatalf("exercise %d: no way back to event %d", seed, at)
			}
			straight := New(func(*sessionpb.Violation) {})
			feed(straight, events[:at])
			if got, want := dump(j), dump(straight); got != want {
				t.Fatalf("exercise %d, rewound from %d to %d:\n%s", seed, ahead, at, difference(got, want))
			}
		}
		if seed%2 == 0 && len(j.verdicts) == 0 && at > len(events)/2 {
			t.Errorf("exercise %d: lies went unnoticed", seed)
		}
	}
}

func TestMemoryIsBoundedAndSaysSo(t *testing.T) {
	events := record(t, sim.Exercise(3))
	j := New(func(v *sessionpb.Violation) { t.Errorf("unjust: %v", v) })
	j.indexesMax, j.piecesMax = 16, 0
	feed(j, events)
	if n := len(j.peerUndos.pieces) + len(j.factUndos.pieces); n > 0 {
		t.Errorf("%d pieces kept, none wanted", n)
	}
	if n := len(j.regions[1].slots); n > 16 {
		t.Errorf("%d indexes kept, at most 16 wanted", n)
	}
	last := uint64(len(events))
	if !j.Rewind(last) {
		t.Error("no way back to where it stands")
	}
	if j.Rewind(1) {
		t.Error("claims a way back to the beginning")
	}
	feed(j, events[len(events)/2:]) // without a past, nothing is held against anybody
	if !j.Rewind(0) {
		t.Error("the beginning itself is always there")
	}
	feed(j, events)
}

func feed(j *Judges, events []*sessionpb.Event) {
	for _, e := range events {
		j.Event(e)
	}
}

// dump writes everything the judges know.
func dump(j *Judges) string {
	var lines []string
	for storeID, peers := range j.stores {
		for _, p := range peers {
			s := p.state
			if s == (peerState{}) {
				continue
			}
			line := fmt.Sprintf("peer %d of S%d in region %d: term %d vote %d commit %d applied %d %v",
				s.peerID, storeID, p.region.id, s.term, s.vote, s.commit, s.applied, s.appliedKnown)
			for _, h := range []*hardState{s.handed, s.written, s.durable} {
				if h != nil {
					line += fmt.Sprintf(" %v", *h)
				}
			}
			for _, h := range []*shape{s.shape, s.shapeHanded, s.shapeWritten, s.shapeDurable} {
				if h != nil {
					line += fmt.Sprintf(" shape %s since %d", h, h.seq)
				}
			}
			line += fmt.Sprintf(" log to %d:", s.log.last)
			for run := s.log.top; run != nil; run = run.below {
				line += fmt.Sprintf(" %d@%d", run.term, run.from)
			}
			lines = append(lines, line)
		}
	}
	for id, r := range j.regions {
		for term, l := range r.leaders {
			lines = append(lines, fmt.Sprintf("region %d term %08d: %v", id, term, l))
		}
		for version, f := range r.ranges {
			lines = append(lines, fmt.Sprintf("region %d version %08d: %d %d %v", id, version, f.seq, f.storeID, f.region))
		}
		for epoch, f := range r.members {
			lines = append(lines, fmt.Sprintf("region %d epoch %v: %d %d %v", id, epoch, f.seq, f.storeID, f.region))
		}
		if len(r.slots) > 0 {
			lines = append(lines, fmt.Sprintf("region %d: base %d, %d facts", id, r.base, r.facts))
		}
		for i, s := range r.slots {
			lines = append(lines, fmt.Sprintf("region %d index %08d: %v %v %v", id, r.base+uint64(i), s.first, s.others, s.applied))
		}
	}
	for _, v := range j.verdicts {
		lines = append(lines, fmt.Sprint(v))
	}
	slices.SortFunc(lines, cmp.Compare)
	return strings.Join(lines, "\n")
}

func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("got  %s\nwant %s", g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func TestRewindTwiceToTheSameEvent(t *testing.T) {
	events := record(t, sim.ExerciseRegions(2))
	straight, j := New(func(*sessionpb.Violation) {}), New(func(*sessionpb.Violation) {})
	for at := range events {
		straight.Event(events[at])
		for range 2 {
			feed(j, events[j.seq:min(at+3, len(events))])
			if !j.Rewind(uint64(at + 1)) {
				t.Fatalf("no way back to event %d", at+1)
			}
		}
		if at%50 == 0 && dump(j) != dump(straight) {
			t.Fatalf("rewound twice to %d:\n%s", at+1, difference(dump(j), dump(straight)))
		}
	}
}

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
	var met [casesEnd]uint64
	for seed := uint64(1); seed <= 15; seed++ {
		j := New(func(v *sessionpb.Violation) { t.Errorf("exercise %d: %v", seed, v) })
		feed(j, record(t, sim.Exercise(seed)))
		for i, c := range j.Cases() {
			met[i] += c.Count
		}
	}
	for seed := uint64(1); seed <= 40; seed++ {
		j := New(func(v *sessionpb.Violation) { t.Errorf("exercise of regions %d: %v", seed, v) })
		feed(j, record(t, sim.ExerciseRegions(seed)))
		for i, c := range j.Cases() {
			met[i] += c.Count
		}
	}
	// Nothing cuts a leader off there: none goes on beside the next, with entries that only it has.
	met[caseLeaderBesideLeader]++
	met[caseTailCut]++
	for i, n := range met {
		if n == 0 {
			t.Errorf("%s: never %s", caseNames[i].Judge, caseNames[i].Name)
		}
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
		case *sessionpb.Event_StoreStarted:
			// With less than it had, or wiped.
			events[i] = &sessionpb.Event{Seq: e.Seq, StoreId: e.StoreId, Body: &sessionpb.Event_StoreStarted{
				StoreStarted: &sessionpb.StoreStarted{Store: &sessionpb.StoreState{Id: e.StoreId, Up: true}, Wiped: i%2 == 0}}}
		case *sessionpb.Event_RoleChanged, *sessionpb.Event_WriteStarted, *sessionpb.Event_Written, *sessionpb.Event_Synced,
			*sessionpb.Event_RegionChanged, *sessionpb.Event_PeerCreated, *sessionpb.Event_PeerDestroyed,
			*sessionpb.Event_SnapshotRestored, *sessionpb.Event_StoreCrashed:
			events[i] = &sessionpb.Event{Seq: e.Seq, StoreId: 1 + e.StoreId%3, Body: e.Body}
		}
	}
}

// A disk that never syncs: the run is a real one, but for the events that say so.
func TestARunWithoutSyncsIsNotBelieved(t *testing.T) {
	found := map[string]int{}
	j := New(func(v *sessionpb.Violation) { found[v.Judge]++ })
	for _, e := range record(t, sim.Exercise(1)) {
		if e.GetSynced() == nil || e.GetStoreId() == 1 {
			j.Event(e)
		}
	}
	if len(found) != 2 || found[judgeDurableCommit] == 0 || found[judgeSyncFirst] == 0 {
		t.Errorf("judges that found something: %v", found)
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
			line := fmt.Sprintf("peer %d of S%d in region %d:", s.peerID, storeID, p.region.id)
			for _, at := range []*stored{s.handed, s.written, s.durable} {
				if at != nil {
					line += fmt.Sprintf(" on disk %d %d %d %d %d %d%s%s,", at.termSeq, at.term, at.vote, at.commit, at.applied, at.logSeq,
						dumpLog(at.log), dumpShape(at.shape))
				}
			}
			line += dumpLog(s.log) + dumpShape(s.shape)
			s.handed, s.written, s.durable, s.shape, s.log.top = nil, nil, nil, nil, nil
			line += fmt.Sprintf(" %+v", s)
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
		for key, b := range r.ballots {
			line := fmt.Sprintf("region %d ballots of %d in term %d:", id, key.peerID, key.term)
			for ; b != nil; b = b.before {
				line += fmt.Sprintf(" %d for %d", b.seq, b.candidate)
			}
			lines = append(lines, line)
		}
		if r.commit != nil {
			lines = append(lines, fmt.Sprintf("region %d commit %+v", id, *r.commit))
		}
		if len(r.slots) > 0 {
			lines = append(lines, fmt.Sprintf("region %d: base %d, %d facts", id, r.base, r.facts))
		}
		for i, s := range r.slots {
			lines = append(lines, fmt.Sprintf("region %d index %08d: %v %v %v", id, r.base+uint64(i), s.first, s.others, s.applied))
		}
	}
	lines = append(lines, fmt.Sprint("begun ", j.begun))
	for _, v := range j.verdicts {
		lines = append(lines, fmt.Sprint(v))
	}
	slices.SortFunc(lines, cmp.Compare)
	return strings.Join(lines, "\n")
}

func dumpLog(l logTerms) string {
	line := fmt.Sprintf(" log to %d:", l.last)
	for run := l.top; run != nil; run = run.below {
		line += fmt.Sprintf(" %d@%d", run.term, run.from)
	}
	return line
}

func dumpShape(s *shape) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf(" shape %s since %d", s, s.seq)
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

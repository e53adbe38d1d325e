package sim_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// The tests' vocabulary: actions, worlds, and who watches them.

func put(store uint64, key, value string) *sessionpb.Action {
	return propose(store, &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{
		Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}})
}

func propose(store uint64, requests ...*raftcmdpb.Request) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		StoreId: store, Request: &raftcmdpb.RaftCommandRequest{Requests: requests}}}}
}

func crash(store uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: store}}}
}

func restart(store uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: store}}}
}

func network(latency, jitter int64, lossPPM uint32) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
		Network: &sessionpb.Network{LatencyMicros: latency, JitterMicros: jitter, LossPpm: lossPPM}}}}
}

func newWorld(t *testing.T, observers ...sim.Observer) *sim.World {
	t.Helper()
	w, err := sim.New(sim.DefaultConfig(), observers...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// act does an action that must not be refused.
func act(t *testing.T, w *sim.World, a *sessionpb.Action) uint64 {
	t.Helper()
	id, err := w.Act(a)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// elect runs until there is a leader, and returns its store.
func elect(t *testing.T, w *sim.World) uint64 {
	t.Helper()
	if !w.RunWhile(w.Now()+20_000_000, func() bool { return w.Leader() == 0 }) {
		t.Fatal("no leader within 20 s")
	}
	return w.Leader()
}

// recording keeps every event.
type recording []*sessionpb.Event

func (r *recording) Event(e *sessionpb.Event) { *r = append(*r, e) }

// ended returns the answer to an operation, or nil.
func (r *recording) ended(operation uint64) *raftcmdpb.RaftCommandResponse {
	for _, e := range *r {
		if ended := e.GetOperationEnded(); ended.GetId() == operation {
			return ended.GetResponse()
		}
	}
	return nil
}

func hashOf(t *testing.T, run *sessionpb.Run) string {
	t.Helper()
	h := sim.NewHasher()
	w, err := sim.Play(run, h)
	if err != nil {
		t.Fatal(err)
	}
	return h.Sum(w)
}

func engines(t *testing.T, w *sim.World) string {
	t.Helper()
	h := sha256.New()
	if err := w.HashEngines(h); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestWatchingChangesNothing(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		unseen, err := sim.Play(sim.Exercise(seed))
		if err != nil {
			t.Fatal(err)
		}
		seen, err := sim.Play(sim.Exercise(seed), &recording{})
		if err != nil {
			t.Fatal(err)
		}
		if unseen.Counts() != seen.Counts() || unseen.Steps() != seen.Steps() || engines(t, unseen) != engines(t, seen) {
			t.Errorf("exercise %d: unseen %+v after %d steps, seen %+v after %d",
				seed, unseen.Counts(), unseen.Steps(), seen.Counts(), seen.Steps())
		}
		if unseen.Seq() != 0 {
			t.Errorf("exercise %d: %d events were counted with nobody watching", seed, unseen.Seq())
		}
	}
}

func TestOneByteOfOneActionChangesTheHash(t *testing.T) {
	run := sim.Exercise(3)
	before := hashOf(t, run)
	for _, a := range run.Actions {
		for _, r := range a.GetPropose().GetRequest().GetRequests() {
			if p := r.GetPut(); p != nil {
				p.Value[0] ^= 1
				if after := hashOf(t, run); after == before {
					t.Error("another value gives the same hash")
				}
				return
			}
		}
	}
	t.Fatal("the exercise has no put")
}

func TestARunDoneByHandReplays(t *testing.T) {
	h := sim.NewHasher()
	w := newWorld(t, h)
	run := &sessionpb.Run{Config: sim.DefaultConfig()}
	do := func(a *sessionpb.Action) {
		a.AfterStep, a.AtMicros = w.Steps(), w.Now()
		act(t, w, a)
		run.Actions = append(run.Actions, a)
		run.Acted++
	}
	leader := elect(t, w)
	do(put(leader, "city", "Kyoto"))
	for range 40 {
		w.Step()
	}
	w.RunUntil(w.Now() + 12_345)
	do(crash(leader))
	elect(t, w)
	do(restart(leader))
	do(put(0, "city", "Nara"))
	w.RunUntil(w.Now() + 999_999)
	run.Steps, run.NowMicros = w.Steps(), w.Now()
	want := h.Sum(w)

	encoded, err := proto.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	shared := &sessionpb.Run{}
	if err := proto.Unmarshal(encoded, shared); err != nil {
		t.Fatal(err)
	}
	if got := hashOf(t, shared); got != want {
		t.Errorf("the replay's hash is %s, the run's %s", got, want)
	}
}

// Who looks away and comes back misses what happened meanwhile, and nothing else.
func TestLookingAwayAndBack(t *testing.T) {
	var straight recording
	run := sim.Exercise(5)
	if _, err := sim.Play(run, &straight); err != nil {
		t.Fatal(err)
	}
	for _, away := range []int{1, 200, 1000, 2000} {
		p, err := sim.NewPlayer(run)
		if err != nil {
			t.Fatal(err)
		}
		for range away {
			if _, err := p.Next(); err != nil {
				t.Fatal(err)
			}
		}
		// Where the events stand is known from the straight run: its first event of a later step.
		seq, step := uint64(0), p.World.Steps()
		for _, e := range straight {
			if e.Step <= step && !(e.Step == step && e.TimeMicros > p.World.Now()) {
				seq = e.Seq
			}
		}
		var back recording
		p.World.SetSeq(seq)
		p.World.Observe(&back)
		for {
			more, err := p.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
		}
		if len(back) != len(straight)-int(seq) {
			t.Fatalf("back after %d: %d events, want %d", away, len(back), len(straight)-int(seq))
		}
		for i, e := range back {
			if want := straight[int(seq)+i]; !proto.Equal(e, want) {
				t.Fatalf("back after %d: event\n%v\nwant\n%v", away, e, want)
			}
		}
	}
}

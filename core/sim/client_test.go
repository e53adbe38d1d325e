package sim_test

import (
	"testing"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func get(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}
}

func TestWhatIsPutIsRead(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	leader := elect(t, w)
	first := act(t, w, put(leader, "city", "Kyoto"))
	w.RunUntil(w.Now() + 500_000)
	second := act(t, w, propose(leader, get("city")))
	w.RunUntil(w.Now() + 500_000)
	if first != 1 || second != 2 {
		t.Errorf("operations %d and %d, want 1 and 2", first, second)
	}
	answer := seen.ended(second)
	if g := answer.GetResponses()[0].GetGet(); !g.GetFound() || string(g.GetValue()) != "Kyoto" {
		t.Errorf("read: %v", answer)
	}
	if h := seen.ended(first).GetHeader(); h.GetError() != nil || h.GetClient() != 1 || h.GetSequence() != 1 {
		t.Errorf("put: %v", h)
	}
}

func TestTheRunsClientCountsItsWrites(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	leader := elect(t, w)
	mine := put(leader, "city", "Osaka")
	mine.GetPropose().Request.Header = &raftcmdpb.RequestHeader{Client: 77, Sequence: 5}
	for _, a := range []*sessionpb.Action{put(leader, "a", "1"), propose(leader, get("a")), mine, put(leader, "b", "2")} {
		act(t, w, a)
	}
	type id struct{ client, sequence uint64 }
	var got []id
	for _, e := range seen {
		if op := e.GetOperationStarted().GetOperation(); op != nil {
			h := op.GetRequest().GetHeader()
			got = append(got, id{h.GetClient(), h.GetSequence()})
			if h.GetRegionId() != 1 || h.GetRegionEpoch().GetVersion() != 1 {
				t.Errorf("operation %d is for region %d, epoch %v", op.Id, h.GetRegionId(), h.GetRegionEpoch())
			}
		}
	}
	want := []id{{1, 1}, {0, 0}, {77, 5}, {1, 2}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("request ids %v, want %v", got, want)
			break
		}
	}
	if mine.GetPropose().Request.Header.RegionId != 0 {
		t.Error("the action was written to")
	}
}

func TestAnOperationEndsExactlyOnce(t *testing.T) {
	for seed := uint64(30); seed < 38; seed++ {
		var seen recording
		run := sim.Exercise(seed)
		if _, err := sim.Play(run, &seen); err != nil {
			t.Fatal(err)
		}
		began := map[uint64]int64{}
		for _, e := range seen {
			if op := e.GetOperationStarted().GetOperation(); op != nil {
				began[op.Id] = e.TimeMicros
			}
			if ended := e.GetOperationEnded(); ended != nil {
				start, open := began[ended.Id]
				if !open {
					t.Fatalf("exercise %d: operation %d ends twice", seed, ended.Id)
				}
				if e.TimeMicros > start+run.Config.ClientTimeoutMicros {
					t.Fatalf("exercise %d: operation %d ends after its client gave up", seed, ended.Id)
				}
				delete(began, ended.Id)
			}
		}
		for id, start := range began {
			if start+run.Config.ClientTimeoutMicros <= run.NowMicros {
				t.Fatalf("exercise %d: operation %d never ended", seed, id)
			}
		}
	}
}

func TestAClientThatGivesUpKnowsNothing(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	leader := elect(t, w)
	act(t, w, network(20_000, 0, 1_000_000))
	began := w.Now()
	id := act(t, w, put(leader, "city", "Kyoto"))
	act(t, w, crash(leader))
	w.RunUntil(began + 4_999_999)
	if seen.ended(id) != nil {
		t.Fatal("it ended before the client's patience did")
	}
	w.RunUntil(began + 5_000_000)
	e := seen.ended(id).GetHeader().GetError()
	if e.GetTimeout().GetWaitedMicros() != 5_000_000 || e.GetOutcome() != errorpb.Outcome_OUTCOME_MAY_APPLY {
		t.Errorf("the answer is %v, want that it may apply after 5 s", e)
	}
	if want := "no answer within 5000 ms; the outcome is unknown"; e.GetMessage() != want {
		t.Errorf("it says %q, want %q", e.GetMessage(), want)
	}
}

func TestAnAnswerThatComesTooLateGoesUnheard(t *testing.T) {
	var seen recording
	cfg := sim.DefaultConfig()
	cfg.ClientTimeoutMicros = 10_000 // a round trip takes 40 ms
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	id := act(t, w, put(elect(t, w), "city", "Kyoto"))
	w.RunUntil(w.Now() + 1_000_000)
	ends := 0
	for _, e := range seen {
		if e.GetOperationEnded().GetId() == id {
			ends++
		}
	}
	if ends != 1 || seen.ended(id).GetHeader().GetError().GetTimeout() == nil {
		t.Errorf("%d ends, %v; want one, a timeout", ends, seen.ended(id))
	}
	if keys := w.Keyframe().Stores[0].Peers[0].Keys; len(keys) != 1 {
		t.Errorf("the command that timed out left %d keys, want its own", len(keys))
	}
}

func TestAProposalToNobodyGoesToTheLeader(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	act(t, w, crash(1))
	early := act(t, w, put(0, "a", "1")) // no leader yet: the lowest store that is up
	leader := elect(t, w)
	late := act(t, w, put(0, "a", "1"))
	to := map[uint64]uint64{}
	for _, e := range seen {
		if op := e.GetOperationStarted().GetOperation(); op != nil {
			to[op.Id] = op.ToStore
		}
	}
	if to[early] != 2 || to[late] != leader {
		t.Errorf("sent to S%d and S%d, want S2 and S%d", to[early], to[late], leader)
	}
	for id := uint64(2); id <= 5; id++ {
		act(t, w, crash(id))
	}
	if _, err := w.Act(put(0, "a", "1")); err == nil || err.Error() != "every store is down: restart one first" {
		t.Errorf("with every store down: %v", err)
	}
}

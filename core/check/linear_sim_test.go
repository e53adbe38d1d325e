package check_test

import (
	"testing"

	"raftplay/core/check"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// troubled is a run with crashes on a lossy network, and clients of every kind that work by themselves.
func troubled(seed uint64, regions bool) *sessionpb.Run {
	run := sim.Exercise(seed)
	if regions {
		run = sim.ExerciseRegions(seed)
	}
	run.Config.Network.LossPpm = 150_000
	for _, a := range run.Actions {
		if n := a.GetSetNetwork().GetNetwork(); n != nil {
			n.LossPpm = 150_000
		}
	}
	for kind := sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS; kind <= sessionpb.WorkloadKind_WORKLOAD_KIND_BANK; kind++ {
		run.Config.Workloads = append(run.Config.Workloads, &sessionpb.Workload{
			Kind: kind, Clients: 3, Objects: 2, ThinkMicros: 150_000, TimeoutMicros: 60_000, AttemptsMax: 3, AstrayPpm: 100_000,
			ReadModes: []raftcmdpb.ReadMode{raftcmdpb.ReadMode_READ_MODE_UNSPECIFIED, raftcmdpb.ReadMode_READ_MODE_LOG,
				raftcmdpb.ReadMode_READ_MODE_READ_INDEX, raftcmdpb.ReadMode_READ_MODE_LEASE},
		})
	}
	return run
}

func TestWhatClientsHearInTroubleIsLinearizable(t *testing.T) {
	judged, unknown := 0, 0
	for seed := uint64(1); seed <= 20; seed++ {
		history := check.NewHistory()
		w, err := sim.Play(troubled(seed, seed%4 == 0), history)
		if err != nil {
			t.Fatal(err)
		}
		taken := history.Taken(w.Now())
		v := check.JudgeHistory(taken)
		if v.Kind != sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE {
			t.Errorf("seed %d: %v: %s", seed, v.Kind, v.Message)
		}
		judged += int(v.Judged)
		for _, op := range taken.Operations {
			if op.Response.GetHeader().GetError().GetTimeout() != nil {
				unknown++
			}
		}
	}
	if judged < 10_000 || unknown < 500 {
		t.Errorf("%d operations judged and %d attempts without an answer: too few to mean anything", judged, unknown)
	}
}

package main

import (
	"fmt"
	"time"

	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// swarmSeeds is how many runs of a swarm one measurement plays.
const swarmSeeds = 40

// printFaults measures what the judges cost: runs of a swarm with and without them, and histories of several sizes.
func printFaults(rounds int) error {
	fmt.Printf("\n%-66s %12s\n", "a swarm's runs and their judges, one core, "+platform(), "median")
	var alone float64
	for _, kind := range []struct {
		what      string
		observers func(w **sim.World) []sim.Observer
	}{
		{"unwatched", func(**sim.World) []sim.Observer { return nil }},
		{"events made, nobody looks", func(**sim.World) []sim.Observer { return []sim.Observer{nobody{}} }},
		{"judged, history kept", func(w **sim.World) []sim.Observer {
			return []sim.Observer{check.New(func(v *sessionpb.Violation) { (*w).Report(v) }), check.NewHistory()}
		}},
	} {
		var micros int64
		seconds, err := repeat(rounds, func() (float64, error) {
			began := time.Now()
			var err error
			micros, err = playSwarm(kind.observers)
			return time.Since(began).Seconds(), err
		})
		if err != nil {
			return err
		}
		if alone == 0 {
			alone = seconds
		}
		fmt.Printf("%-66s %12.0f %10.2f×\n", kind.what+" (seeds a minute)", swarmSeeds*60/seconds, seconds/alone)
		fmt.Printf("%-66s %12.0f\n", "  simulated seconds a second", float64(micros)/1e6/seconds)
	}
	for _, operations := range []int{100, 1_000, 10_000} {
		history, err := heard(operations)
		if err != nil {
			return err
		}
		millis, err := repeat(rounds, func() (float64, error) {
			began := time.Now()
			verdict := check.JudgeHistory(history)
			if verdict.GetKind() != sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE {
				return 0, fmt.Errorf("a sound history: %s", verdict.GetMessage())
			}
			return float64(time.Since(began).Microseconds()) / 1000, nil
		})
		if err != nil {
			return err
		}
		fmt.Printf("%-66s %12.1f\n", fmt.Sprintf("linearizability of %d operations by 8 clients on 16 keys (ms)", operations), millis)
	}
	fmt.Println("wanted: 300 judged seeds a minute natively; judges at most 2× of unwatched")
	return nil
}

// nobody is told every event.
type nobody struct{}

func (nobody) Event(*sessionpb.Event) {}

func playSwarm(observers func(w **sim.World) []sim.Observer) (micros int64, err error) {
	for seed := uint64(1); seed <= swarmSeeds; seed++ {
		var w *sim.World
		player, err := sim.NewPlayer(sim.Swarm(seed, false), observers(&w)...)
		if err != nil {
			return 0, err
		}
		w = player.World
		for more := true; more; {
			if more, err = player.Next(); err != nil {
				return 0, err
			}
		}
		micros += w.Now()
	}
	return micros, nil
}

// heard is what eight clients of registers heard, up to so many operations, while stores crash on a network that loses one
// message in fifty.
func heard(operations int) (*sessionpb.History, error) {
	cfg := sim.DefaultConfig()
	cfg.Network.LossPpm, cfg.Raft.BaseTickMicros = 20_000, 20_000
	cfg.Workloads = []*sessionpb.Workload{{
		Kind: sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS, Clients: 8, Objects: 16,
		ThinkMicros: 50_000, TimeoutMicros: 300_000, AttemptsMax: 2,
	}}
	history := check.NewHistory()
	w, err := sim.New(cfg, history)
	if err != nil {
		return nil, err
	}
	for second := int64(1); history.Len() < operations; second++ {
		store, action := 1+uint64(second/2)%5, &sessionpb.Action{}
		if second%2 == 0 {
			action.Action = &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: store}}
		} else {
			action.Action = &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: store}}
		}
		_, _ = w.Act(action) // it may be up, or down, already
		w.RunUntil(second * 1_000_000)
	}
	return history.Taken(w.Now()), nil
}

package swarm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
	"raftplay/server/swarm"
)

// bugSeedsMax is by how many seeds every planted bug must have been caught.
const bugSeedsMax = 100

// Nothing that is known to be broken passes for sound. docs/bugs.md says after how many seeds each was caught.
func TestTheSwarmCatchesEveryPlantedBug(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	for number := range sessionpb.Bug_name {
		bug := sessionpb.Bug(number)
		if bug == sessionpb.Bug_BUG_UNSPECIFIED {
			continue
		}
		t.Run(bug.String(), func(t *testing.T) {
			t.Parallel()
			o := swarm.Options{Seeds: bugSeedsMax, Start: 1, Workers: 1, Bugs: []sessionpb.Bug{bug}}
			tried, by := 0, ""
			_, err := swarm.Run(t.Context(), o, func(r *swarm.Result) bool {
				tried++
				if len(r.Failures) > 0 {
					by = r.Failures[0].String()
				}
				return by == ""
			})
			if err != nil {
				t.Fatal(err)
			}
			if by == "" {
				t.Fatalf("%v not caught in %d seeds", bug, tried)
			}
			t.Logf("%v caught after %d seeds by %s", bug, tried, by)
		})
	}
}

func TestASwarmsRunDependsOnItsSeedAlone(t *testing.T) {
	results := func(workers int) (all []*swarm.Result) {
		o := swarm.Options{Seeds: 6, Start: 11, Workers: workers}
		if _, err := swarm.Run(t.Context(), o, func(r *swarm.Result) bool {
			all = append(all, r)
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	one, three := results(1), results(3)
	for i, r := range one {
		if r.Seed != 11+uint64(i) || fmt.Sprint(*r) != fmt.Sprint(*three[i]) {
			t.Errorf("one worker: %v, three: %v", *r, *three[i])
		}
	}
}

func TestInterruptedSwarmSaysSo(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	tried := 0
	_, err := swarm.Run(ctx, swarm.Options{Seeds: 1000, Start: 1, Workers: 2}, func(*swarm.Result) bool {
		tried++
		stop()
		return true
	})
	if !errors.Is(err, context.Canceled) || tried != 1 {
		t.Errorf("%d runs, then %v", tried, err)
	}
}

func TestShrinkFindsTheActionsThatMatter(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	o := swarm.Options{Bugs: []sessionpb.Bug{sessionpb.Bug_BUG_NO_FSYNC}}
	for seed := uint64(1); ; seed++ {
		run := o.Plan(seed)
		failed := swarm.Try(t.Context(), run)
		if len(failed.Failures) == 0 {
			continue
		}
		short, tries := swarm.Shrink(t.Context(), run, func(int, int) {})
		t.Logf("seed %d: %d actions become %d in %d tries", seed, len(run.Actions), len(short.Actions), tries)
		if len(short.Actions) > len(run.Actions)/4 {
			t.Errorf("%d of %d actions are left", len(short.Actions), len(run.Actions))
		}
		same := func(f swarm.Failure) bool { return f.Judge == failed.Failures[0].Judge }
		if !slices.ContainsFunc(swarm.Try(t.Context(), short).Failures, same) {
			t.Errorf("the short run does not fail as the long one: %v", failed.Failures[0])
		}
		crash := func(a *sessionpb.Action) bool { return a.GetCrashStore() != nil }
		if !slices.ContainsFunc(short.Actions, crash) {
			t.Errorf("a store that never syncs was found out without a crash: %v", short.Actions)
		}
		return
	}
}

func TestAPlanIsWorthTrying(t *testing.T) {
	for seed := uint64(1); seed <= 200; seed++ {
		for _, unsafe := range []bool{false, true} {
			run := sim.Swarm(seed, unsafe)
			if err := sim.ValidateRun(run); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if !proto.Equal(run, sim.Swarm(seed, unsafe)) {
				t.Fatalf("seed %d is two runs", seed)
			}
			for _, a := range run.Actions {
				if reasons := sim.LeavesModel(run.Config, a); len(reasons) > 0 && !unsafe {
					t.Fatalf("seed %d leaves what Raft promises: %s", seed, reasons)
				}
			}
		}
	}
}

package swarm

import (
	"context"
	"runtime"
	"slices"
	"sync"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// Options say which runs a swarm tries.
type Options struct {
	Seeds, Start uint64
	// Workers is how many runs are tried at a time; 0: one a core.
	Workers int
	// Unsafe draws also faults that Raft does not promise to survive.
	Unsafe bool
	// Bugs are planted in every store.
	Bugs []sessionpb.Bug
}

// Plan is the run of a seed.
func (o *Options) Plan(seed uint64) *sessionpb.Run {
	run := sim.Swarm(seed, o.Unsafe)
	run.Config.Bugs = o.Bugs
	return run
}

// Summary is what became of many runs.
type Summary struct {
	Passed, Failed, Undecided int
	// The medians over all runs.
	Acknowledged, Faults, LeaderChanges int
	Coverage                            Coverage
	Micros                              int64
	Events                              uint64

	acknowledged, faults, leaderChanges []int
}

// Run tries the seeds, as many at a time as there are workers, and tells each result in the order of the seeds. tell
// returns false to end early. It returns ctx's error when that ended it.
func Run(ctx context.Context, o Options, tell func(*Result) (more bool)) (*Summary, error) {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	results, working := start(ctx, o, workers)
	defer working.Wait()
	defer stop()

	s := &Summary{Coverage: Coverage{}}
	ahead := map[uint64]*Result{}
	for next := o.Start; next-o.Start < o.Seeds; {
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case r := <-results:
			ahead[r.Seed] = r
		}
		for r := ahead[next]; r != nil && next-o.Start < o.Seeds; r = ahead[next] {
			delete(ahead, next)
			next++
			s.take(r)
			if !tell(r) {
				s.medians()
				return s, nil
			}
			if err := ctx.Err(); err != nil {
				return s, err
			}
		}
	}
	s.medians()
	return s, nil
}

// start has workers try the seeds in order. A worker that is far ahead of the slowest waits: results are not buffered.
func start(ctx context.Context, o Options, workers int) (<-chan *Result, *sync.WaitGroup) {
	seeds, results := make(chan uint64), make(chan *Result)
	working := &sync.WaitGroup{}
	working.Go(func() {
		defer close(seeds)
		for i := range o.Seeds {
			select {
			case <-ctx.Done():
				return
			case seeds <- o.Start + i:
			}
		}
	})
	for range workers {
		working.Go(func() {
			for seed := range seeds {
				select {
				case <-ctx.Done():
					return
				case results <- Try(ctx, o.Plan(seed)):
				}
			}
		})
	}
	return results, working
}

func (s *Summary) take(r *Result) {
	if len(r.Failures) == 0 {
		s.Passed++
	} else {
		s.Failed++
	}
	if r.Undecided {
		s.Undecided++
	}
	s.Micros += r.Micros
	s.Events += r.Events
	s.Coverage.add(r.Coverage)
	s.acknowledged = append(s.acknowledged, r.Acknowledged)
	s.faults = append(s.faults, r.Faults)
	s.leaderChanges = append(s.leaderChanges, r.LeaderChanges)
}

func (s *Summary) medians() {
	s.Acknowledged, s.Faults, s.LeaderChanges = median(s.acknowledged), median(s.faults), median(s.leaderChanges)
}

func median(values []int) int {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

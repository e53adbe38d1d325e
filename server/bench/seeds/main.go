// Command seeds prints the hash of the busy run of each seed from one to another: `seeds 1 100` prints a hundred lines,
// `1 83af…`; `seeds --regions 1 100` does so for the busy runs of regions, `seeds --swarm 1 100` for those of a swarm, with
// every fault there is. Built natively and for js/wasm, it must print the same.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"

	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func main() {
	args, exercise := os.Args[1:], sim.Exercise
	if len(args) > 0 {
		switch args[0] {
		case "--regions":
			args, exercise = args[1:], sim.ExerciseRegions
		case "--swarm":
			args, exercise = args[1:], func(seed uint64) *sessionpb.Run { return sim.Swarm(seed, true) }
		}
	}
	first, last, err := arguments(args)
	if err == nil {
		err = printHashes(exercise, first, last)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "seeds: %v\n", err)
		os.Exit(1)
	}
}

func arguments(args []string) (first, last uint64, err error) {
	if len(args) == 2 {
		if first, err = strconv.ParseUint(args[0], 10, 64); err == nil {
			last, err = strconv.ParseUint(args[1], 10, 64)
		}
	}
	if len(args) != 2 || err != nil || last < first {
		return 0, 0, fmt.Errorf("say the first and the last seed, not %q", args)
	}
	return first, last, nil
}

// exercise makes the busy run of a seed.
type exercise func(seed uint64) *sessionpb.Run

func printHashes(of exercise, first, last uint64) error {
	out := bufio.NewWriter(os.Stdout)
	for seed := first; ; seed++ {
		hash, err := hashOf(of(seed))
		if err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		fmt.Fprintln(out, seed, hash)
		if seed == last {
			return out.Flush()
		}
	}
}

// hashOf plays a run under the eyes of the judges, whose findings are events too.
func hashOf(run *sessionpb.Run) (string, error) {
	var player *sim.Player
	judges := check.New(func(v *sessionpb.Violation) { player.World.Report(v) })
	hasher := sim.NewHasher()
	player, err := sim.NewPlayer(run, judges, hasher)
	for more := true; err == nil && more; {
		more, err = player.Next()
	}
	if err != nil {
		return "", err
	}
	return hasher.Sum(player.World), nil
}

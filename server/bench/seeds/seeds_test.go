package main

import (
	"fmt"
	"testing"

	"raftplay/core/sim"
)

func TestSeedsGiveTheirOwnHashes(t *testing.T) {
	seen := map[string]string{}
	for name, of := range map[string]exercise{"exercise": sim.Exercise, "exercise of regions": sim.ExerciseRegions} {
		for seed := uint64(7); seed <= 8; seed++ {
			this := fmt.Sprintf("%s %d", name, seed)
			first, err := hashOf(of(seed))
			if err != nil {
				t.Fatal(err)
			}
			if again, err := hashOf(of(seed)); err != nil || again != first {
				t.Errorf("%s gave %s, then %s, error %v", this, first, again, err)
			}
			if other := seen[first]; other != "" {
				t.Errorf("%s gave %s like %s", this, first, other)
			}
			seen[first] = this
		}
	}
}

func TestArgumentsAreTwoSeeds(t *testing.T) {
	for _, args := range [][]string{nil, {"1"}, {"1", "x"}, {"x", "1"}, {"2", "1"}, {"1", "2", "3"}, {"-1", "2"}} {
		if _, _, err := arguments(args); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	if first, last, err := arguments([]string{"3", "18446744073709551615"}); first != 3 || last != 1<<64-1 || err != nil {
		t.Errorf("got %d, %d, %v", first, last, err)
	}
}

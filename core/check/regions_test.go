package check

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func recordRegions(t *testing.T, seed uint64) recording {
	t.Helper()
	var events recording
	if _, err := sim.Play(sim.ExerciseRegions(seed), &events); err != nil {
		t.Fatalf("exercise of regions %d: %v", seed, err)
	}
	return events
}

func TestARealRunOfRegionsBreaksNothing(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		j := New(func(v *sessionpb.Violation) { t.Errorf("exercise of regions %d: %v", seed, v) })
		for _, e := range recordRegions(t, seed) {
			j.Event(e)
		}
	}
}

package sim_test

import (
	"testing"

	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// Raft promises its safety on a network that loses, doubles, delays and reorders; elections, changes of members, splits
// and snapshots bear it too, and what was busy on a good network is busy on this one.
func TestTheStoresBearABadNetwork(t *testing.T) {
	spoil := func(n *sessionpb.Network) {
		n.DuplicatePpm, n.ReorderPpm, n.SlowPpm, n.SlowMicros, n.BytesPerSecond = 200_000, 200_000, 30_000, 100_000, 50_000
	}
	for seed := uint64(1); seed <= 8; seed++ {
		for name, run := range map[string]*sessionpb.Run{"exercise": sim.Exercise(seed), "exercise of regions": sim.ExerciseRegions(seed)} {
			spoil(run.Config.Network)
			for _, a := range run.Actions {
				if n := a.GetSetNetwork().GetNetwork(); n != nil {
					spoil(n)
				}
			}
			var seen recording
			judges := check.New(func(v *sessionpb.Violation) { t.Errorf("%s %d: %v", name, seed, v) })
			if _, err := sim.Play(run, judges, &seen); err != nil {
				t.Fatalf("%s %d: %v", name, seed, err)
			}
			copies, acknowledged := 0, 0
			for _, e := range seen {
				if e.GetStoreStopped() != nil {
					t.Errorf("%s %d: %v", name, seed, e)
				}
				if e.GetMessageSent().GetMessage().GetCopyOf() != 0 {
					copies++
				}
				if ended := e.GetOperationEnded(); ended != nil && ended.Response.GetHeader().GetError() == nil {
					acknowledged++
				}
			}
			if copies < 50 || acknowledged < 15 {
				t.Errorf("%s %d: %d copies, %d commands acknowledged", name, seed, copies, acknowledged)
			}
		}
	}
}

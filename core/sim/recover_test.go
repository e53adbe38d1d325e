package sim_test

import (
	"slices"
	"strings"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// recovered lets a world be asked to the end.
func recovered(t *testing.T, w *sim.World, seed uint64, asItIs bool) *sessionpb.RecoverResult {
	t.Helper()
	recovery, err := w.StartRecovery(seed, asItIs)
	if err != nil {
		t.Fatal(err)
	}
	return asked(t, recovery)
}

func asked(t *testing.T, recovery *sim.Recovery) *sessionpb.RecoverResult {
	t.Helper()
	for {
		more, err := recovery.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return recovery.Result()
		}
	}
}

func TestAClusterInOrderRecovers(t *testing.T) {
	w, _, _ := leaderAndFollower(t, &recording{})
	r := recovered(t, w, 1, true)
	if !r.Recovers || len(r.Regions) != 1 || !r.Regions[0].Serves || r.Regions[0].AfterMicros > second {
		t.Errorf("%v", r)
	}
}

func TestWhatStandsInTheWayIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		disturb func(w *sim.World)
		want    string
	}{
		"most are down": {func(w *sim.World) {
			for _, id := range []uint64{1, 3, 5} {
				act(t, w, crash(id))
			}
		}, "region 1: three of five voters are down (S1, S3, S5)"},
		"some are down, others paused": {func(w *sim.World) {
			act(t, w, crash(1))
			act(t, w, crash(2))
			act(t, w, pause(4))
		}, "region 1: three of five voters are down or paused (S1, S2, S4)"},
		"some have lost everything": {func(w *sim.World) {
			act(t, w, partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{1}, []uint64{2}, []uint64{3}, []uint64{4}, []uint64{5}))
			for _, id := range []uint64{1, 2, 3} {
				act(t, w, crash(id))
				act(t, w, restartWiped(id))
			}
		}, "region 1: three of five voters are down, paused, or without the region's data (S1, S2, S3)"},
		"the network is in pieces": {func(w *sim.World) {
			act(t, w, partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{1, 2}, []uint64{3, 4}, []uint64{5}))
		}, "region 1: no store hears and is heard by three of five voters: links are cut"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, _ := leaderAndFollower(t, &recording{})
			c.disturb(w)
			r := recovered(t, w, 1, true)
			if r.Recovers || !strings.HasPrefix(r.Message, c.want) || len(r.StoreIds) != 0 {
				t.Errorf("%v", r)
			}
			if healed := recovered(t, w, 1, false); name != "some have lost everything" && !healed.Recovers {
				t.Errorf("healed: %v", healed)
			}
		})
	}
}

// Which stores are healed is drawn, and they are no more than it takes.
func TestAQuorumIsHealedAndTheOthersStayAsTheyAre(t *testing.T) {
	drawn := map[string]bool{}
	for seed := uint64(1); seed <= 8; seed++ {
		w, _, _ := leaderAndFollower(t, &recording{})
		for id := uint64(1); id <= 5; id++ {
			act(t, w, crash(id))
		}
		r := recovered(t, w, seed, false)
		if !r.Recovers || len(r.StoreIds) != 3 {
			t.Fatalf("seed %d: %v", seed, r)
		}
		for id := uint64(1); id <= 5; id++ {
			if up := w.Store(id) != nil; up != slices.Contains(r.StoreIds, id) {
				t.Errorf("seed %d: healed are %v, S%d is up: %v", seed, r.StoreIds, id, up)
			}
		}
		drawn[r.String()] = true
	}
	if len(drawn) < 3 {
		t.Errorf("eight seeds heal %d different quorums", len(drawn))
	}
}

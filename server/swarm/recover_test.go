package swarm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
	"raftplay/server/swarm"
)

// disturbed is a cluster without PreVote in which one store cannot win, has a clock that is five times as fast, and is up,
// while all others are down.
func disturbed(t *testing.T) (w *sim.World, fast uint64) {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Raft.PreVote, cfg.Raft.CheckQuorum, cfg.Raft.LeaseReads = false, false, false
	w, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	act := func(a *sessionpb.Action) {
		if _, err := w.Act(a); err != nil {
			t.Fatal(err)
		}
	}
	for w.Leader() == 0 {
		w.Step()
	}
	fast = 1 + w.Leader()%5
	others := slices.DeleteFunc([]uint64{1, 2, 3, 4, 5}, func(id uint64) bool { return id == fast })
	act(&sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: &sessionpb.Partition{
		Kind: sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, Sides: []*sessionpb.Side{{StoreIds: []uint64{fast}}, {StoreIds: others}}}}})
	act(&sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{Request: &raftcmdpb.RaftCommandRequest{
		Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte("key")}}}}}}}})
	w.RunUntil(w.Now() + 1_000_000)
	act(&sessionpb.Action{Action: &sessionpb.Action_SetClock{SetClock: &sessionpb.SetClock{StoreId: fast, Clock: &sessionpb.Clock{RatePpm: 5_000_000}}}})
	for _, id := range others {
		act(&sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: id}}})
	}
	act(&sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: &sessionpb.Partition{}}})
	return w, fast
}

// Who is disturbed as Raft allows it must serve once the disturber is down, and the words name the disturber.
func TestADisturbedRegionIsNotLetOff(t *testing.T) {
	kept := 0
	for seed := uint64(1); seed <= 6; seed++ {
		w, fast := disturbed(t)
		result, unserved, err := swarm.Recover(w, seed)
		if err != nil || len(unserved) > 0 {
			t.Fatalf("seed %d: %v, %v", seed, unserved, err)
		}
		if result.GetRecovers() {
			continue
		}
		kept++
		if name := fmt.Sprintf("S%d, which was not healed, campaigns", fast); !strings.Contains(result.GetMessage(), name) {
			t.Errorf("seed %d: %q does not say that %s", seed, result.GetMessage(), name)
		}
		if w.Store(fast) != nil {
			t.Errorf("seed %d: S%d is still up", seed, fast)
		}
	}
	if kept == 0 {
		t.Error("no region was kept from serving")
	}
}

func TestAClusterThatHasLostEverythingDoesNotRecover(t *testing.T) {
	w, _ := disturbed(t)
	for id := uint64(1); id <= 5; id++ {
		if w.Store(id) != nil {
			if _, err := w.Act(&sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: id}}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Act(&sessionpb.Action{Action: &sessionpb.Action_RestartStore{
			RestartStore: &sessionpb.RestartStore{StoreId: id, Wiped: true}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, unserved, err := swarm.Recover(w, 1); err != nil || len(unserved) == 0 {
		t.Errorf("%v, %v", unserved, err)
	}
}

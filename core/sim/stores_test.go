package sim_test

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func addStore() *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_AddStore{AddStore: &sessionpb.AddStore{}}}
}

func TestAStoreIsAdded(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	elect(t, w)
	from := len(seen)
	act(t, w, addStore())
	added := seen[from].GetStoreAdded().GetStore()
	if seen[from].StoreId != 6 || added.GetId() != 6 || !added.GetUp() || len(added.GetPeers()) != 0 {
		t.Fatalf("the event is %v, want S6 without a peer", seen[from])
	}
	if w.Stores() != 6 || w.Store(6) == nil {
		t.Fatal("there is no S6")
	}
	w.RunUntil(w.Now() + 1_000_000)
	ticked := 0
	for _, e := range seen[from:] {
		if e.GetTicked() != nil && e.StoreId == 6 {
			ticked++
		}
	}
	if ticked < 9 || ticked > 11 {
		t.Errorf("S6 ticks %d times in a second, want 10", ticked)
	}
	act(t, w, crash(6))
	act(t, w, restart(6))
	if stores := w.Keyframe().Stores; len(stores) != 6 || stores[5].Id != 6 || !stores[5].Up {
		t.Errorf("the keyframe shows %v", stores)
	}
}

func TestStoresAreAddedUpToTheMost(t *testing.T) {
	w := newWorld(t)
	for range 4 {
		act(t, w, addStore())
	}
	if _, err := w.Act(addStore()); err == nil || err.Error() != "the cluster has 9 stores, which is the most" {
		t.Errorf("a tenth store: %v", err)
	}
}

// What the others do does not depend on when a store comes.
func TestAnAddedStoreLeavesTheOthersAlone(t *testing.T) {
	leaderAt := func(add bool) int64 {
		w, err := sim.New(sim.DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		if add {
			act(t, w, addStore())
		}
		elect(t, w)
		return w.Now()
	}
	if without, with := leaderAt(false), leaderAt(true); without != with {
		t.Errorf("a leader stands at %d, and at %d with one more store", without, with)
	}
}

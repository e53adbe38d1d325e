package sim_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func heal(stores ...uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Heal{Heal: &sessionpb.Heal{StoreIds: stores}}}
}

func TestHealingEndsEveryFault(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	act(t, w, partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{leader}))
	act(t, w, setFilters(&sessionpb.Filter{Deed: sessionpb.FilterDeed_FILTER_DEED_HOLD}))
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000, JitterMicros: 1_000, LossPpm: 500_000, SlowPpm: 1, BytesPerSecond: 1_000}))
	act(t, w, crash(follower))
	w.RunUntil(w.Now() + 5_000_000)
	act(t, w, heal())
	want := &sessionpb.Network{LatencyMicros: 20_000, JitterMicros: 1_000}
	if cfg := w.Config(); len(cfg.Links) > 0 || len(cfg.Filters) > 0 || !proto.Equal(cfg.Network, want) {
		t.Errorf("healed: %v", cfg)
	}
	for _, m := range w.Keyframe().Messages {
		if m.Held != 0 {
			t.Errorf("still held: %v", m)
		}
	}
	if w.Store(follower) == nil {
		t.Error("a store is still down")
	}
	w.RunUntil(w.Now() + 5_000_000)
	operation := act(t, w, put(0, "key", "value"))
	w.RunUntil(w.Now() + 500_000)
	if r := seen.ended(operation); r == nil || r.GetHeader().GetError() != nil {
		t.Errorf("healed, a write is answered with %v", r)
	}
}

func TestHealingSomeStoresLeavesTheFaultsOfOthers(t *testing.T) {
	w := newWorld(t)
	own := &sessionpb.Network{LatencyMicros: 1_000, LossPpm: 5}
	act(t, w, crash(1))
	act(t, w, crash(5))
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000, LossPpm: 100_000}))
	act(t, w, setLinks(
		&sessionpb.Link{FromStore: 1, ToStore: 2, Cut: true, Network: own},
		&sessionpb.Link{FromStore: 1, ToStore: 4, Cut: true},
		&sessionpb.Link{FromStore: 4, ToStore: 5, Clogged: true}))
	lose := sessionpb.FilterDeed_FILTER_DEED_LOSE
	act(t, w, setFilters(&sessionpb.Filter{FromStore: 1, Deed: lose, RegionId: 7}, &sessionpb.Filter{FromStore: 4, Deed: lose}))
	act(t, w, heal(1, 2, 3))

	calm := &sessionpb.Network{LatencyMicros: 20_000}
	want := &sessionpb.Config{
		Links: []*sessionpb.Link{
			{FromStore: 1, ToStore: 2, Network: calm}, {FromStore: 1, ToStore: 3, Network: calm},
			{FromStore: 1, ToStore: 4, Cut: true},
			{FromStore: 2, ToStore: 1, Network: calm}, {FromStore: 2, ToStore: 3, Network: calm},
			{FromStore: 3, ToStore: 1, Network: calm}, {FromStore: 3, ToStore: 2, Network: calm},
			{FromStore: 4, ToStore: 5, Clogged: true},
		},
		Filters: []*sessionpb.Filter{
			{FromStore: 1, ToStore: 4, Deed: lose, RegionId: 7}, {FromStore: 1, ToStore: 5, Deed: lose, RegionId: 7},
			{FromStore: 4, Deed: lose},
		},
	}
	if got := (&sessionpb.Config{Links: w.Config().Links, Filters: w.Config().Filters}); !proto.Equal(got, want) {
		t.Errorf("healed:\n%v\nwant\n%v", got, want)
	}
	if w.Config().Network.LossPpm != 100_000 {
		t.Error("the other links lose nothing any more")
	}
	if w.Store(1) == nil || w.Store(5) != nil {
		t.Error("S1 should be up, S5 down")
	}
	if _, err := w.Act(heal(1, 6)); err == nil || err.Error() != "there is no S6: the cluster has 5 stores" {
		t.Errorf("healing S6: %v", err)
	}
}

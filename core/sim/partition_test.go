package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func partition(kind sessionpb.PartitionKind, sides ...[]uint64) *sessionpb.Action {
	p := &sessionpb.Partition{Kind: kind}
	for _, s := range sides {
		p.Sides = append(p.Sides, &sessionpb.Side{StoreIds: s})
	}
	return &sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: p}}
}

// hears tells for each store whom it hears: "1:2 2:1 3:".
func hears(w *sim.World) string {
	cut := map[[2]uint64]bool{}
	for _, l := range w.Config().Links {
		cut[[2]uint64{l.FromStore, l.ToStore}] = l.Cut
	}
	var all []string
	for to := uint64(1); to <= uint64(w.Stores()); to++ {
		heard := fmt.Sprintf("%d:", to)
		for from := uint64(1); from <= uint64(w.Stores()); from++ {
			if from != to && !cut[[2]uint64{from, to}] {
				heard += fmt.Sprint(from)
			}
		}
		all = append(all, heard)
	}
	return strings.Join(all, " ")
}

func TestAPartitionCutsWhatItsKindSays(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		action *sessionpb.Action
		want   string
	}{
		{partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{1, 2}, []uint64{3, 4, 5}), "1:2 2:1 3:45 4:35 5:34"},
		{partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{1, 2, 3}), "1:23 2:13 3:12 4: 5:"},
		{partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{1, 2, 3, 4, 5}), "1:2345 2:1345 3:1245 4:1235 5:1234"},
		{partition(sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY, []uint64{1, 2}), "1:2345 2:1345 3:45 4:35 5:34"},
		{partition(sessionpb.PartitionKind_PARTITION_KIND_RING, []uint64{1, 3, 5, 2, 4}), "1:34 2:45 3:15 4:12 5:23"},
		{partition(sessionpb.PartitionKind_PARTITION_KIND_RING, []uint64{4, 2, 1}), "1:24 2:14 3: 4:12 5:"},
		{partition(sessionpb.PartitionKind_PARTITION_KIND_BRIDGE, []uint64{3}, []uint64{1, 2}, []uint64{4, 5}), "1:23 2:13 3:1245 4:35 5:34"},
		{partition(sessionpb.PartitionKind_PARTITION_KIND_BRIDGE, []uint64{1, 2}), "1:2345 2:1345 3:12 4:12 5:12"},
	} {
		act(t, w, c.action)
		if got := hears(w); got != c.want {
			t.Errorf("%v: the stores hear\n%s, want\n%s", c.action, got, c.want)
		}
	}
}

func TestAPartitionLeavesWhatLinksHaveOfTheirOwn(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	own := &sessionpb.Network{LatencyMicros: 1_000}
	act(t, w, setLinks(&sessionpb.Link{FromStore: 1, ToStore: 2, Network: own, Cut: true}, &sessionpb.Link{FromStore: 3, ToStore: 1, Clogged: true},
		&sessionpb.Link{FromStore: 4, ToStore: 5, Cut: true}))
	act(t, w, partition(sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY, []uint64{3}))
	want := []*sessionpb.Link{
		{FromStore: 1, ToStore: 2, Network: own}, {FromStore: 3, ToStore: 1, Clogged: true, Cut: true},
		{FromStore: 3, ToStore: 2, Cut: true}, {FromStore: 3, ToStore: 4, Cut: true}, {FromStore: 3, ToStore: 5, Cut: true},
	}
	got := seen[len(seen)-1].GetSettingsChanged()
	if !proto.Equal(got, &sessionpb.SettingsChanged{Network: got.Network, Disk: got.Disk, Links: want}) {
		t.Errorf("the links are %v, want %v", got.Links, want)
	}
}

func TestTheMinorityWaitsUntilThePartitionIsMended(t *testing.T) {
	var seen recording
	w, leader, other := leaderAndFollower(t, &seen)
	var rest []uint64
	for id := uint64(1); id <= 5; id++ {
		if id != leader && id != other {
			rest = append(rest, id)
		}
	}
	act(t, w, partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{leader, other}, rest))
	alone := act(t, w, put(leader, "key", "of the minority"))
	w.RunUntil(w.Now() + 10_000_000)
	if now := w.Leader(); now == leader || now == other {
		t.Fatalf("S%d still leads", now)
	}
	if r := seen.ended(alone); r.GetHeader().GetError() == nil {
		t.Errorf("the minority answers %v", r)
	}
	if r := seen.ended(act(t, w, put(w.Leader(), "key", "of the majority"))); r != nil {
		t.Errorf("answered at once: %v", r)
	}
	w.RunUntil(w.Now() + 1_000_000)
	act(t, w, partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{1, 2, 3, 4, 5}))
	w.RunUntil(w.Now() + 3_000_000)
	for _, s := range w.Keyframe().Stores {
		if keys := s.Peers[0].Keys; len(keys) != 1 || string(keys[0].Value) != "of the majority" {
			t.Errorf("S%d holds %v", s.Id, keys)
		}
	}
}

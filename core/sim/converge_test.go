package sim_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	"raftplay/core/sim"
)

// After a run in which regions split, move and crash, and a calm time, the cluster is whole: the regions tile the key space,
// each has a leader and the same data on every member, and nobody keeps a peer that no region has.
func TestRegionsConvergeInTheEnd(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w, err := sim.Play(sim.ExerciseRegions(seed))
			if err != nil {
				t.Fatal(err)
			}
			options := w.Config().GetRaft()
			w.RunUntil(w.Now() + 30*int64(options.GetElectionTicksMin())*options.GetBaseTickMicros())
			regions := newestRegions(t, w)
			wantTiled(t, regions)
			for _, region := range regions {
				wantWhole(t, w, region)
			}
		})
	}
}

// newestRegions are the regions as the stores know them at the newest epoch, by their keys. Every store is up, and no peer
// waits for a snapshot.
func newestRegions(t *testing.T, w *sim.World) []*metapb.Region {
	t.Helper()
	var newest []*metapb.Region
	for id := uint64(1); id <= uint64(w.Stores()); id++ {
		s := w.Store(id)
		if s == nil {
			t.Fatalf("S%d is down", id)
		}
		for _, regionID := range s.RegionIDs() {
			if view, _ := s.View(regionID); view.Uninitialized {
				t.Fatalf("S%d still waits for a snapshot of region %d", id, regionID)
			}
			region := s.Region(regionID)
			at := slices.IndexFunc(newest, func(r *metapb.Region) bool { return r.GetId() == regionID })
			if at < 0 {
				newest = append(newest, region)
			} else if age(region) > age(newest[at]) {
				newest[at] = region
			}
		}
	}
	slices.SortFunc(newest, func(a, b *metapb.Region) int {
		return cmp.Or(bytes.Compare(a.GetStartKey(), b.GetStartKey()), cmp.Compare(a.GetId(), b.GetId()))
	})
	return newest
}

// age grows with every change of a region.
func age(r *metapb.Region) uint64 {
	return r.GetRegionEpoch().GetConfVer() + r.GetRegionEpoch().GetVersion()
}

func wantTiled(t *testing.T, regions []*metapb.Region) {
	t.Helper()
	end := []byte{}
	for i, r := range regions {
		if !bytes.Equal(r.GetStartKey(), end) || i > 0 && len(end) == 0 {
			t.Fatalf("the keys before region %d end at %q: %v", r.GetId(), end, r)
		}
		end = r.GetEndKey()
	}
	if len(end) > 0 {
		t.Fatalf("the last region ends at %q", end)
	}
}

func wantWhole(t *testing.T, w *sim.World, region *metapb.Region) {
	t.Helper()
	leader := w.LeaderOf(region.GetId())
	if leader == 0 {
		t.Fatalf("region %d has no leader: %v", region.GetId(), region)
	}
	data := func(id uint64) (out string) {
		err := w.Store(id).Data(region.GetId(), func(key, value []byte, revision uint64) bool {
			out += fmt.Sprintf("%s=%s@%d ", key, value, revision)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for id := uint64(1); id <= uint64(w.Stores()); id++ {
		member := peerOn(region, id) != nil
		switch held := w.Store(id).Region(region.GetId()) != nil; {
		case member != held:
			t.Fatalf("S%d is a member of region %d: %v; it holds a peer: %v", id, region.GetId(), member, held)
		case member && data(id) != data(leader):
			t.Fatalf("region %d is %q on S%d and %q on its leader S%d", region.GetId(), data(id), id, data(leader), leader)
		}
	}
}

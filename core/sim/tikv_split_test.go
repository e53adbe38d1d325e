package sim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// part are the pairs that belong to a region.
func part(of map[string]string, region *metapb.Region) map[string]string {
	pairs := map[string]string{}
	for key, value := range of {
		if key >= string(region.GetStartKey()) && (len(region.GetEndKey()) == 0 || key < string(region.GetEndKey())) {
			pairs[key] = value
		}
	}
	return pairs
}

// wantSplit wants two regions to be the halves of one.
func (c *cluster) wantSplit(whole, left, right *metapb.Region, key string) {
	c.t.Helper()
	version := whole.GetRegionEpoch().GetVersion() + 1
	switch {
	case left.GetId() != whole.GetId() || right.GetId() == whole.GetId() || right.GetId() == 0:
		c.t.Fatalf("region %d splits into %v and %v; the left half keeps the id", whole.GetId(), left, right)
	case string(left.GetStartKey()) != string(whole.GetStartKey()) || string(left.GetEndKey()) != key ||
		string(right.GetStartKey()) != key || string(right.GetEndKey()) != string(whole.GetEndKey()):
		c.t.Fatalf("the halves at %q are %v and %v", key, left, right)
	case left.GetRegionEpoch().GetVersion() != version || right.GetRegionEpoch().GetVersion() != version:
		c.t.Fatalf("the halves are %v and %v; want version %d", left, right, version)
	case left.GetRegionEpoch().GetConfVer() != whole.GetRegionEpoch().GetConfVer() ||
		right.GetRegionEpoch().GetConfVer() != whole.GetRegionEpoch().GetConfVer():
		c.t.Fatalf("the halves are %v and %v; a split changes no members", left, right)
	case !slices.Equal(storesOf(left), storesOf(whole)) || !slices.Equal(storesOf(right), storesOf(whole)):
		c.t.Fatalf("the halves are %v and %v; want peers on the stores of %v", left, right, whole)
	}
	for _, p := range right.GetPeers() {
		for _, old := range whole.GetPeers() {
			if p.GetId() == old.GetId() || p.GetId() == 0 {
				c.t.Fatalf("the new region %v uses a peer id of %v", right, whole)
			}
		}
	}
}

// A region becomes two: each key has its place in one of them, and who asks at the wrong one is told the right one.
func TestTiKVSplit(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.watch = c.watchRanges
		want := map[string]string{"a1": "1", "a2": "2", "a3": "3", "b": "4"}
		for _, key := range keysOf(want) {
			c.mustPut(key, want[key])
		}
		whole := c.region(1)
		leader := c.mustLeaderOf(1)
		left, right := c.mustSplit("a2")
		c.wantSplit(whole, left, right, "a2")
		// The leader's half of the new region campaigns at once: nobody waits for an election timeout.
		c.must("the new region has a leader", second/2, func() bool { return c.leaderOf(right.GetId()) != 0 })
		if c.leaderOf(right.GetId()) != leader {
			c.t.Fatalf("S%d leads the new region; S%d led the old one", c.leaderOf(right.GetId()), leader)
		}
		c.mustSettle(left.GetId(), c.stores(), part(want, left))
		c.mustSettle(right.GetId(), c.stores(), part(want, right))
		view, _ := c.w.Store(leader).View(right.GetId())
		if view.FirstIndex != 2 {
			c.t.Fatalf("the new region's log begins at %d; it stands at entry 1 from the start", view.FirstIndex)
		}

		// In the present epoch at the wrong side.
		e := c.wantReason(c.call(leader, left.GetId(), command(getRequest("a2"))), "key_not_in_region", notApplied)
		if of := e.GetKeyNotInRegion(); of.GetRightRegion().GetId() != right.GetId() || string(of.GetEndKey()) != "a2" {
			c.t.Fatalf("the right region of a2 is told to be %v", of)
		}
		e = c.wantReason(c.call(leader, right.GetId(), command(putRequest("a1", "x"))), "key_not_in_region", notApplied)
		if of := e.GetKeyNotInRegion(); of.GetRightRegion().GetId() != left.GetId() || string(of.GetStartKey()) != "a2" {
			c.t.Fatalf("the right region of a1 is told to be %v", of)
		}
		// As one who does not know of the split.
		for _, request := range []*raftcmdpb.Request{putRequest("a3", "x"), getRequest("a3")} {
			stale := command(request)
			stale.Header = &raftcmdpb.RequestHeader{RegionEpoch: whole.GetRegionEpoch()}
			current := c.wantReason(c.call(leader, 1, stale), "stale_epoch", notApplied).GetStaleEpoch().GetCurrentRegions()
			if len(current) != 2 || current[0].GetId() != left.GetId() || current[1].GetId() != right.GetId() {
				c.t.Fatalf("the current regions are %v", current)
			}
		}
		// Nothing reads across the boundary.
		scan := command(&raftcmdpb.Request{Request: &raftcmdpb.Request_Scan{Scan: &raftcmdpb.ScanRequest{Limit: 100}}})
		pairs := c.call(leader, left.GetId(), scan).GetResponses()[0].GetScan().GetPairs()
		if len(pairs) != 1 || string(pairs[0].GetKey()) != "a1" {
			c.t.Fatalf("a scan of the left half gives %v", pairs)
		}
		if got := c.call(leader, left.GetId(), command(seekRequest("a1\x00"))).GetResponses()[0].GetSeek(); got.GetFound() {
			c.t.Fatalf("a seek in the left half finds %v", got)
		}

		// And again, on either side, and through a restart of everything.
		_, far := c.mustSplit("b")
		_, near := c.mustSplit("a1")
		regions := []uint64{1, right.GetId(), far.GetId(), near.GetId()}
		want["a1"], want["c"] = "5", "6"
		c.mustPut("a1", "5")
		c.mustPut("c", "6")
		for _, id := range c.stores() {
			c.crash(id)
		}
		for _, id := range c.stores() {
			c.restart(id)
		}
		for _, id := range regions {
			c.mustSettle(id, c.stores(), part(want, c.region(id)))
		}
		for _, key := range keysOf(want) {
			c.mustGet(key, want[key])
		}
		// The regions live apart: with one leader's store gone, the others' data is served as before.
		c.mustTransfer(regions[0], 1)
		c.mustTransfer(regions[1], 2)
		c.crash(2)
		c.mustPut("a1", "7")
		c.mustPut("a2", "8")
	})
}

// A region splits by itself, and only once it is past its largest size; the left half is near half of it.
func TestTiKVAutoSplit(t *testing.T) {
	const bytesMax, pairBytes = 4096, 64
	forSeeds(t, func(cfg *sessionpb.Config) { cfg.Raft.RegionBytesMax = bytesMax }, func(c *cluster) {
		c.watch = c.watchRanges
		want := map[string]string{}
		put := func(i int) {
			key := fmt.Sprintf("key%04d", i)
			want[key] = strings.Repeat("v", pairBytes-len(key))
			c.mustPut(key, want[key])
		}
		for i := range bytesMax * 3 / 4 / pairBytes {
			put(i)
		}
		c.pass(20 * second)
		if regions := c.w.Store(1).RegionIDs(); len(regions) != 1 {
			c.t.Fatalf("a region of three quarters of its largest size has split into %v", regions)
		}
		for i := bytesMax * 3 / 4 / pairBytes; i < bytesMax*3/2/pairBytes; i++ {
			put(i)
		}
		c.must("the region splits", 20*second, func() bool { return len(c.w.Store(c.mustLeaderOf(1)).RegionIDs()) > 1 })
		left := c.region(1)
		if size := len(part(want, left)) * pairBytes; size < bytesMax/4 || size > bytesMax {
			c.t.Fatalf("the left half of a region of %d bytes has %d; want about half of %d", len(want)*pairBytes, size, bytesMax)
		}
		// It goes on: many regions, none much too large, and all of them together hold everything.
		for i := bytesMax * 3 / 2 / pairBytes; i < bytesMax*6/pairBytes; i++ {
			put(i)
		}
		c.pass(30 * second)
		regions, pairs := slices.Clone(c.w.Store(1).RegionIDs()), 0
		if len(regions) < 5 {
			c.t.Fatalf("%d bytes stand in %d regions of %d at most", len(want)*pairBytes, len(regions), bytesMax)
		}
		for _, id := range regions {
			of := part(want, c.region(id))
			pairs += len(of)
			if size := len(of) * pairBytes; size > bytesMax*5/4 {
				c.t.Fatalf("region %d has %d bytes and does not split", id, size)
			}
			c.mustSettle(id, c.stores(), of)
		}
		if pairs != len(want) {
			c.t.Fatalf("the regions hold %d of %d pairs", pairs, len(want))
		}
	})
}

// A store that has heard nothing of a split finds its way to both halves: by the log, or by snapshots that overlap with what
// it has.
func TestTiKVDelayedSplit(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.watch = c.watchRanges
		want := map[string]string{"k1": "1", "k3": "3"}
		for _, key := range keysOf(want) {
			c.mustPut(key, want[key])
		}
		leader := c.mustLeaderOf(1)
		late := c.others(leader)[0]
		// Only the old region is cut off: what the new one says arrives, before its place is free.
		c.cut = func(m *sessionpb.Message) bool { return m.GetToStore() == late && m.GetRegionId() == 1 }
		left, right := c.mustSplit("k2")
		for _, key := range []string{"k1", "k2", "k3"} {
			c.mustPut(key, "new")
			want[key] = "new"
		}
		c.mustSettle(right.GetId(), c.others(late), part(want, right))
		c.pass(5 * second)
		if c.holdsRegion(late, right.GetId()) && !c.uninitialized(late, right.GetId()) {
			c.t.Fatalf("S%d has the new region, and the old one where it is", late)
		}
		if got := string(c.w.Store(late).Region(1).GetEndKey()); got != "" {
			c.t.Fatalf("S%d knows that region 1 ends at %q", late, got)
		}
		c.restart2(late)
		c.pass(2 * second)
		c.cut = nil
		c.mustSettle(left.GetId(), c.stores(), part(want, left))
		c.mustSettle(right.GetId(), c.stores(), part(want, right))
	})
}

func TestTiKVOverlapSnapshot(t *testing.T) {
	for _, down := range []bool{false, true} {
		forSeeds(t, nil, func(c *cluster) {
			c.watch = c.watchRanges
			want := map[string]string{}
			for i := range 10 {
				want[fmt.Sprintf("k%d", i)] = "1"
				c.mustPut(fmt.Sprintf("k%d", i), "1")
			}
			c.mustHold(c.stores(), want)
			leader := c.mustLeaderOf(1)
			late := c.others(leader)[0]
			if down {
				c.crash(late)
			} else {
				c.cut = c.alone(late)
			}
			left, right := c.mustSplit("k5")
			for _, key := range keysOf(want) {
				want[key] = "2"
				c.mustPut(key, "2")
			}
			delete(want, "k7")
			c.mustDelete("k7")
			// What it would need of the logs is gone: both halves come as snapshots.
			for _, region := range []*metapb.Region{left, right} {
				c.mustSettle(region.GetId(), c.others(late), part(want, region))
				c.mustAdmin(region.GetId(), compactTo(0))
			}
			// The new region's snapshot comes first, while the old region still lies over its place.
			c.cut = func(m *sessionpb.Message) bool { return m.GetToStore() == late && m.GetRegionId() == 1 }
			if down {
				c.restart(late)
			}
			c.pass(5 * second)
			if c.holdsRegion(late, right.GetId()) && !c.uninitialized(late, right.GetId()) {
				c.t.Fatalf("S%d has the new region, and the old one where it is", late)
			}
			c.cut = nil
			c.mustSettle(left.GetId(), c.stores(), part(want, left))
			c.mustSettle(right.GetId(), c.stores(), part(want, right))
			c.wantRestored(late, left.GetId())
			c.wantRestored(late, right.GetId())
			c.pass(second / 10) // the write
			if n := keysUnder(c.engine(late), "z"); n != len(want) {
				c.t.Fatalf("S%d keeps %d pairs of %d", late, n, len(want))
			}
			c.restart2(late)
			c.mustSettle(right.GetId(), c.stores(), part(want, right))
		})
	}
}

// wantRestored wants a store to have taken a region from a snapshot.
func (c *cluster) wantRestored(store, region uint64) {
	c.t.Helper()
	for _, e := range c.happened {
		if e.GetStoreId() == store && e.GetSnapshotRestored().GetPeer().GetRegion().GetId() == region {
			return
		}
	}
	c.t.Fatalf("S%d has taken no snapshot of region %d", store, region)
}

// A store is so late that the new region has another peer for it by the time it applies the split. It must not create the
// peer that the split speaks of.
func TestTiKVStalePeerAtSplit(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		forSeeds(t, nil, func(c *cluster) {
			c.watch = c.watchRanges
			want := map[string]string{"k1": "1", "k2": "1", "k3": "1"}
			for _, key := range keysOf(want) {
				c.mustPut(key, want[key])
			}
			c.mustHold(c.stores(), want)
			leader := c.mustLeaderOf(1)
			late := c.others(leader)[0]
			c.cut = func(m *sessionpb.Message) bool { return m.GetToStore() == late && m.GetRegionId() == 1 }
			left, right := c.mustSplit("k2")
			id := right.GetId()
			stale := peerOn(right, late).GetId()
			c.pass(second)
			c.mustChange(id, removePeer(late))
			c.pass(second)
			now := peerOn(c.mustChange(id, addVoter(late)), late).GetId()
			c.mustPut("k3", "2")
			c.mustDelete("k2")
			want["k3"] = "2"
			delete(want, "k2")
			c.pass(3 * second)
			if restarted {
				c.restart2(late)
				c.pass(second)
			}
			c.watch = func() {
				c.watchRanges()
				if view, found := c.w.Store(late).View(id); found && view.PeerID == stale {
					c.t.Fatalf("S%d has created peer %d, which region %d no longer has", late, stale, id)
				}
			}
			c.cut = nil
			c.mustSettle(1, c.stores(), part(want, left))
			c.mustSettle(id, c.stores(), part(want, right))
			if view, _ := c.w.Store(late).View(id); view.PeerID != now {
				c.t.Fatalf("S%d holds peer %d of region %d; want %d", late, view.PeerID, id, now)
			}
			c.pass(second / 10) // the write
			if n := keysUnder(c.engine(late), "z"); n != len(want) {
				c.t.Fatalf("S%d keeps %d pairs of %d", late, n, len(want))
			}
		})
	}
}

// A store that is so far behind that it gets a snapshot of the left half, which is of a newer version than its region, gets
// the right half as well.
func TestTiKVNewVersionSnapshot(t *testing.T) {
	forSeeds(t, membersOf(3, 0), func(c *cluster) {
		c.watch = c.watchRanges
		want := map[string]string{"k1": "1", "k2": "1"}
		c.mustPut("k1", "1")
		c.mustPut("k2", "1")
		c.mustHold(c.stores(), want)
		late := c.others(c.mustLeaderOf(1))[0]
		c.cut = c.alone(late)
		left, right := c.mustSplit("k2")
		for i := range 5 {
			want["k1"], want["k2"] = fmt.Sprint(i), fmt.Sprint(i)
			c.mustPut("k1", want["k1"])
			c.mustPut("k2", want["k2"])
		}
		c.mustAdmin(1, compactTo(0))
		c.cut = nil
		c.mustSettle(1, c.stores(), part(want, left))
		c.mustSettle(right.GetId(), c.stores(), part(want, right))
		c.wantRestored(late, 1)
		// Every half has its majority with it.
		c.crash(c.others(late, c.mustLeaderOf(right.GetId()))[0])
		c.mustPut("k2", "after")
		c.mustPut("k1", "after")
	})
}

// Splits, and members that come and go, at once and under load: every region settles, and nothing that was acknowledged is
// lost.
func TestTiKVSplitsAndMembersAtOnce(t *testing.T) {
	forSeeds(t, membersOf(5, 3), func(c *cluster) {
		c.watch = c.watchRanges
		want := map[string]string{}
		for i := range 40 {
			key := fmt.Sprintf("k%02d", i)
			want[key] = "1"
			c.mustPut(key, "1")
		}
		for _, step := range []struct {
			split    string
			add, out uint64
		}{{"k20", 4, 1}, {"k10", 5, 2}, {"k30", 1, 3}, {"k25", 5, 4}} {
			c.mustSplit(step.split)
			region := c.regionWith(step.split).GetId()
			c.mustChange(region, addVoter(step.add))
			for i := range 10 {
				key := fmt.Sprintf("k%02d", (i*7+int(step.add))%40)
				want[key] = step.split
				c.mustPut(key, step.split)
			}
			c.mustChange(region, removePeer(step.out))
		}
		seen := map[string]string{}
		for _, key := range keysOf(want) {
			region := c.regionWith(key)
			of := part(want, region)
			c.mustSettle(region.GetId(), c.membersOn(region.GetId()), of)
			maps.Copy(seen, of)
		}
		if !maps.Equal(seen, want) {
			c.t.Fatalf("the regions hold %d of %d pairs", len(seen), len(want))
		}
	})
}

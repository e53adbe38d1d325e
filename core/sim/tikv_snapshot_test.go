package sim_test

import (
	"fmt"
	"strings"
	"testing"

	raftserverpb "raftplay/core/pb/raftserverpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"google.golang.org/protobuf/proto"
)

// Snapshots, and the compactions that make them needed.

func isSnapshot(m *sessionpb.Message) bool {
	return m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT
}

// progress are the stages of a region's snapshots on their way to a store, in their order.
func (c *cluster) progress(region, to uint64) []*sessionpb.SnapshotProgress {
	var stages []*sessionpb.SnapshotProgress
	for _, e := range c.happened {
		if p := e.GetSnapshotProgress(); p != nil && p.GetRegionId() == region && p.GetToStore() == to {
			stages = append(stages, p)
		}
	}
	return stages
}

// staged is how many pairs of unfinished snapshots a store's engine keeps.
func (c *cluster) staged(store uint64) int { return keysUnder(c.engine(store), stagedPrefix) }

// big fills region 1 with so many values of so many bytes.
func (c *cluster) big(values, bytes int) map[string]string {
	c.t.Helper()
	want := map[string]string{}
	for i := range values {
		key := fmt.Sprintf("big%03d", i)
		want[key] = strings.Repeat(string(rune('a'+i%26)), bytes)
		c.mustPut(key, want[key])
	}
	return want
}

// Four mebibytes travel in many chunks, each acknowledged, and are whole when they are there.
func TestTiKVHugeSnapshot(t *testing.T) {
	const bytes = 4 << 20
	huge := func(cfg *sessionpb.Config) {
		membersOf(3, 1)(cfg)
		cfg.Raft.SnapshotChunkBytesMax = 128 << 10
	}
	forSeeds(t, huge, func(c *cluster) {
		want := c.big(64, bytes/64)
		c.mustChange(1, addVoter(2))
		c.must("the snapshot is on its way", 5*second, func() bool { return c.staged(2) > 0 })
		if c.holdsRegion(2, 1) && !c.uninitialized(2, 1) {
			c.t.Fatal("the peer is there, and half of its snapshot is not")
		}
		c.mustSettle(1, []uint64{2}, want)
		c.pass(second) // the leader hears that S2 has it
		stages := c.progress(1, 2)
		first, last := stages[0], stages[len(stages)-1]
		if first.GetStage() != sessionpb.SnapshotStage_SNAPSHOT_STAGE_STARTED || last.GetStage() != sessionpb.SnapshotStage_SNAPSHOT_STAGE_DONE {
			c.t.Fatalf("a snapshot's stages are %v … %v", first, last)
		}
		if last.GetBytesTotal() < bytes || last.GetBytesDone() < bytes || len(stages) < 32 {
			c.t.Fatalf("%d stages end with %v; want %d bytes, in chunks of an eighth of a mebibyte", len(stages), last, bytes)
		}
		done := uint64(0)
		for _, p := range stages {
			if p.GetBytesDone() < done || p.GetBytesDone() > p.GetBytesTotal() || p.GetSnapshotId() != first.GetSnapshotId() {
				c.t.Fatalf("a snapshot's stage %v follows %d bytes", p, done)
			}
			done = p.GetBytesDone()
		}
		c.pass(second)
		if n := c.staged(2); n > 0 {
			c.t.Fatalf("S2 keeps %d staged pairs of a snapshot that it has taken", n)
		}
		c.mustPut("after", "1")
		want["after"] = "1"
		c.mustSettle(1, []uint64{1, 2}, want)
		c.restart2(2)
		c.mustSettle(1, []uint64{1, 2}, want)
	})
}

// A region splits while its snapshot is on its way, and the new region sends one as well. Both arrive.
func TestTiKVConcurrentSnapshots(t *testing.T) {
	concurrent := func(cfg *sessionpb.Config) {
		membersOf(4, 3)(cfg)
		cfg.Raft.SnapshotChunkBytesMax = 1 << 10
	}
	forSeeds(t, concurrent, func(c *cluster) {
		c.watch = c.watchRanges
		want := c.big(40, 256)
		c.mustChange(1, addVoter(4))
		c.must("the snapshot is on its way", 5*second, func() bool { return c.staged(4) > 0 })
		left, right := c.mustSplit("big020")
		want["big010"], want["big030"] = "new", "new"
		c.mustPut("big010", "new")
		c.mustPut("big030", "new")
		c.mustSettle(1, c.stores(), part(want, left))
		c.mustSettle(right.GetId(), c.stores(), part(want, right))
		c.wantRestored(4, right.GetId())
		c.pass(second)
		if n := c.staged(4); n > 0 {
			c.t.Fatalf("S4 keeps %d staged pairs", n)
		}
		c.pass(second / 10) // the write
		if n := keysUnder(c.engine(4), "z"); n != len(want) {
			c.t.Fatalf("S4 keeps %d pairs of %d", n, len(want))
		}
	})
}

// What was received of a snapshot that nobody goes on with does not stay on the disk.
func TestTiKVSnapshotGC(t *testing.T) {
	chunky := func(cfg *sessionpb.Config) {
		membersOf(4, 3)(cfg)
		cfg.Raft.SnapshotChunkBytesMax = 1 << 10
	}
	for _, end := range []struct {
		name string
		by   func(c *cluster)
	}{
		{"the peer is removed", func(c *cluster) {
			c.mustChange(1, removePeer(4))
			c.mustBeGone(4, 1)
			if n := len(c.w.Store(c.mustLeaderOf(1)).Snapshots()); n > 0 {
				c.t.Fatalf("%d snapshots are on their way to a peer that was removed", n)
			}
		}},
		{"the sender crashes", func(c *cluster) { c.crash(c.mustLeaderOf(1)) }},
		{"the receiver crashes", func(c *cluster) { c.restart2(4) }},
		{"the sender falls silent", func(c *cluster) { c.cut = isSnapshot; c.pass(40 * second); c.noStaged(4); c.cut = nil }},
	} {
		t.Run(end.name, func(t *testing.T) {
			forSeeds(t, chunky, func(c *cluster) {
				want := c.big(40, 256)
				c.mustChange(1, addVoter(4))
				c.must("the snapshot is on its way", 5*second, func() bool { return c.staged(4) >= 5 })
				end.by(c)
				// Whoever is still a member gets a snapshot after all.
				c.mustPut("after", "1")
				want["after"] = "1"
				if peerOn(c.region(1), 4) != nil {
					c.mustSettle(1, []uint64{4}, want)
				}
				c.pass(second)
				c.noStaged(4)
			})
		})
	}
}

func (c *cluster) noStaged(store uint64) {
	c.t.Helper()
	if n := c.staged(store); n > 0 {
		c.t.Fatalf("S%d keeps %d staged pairs", store, n)
	}
}

// truncated tells up to which entry a store's disk says that a region's log is compacted, and how many entries it keeps.
func (c *cluster) truncated(store, region uint64) (index uint64, entries int) {
	c.t.Helper()
	engine, state := c.engine(store), &raftserverpb.RaftApplyState{}
	if err := proto.Unmarshal([]byte(engine[raftPrefix(region)+"\x03"]), state); err != nil {
		c.t.Fatal(err)
	}
	return state.GetTruncatedIndex(), keysUnder(engine, logPrefix(region))
}

// A compaction takes the entries off every store's log, and off its disk.
func TestTiKVCompactLog(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.putAll(100, "v ")
		want := map[string]string{}
		for i := 1; i <= 100; i++ {
			want[keyOf(i)] = "v " + keyOf(i)
		}
		c.mustHold(c.stores(), want)
		view, _ := c.w.Store(c.mustLeaderOf(1)).View(1)
		middle := view.Applied / 2
		if first := c.mustAdmin(1, compactTo(middle)).GetCompactLog().GetFirstIndex(); first != middle+1 {
			c.t.Fatalf("compacted up to %d, the log begins at %d", middle, first)
		}
		compacted := func(upTo uint64) {
			c.t.Helper()
			for _, id := range c.stores() {
				c.must(fmt.Sprintf("S%d has compacted up to %d", id, upTo), 5*second, func() bool {
					index, entries := c.truncated(id, 1)
					view, _ := c.w.Store(id).View(1)
					return index == upTo && view.FirstIndex == upTo+1 && uint64(entries) == view.LastIndex-upTo
				})
			}
		}
		compacted(middle)
		// Again, as far as can be; the present end of the log is the compaction's own entry.
		first := c.mustAdmin(1, compactTo(0)).GetCompactLog().GetFirstIndex()
		if first <= middle+1 {
			c.t.Fatalf("the log begins at %d after all of it was compacted", first)
		}
		compacted(first - 1)
		for _, id := range c.stores() {
			c.restart2(id)
			c.mustLeader()
		}
		compacted(first - 1)
		c.expectAll(100, "v ")
		c.mustPut("after", "1")
		want["after"] = "1"
		c.mustHold(c.stores(), want)
	})
}

// A log compacts itself, and only once it is longer than it may be; some of the newest entries stay.
func TestTiKVCompactLimit(t *testing.T) {
	const entriesMax, kept = 50, 10
	limited := func(cfg *sessionpb.Config) {
		cfg.Raft.LogEntriesMax, cfg.Raft.LogEntriesKept = entriesMax, kept
	}
	forSeeds(t, limited, func(c *cluster) {
		for i := range entriesMax - 10 {
			c.mustPut("k", fmt.Sprint(i))
		}
		c.pass(20 * second)
		for _, id := range c.stores() {
			if index, _ := c.truncated(id, 1); index != 0 {
				c.t.Fatalf("S%d has compacted up to %d; the log has fewer than %d entries", id, index, entriesMax)
			}
		}
		for i := range entriesMax {
			c.mustPut("k", fmt.Sprint(i))
		}
		for _, id := range c.stores() {
			c.must(fmt.Sprintf("S%d compacts", id), 20*second, func() bool {
				index, entries := c.truncated(id, 1)
				return index > 0 && entries >= kept && entries <= entriesMax+1
			})
		}
		// A store that lags by less than what is kept needs no snapshot; one that lags by more gets one.
		for _, puts := range []int{kept / 2, 3 * entriesMax} {
			late := c.others(c.mustLeaderOf(1))[0]
			c.crash(late)
			for i := range puts {
				c.mustPut("k", fmt.Sprint("late", i))
			}
			c.pass(5 * second)
			seen := len(c.happened)
			c.restart(late)
			c.mustSettle(1, c.stores(), map[string]string{"k": fmt.Sprint("late", puts-1)})
			restored := false
			for _, e := range c.happened[seen:] {
				restored = restored || e.GetSnapshotRestored() != nil && e.GetStoreId() == late
			}
			if restored != (puts > entriesMax) {
				c.t.Fatalf("S%d lagged by %d entries; a snapshot came: %v", late, puts, restored)
			}
		}
	})
}

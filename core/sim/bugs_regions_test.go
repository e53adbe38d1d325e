package sim_test

import (
	"fmt"
	"strings"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Stories of regions, compacted logs and snapshots.

var regionBugs = []planted{
	{
		// A client that has not heard of a split writes through the half to which the key does not belong any more.
		bug: sessionpb.Bug_BUG_SKIP_EPOCH_CHECK, caught: aClient,
		play: func(c *broken) {
			c.mustPut("z", "v1")
			whole := c.region(1)
			_, right := c.mustSplit("m")
			left := c.mustLeaderOf(1)
			other := c.others(left)[0]
			c.mustTransfer(right.GetId(), other)
			c.mustSettle(right.GetId(), c.stores(), map[string]string{"z": "v1"})
			c.cut = func(m *sessionpb.Message) bool { return m.GetRegionId() == 1 && m.GetToStore() == other }
			late := command(putRequest("z", "v2"))
			late.Header = &raftcmdpb.RequestHeader{RegionEpoch: whole.GetRegionEpoch()}
			if c.done(c.start(left, 1, late)) {
				c.wantValue(other, right.GetId(), readIndex, "z", "v2")
			}
		},
	},
	{
		bug: sessionpb.Bug_BUG_SPLIT_KEEPS_VERSION, caught: "region shape",
		play: func(c *broken) {
			c.mustPut("z", "v1")
			c.mustAdmin(1, splitAt("m"))
			c.pass(second)
		},
	},
	{
		// A store votes for a region of which it has not yet heard that a split made it.
		bug: sessionpb.Bug_BUG_SPLIT_FORGETS_HARD_STATE, caught: "monotonic state",
		play: func(c *broken) {
			leader := c.settled("z", "v1")
			late := c.others(leader)[0]
			c.cut = func(m *sessionpb.Message) bool { return m.GetRegionId() == 1 && m.GetToStore() == late }
			_, right := c.mustSplit("m")
			c.must("the store that is late has voted", 5*second, func() bool {
				view, ok := c.w.Store(late).View(right.GetId())
				return ok && view.Uninitialized && view.Vote != 0
			})
			c.pass(second / 10)
			c.cut = nil
			c.mustSettle(right.GetId(), c.stores(), map[string]string{"z": "v1"})
		},
	},
	{
		bug: sessionpb.Bug_BUG_COMPACT_WITHOUT_SNAPSHOT, caught: aClient,
		play: func(c *broken) {
			late := c.behindTheLog("v2", "k")
			c.wantValue(late, 1, readIndex, "k", "v2")
		},
	},
	{
		bug: sessionpb.Bug_BUG_SNAPSHOT_APPLIED_HALF, caught: aClient,
		play: func(c *broken) {
			keys := make([]string, 10)
			for i := range keys {
				keys[i] = fmt.Sprintf("k%d", i)
			}
			value := strings.Repeat("v", 200)
			late := c.behindTheLog(value, keys...)
			for _, key := range keys {
				c.wantValue(late, 1, readIndex, key, value)
			}
		},
	},
	{
		bug: sessionpb.Bug_BUG_SNAPSHOT_KEEPS_OLD_KEYS, caught: aClient,
		play: func(c *broken) {
			late := c.behindTheLog("", "k")
			c.wantValue(late, 1, readIndex, "k", "")
		},
	},
}

// behindTheLog has a store miss what happens to keys, which are set to a value or deleted, until nobody has the entries any
// more; then it comes back, catches up, and leads.
func (c *broken) behindTheLog(value string, keys ...string) (late uint64) {
	c.t.Helper()
	c.mustLeader()
	for _, key := range keys {
		c.mustPut(key, "old")
	}
	c.mustPut("after", "1") // its sync is that of what was applied before
	c.pass(second)
	late = c.others(c.mustLeaderOf(1))[0]
	c.crash(late)
	for _, key := range keys {
		if value == "" {
			c.mustDelete(key)
		} else {
			c.mustPut(key, value)
		}
	}
	c.mustAdmin(1, compactTo(0))
	c.restart(late)
	c.must("the store has caught up", 20*second, func() bool {
		view, _ := c.w.Store(late).View(1)
		ahead, _ := c.w.Store(c.leaderOf(1)).View(1)
		return view.Applied == ahead.Applied
	})
	c.pass(second)
	c.wantRestored(late, 1)
	c.mustTransfer(1, late)
	return late
}

package sim_test

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Stories in which a quorum is none, or nobody waits for one.

var consensusBugs = []planted{
	{
		// Two of five stores and the other three do not hear each other, and each side is asked to write.
		bug: sessionpb.Bug_BUG_WRONG_QUORUM, caught: "state machine safety",
		play: func(c *broken) {
			sides := [][]uint64{{1, 2}, {3, 4, 5}}
			c.cut = c.alone(sides[0]...)
			c.pass(20 * second)
			for _, side := range sides {
				if leader := c.leaderAmong(side...); leader != 0 {
					c.put(leader, "k", "side")
				}
			}
			c.cut = nil
			c.pass(5 * second)
		},
	},
	{
		// A leader that nobody hears acknowledges a write.
		bug: sessionpb.Bug_BUG_ANSWER_BEFORE_COMMIT, caught: aClient,
		play: func(c *broken) {
			old := c.settled("k", "v1")
			c.cut = c.alone(old)
			value := "v1"
			if c.put(old, "k", "v2") {
				value = "v2"
			}
			c.must("another store leads", c.patience, func() bool { return c.leaderAmong(c.others(old)...) != 0 })
			c.wantValue(c.leaderAmong(c.others(old)...), 1, readIndex, "k", value)
		},
	},
	{
		bug: sessionpb.Bug_BUG_APPLY_BEFORE_COMMIT, caught: "state machine safety",
		play: func(c *broken) {
			old := c.settled("k", "v1")
			c.cut = c.alone(old)
			c.put(old, "k", "v2")
			c.must("another store leads", c.patience, func() bool { return c.leaderAmong(c.others(old)...) != 0 })
			c.put(c.leaderAmong(c.others(old)...), "k", "v3")
			c.cut = nil
			c.pass(5 * second)
		},
	},
	{
		// Of five voters two are removed, one after the other but not one at a time. The leader commits both with a third
		// store, which does not hear of it; then two stores are more than half of three, and three more than half of five.
		bug: sessionpb.Bug_BUG_TWO_CONF_CHANGES, caught: "state machine safety",
		play: func(c *broken) {
			c.mustTransfer(1, 1)
			c.settled("k", "v1")
			entries := c.last(1) + 2
			first := c.start(1, 1, administer(changePeers(removePeer(5))))
			next := c.start(1, 1, administer(changePeers(removePeer(4))))
			c.cut = func(m *sessionpb.Message) bool {
				return m.GetFromStore() == 1 && (m.GetToStore() > 3 || m.GetToStore() == 3 && c.last(3) >= entries)
			}
			c.pass(second / 40)
			if c.answers[next] != nil {
				entries--
			}
			if !c.done(first) {
				c.t.Fatalf("the first change is answered %v", c.answers[first])
			}
			c.done(next)
			c.cut = c.alone(1, 2)
			c.put(1, "k", "v2")
			c.pass(15 * second)
			if leader := c.leaderAmong(3, 4, 5); leader != 0 {
				c.put(leader, "k", "v3")
			}
		},
	},
	{
		// A region of one store has grown to three. That one falls, comes back, and is enough for itself.
		bug: sessionpb.Bug_BUG_STALE_CONF_STATE, caught: "election safety",
		config: membersOf(3, 1),
		play: func(c *broken) {
			c.mustLeader()
			c.mustPut("k", "v1")
			c.mustChange(1, addVoter(2))
			c.mustSettle(1, []uint64{2}, map[string]string{"k": "v1"})
			c.mustChange(1, addVoter(3))
			c.mustSettle(1, []uint64{3}, map[string]string{"k": "v1"})
			c.pass(second)
			c.restart2(1)
			c.cut = c.alone(1)
			c.pass(20 * second)
			if c.leaderAmong(1) != 0 {
				c.put(1, "k", "v2")
			}
			c.put(c.leaderAmong(2, 3), "k", "v3")
		},
	},
	{
		// A store that was removed helps one that has not heard of it to lead.
		bug: sessionpb.Bug_BUG_TOMBSTONE_FORGOTTEN, caught: "leader completeness",
		config: membersOf(3, 3),
		play: func(c *broken) {
			c.mustTransfer(1, 1)
			c.settled("k", "v1")
			c.cut = c.alone(2)
			c.mustChange(1, removePeer(3))
			c.must("S3 hears that it was removed", 5*second, func() bool { return c.w.Store(3).Region(1) == nil })
			c.cut = c.alone(1)
			c.pass(20 * second)
		},
	},
}

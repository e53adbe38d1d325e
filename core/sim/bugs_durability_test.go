package sim_test

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Stories in which stores forget what they had promised.

var durabilityBugs = []planted{
	{
		// Two of three acknowledge a write, lose their power before it is on their disks, and elect a leader without it.
		bug: sessionpb.Bug_BUG_SEND_BEFORE_SYNC, caught: "leader completeness",
		config: func(cfg *sessionpb.Config) { cfg.Disk.FsyncMicros = second / 5 },
		play: func(c *broken) {
			old := c.settled("k", "v1")
			others := c.others(old)
			c.cut = func(m *sessionpb.Message) bool {
				return m.GetFromStore() == old && m.GetToStore() != others[0] && m.GetToStore() != others[1]
			}
			operation := c.start(old, 1, command(putRequest("k", "v2")))
			c.until(second, func() bool { return c.answers[operation] != nil })
			for _, id := range []uint64{old, others[0], others[1]} {
				c.crash(id)
			}
			c.cut = nil
			c.restart(others[0])
			c.restart(others[1])
			c.must("another store leads", c.patience, func() bool { return c.leaderAmong(others...) != 0 })
			c.wantValue(c.leaderAmong(others...), 1, readIndex, "k", "v2")
		},
	},
	{
		bug: sessionpb.Bug_BUG_NO_FSYNC, caught: "monotonic state",
		play: func(c *broken) {
			leader := c.settled("k", "v1")
			c.restart2(c.others(leader)[0])
		},
	},
	{
		bug: sessionpb.Bug_BUG_FORGET_VOTE, caught: "one vote a term",
		play: func(c *broken) {
			for _, id := range c.others(c.settled("k", "v1")) {
				c.restart2(id)
			}
		},
	},
	{
		// A store votes in a new term and falls before it hears anything of the leader that it helped to elect.
		bug: sessionpb.Bug_BUG_FORGET_TERM, caught: "monotonic state",
		play: func(c *broken) {
			old := c.settled("k", "v1")
			voter := c.others(old)[0]
			c.cut = func(m *sessionpb.Message) bool {
				return c.alone(old)(m) || m.GetToStore() == voter && m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_APPEND
			}
			c.act(setTimeout(voter, 100)) // it does not campaign itself
			_, before, _ := c.w.Store(voter).Role(1)
			c.must("the voter votes", c.patience, func() bool {
				view, _ := c.w.Store(voter).View(1)
				return view.Term > before && view.Vote != 0
			})
			c.pass(second / 10)
			c.restart2(voter)
		},
	},
	{
		// A leader that was cut off has three entries which nobody else gets; one entry of the next leader takes their place.
		bug: sessionpb.Bug_BUG_KEEP_CONFLICTING_TAIL, caught: "durability",
		play: func(c *broken) {
			old := c.settled("k", "v1")
			c.cut = c.alone(old)
			end := c.last(old) + 3
			for _, value := range []string{"x1", "x2", "x3"} {
				c.start(old, 1, command(putRequest("k", value)))
			}
			c.must("the old leader has its entries", second, func() bool { return c.last(old) == end })
			c.must("another store leads", c.patience, func() bool { return c.leaderAmong(c.others(old)...) != 0 })
			c.pass(second)
			c.cut = nil
			c.must("the old leader follows", c.patience, func() bool { return c.last(old) == end-2 })
			c.pass(second)
			c.restart2(old)
		},
	},
	{
		// A follower falls with an entry in its log that it does not know to be committed.
		bug: sessionpb.Bug_BUG_FORGET_APPLIED, caught: aClient,
		play: func(c *broken) {
			leader := c.settled("k", "v1")
			follower := c.others(leader)[0]
			operation := c.start(leader, 1, command(putRequest("k", "v2")))
			c.cut = func(m *sessionpb.Message) bool { return m.GetFromStore() == leader && m.GetToStore() == follower }
			c.pass(second / 5)
			if !c.done(operation) || c.data(follower)["k"] != "v1" {
				c.t.Fatal("the follower does not lag: nothing is left to show")
			}
			c.cut = nil
			c.restart2(follower)
			c.pass(2 * second)
			c.mustTransfer(1, follower)
			c.wantValue(follower, 1, readIndex, "k", "v2")
		},
	},
}

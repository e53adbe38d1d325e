package sim_test

import (
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Stories in which clients are told what is not so.

var clientBugs = []planted{
	{
		// Without CheckQuorum a leader that was cut off does not step down.
		bug: sessionpb.Bug_BUG_STALE_READ, caught: aClient,
		config: func(cfg *sessionpb.Config) { cfg.Raft.CheckQuorum, cfg.Raft.LeaseReads = false, false },
		play: func(c *broken) {
			old := c.settled("k", "v1")
			c.overtake(old)
			c.wantValue(old, 1, readIndex, "k", "v2")
		},
	},
	{
		// The write is acknowledged, and nobody but the leader, which falls, knows that it is committed.
		bug: sessionpb.Bug_BUG_READ_BEFORE_APPLY, caught: aClient,
		play: func(c *broken) {
			old := c.settled("k", "v1")
			operation := c.start(old, 1, command(putRequest("k", "v2")))
			c.cut = func(m *sessionpb.Message) bool { return m.GetFromStore() == old }
			if !c.done(operation) {
				c.t.Fatalf("the write is answered %v", c.answers[operation])
			}
			c.crash(old)
			c.cut = nil
			c.must("another store leads", c.patience, func() bool { return c.leaderAmong(c.others(old)...) != 0 })
			next := c.leaderAmong(c.others(old)...)
			c.wantValue(next, 1, readIndex, "k", "v2")
		},
	},
	{
		bug: sessionpb.Bug_BUG_LEASE_WITHOUT_QUORUM, caught: aClient,
		play: func(c *broken) {
			old := c.settled("k", "v1")
			c.wantValue(old, 1, readLease, "k", "v1")
			// From here on it takes nearly two election timeouts until CheckQuorum makes it step down.
			c.must("the leader has just heard of a quorum", 5*second, func() bool { return c.w.Store(old).Timer(1).Elapsed == 1 })
			c.act(setTimeout(c.others(old)[0], 17))
			c.overtake(old)
			c.wantValue(old, 1, readLease, "k", "v2")
		},
	},
	{
		// The next leader is told to lead, and does not wait for the lease of the old one to end, which is then cut off.
		bug: sessionpb.Bug_BUG_LEASE_KEPT_AT_TRANSFER, caught: aClient,
		play: func(c *broken) {
			old := c.settled("k", "v1")
			to := c.others(old)[0]
			c.wantValue(old, 1, readLease, "k", "v1") // its round makes the lease
			told := false
			c.cut = func(m *sessionpb.Message) bool {
				if m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_TIMEOUT_NOW {
					told = true
					return false
				}
				return told && c.alone(old)(m)
			}
			c.start(old, 1, administer(transferTo(to)))
			c.must("the new leader stands", 2*second, func() bool { return c.leaderAmong(to) == to })
			if !c.put(to, "k", "v2") {
				c.t.Fatal("the new leader does not write")
			}
			c.wantValue(old, 1, readLease, "k", "v2")
		},
	},
	{
		// A leader loses its office with a write that the next one commits.
		bug: sessionpb.Bug_BUG_CALLBACK_TWICE, caught: "one answer",
		play: func(c *broken) {
			old := c.settled("k", "v1")
			c.start(old, 1, command(putRequest("k", "v2")))
			c.cut = func(m *sessionpb.Message) bool { return c.alone(old)(m) }
			c.must("another store leads", c.patience, func() bool { return c.leaderAmong(c.others(old)...) != 0 })
			c.cut = nil
			c.mustHold(c.stores(), map[string]string{"k": "v2"})
			c.pass(second)
		},
	},
	{
		bug: sessionpb.Bug_BUG_RETRY_APPLIED_AGAIN, caught: aClient,
		play: func(c *broken) {
			leader := c.mustLeader()
			for range 2 {
				c.call(leader, 1, as(1001, 1, command(putRequest("k", "v1"))))
				c.put(leader, "k", "v2")
				c.call(leader, 1, as(1001, 1, command(putRequest("k", "v1"))))
				c.wantValue(leader, 1, readIndex, "k", "v2")
			}
		},
	},
	{
		bug: sessionpb.Bug_BUG_SNAPSHOT_FORGETS_CLIENTS, caught: aClient,
		config: membersOf(4, 3),
		play: func(c *broken) {
			c.mustLeader()
			c.call(c.mustLeaderOf(1), 1, as(1001, 1, command(putRequest("k", "v1"))))
			c.mustPut("k", "v2")
			c.mustChange(1, addVoter(4))
			c.mustSettle(1, []uint64{4}, map[string]string{"k": "v2"})
			c.pass(second)
			c.mustTransfer(1, 4)
			c.call(4, 1, as(1001, 1, command(putRequest("k", "v1"))))
			c.wantValue(4, 1, readIndex, "k", "v2")
		},
	},
	{
		// Of two clients that create a key if it is not there, both are told that they did.
		bug: sessionpb.Bug_BUG_COMPARE_AT_PROPOSE, caught: aClient,
		play: func(c *broken) {
			leader := c.mustLeader()
			create := func(value string) uint64 {
				request := command(putRequest("k", value))
				request.Compares = []*raftcmdpb.Compare{{Key: []byte("k"), Expect: &raftcmdpb.Compare_Absent{Absent: true}}}
				return c.start(leader, 1, request)
			}
			first, second := create("v1"), create("v2")
			if c.done(first) && c.done(second) {
				c.complain(aClient, "the key is created twice")
			}
		},
	},
}

// overtake cuts a leader off and has the others elect one, to which a client writes.
func (c *broken) overtake(old uint64) {
	c.t.Helper()
	others := c.others(old)
	c.cut = c.alone(old)
	c.must("another store leads", c.patience, func() bool { return c.leaderAmong(others...) != 0 })
	if !c.put(c.leaderAmong(others...), "k", "v2") {
		c.t.Fatal("the new leader does not write: nothing is left to show")
	}
}

package sim_test

import (
	"slices"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// A leader's entry that reached a quorum, but was never known to, is committed by the next leader.
func TestTiKVUncommittedLogAtLeaderChange(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		old := c.mustLeader()
		c.mustPut("k", "v1")
		c.mustHold(c.stores(), map[string]string{"k": "v1"})
		c.pass(second) // everybody knows that it is committed
		reached := c.others(old)[:2]
		c.cut = func(m *sessionpb.Message) bool {
			appends := m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_APPEND && !slices.Contains(reached, m.GetToStore())
			return appends || m.GetToStore() == old
		}
		operation := c.propose(old, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{putRequest("k", "v2")}})
		c.pass(second / 5)
		if c.answers[operation] != nil {
			c.t.Fatalf("the old leader heard of nobody and answers %v", c.answers[operation])
		}
		for _, id := range c.stores() {
			if c.data(id)["k"] != "v1" {
				c.t.Fatalf("S%d has applied what is not committed", id)
			}
		}
		c.crash(old)
		c.cut = nil
		if leader := c.mustLeader(); !slices.Contains(reached, leader) {
			c.t.Fatalf("S%d leads without the entry that S%v hold", leader, reached)
		}
		c.mustHold(c.others(old), map[string]string{"k": "v2"})
		c.mustGet("k", "v2")
		c.restart(old)
		c.mustHold(c.stores(), map[string]string{"k": "v2"})
	})
}

// A new leader holds entries that were acknowledged and that it has not applied. A read that comes at once must see them.
func TestTiKVReadWithUnappliedLog(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.mustPut("k", "v1")
		c.mustHold(c.stores(), map[string]string{"k": "v1"})
		c.pass(second)
		// The write is acknowledged, and nobody but the leader ever learns that it is committed.
		old := c.mustLeader()
		acknowledged := false
		c.cut = func(m *sessionpb.Message) bool { return acknowledged && m.GetFromStore() == old }
		operation := c.propose(old, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{putRequest("k", "v2")}})
		before := c.w.Store(old)
		view, _ := before.View(1)
		c.must("the leader commits", second, func() bool {
			now, _ := before.View(1)
			acknowledged = true // from the next message on: the append itself is under way
			return now.Commit > view.Commit
		})
		c.must("the client hears that it is done", second, func() bool { return c.answers[operation] != nil })
		if c.answers[operation].GetHeader().GetError() != nil {
			c.t.Fatal(c.answers[operation])
		}
		c.crash(old)
		next := c.others(old)[0]
		if got := c.data(next)["k"]; got != "v1" {
			c.t.Fatalf("S%d has applied %q already: nothing is left to show", next, got)
		}
		c.cut = nil
		c.act(&sessionpb.Action{Action: &sessionpb.Action_TimeOutStore{TimeOutStore: &sessionpb.TimeOutStore{StoreId: next}}})
		leader := c.mustLeader()
		if got := c.data(leader)["k"]; got != "v1" {
			c.t.Fatalf("S%d has applied %q before it leads: nothing is left to show", leader, got)
		}
		for _, mode := range []raftcmdpb.ReadMode{raftcmdpb.ReadMode_READ_MODE_READ_INDEX, raftcmdpb.ReadMode_READ_MODE_LOG} {
			read := c.propose(leader, &raftcmdpb.RaftCommandRequest{
				Header: &raftcmdpb.RequestHeader{ReadMode: mode}, Requests: []*raftcmdpb.Request{getRequest("k")}})
			c.must("the read is answered", 5*second, func() bool { return c.answers[read] != nil })
			if got := c.answers[read].GetResponses()[0].GetGet().GetValue(); string(got) != "v2" {
				c.t.Fatalf("a read of mode %v at the fresh leader gives %q, want v2", mode, got)
			}
		}
	})
}

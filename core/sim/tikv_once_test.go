package sim_test

import (
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// as gives a command a request id.
func as(client, sequence uint64, request *raftcmdpb.RaftCommandRequest) *raftcmdpb.RaftCommandRequest {
	request.Header = &raftcmdpb.RequestHeader{Client: client, Sequence: sequence}
	return request
}

// wantRepeated wants the first answer once more.
func (c *cluster) wantRepeated(answer, first *raftcmdpb.RaftCommandResponse) {
	c.t.Helper()
	h := answer.GetHeader()
	if reason(answer) != "" || !h.GetRepeatedAnswer() || h.GetIndex() != first.GetHeader().GetIndex() {
		c.t.Fatalf("the retry is answered %v; the first answer was %v", answer, first)
	}
}

// A request is done once, though its region split between the request and its retry: both halves remember.
func TestTiKVOnceAcrossSplit(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		leader := c.mustLeaderOf(1)
		firsts, keys := map[string]*raftcmdpb.RaftCommandResponse{}, map[uint64]string{1001: "a", 1002: "z"}
		for _, client := range []uint64{1001, 1002} {
			key := keys[client]
			firsts[key] = c.call(leader, 1, as(client, 7, command(putRequest(key, "first"), getRequest(key))))
			if reason(firsts[key]) != "" || firsts[key].GetHeader().GetRepeatedAnswer() {
				c.t.Fatal(firsts[key])
			}
		}
		left, right := c.mustSplit("m")
		for _, client := range []uint64{1001, 1002} {
			key := keys[client]
			region := left
			if key == "z" {
				region = right
			}
			c.mustPut(key, "later")
			id := region.GetId()
			answer := c.call(c.mustLeaderOf(id), id, as(client, 7, command(putRequest(key, "first"), getRequest(key))))
			c.wantRepeated(answer, firsts[key])
			if got := string(answer.GetResponses()[1].GetGet().GetValue()); got != "first" {
				c.t.Fatalf("the retry reads %q; the first answer did", got)
			}
			c.mustGet(key, "later")
			c.wantReason(c.call(c.mustLeaderOf(id), id, as(client, 6, command(putRequest(key, "x")))), "stale_sequence", mayApply)
			// The next one is new, and one half's memory is not the other's.
			answer = c.call(c.mustLeaderOf(id), id, as(client, 8, command(putRequest(key, "next"))))
			if reason(answer) != "" || answer.GetHeader().GetRepeatedAnswer() {
				c.t.Fatalf("a new request is answered %v", answer)
			}
			c.mustGet(key, "next")
		}
		// It survives a restart of everything, on both sides.
		for _, id := range c.stores() {
			c.crash(id)
		}
		for _, id := range c.stores() {
			c.restart(id)
		}
		c.mustGet("a", "next")
		c.mustGet("z", "next")
		answer := c.call(c.mustLeaderOf(right.GetId()), right.GetId(), as(1002, 8, command(putRequest("z", "again"))))
		if !answer.GetHeader().GetRepeatedAnswer() {
			c.t.Fatalf("after a restart the retry is answered %v", answer)
		}
		c.mustGet("z", "next")
	})
}

// A leader that has its state from a snapshot remembers what was done before it.
func TestTiKVOnceAcrossSnapshot(t *testing.T) {
	forSeeds(t, membersOf(4, 3), func(c *cluster) {
		first := c.call(c.mustLeaderOf(1), 1, as(1001, 3, command(putRequest("k", "first"))))
		if reason(first) != "" {
			c.t.Fatal(first)
		}
		c.mustPut("k", "later")
		c.mustChange(1, addVoter(4))
		c.mustSettle(1, []uint64{4}, map[string]string{"k": "later"})
		c.wantRestored(4, 1)
		revision := c.revisionOf(4, 1, "k")
		c.pass(second) // the leader hears that it has it
		c.mustTransfer(1, 4)
		c.wantRepeated(c.call(4, 1, as(1001, 3, command(putRequest("k", "first")))), first)
		c.mustGet("k", "later")
		if got := c.revisionOf(4, 1, "k"); got != revision {
			c.t.Fatalf("the retry moved the key's revision from %d to %d", revision, got)
		}
		c.wantReason(c.call(4, 1, as(1001, 2, command(putRequest("k", "x")))), "stale_sequence", mayApply)
	})
}

// A put whose answer is lost with its leader is done once, though the client asks both halves of the split that came
// between, and the entry stands in the log twice.
func TestTiKVOnceThroughLeaderCrashAndSplit(t *testing.T) {
	brief := func(cfg *sessionpb.Config) { cfg.ClientTimeoutMicros = second }
	forSeeds(t, brief, func(c *cluster) {
		c.mustPut("z", "0")
		old := c.mustLeaderOf(1)
		// The append arrives, its acknowledgement does not.
		c.cut = func(m *sessionpb.Message) bool { return m.GetToStore() == old }
		lost := c.start(old, 1, as(1001, 1, command(putRequest("z", "once"))))
		c.pass(second / 10)
		c.crash(old)
		if c.answers[lost] != nil {
			c.t.Fatalf("the client has heard %v", c.answers[lost])
		}
		c.cut = nil
		c.must("another store leads", reelectionMicrosMax, func() bool { return c.leaderOf(1) != 0 })
		_, right := c.mustSplit("m")
		retry := as(1001, 1, command(putRequest("z", "once")))
		answer := c.call(c.mustLeaderOf(right.GetId()), right.GetId(), retry)
		if reason(answer) != "" || !answer.GetHeader().GetRepeatedAnswer() {
			c.t.Fatalf("the retry is answered %v; the entry was on every log", answer)
		}
		c.mustPut("z", "later")
		answer = c.call(c.mustLeaderOf(right.GetId()), right.GetId(), as(1001, 1, command(putRequest("z", "once"))))
		if !answer.GetHeader().GetRepeatedAnswer() {
			c.t.Fatalf("the retry is answered %v", answer)
		}
		c.mustGet("z", "later")
		c.restart(old)
		c.mustSettle(right.GetId(), c.stores(), map[string]string{"z": "later"})
	})
}

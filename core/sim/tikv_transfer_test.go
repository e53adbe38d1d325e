package sim_test

import (
	"slices"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Leadership goes where it is sent, without an election timeout, and clients are told where it went.
func TestTiKVTransferLeader(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.mustPut("k", "0")
		for _, to := range []uint64{2, 5, 1, 3} {
			old := c.mustLeaderOf(1)
			if old == to {
				continue
			}
			began := len(c.happened)
			answer := c.mustAdmin(1, transferTo(to))
			if got := answer.GetTransferLeader().GetPeer().GetStoreId(); got != to {
				c.t.Fatalf("a transfer to S%d is answered with S%d", to, got)
			}
			c.must("the new leader stands", second, func() bool { return c.leaderOf(1) == to })
			started := slices.ContainsFunc(c.happened[began:], func(e *sessionpb.Event) bool {
				return e.GetStoreId() == old && e.GetTransferStarted().GetToStore() == to
			})
			if !started {
				c.t.Fatal("no event tells that the transfer began")
			}
			c.must("the old leader knows the new one", second, func() bool {
				view, _ := c.w.Store(old).View(1)
				return view.Leader == peerOn(c.region(1), to).GetId()
			})
			e := c.wantReason(c.call(old, 1, command(putRequest("k", "x"))), "not_leader", notApplied)
			if e.GetNotLeader().GetLeader().GetStoreId() != to {
				c.t.Fatalf("S%d says that the leader is %v", old, e.GetNotLeader().GetLeader())
			}
			if answer := c.call(to, 1, command(putRequest("k", "1"))); reason(answer) != "" {
				c.t.Fatalf("the new leader answers %v", answer)
			}
			c.mustGet("k", "1")
		}
		// To itself there is nothing to do.
		leader := c.mustLeaderOf(1)
		c.call(leader, 1, administer(transferTo(leader)))
		c.pass(second)
		if c.leaderOf(1) != leader {
			c.t.Fatalf("S%d was told to lead, which it did, and S%d leads now", leader, c.leaderOf(1))
		}
	})
}

// While a snapshot is on its way to a store, leadership does not go there; writes go on.
func TestTiKVTransferDuringSnapshot(t *testing.T) {
	chunky := func(cfg *sessionpb.Config) { cfg.Raft.SnapshotChunkBytesMax = 1 << 10 }
	forSeeds(t, chunky, func(c *cluster) {
		want := c.big(40, 256)
		leader := c.mustLeaderOf(1)
		late := c.others(leader)[0]
		c.crash(late)
		for _, key := range keysOf(want) {
			want[key] = "new " + want[key]
			c.mustPut(key, want[key])
		}
		c.pass(second)
		c.mustAdmin(1, compactTo(0))
		c.cut = func(m *sessionpb.Message) bool { return m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT_ACK }
		c.restart(late)
		pending := func() bool {
			for _, p := range c.detail(1).GetProgress() {
				if p.GetPeerId() == peerOn(c.region(1), late).GetId() {
					return p.GetPendingSnapshot() > 0
				}
			}
			return false
		}
		c.must("a snapshot is on its way", 5*second, func() bool { return len(c.progress(1, late)) > 0 })
		if !pending() {
			c.t.Fatal("the leader's detail says nothing of a snapshot under way")
		}
		e := c.wantReason(c.call(leader, 1, administer(transferTo(late))), "transfer_refused", notApplied)
		if e.GetTransferRefused().GetPeer().GetStoreId() != late {
			c.t.Fatalf("the refusal is about %v", e.GetTransferRefused().GetPeer())
		}
		c.mustPut("k", "1")
		want["k"] = "1"
		if c.leaderOf(1) != leader {
			c.t.Fatalf("S%d leads; a refused transfer changes nothing", c.leaderOf(1))
		}
		c.cut = nil
		c.mustSettle(1, c.stores(), want)
		c.mustTransfer(1, late)
		c.mustPut("k", "2")
	})
}

// detail is what a region's leader tells of it.
func (c *cluster) detail(region uint64) *raftcmdpb.RegionDetail {
	c.t.Helper()
	answer := c.call(c.mustLeaderOf(region), region, status(raftcmdpb.StatusType_STATUS_TYPE_REGION_DETAIL))
	if reason(answer) != "" {
		c.t.Fatal(answer)
	}
	return answer.GetStatus().GetDetail()
}

func status(of raftcmdpb.StatusType) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Status: &raftcmdpb.StatusRequest{Type: of}}
}

// The network falls into two parts. The larger one serves; the smaller one does not, and catches up after the heal.
func TestTiKVPartitionWrite(t *testing.T) {
	brief := func(cfg *sessionpb.Config) { cfg.ClientTimeoutMicros = second }
	forSeeds(t, brief, func(c *cluster) {
		want := map[string]string{"k": "0"}
		c.mustPut("k", "0")
		c.mustHold(c.stores(), want)

		// The leader is in the larger part: nothing is noticed.
		leader := c.mustLeaderOf(1)
		minority := c.others(leader)[:2]
		c.cut = c.alone(minority...)
		c.mustPut("k", "1")
		c.pass(10 * second)
		if len(c.leaders) != 1 {
			c.t.Fatalf("leaders were S%v; the majority kept its own", c.leaders)
		}
		c.cut = nil
		want["k"] = "1"
		c.mustHold(c.stores(), want)
		c.pass(5 * second)
		if len(c.leaders) != 1 {
			c.t.Fatalf("leaders were S%v; who comes back disturbs nobody", c.leaders)
		}

		// The leader is in the smaller part: it steps down, and what it promised nobody is not kept.
		minority = []uint64{leader, c.others(leader)[0]}
		majority := c.others(minority...)
		c.cut = c.alone(minority...)
		lost := c.start(leader, 1, command(putRequest("lost", "1")))
		c.must("the majority has a leader", 2*reelectionMicrosMax, func() bool { return slices.Contains(majority, c.leaderOf(1)) })
		for i := range 10 {
			want[keyOf(i)] = "2"
			if answer := c.call(c.leaderOf(1), 1, command(putRequest(keyOf(i), "2"))); reason(answer) != "" {
				c.t.Fatalf("the majority answers %v", answer)
			}
		}
		c.mustHold(majority, want)
		if e := c.wait(lost).GetHeader().GetError(); e.GetOutcome() != mayApply {
			c.t.Fatalf("the put at the leader that was cut off is answered %v", c.wait(lost))
		}
		for _, id := range minority {
			if got := c.dataOf(id, 1); got["k"] != "1" || len(got) != 1 {
				c.t.Fatalf("S%d, cut off, holds %v", id, got)
			}
			if answer := c.call(id, 1, command(putRequest("k", "x"))); answer.GetHeader().GetError() == nil {
				c.t.Fatalf("S%d, in the minority, answers %v", id, answer)
			}
		}
		c.cut = nil
		c.mustHold(c.stores(), want)
		c.mustGet("lost", "")
		c.mustPut("k", "3")
	})
}

// A leader that may speak and not hear is one no longer.
func TestTiKVPartitionOfOneDirection(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.mustPut("k", "0")
		leader := c.mustLeaderOf(1)
		c.cut = func(m *sessionpb.Message) bool { return m.GetToStore() == leader }
		c.must("another leader stands", 4*reelectionMicrosMax, func() bool { return c.leaderOf(1) != leader && c.leaderOf(1) != 0 })
		c.mustPut("k", "1")
		c.cut = nil
		c.mustHold(c.stores(), map[string]string{"k": "1"})
	})
}

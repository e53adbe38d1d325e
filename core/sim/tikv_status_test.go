package sim_test

import (
	"slices"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// A leader knows who has been silent for longer than an election timeout, and for how long.
func TestTiKVDownPeers(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.mustPut("k", "v")
		leader := c.mustLeaderOf(1)
		c.pass(5 * second)
		if down := c.detail(1).GetDownPeers(); len(down) > 0 {
			c.t.Fatalf("everybody is up, and %v are down", down)
		}
		silent := c.others(leader)[0]
		c.crash(silent)
		began := c.w.Now()
		c.pass(second / 2)
		if down := c.detail(1).GetDownPeers(); len(down) > 0 {
			c.t.Fatalf("%v are down after half a second; an election timeout is longer", down)
		}
		for _, wait := range []int64{4 * second, 30 * second} {
			c.pass(wait)
			down := c.detail(1).GetDownPeers()
			if len(down) != 1 || down[0].GetPeer().GetStoreId() != silent {
				c.t.Fatalf("down are %v; S%d crashed", down, silent)
			}
			if for_, since := down[0].GetDownMicros(), c.w.Now()-began; for_ > since+second || for_ < since-second {
				c.t.Fatalf("S%d is down for %d µs, it crashed %d µs ago", silent, for_, since)
			}
		}
		c.restart(silent)
		c.pass(2 * second)
		if down := c.detail(1).GetDownPeers(); len(down) > 0 {
			c.t.Fatalf("S%d is back, and %v are down", silent, down)
		}
		// A new leader begins to count anew.
		c.crash(silent)
		c.pass(10 * second)
		c.mustTransfer(1, c.others(leader, silent)[0])
		if down := c.detail(1).GetDownPeers(); len(down) > 0 && down[0].GetDownMicros() > 5*second {
			c.t.Fatalf("a leader of a moment has missed %v", down)
		}
		c.pass(5 * second)
		if down := c.detail(1).GetDownPeers(); len(down) != 1 || down[0].GetPeer().GetStoreId() != silent {
			c.t.Fatalf("down are %v; S%d is", down, silent)
		}
	})
}

// The leader's detail of a region is what the stores themselves are like.
func TestTiKVRegionDetail(t *testing.T) {
	forSeeds(t, membersOf(5, 4), func(c *cluster) {
		for range 20 {
			c.mustPut("k", "v")
		}
		c.mustChange(1, addLearner(5))
		c.mustAdmin(1, compactTo(5))
		c.pass(2 * second)
		leader := c.mustLeaderOf(1)
		view, _ := c.w.Store(leader).View(1)
		d := c.detail(1)
		if d.GetRegion().GetId() != 1 || len(d.GetRegion().GetPeers()) != 5 || d.GetTerm() != view.Term || d.GetVote() != view.Vote ||
			d.GetCommit() != view.Commit || d.GetApplied() != view.Applied || d.GetFirstIndex() != view.FirstIndex ||
			d.GetFirstIndex() != 6 || d.GetSizeBytes() != uint64(len("zk")+8+len("v")) || d.GetLastIndex() != view.LastIndex || d.GetConfChangePending() {
			c.t.Fatalf("the detail is %v; the leader's peer is %+v", d, view)
		}
		if len(d.GetProgress()) != 5 {
			c.t.Fatalf("the leader follows %v", d.GetProgress())
		}
		for _, p := range d.GetProgress() {
			store := uint64(0)
			for _, of := range d.GetRegion().GetPeers() {
				if of.GetId() == p.GetPeerId() {
					store = of.GetStoreId()
				}
			}
			its, _ := c.w.Store(store).View(1)
			if its.PeerID != p.GetPeerId() || p.GetMatch() != its.LastIndex || p.GetLearner() != (store == 5) || !p.GetRecentActive() ||
				p.GetState() != raftcmdpb.ProgressState_PROGRESS_STATE_REPLICATE {
				c.t.Fatalf("the leader follows S%d as %v; its log ends at %d", store, p, its.LastIndex)
			}
		}
		for _, id := range c.others(leader) {
			c.wantReason(c.call(id, 1, status(raftcmdpb.StatusType_STATUS_TYPE_REGION_DETAIL)), "not_leader", notApplied)
			answer := c.call(id, 1, status(raftcmdpb.StatusType_STATUS_TYPE_REGION_LEADER))
			if got := answer.GetStatus().GetLeader().GetStoreId(); got != leader {
				c.t.Fatalf("S%d says that S%d leads, S%d does", id, got, leader)
			}
		}
		// A change that cannot be committed is pending.
		c.cut = c.alone(leader)
		c.start(leader, 1, administer(changePeers(addVoter(5))))
		c.pass(second / 10)
		pending := c.start(leader, 1, status(raftcmdpb.StatusType_STATUS_TYPE_REGION_DETAIL))
		if answer := c.wait(pending); !answer.GetStatus().GetDetail().GetConfChangePending() {
			c.t.Fatalf("a change of members stands in the log, and the detail says %v", answer)
		}
	})
}

// A store counts its regions, its leaders and what is under way.
func TestTiKVStoreStats(t *testing.T) {
	chunky := func(cfg *sessionpb.Config) {
		membersOf(4, 3)(cfg)
		cfg.Raft.SnapshotChunkBytesMax = 1 << 10
	}
	forSeeds(t, chunky, func(c *cluster) {
		stats := func(store uint64) *raftcmdpb.StoreStats {
			c.t.Helper()
			answer := c.call(store, 0, status(raftcmdpb.StatusType_STATUS_TYPE_STORE_STATS))
			if reason(answer) != "" || answer.GetStatus().GetStats().GetStoreId() != store {
				c.t.Fatalf("S%d's figures are %v", store, answer)
			}
			return answer.GetStatus().GetStats()
		}
		want := c.big(40, 256)
		_, right := c.mustSplit("big020")
		c.mustSettle(right.GetId(), []uint64{1, 2, 3}, part(want, right))
		c.mustTransfer(1, 1)
		c.mustTransfer(right.GetId(), 2)
		c.pass(second)
		for id := uint64(1); id <= 4; id++ {
			s := stats(id)
			regions, leaders := uint32(2), uint32(0)
			if id <= 2 {
				leaders = 1
			}
			if id == 4 {
				regions = 0
			}
			if s.GetRegions() != regions || s.GetLeaders() != leaders || s.GetUninitialized() != 0 || s.GetAsleep() != 0 ||
				s.GetSnapshotsSending() != 0 || s.GetSnapshotsReceiving() != 0 {
				c.t.Fatalf("S%d's figures are %v; want %d regions, %d leaders", id, s, regions, leaders)
			}
		}
		c.mustChange(1, addVoter(4))
		c.must("a snapshot is on its way", 5*second, func() bool { return c.staged(4) > 0 })
		if s := stats(1); s.GetSnapshotsSending() != 1 {
			c.t.Fatalf("S1 sends a snapshot, and says %v", s)
		}
		if s := stats(4); s.GetSnapshotsReceiving() != 1 || s.GetUninitialized() != 1 {
			c.t.Fatalf("S4 receives a snapshot, and says %v", s)
		}
		c.mustSettle(1, c.membersOn(1), part(want, c.region(1)))
		c.cut = c.alone(1)
		for range 3 {
			c.start(1, 1, command(putRequest("big000", "x")))
		}
		c.start(1, 1, command(getRequest("big000")))
		c.pass(second / 5)
		if s := stats(1); s.GetWaiting() != 4 {
			c.t.Fatalf("three puts and a get wait at S1, which says %v", s)
		}
		c.cut = nil
		c.pass(10 * second)
		if s := stats(4); s.GetRegions() != 1 || s.GetUninitialized() != 0 || s.GetSnapshotsReceiving() != 0 || s.GetWaiting() != 0 {
			c.t.Fatalf("S4 is a member, and says %v", s)
		}
		if !slices.Equal(c.membersOn(1), []uint64{1, 2, 3, 4}) {
			c.t.Fatalf("members are %v", c.region(1))
		}
	})
}

package sim_test

import (
	"fmt"
	"slices"
	"testing"

	errorpb "raftplay/core/pb/errorpb/v1"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const (
	notApplied = errorpb.Outcome_OUTCOME_NOT_APPLIED
	mayApply   = errorpb.Outcome_OUTCOME_MAY_APPLY
	voter      = metapb.PeerRole_PEER_ROLE_VOTER
	learner    = metapb.PeerRole_PEER_ROLE_LEARNER
)

// wantMembers wants a region to be that of so many changes of members, with a voter on each of the stores.
func (c *cluster) wantMembers(region *metapb.Region, confVer uint64, stores ...uint64) {
	c.t.Helper()
	if got := storesOf(region); !slices.Equal(got, stores) || region.GetRegionEpoch().GetConfVer() != confVer {
		c.t.Fatalf("the region is %v; want members on %v and conf_ver %d", region, stores, confVer)
	}
	for _, p := range region.GetPeers() {
		if p.GetRole() != voter || p.GetId() == 0 {
			c.t.Fatalf("the region is %v; want voters only", region)
		}
	}
}

// Peers come and go one by one: who is added has the data, who is removed has none, and each change is told by conf_ver.
func TestTiKVConfChange(t *testing.T) {
	forSeeds(t, membersOf(5, 1), func(c *cluster) {
		c.mustPut("k1", "v1")
		first := c.region(1)
		c.wantMembers(first, 1, 1)
		c.wantMembers(c.mustChange(1, addVoter(2)), 2, 1, 2)
		c.mustSettle(1, []uint64{1, 2}, map[string]string{"k1": "v1"})

		// A change that was made for other members is refused; a command for data does not mind.
		stale := administer(changePeers(addVoter(3)))
		stale.Header = &raftcmdpb.RequestHeader{RegionEpoch: first.GetRegionEpoch()}
		e := c.wantReason(c.call(0, 1, stale), "stale_epoch", notApplied)
		if got := e.GetStaleEpoch().GetCurrentRegions(); len(got) != 1 || !slices.Equal(storesOf(got[0]), []uint64{1, 2}) {
			c.t.Fatalf("the current regions are %v", got)
		}
		put := command(putRequest("k1", "v1"))
		put.Header = &raftcmdpb.RequestHeader{RegionEpoch: first.GetRegionEpoch()}
		if answer := c.call(0, 1, put); reason(answer) != "" {
			c.t.Fatalf("a put of an older conf_ver gets %v", answer)
		}

		three := c.mustChange(1, addVoter(3))
		c.wantMembers(three, 3, 1, 2, 3)
		c.mustPut("k2", "v2")
		c.mustSettle(1, []uint64{1, 2, 3}, map[string]string{"k1": "v1", "k2": "v2"})

		c.wantMembers(c.mustChange(1, removePeer(2)), 4, 1, 3)
		c.mustBeGone(2, 1)
		c.mustPut("k3", "v3")
		c.mustDelete("k1")
		c.mustSettle(1, []uint64{1, 3}, map[string]string{"k2": "v2", "k3": "v3"})
		c.wantTombstone(2, 1)

		// The same store again, as another peer.
		again := c.mustChange(1, addVoter(2))
		c.wantMembers(again, 5, 1, 2, 3)
		if old, now := peerOn(three, 2).GetId(), peerOn(again, 2).GetId(); old == now {
			c.t.Fatalf("peer %d comes back under its old id", old)
		}
		c.mustSettle(1, []uint64{1, 2, 3}, map[string]string{"k2": "v2", "k3": "v3"})

		// A learner has the data and no vote, until it is promoted.
		for i, step := range []struct {
			change *raftcmdpb.PeerChange
			role   metapb.PeerRole
		}{{addLearner(4), learner}, {addVoter(4), voter}, {addLearner(4), learner}} {
			region := c.mustChange(1, step.change)
			if peerOn(region, 4).GetRole() != step.role || region.GetRegionEpoch().GetConfVer() != uint64(6+i) {
				c.t.Fatalf("the region is %v; want S4's peer to be %v", region, step.role)
			}
			c.mustSettle(1, []uint64{1, 2, 3, 4}, map[string]string{"k2": "v2", "k3": "v3"})
		}
		// Without the learner three voters have a majority of two.
		c.crash(4)
		c.crash(c.others(4, 5, c.mustLeaderOf(1))[0])
		c.mustPut("k4", "v4")
	})
}

// One Ready holds a leader's own removal and a compaction of its log, in either order; what is left is a tombstone.
func TestTiKVRemovesItself(t *testing.T) {
	for _, compactFirst := range []bool{true, false} {
		forSeeds(t, membersOf(3, 0), func(c *cluster) {
			for i := range 20 {
				c.mustPut(keyOf(i), "v")
			}
			leader := c.mustLeaderOf(1)
			c.cut = func(m *sessionpb.Message) bool {
				return m.GetFromStore() == leader && m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_APPEND
			}
			var removal, compaction uint64
			if compactFirst {
				compaction = c.start(leader, 1, administer(compactTo(0)))
			}
			removal = c.start(leader, 1, administer(changePeers(removePeer(leader))))
			if !compactFirst {
				compaction = c.start(leader, 1, administer(compactTo(0)))
			}
			c.pass(second / 2)
			if c.answers[compaction] != nil || c.answers[removal] != nil {
				c.t.Fatalf("without a quorum the answers are %v and %v", c.answers[compaction], c.answers[removal])
			}
			c.cut = nil
			answer := c.wait(removal)
			if reason(answer) != "" || peerOn(answer.GetAdmin().GetChangePeers().GetRegion(), leader) != nil {
				c.t.Fatalf("the removal is answered %v", answer)
			}
			if answer = c.wait(compaction); compactFirst && answer.GetAdmin().GetCompactLog().GetFirstIndex() < 20 {
				c.t.Fatalf("the compaction is answered %v", answer)
			} else if !compactFirst {
				c.wantReason(answer, "region_not_found", mayApply)
			}
			c.mustBeGone(leader, 1)
			c.must("others lead", reelectionMicrosMax, func() bool { return c.leaderOf(1) != 0 })
			c.mustPut("after", "1")
			c.restart2(leader)
			c.pass(5 * second)
			if c.holdsRegion(leader, 1) {
				c.t.Fatalf("S%d has its removed peer again after a restart", leader)
			}
			c.wantTombstone(leader, 1)
		})
	}
}

// restart2 is a crash and a restart.
func (c *cluster) restart2(store uint64) {
	c.t.Helper()
	c.crash(store)
	c.restart(store)
}

// A leader applies its own removal with a put behind it in its log. Nobody will ever answer the put but the leader, and it
// does, once: the region is no longer here.
func TestTiKVRemovedLeaderWithAnUncommittedPut(t *testing.T) {
	forSeeds(t, membersOf(3, 0), func(c *cluster) {
		c.mustPut("k", "v")
		c.pass(second)
		leader := c.mustLeaderOf(1)
		view, _ := c.w.Store(leader).View(1)
		removal := view.LastIndex + 1
		// What stands behind the removal never leaves the leader.
		c.cut = func(m *sessionpb.Message) bool {
			end := m.GetIndex() + uint64(len(m.GetEntryTerms()))
			return m.GetFromStore() == leader && m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_APPEND && end > removal
		}
		removed := c.start(leader, 1, administer(changePeers(removePeer(leader))))
		lost := c.start(leader, 1, command(putRequest("k", "lost")))
		if answer := c.wait(removed); reason(answer) != "" || answer.GetHeader().GetIndex() != removal {
			c.t.Fatalf("the removal is answered %v", answer)
		}
		e := c.wantReason(c.wait(lost), "region_not_found", mayApply)
		if e.GetRegionNotFound().GetRegionId() != 1 {
			c.t.Fatalf("the error is about another region: %v", e)
		}
		c.cut = nil
		c.mustBeGone(leader, 1)
		c.mustSettle(1, c.others(leader), map[string]string{"k": "v"})
		c.pass(10 * second)
		if c.ended[lost] != 1 || c.ended[removed] != 1 {
			c.t.Fatalf("the put is answered %d times, the removal %d times", c.ended[lost], c.ended[removed])
		}
		c.wantReason(c.call(leader, 1, command(putRequest("k", "again"))), "region_not_found", notApplied)
	})
}

// One member misses that all the others were replaced. Those who were removed do not elect anybody with it, and it finds
// its way to the new members.
func TestTiKVSplitBrain(t *testing.T) {
	for _, preVote := range []bool{true, false} {
		change := func(cfg *sessionpb.Config) { membersOf(6, 3)(cfg); cfg.Raft.PreVote = preVote }
		forSeeds(t, change, func(c *cluster) {
			c.mustPut("k", "old")
			c.mustSettle(1, []uint64{1, 2, 3}, map[string]string{"k": "old"})
			leader := c.mustLeaderOf(1)
			lonely := c.others(leader, 4, 5, 6)[0]
			other := c.others(leader, lonely, 4, 5, 6)[0]
			c.cut = c.alone(lonely)
			for _, id := range []uint64{4, 5, 6} {
				c.mustAdmin(1, forced(addVoter(id)))
			}
			c.mustSettle(1, []uint64{4, 5, 6}, map[string]string{"k": "old"})
			c.mustAdmin(1, forced(removePeer(other)))
			c.mustAdmin(1, forced(removePeer(leader)))
			c.mustBeGone(other, 1)
			c.mustBeGone(leader, 1)
			c.mustPut("k", "new")

			c.cut = between([]uint64{lonely}, []uint64{4, 5, 6})
			c.watch = func() {
				if now := c.leaderOf(1); now != 0 && now < 4 {
					c.t.Fatalf("S%d leads a group of those who were removed", now)
				}
				if c.holdsRegion(other, 1) || c.holdsRegion(leader, 1) {
					c.t.Fatal("a removed peer is back")
				}
			}
			c.pass(30 * second)
			if !c.holdsRegion(lonely, 1) {
				c.t.Fatalf("S%d is a member and gave its peer up", lonely)
			}
			c.mustGet("k", "new")
			c.cut = nil
			c.wantMembers(c.region(1), 6, slices.Sorted(slices.Values([]uint64{lonely, 4, 5, 6}))...)
			c.mustSettle(1, []uint64{lonely, 4, 5, 6}, map[string]string{"k": "new"})
			c.wantTombstone(other, 1)
			c.wantTombstone(leader, 1)
		})
	}
}

// Messages from before a peer's removal arrive after it. They do not bring it back.
func TestTiKVTombstone(t *testing.T) {
	forSeeds(t, membersOf(3, 0), func(c *cluster) {
		c.mustPut("k", "v1")
		leader := c.mustLeaderOf(1)
		victim := c.others(leader)[0]
		c.pass(second)

		// For a while, what the leader sends to the victim is slow; later messages overtake it.
		c.act(setNetwork(2 * second))
		slow, holding := map[uint64]bool{}, true
		c.hurry = func(m *sessionpb.Message) bool {
			if holding && m.GetFromStore() == leader && m.GetToStore() == victim {
				slow[m.GetId()] = true
				return false
			}
			return true
		}
		c.mustPut("k", "v2")
		c.pass(second / 2)
		holding = false
		if len(slow) < 2 {
			c.t.Fatalf("only %d messages are slow", len(slow))
		}
		c.mustChange(1, removePeer(victim))
		c.mustBeGone(victim, 1)
		gone := c.w.Seq()
		c.pass(4 * second)
		late := 0
		for _, e := range c.happened {
			if lost := e.GetMessageLost(); slow[lost.GetId()] && e.GetSeq() > gone && lost.GetReason() == sessionpb.LossReason_LOSS_REASON_REFUSED {
				late++
			}
			if e.GetPeerCreated() != nil {
				c.t.Fatalf("a peer is created: %v", e)
			}
		}
		if late != len(slow) {
			c.t.Fatalf("%d of %d messages came after the removal and were refused", late, len(slow))
		}
		c.wantTombstone(victim, 1)
		c.restart2(victim)
		c.pass(10 * second)
		c.wantTombstone(victim, 1)
		c.mustGet("k", "v2")
	})
}

// A peer is removed while it is cut off, and its store gets another peer. The new one takes the old one's place, and
// nothing of what the old one held is left.
func TestTiKVReaddedPeer(t *testing.T) {
	forSeeds(t, membersOf(5, 3), func(c *cluster) {
		c.mustPut("old", "1")
		c.mustPut("kept", "1")
		c.mustSettle(1, []uint64{1, 2, 3}, map[string]string{"old": "1", "kept": "1"})
		leader := c.mustLeaderOf(1)
		store := c.others(leader, 4, 5)[0]
		before := peerOn(c.region(1), store).GetId()
		c.cut = c.alone(store)
		c.mustDelete("old")
		c.mustChange(1, removePeer(store))
		c.mustPut("new", "2")
		region := c.mustAdmin(1, forced(addVoter(store))).GetChangePeers().GetRegion()
		now := peerOn(region, store).GetId()
		if now == before {
			c.t.Fatalf("peer %d comes back under its old id", before)
		}
		c.pass(2 * second)
		if view, _ := c.w.Store(store).View(1); view.PeerID != before {
			c.t.Fatalf("S%d, cut off, holds peer %d", store, view.PeerID)
		}
		c.cut = nil
		c.mustSettle(1, []uint64{1, 2, 3}, map[string]string{"kept": "1", "new": "2"})
		c.pass(second / 10) // the write
		if view, _ := c.w.Store(store).View(1); view.PeerID != now || view.Uninitialized {
			c.t.Fatalf("S%d holds %+v; want peer %d", store, view, now)
		}
		if n := keysUnder(c.engine(store), "z"); n != 2 {
			c.t.Fatalf("S%d keeps %d pairs; the region has 2", store, n)
		}
		c.restart2(store)
		c.mustSettle(1, []uint64{1, 2, 3}, map[string]string{"kept": "1", "new": "2"})
		// It votes as well.
		c.crash(c.others(store, leader, 4, 5)[0])
		c.mustPut("new", "3")
	})
}

// A peer that was cut off when it was removed is told so when it asks: a voter campaigns, a learner asks.
func TestTiKVRemovedWhileCutOff(t *testing.T) {
	for _, as := range []metapb.PeerRole{voter, learner} {
		forSeeds(t, membersOf(5, 3), func(c *cluster) {
			want := map[string]string{"k": "v"}
			c.mustPut("k", "v")
			if as == learner {
				c.mustChange(1, addLearner(4))
			} else {
				c.mustChange(1, addVoter(4))
			}
			c.mustSettle(1, []uint64{1, 2, 3, 4}, want)
			c.cut = c.alone(4)
			c.mustChange(1, removePeer(4))
			c.pass(5 * second)
			if !c.holdsRegion(4, 1) {
				c.t.Fatal("S4 knows what nobody told it")
			}
			c.cut = nil
			c.mustBeGone(4, 1)
			c.mustSettle(1, []uint64{1, 2, 3}, want)
		})
	}
}

// Raft-rs' walk-through of a proposal in full: a group of one grows to five by changes of members, while a hundred proposals
// commit.
func TestRaftRsProposals(t *testing.T) {
	forSeeds(t, membersOf(5, 1), func(c *cluster) {
		want := map[string]string{}
		var proposals []uint64
		var joins []uint64
		for i := range 100 {
			key := fmt.Sprintf("proposal%02d", i)
			want[key] = fmt.Sprint(i)
			proposals = append(proposals, c.start(1, 1, command(putRequest(key, want[key]))))
			c.pass(second / 50)
			if i%20 == 10 && len(joins) < 4 {
				joins = append(joins, c.start(1, 1, administer(changePeers(addVoter(uint64(2+len(joins)))))))
			}
		}
		last := uint64(0)
		for i, operation := range proposals {
			answer := c.wait(operation)
			if reason(answer) != "" || answer.GetHeader().GetIndex() <= last {
				c.t.Fatalf("proposal %d, behind entry %d, is answered %v", i, last, answer)
			}
			last = answer.GetHeader().GetIndex()
		}
		for i, operation := range joins {
			if answer := c.wait(operation); reason(answer) != "" {
				c.t.Fatalf("the addition of S%d is answered %v", 2+i, answer)
			}
		}
		c.wantMembers(c.region(1), 5, 1, 2, 3, 4, 5)
		c.mustSettle(1, c.stores(), want)
		c.pass(second)
		for _, id := range c.stores() {
			if view, _ := c.w.Store(id).View(1); view.Commit < last || view.Uninitialized {
				c.t.Fatalf("S%d has committed %d of %d entries", id, view.Commit, last)
			}
		}
		if len(c.leaders) != 1 {
			c.t.Fatalf("leaders were S%v", c.leaders)
		}
		// Five members they are: two may fail.
		c.crash(1)
		c.crash(2)
		c.mustPut("after", "1")
	})
}

// A peer that still waits for its first snapshot is removed while it is cut off. It does not wait for ever.
func TestTiKVUninitializedPeerRemoved(t *testing.T) {
	for _, meanwhile := range []struct {
		what string
		then func(c *cluster, leader uint64)
	}{
		{"nothing", func(*cluster, uint64) {}},
		{"its store restarts", func(c *cluster, _ uint64) { c.restart2(4) }},
		{"the only member it has heard of is removed as well", func(c *cluster, leader uint64) {
			c.mustTransfer(1, c.others(leader, 4)[0])
			c.mustChange(1, removePeer(leader))
			c.mustBeGone(leader, 1)
		}},
	} {
		t.Run(meanwhile.what, func(t *testing.T) {
			for _, as := range []func(uint64) *raftcmdpb.PeerChange{addLearner, addVoter} {
				forSeeds(t, membersOf(4, 3), func(c *cluster) {
					c.mustPut("k", "v")
					leader := c.mustLeaderOf(1)
					c.cut = isSnapshot
					c.mustChange(1, as(4))
					c.must("S4 waits for its snapshot", 5*second, func() bool { return c.holdsRegion(4, 1) })
					c.pass(second)
					c.cut = c.alone(4)
					c.mustChange(1, removePeer(4))
					c.pass(second)
					meanwhile.then(c, leader)
					c.pass(30 * second) // until nobody goes on with the snapshot
					c.cut = nil
					c.mustBeGone(4, 1)
				})
			}
		})
	}
}

// Two members become one, and the one that is left has not heard, or has forgotten, that it is alone. It finds out.
func TestTiKVOneOfTwoRemoved(t *testing.T) {
	t.Run("the leader, and its last word is lost", func(t *testing.T) {
		forSeeds(t, membersOf(2, 0), func(c *cluster) {
			c.mustPut("k", "v")
			c.pass(second)
			leader := c.mustLeaderOf(1)
			left := c.others(leader)[0]
			view, _ := c.w.Store(leader).View(1)
			removal := view.LastIndex + 1
			c.cut = func(m *sessionpb.Message) bool { return m.GetFromStore() == leader && m.GetCommit() >= removal }
			if answer := c.call(leader, 1, administer(changePeers(removePeer(leader)))); reason(answer) != "" && reason(answer) != "not_leader" {
				c.t.Fatalf("the removal is answered %v", answer)
			}
			c.pass(second)
			c.cut = nil
			c.must("who is left leads", 30*second, func() bool { return c.leaderOf(1) == left })
			c.mustPut("k", "w")
			c.mustBeGone(leader, 1)
		})
	})
	t.Run("the leader becomes a learner with the longer log, and its last word is lost", func(t *testing.T) {
		forSeeds(t, membersOf(2, 0), func(c *cluster) {
			c.mustPut("k", "v")
			c.pass(second)
			leader := c.mustLeaderOf(1)
			left := c.others(leader)[0]
			view, _ := c.w.Store(leader).View(1)
			demotion := view.LastIndex + 1
			c.cut = func(m *sessionpb.Message) bool {
				later := m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_APPEND && m.GetIndex() >= demotion
				return m.GetFromStore() == leader && (m.GetCommit() >= demotion || later)
			}
			demoted := c.start(leader, 1, administer(changePeers(addLearner(leader))))
			c.start(leader, 1, command(putRequest("k", "lost")))
			c.wait(demoted)
			c.pass(second)
			c.cut = nil
			c.must("who is left leads", 30*second, func() bool { return c.leaderOf(1) == left })
			c.mustPut("k", "w")
			c.mustSettle(1, c.stores(), map[string]string{"k": "w"})
		})
	})
	t.Run("the follower, and the leader crashes", func(t *testing.T) {
		forSeeds(t, membersOf(2, 0), func(c *cluster) {
			c.mustPut("k", "v")
			c.pass(second)
			leader := c.mustLeaderOf(1)
			gone := c.others(leader)[0]
			operation := c.start(leader, 1, administer(changePeers(removePeer(gone))))
			c.must("the removed peer is gone", second, func() bool { return !c.holdsRegion(gone, 1) })
			c.until(second, func() bool { return !c.writing(gone) })
			c.restart2(leader)
			c.must("who is left leads", 30*second, func() bool { return c.leaderOf(1) == leader })
			c.wait(operation)
			c.mustPut("k", "w")
			c.wantMembers(c.region(1), 2, leader)
		})
	})
}

// writing tells whether a store's disk is at work.
func (c *cluster) writing(store uint64) bool {
	return len(c.w.Keyframe().GetStores()[store-1].GetWrites()) > 0
}

package sim_test

import (
	"slices"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const (
	implicit = raftcmdpb.ConfTransition_CONF_TRANSITION_IMPLICIT
	explicit = raftcmdpb.ConfTransition_CONF_TRANSITION_EXPLICIT
	incoming = metapb.PeerRole_PEER_ROLE_INCOMING_VOTER
	demoting = metapb.PeerRole_PEER_ROLE_DEMOTING_VOTER
	leaving  = metapb.PeerRole_PEER_ROLE_LEAVING_VOTER
)

// wantRoles wants the members of a region to have those roles, by store.
func (c *cluster) wantRoles(region *metapb.Region, confVer uint64, roles map[uint64]metapb.PeerRole) {
	c.t.Helper()
	fits := len(region.GetPeers()) == len(roles) && region.GetRegionEpoch().GetConfVer() == confVer
	for store, role := range roles {
		fits = fits && peerOn(region, store).GetRole() == role
	}
	if !fits {
		c.t.Fatalf("the region is %v; want conf_ver %d and the roles %v", region, confVer, roles)
	}
}

// learners are who is to become a voter soon: they hold the data, so that the change leaves no majority without it.
func (c *cluster) learners(want map[string]string, stores ...uint64) {
	c.t.Helper()
	for _, id := range stores {
		c.mustChange(1, addLearner(id))
	}
	c.mustSettle(1, stores, want)
	c.pass(second) // the leader hears that they have it
}

// Several changes at once go through a joint configuration, which is left by itself.
func TestTiKVJointImplicit(t *testing.T) {
	for _, transition := range []raftcmdpb.ConfTransition{0, implicit} {
		forSeeds(t, membersOf(5, 3), func(c *cluster) {
			want := map[string]string{"k": "v"}
			c.mustPut("k", "v")
			leader := c.mustLeaderOf(1)
			out := c.others(leader, 4, 5)
			c.learners(want, 4, 5)
			joint := c.mustAdmin(1, changePeersBy(transition, addVoter(4), addVoter(5), removePeer(out[0]), addLearner(out[1])))
			c.wantRoles(joint.GetChangePeers().GetRegion(), 4, map[uint64]metapb.PeerRole{
				leader: voter, 4: incoming, 5: incoming, out[0]: leaving, out[1]: demoting})
			c.must("the joint configuration is left", 10*second, func() bool {
				return c.leaderOf(1) != 0 && c.region(1).GetRegionEpoch().GetConfVer() == 5
			})
			c.wantRoles(c.region(1), 5, map[uint64]metapb.PeerRole{leader: voter, 4: voter, 5: voter, out[1]: learner})
			c.mustBeGone(out[0], 1)
			c.mustSettle(1, c.membersOn(1), want)
			// Every member that was there went through both steps.
			for _, store := range []uint64{leader, out[1]} {
				var versions []uint64
				for _, e := range c.happened {
					if e.GetStoreId() == store && e.GetRegionChanged() != nil {
						versions = append(versions, e.GetRegionChanged().GetRegion().GetRegionEpoch().GetConfVer())
					}
				}
				if !slices.Equal(versions, []uint64{2, 3, 4, 5}) {
					c.t.Fatalf("S%d went through the conf_ver %v", store, versions)
				}
			}
			// The new voters are the majority.
			c.crash(out[1])
			c.crash(leader)
			c.mustPut("k", "w")
		})
	}
}

// A joint configuration stays until it is told to end, and while it stands a decision needs a majority of the old voters and
// one of the new.
func TestTiKVJointExplicit(t *testing.T) {
	forSeeds(t, membersOf(5, 3), func(c *cluster) {
		want := map[string]string{"k": "0"}
		c.mustPut("k", "0")
		leader := c.mustLeaderOf(1)
		old := c.others(leader, 4, 5)
		c.learners(want, 4, 5)
		roles := map[uint64]metapb.PeerRole{leader: voter, 4: incoming, 5: incoming, old[0]: leaving, old[1]: leaving}
		joint := c.mustAdmin(1, changePeersBy(explicit, addVoter(4), addVoter(5), removePeer(old[0]), removePeer(old[1])))
		c.wantRoles(joint.GetChangePeers().GetRegion(), 4, roles)
		c.mustSettle(1, c.stores(), want)
		c.pass(5 * second)
		c.wantRoles(c.region(1), 4, roles)
		e := c.wantReason(c.call(leader, 1, administer(changePeers(removePeer(4)))), "conf_change_pending", notApplied)
		if !e.GetConfChangePending().GetJoint() || !c.detail(1).GetConfChangePending() {
			c.t.Fatalf("the refusal is %v", e)
		}

		// For less than an election timeout each: the leader stays.
		for _, half := range []struct {
			silent []uint64
			enough bool
		}{{old, false}, {[]uint64{4, 5}, false}, {[]uint64{old[0], 4}, true}} {
			c.pass(3 * second)
			c.cut = c.alone(half.silent...)
			operation := c.start(leader, 1, command(putRequest("k", "1")))
			reading := c.start(leader, 1, read(readIndex, "k"))
			c.pass(second * 7 / 10)
			if answered := c.answers[operation] != nil; answered != half.enough {
				c.t.Fatalf("while S%v are silent the put is answered: %v", half.silent, c.answers[operation])
			}
			if answered := c.answers[reading] != nil; answered != half.enough {
				c.t.Fatalf("while S%v are silent the read is answered: %v", half.silent, c.answers[reading])
			}
			c.cut = nil
			for _, o := range []uint64{operation, reading} {
				if answer := c.wait(o); reason(answer) != "" {
					c.t.Fatalf("after the heal the answer is %v", answer)
				}
			}
		}
		// Nor does anybody lead without both.
		c.crash(leader)
		c.crash(4)
		c.pass(20 * second)
		if c.leaderOf(1) != 0 {
			c.t.Fatalf("S%d leads with one of three new voters", c.leaderOf(1))
		}
		c.restart(4)
		c.restart(leader)
		c.mustLeader()

		region := c.mustAdmin(1, leaveJoint()).GetChangePeers().GetRegion()
		c.wantRoles(region, 5, map[uint64]metapb.PeerRole{leader: voter, 4: voter, 5: voter})
		c.mustBeGone(old[0], 1)
		c.mustBeGone(old[1], 1)
		c.mustPut("k", "2")
		want["k"] = "2"
		c.mustSettle(1, c.membersOn(1), want)
	})
}

// A leader crashes in the middle of a joint configuration; the next one leaves it.
func TestTiKVJointLeaderCrash(t *testing.T) {
	forSeeds(t, membersOf(5, 3), func(c *cluster) {
		c.mustPut("k", "v")
		leader := c.mustLeaderOf(1)
		out := c.others(leader, 4, 5)[0]
		c.learners(map[string]string{"k": "v"}, 4, 5)
		// The change is committed, and nobody hears of the entry that would leave it.
		joint := false
		c.cut = func(m *sessionpb.Message) bool {
			return joint && m.GetFromStore() == leader && m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_APPEND
		}
		operation := c.start(leader, 1, administer(changePeersBy(implicit, addVoter(4), addVoter(5), removePeer(out))))
		c.must("the configuration is joint", 5*second, func() bool {
			joint = c.w.Store(leader).Region(1).GetRegionEpoch().GetConfVer() == 4
			return joint && c.answers[operation] != nil
		})
		c.pass(second / 5)
		c.crash(leader)
		c.cut = nil
		c.must("the next leader leaves it", 30*second, func() bool {
			next := c.leaderOf(1)
			return next != 0 && c.w.Store(next).Region(1).GetRegionEpoch().GetConfVer() == 5
		})
		c.restart(leader)
		c.mustBeGone(out, 1)
		c.mustPut("k", "w")
		c.mustSettle(1, c.membersOn(1), map[string]string{"k": "w"})
		if !slices.Equal(c.membersOn(1), slices.Sorted(slices.Values(append(c.others(out, 4, 5), 4, 5)))) {
			c.t.Fatalf("the members are %v", c.region(1))
		}
	})
}

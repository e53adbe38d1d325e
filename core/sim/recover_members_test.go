package sim_test

import (
	"slices"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// What a recovery may demand of a cluster whose members change, and of one that is disturbed.

// A member that has not applied a change of members is elected by the members of before, though its log may hold the entry,
// and though others have applied it: seeds 14147, 14157 and 15058 of the swarm healed only those of after.
func TestWhoHasNotAppliedAChangeIsHealedWithTheQuorumOfBefore(t *testing.T) {
	forSeeds(t, membersOf(2, 0), func(c *cluster) {
		c.mustPut("k", "v")
		c.pass(second)
		leader := c.mustLeaderOf(1)
		demoted := c.others(leader)[0]
		c.start(leader, 1, administer(changePeers(addLearner(demoted))))
		c.must("the learner knows it", second, func() bool {
			return c.w.Store(demoted).Region(1).GetRegionEpoch().GetConfVer() == 2
		})
		// The leader has applied it, and forgets that.
		c.act(pause(demoted))
		c.crash(leader)
		r := recovered(t, c.w, c.w.Config().Seed, false)
		if !r.Recovers || !slices.Equal(r.StoreIds, c.stores()) {
			t.Errorf("%v", r)
		}
		c.wantMembersWith(1, leader, demoted)
	})
}

// wantMembersWith wants a region to have a voter and a learner.
func (c *cluster) wantMembersWith(region, voterOn, learnerOn uint64) {
	c.t.Helper()
	got := c.region(region)
	if peerOn(got, voterOn).GetRole() != voter || peerOn(got, learnerOn).GetRole() != learner {
		c.t.Errorf("the region is %v", got)
	}
}

// A change that stands in a log takes effect once somebody is elected. If the healed stores are then no quorum any more,
// others are healed too, and the region must serve: seeds 12310, 13092, 13808, 19035 and 29410 of the swarm had it wait for
// stores that were down for good.
func TestAChangeThatTakesEffectLaterHasMoreStoresHealed(t *testing.T) {
	sizes := map[int]int{}
	for seed := uint64(1); seed <= 8; seed++ {
		onCluster(t, membersOf(3, 0), func(c *cluster) {
			c.mustPut("k", "v")
			c.pass(second)
			leader := c.mustLeaderOf(1)
			removed := c.others(leader)[0]
			c.cut = func(m *sessionpb.Message) bool { return m.GetFromStore() == leader }
			c.start(leader, 1, administer(changePeers(removePeer(removed))))
			c.until(second/10, func() bool { return false })
			for _, id := range c.stores() {
				c.crash(id)
			}
			c.cut = nil
			r := recovered(t, c.w, seed, false)
			changed := c.region(1).GetRegionEpoch().GetConfVer() == 2
			if !r.Recovers || changed && !slices.Contains(r.StoreIds, c.others(leader, removed)[0]) {
				t.Errorf("seed %d: the change took effect: %v; %v", seed, changed, r)
			}
			sizes[len(r.StoreIds)]++
		})
	}
	if sizes[2] == 0 || sizes[3] == 0 {
		t.Errorf("so many recoveries healed so many stores: %v", sizes)
	}
}

// Without PreVote a store with a fast clock that was not healed, and cannot win, ends every election of the others. That is
// told, and the region has to serve once that store is down: seeds 16624, 22430, 24562 and 27874 of the swarm.
func TestAStoreThatCampaignsWithoutPreVoteIsNamedAndTakenDown(t *testing.T) {
	named := 0
	for seed := uint64(1); seed <= 6; seed++ {
		for _, preVote := range []bool{false, true} {
			cfg := sim.DefaultConfig()
			cfg.Raft.PreVote, cfg.Raft.CheckQuorum, cfg.Raft.LeaseReads = preVote, false, false
			w, err := sim.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			leader := elect(t, w)
			fast := 1 + leader%5
			others := slices.DeleteFunc([]uint64{1, 2, 3, 4, 5}, func(id uint64) bool { return id == fast })
			act(t, w, partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{fast}, others))
			act(t, w, put(0, "key", "value"))
			w.RunUntil(w.Now() + second)
			act(t, w, setClock(fast, &sessionpb.Clock{RatePpm: 5_000_000}, 0))
			for _, id := range others {
				act(t, w, crash(id))
			}
			act(t, w, &sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: &sessionpb.Partition{}}})
			recovery, err := w.StartRecovery(seed, false)
			if err != nil {
				t.Fatal(err)
			}
			r := asked(t, recovery)
			disturbs := !preVote && !slices.Contains(r.StoreIds, fast)
			switch {
			case r.Recovers == disturbs:
				t.Errorf("seed %d, PreVote %v: S%d is fast, and %v", seed, preVote, fast, r)
			case disturbs:
				named++
				if by := recovery.Disturbed(1); by != fast {
					t.Errorf("S%d is named, and not S%d: %v", by, fast, r)
				}
			case recovery.Disturbed(1) != 0 && !slices.Contains(r.StoreIds, w.LeaderOf(1)):
				t.Errorf("S%d is named: %v", recovery.Disturbed(1), r)
			}
			if err := recovery.Alone(); err != nil {
				t.Fatal(err)
			}
			if alone := asked(t, recovery); !alone.Recovers || w.Store(fast) != nil && !slices.Contains(alone.StoreIds, fast) {
				t.Errorf("seed %d, alone: %v", seed, alone)
			}
		}
	}
	if named == 0 {
		t.Error("nobody disturbed")
	}
}

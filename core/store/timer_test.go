package store

import (
	"testing"

	"go.etcd.io/raft/v3"
)

func TestElectionTimerFiresWhenItSays(t *testing.T) {
	must(t, testTimer())
	c := newCluster(t, 3)
	for id, ticks := range map[uint64]int{1: 20, 2: 17, 3: 25} {
		must(t, c.stores[id].SetElectionTimeout(1, ticks))
	}
	c.tick(16)
	wantEqual(t, "elapsed", c.stores[2].Timer(1), Timer{Elapsed: 16, Timeout: 17})
	view, _ := c.stores[2].View(1)
	wantEqual(t, "role before", view.Role, raft.StateFollower)
	c.tick(1)
	view, _ = c.stores[2].View(1)
	wantEqual(t, "role after", view.Role, raft.StateLeader)
	wantEqual(t, "term", view.Term, uint64(1))
}

func TestElectionTimeoutIsDrawnExactlyWhenRaftDrawsIt(t *testing.T) {
	c := newCluster(t, 3)
	draws := map[uint64]int{}
	for id := uint64(1); id <= 3; id++ {
		inner := c.stores[id].cfg.ElectionTicks
		c.stores[id].cfg.ElectionTicks = func(region uint64) int {
			draws[id]++
			return inner(region)
		}
	}
	c.elect(1)
	// S1: candidate, leader. S2 and S3: follower of term 1.
	wantEqual(t, "draws of S1", draws[1], 2)
	wantEqual(t, "draws of S2", draws[2], 1)
	for id := uint64(1); id <= 3; id++ {
		wantEqual(t, "timeout is ours", c.stores[id].Timer(1).Timeout, c.ticks[id])
	}
	must(t, c.stores[2].SetElectionTimeout(1, 29))
	c.tick(30)
	wantEqual(t, "heartbeats do not draw", draws[2], 1)
	wantEqual(t, "timeout set by hand stays", c.stores[2].Timer(1).Timeout, 29)
}

func TestLeaderHasNoElectionTimer(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	if c.stores[1].Campaign(1) == nil || c.stores[1].SetElectionTimeout(1, 20) == nil {
		t.Fatal("a leader's timer was set")
	}
	if c.stores[2].SetElectionTimeout(1, 0) == nil || c.stores[2].Campaign(9) == nil {
		t.Fatal("nonsense was taken")
	}
}

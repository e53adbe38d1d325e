package node

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

func TestStoresThatAreStoppedTogetherDoNotWaitForEachOther(t *testing.T) {
	for _, led := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d of them lead", led), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 3, nil)
				defer c.close()
				first := c.leader()
				if led == 3 {
					c.spread(first)
				}
				for id, took := range c.stopAll() {
					if took > 500*time.Millisecond {
						t.Errorf("S%d took %v to stop", id, took)
					}
				}
			})
		})
	}
}

func TestALeaderWithoutAQuorumDoesNotWaitWhenItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		leader := c.leader()
		n := c.nodes[leader]
		c.wires.mu.Lock()
		c.wires.cut = func(uint64, uint64) bool { return true }
		c.wires.mu.Unlock()
		answer := make(chan *raftcmdpb.RaftCommandResponse, 1)
		n.Propose(put("a", "1"), func(resp *raftcmdpb.RaftCommandResponse) { answer <- resp })
		synctest.Wait()
		began := time.Now()
		if err := n.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("the stop took %v", took)
		}
		if e := (<-answer).GetHeader().GetError(); e.GetStoreStopped() == nil || e.GetOutcome() != mayApply {
			t.Errorf("the command is answered %v, want that its outcome is unknown", e)
		}
	})
}

func TestALeaderThatIsStoppedPassesOverAStoreThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		leader := c.leader()
		gone := leader%3 + 1
		c.wires.mu.Lock()
		c.wires.cut = func(from, to uint64) bool { return from == gone || to == gone }
		c.wires.mu.Unlock()
		c.nodes[gone].Kill()
		began := time.Now()
		if err := c.nodes[leader].Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("the stop took %v", took)
		}
		synctest.Wait()
		if next := 6 - leader - gone; c.nodes[next].Stats().Leaders != 1 {
			t.Errorf("S%d, the only store left, does not lead", next)
		}
	})
}

// spread splits the region in three, and has each store lead one of them.
func (c *cluster) spread(leader uint64) {
	c.t.Helper()
	region := c.nodes[leader].Describe().GetRegions()[0].GetRegion()
	for i, key := range []string{"i", "r"} {
		id := uint64(2 + i)
		req := &raftcmdpb.RaftCommandRequest{
			Header: &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: region.GetRegionEpoch()},
			Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{
				SplitKey: []byte(key), NewRegionId: id, NewPeerIds: []uint64{100*id + 1, 100*id + 2, 100*id + 3}}}},
		}
		if i == 1 {
			req.Header.RegionId, req.Header.RegionEpoch = 2, c.nodes[leader].Describe().GetRegions()[1].GetRegion().GetRegionEpoch()
		}
		if e := ask(c.nodes[leader], req).GetHeader().GetError(); e != nil {
			c.t.Fatal(e)
		}
		time.Sleep(time.Second)
	}
	for _, seen := range c.nodes[leader].Describe().GetRegions()[1:] {
		to := (leader+seen.GetRegion().GetId()-2)%3 + 1
		req := &raftcmdpb.RaftCommandRequest{
			Header: &raftcmdpb.RequestHeader{RegionId: seen.GetRegion().GetId(), RegionEpoch: seen.GetRegion().GetRegionEpoch()},
			Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{TransferLeader: &raftcmdpb.TransferLeaderRequest{
				Peer: seen.GetRegion().GetPeers()[to-1]}}},
		}
		if e := ask(c.nodes[leader], req).GetHeader().GetError(); e != nil {
			c.t.Fatal(e)
		}
	}
	time.Sleep(time.Second)
	for id, n := range c.nodes {
		if led := n.Stats().Leaders; led != 1 {
			c.t.Fatalf("S%d leads %d regions, want 1", id, led)
		}
	}
}

// stopAll stops every store at the same time, and tells how long each took. Whoever has stopped is noticed as a connection
// that ends is.
func (c *cluster) stopAll() map[uint64]time.Duration {
	began := time.Now()
	stopped := map[uint64]bool{}
	c.wires.mu.Lock()
	c.wires.cut = func(_, to uint64) bool { return stopped[to] } // called with mu held
	c.wires.mu.Unlock()
	took := map[uint64]time.Duration{}
	var work sync.WaitGroup
	for id, n := range c.nodes {
		work.Go(func() {
			if err := n.Stop(context.Background()); err != nil {
				c.t.Error(err)
			}
			lasted := time.Since(began)
			time.Sleep(50 * time.Millisecond)
			c.wires.mu.Lock()
			stopped[id], took[id] = true, lasted
			c.wires.mu.Unlock()
			for other, n := range c.nodes {
				if other != id {
					n.Unreachable(id)
				}
			}
		})
	}
	work.Wait()
	return took
}

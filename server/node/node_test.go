package node

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestThreeStoresElectALeaderAndServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		c.mustPut("a", "1")
		c.mustPut("a", "2")
		if got := c.mustGet("a"); got != "2" {
			t.Errorf("a is %q, want 2", got)
		}
		for id, n := range c.nodes {
			d := n.Describe()
			if d.GetStoreId() != id || d.GetClusterId() != 7 || len(d.GetRegions()) != 1 || d.GetVersion() != "test" ||
				len(d.GetStores()) != 1 || d.GetRegions()[0].GetTerm() == 0 {
				t.Errorf("S%d describes itself as %v", id, d)
			}
			if id == c.leader() {
				continue
			}
			e := ask(n, put("a", "3")).GetHeader().GetError()
			if e.GetNotLeader().GetLeader().GetStoreId() != c.leader() || e.GetOutcome() != notApplied {
				t.Errorf("a follower answers %v", e)
			}
		}
		if s := c.nodes[c.leader()].Stats(); s.Applied < 2 || s.Answered < 3 || s.Syncs == 0 || s.Leaders != 1 ||
			s.MessagesSent == 0 || s.MessagesDelivered == 0 || s.Waiting != 0 {
			t.Errorf("the leader counted %+v", s)
		}
	})
}

func TestADiskOfAnotherStoreOrClusterIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, nil)
		defer c.close()
		c.kill(1)
		other := c.config(1)
		other.ClusterID = 8
		if _, err := Open(other); err == nil || !strings.Contains(err.Error(), "belongs to cluster 7, not to cluster 8") {
			t.Errorf("another cluster: %v", err)
		}
		other = c.config(1)
		other.Store.StoreID = 2
		if _, err := Open(other); err == nil || !strings.Contains(err.Error(), "belongs to store 1") {
			t.Errorf("another store: %v", err)
		}
		stranger := c.config(1)
		stranger.Disk, stranger.Store.StoreID = newMemoryDisk(), 9
		if _, err := Open(stranger); err == nil || !strings.Contains(err.Error(), "no member of the first region") {
			t.Errorf("no member: %v", err)
		}
		joins := c.config(1)
		joins.Disk, joins.Bootstrap = newMemoryDisk(), nil
		n, err := Open(joins)
		if err != nil {
			t.Fatal(err)
		}
		if d := n.Describe(); len(d.GetRegions()) != 0 {
			t.Errorf("a store that joins has regions: %v", d)
		}
		n.Kill()
	})
}

//go:build unix

package torture

import (
	"errors"
	"fmt"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/server/client"
)

func TestTiKVConfChangeLive(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	c := open(t, g.endpoints())
	mustPut(t, c, "k1", "v1")
	g.join(4)
	change := func(kind raftcmdpb.PeerChangeType, id uint64) *metapb.Region {
		t.Helper()
		return mustChange(t, c, kind, id)
	}
	added := change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, 4)
	if len(added.GetPeers()) != 4 || added.GetRegionEpoch().GetConfVer() != 2 {
		t.Errorf("with S4 the region is %v", added)
	}
	holds(t, c, 4, "k1", "v1")
	removed := change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE, 1)
	if len(removed.GetPeers()) != 3 || removed.GetRegionEpoch().GetConfVer() != 3 {
		t.Errorf("without S1 the region is %v", removed)
	}
	mustPut(t, c, "k2", "v2")
	holds(t, c, 4, "k2", "v2")
	gone := func() bool {
		stats, err := c.StoreStats(within(t), 1)
		return err == nil && stats.GetRegions() == 0
	}
	eventually(t, "S1 has no region", gone)
	must(t, g.kill(1)) // nobody needs it any more
	must(t, g.start(1))
	// What it knew of its removal may not have been on the disk; the others tell it again.
	eventually(t, "S1 has no region after its restart", gone)
	back := change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, 1)
	for _, p := range back.GetPeers() {
		if p.GetStoreId() == 1 && p.GetId() == 1 {
			t.Errorf("the peer on S1 comes back under its old id: %v", back)
		}
	}
	holds(t, c, 1, "k2", "v2")
	must(t, g.kill(2))
	mustPut(t, c, "k3", "v3") // three of four
}

// join starts a store that the cluster did not begin with.
func (g *group) join(id uint64) {
	g.t.Helper()
	address := freeAddresses(g.t, 1)[1]
	g.args = func(of uint64) []string {
		if of == id {
			return []string{"--join", "--peers", g.peers.String() + fmt.Sprintf(",%d=%s", id, address)}
		}
		return nil
	}
	must(g.t, g.start(id))
}

// mustChange changes a member of the first region; as with a split, what the client was not told the region tells.
func mustChange(t *testing.T, c *client.Client, kind raftcmdpb.PeerChangeType, storeID uint64) (changed *metapb.Region) {
	t.Helper()
	role := map[raftcmdpb.PeerChangeType]metapb.PeerRole{
		raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER:   metapb.PeerRole_PEER_ROLE_VOTER,
		raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER: metapb.PeerRole_PEER_ROLE_LEARNER,
	}[kind]
	eventually(t, fmt.Sprintf("the change of S%d", storeID), func() bool {
		region, err := c.ChangePeers(within(t), 1, &raftcmdpb.ChangePeersRequest{
			Changes: []*raftcmdpb.PeerChange{{Type: kind, Peer: &metapb.Peer{StoreId: storeID}}}})
		if err == nil {
			changed = region
			return true
		}
		if unknown := (*client.UnknownOutcome)(nil); !errors.As(err, &unknown) {
			t.Fatal(err)
		}
		regions, err := c.Regions(within(t))
		must(t, err)
		changed = regions[0].Region
		for _, p := range changed.GetPeers() {
			if p.GetStoreId() == storeID {
				return p.GetRole() == role
			}
		}
		return role == metapb.PeerRole_PEER_ROLE_UNSPECIFIED
	})
	return changed
}

// mustSplit splits at a key. Where machines are slow a leader may go before it answers, and then the outcome is unknown to
// the client: the regions themselves tell it.
func mustSplit(t *testing.T, c *client.Client, key string) (left, right *metapb.Region) {
	t.Helper()
	eventually(t, "the split at "+key, func() bool {
		regions, err := c.Regions(within(t))
		must(t, err)
		for i, r := range regions {
			if i > 0 && string(r.Region.GetStartKey()) == key {
				left, right = regions[i-1].Region, r.Region
				return true
			}
		}
		left, right, err = c.Split(within(t), []byte(key))
		if unknown := (*client.UnknownOutcome)(nil); !errors.As(err, &unknown) {
			must(t, err)
		}
		return err == nil
	})
	return left, right
}

func TestTiKVSplitLive(t *testing.T) {
	t.Parallel()
	e, c := embedded(t, 3)
	mustPut(t, c, "a", "1")
	mustPut(t, c, "z", "2")
	whole, err := c.Regions(within(t))
	must(t, err)
	left, right := mustSplit(t, c, "m")
	version := whole[0].Region.GetRegionEpoch().GetVersion() + 1
	if left.GetId() != 1 || string(left.GetEndKey()) != "m" || string(right.GetStartKey()) != "m" || len(right.GetEndKey()) != 0 ||
		left.GetRegionEpoch().GetVersion() != version || right.GetRegionEpoch().GetVersion() != version || len(right.GetPeers()) != 3 {
		t.Fatalf("the halves are %v and %v", left, right)
	}
	mustGet(t, c, "a", "1")
	mustGet(t, c, "z", "2")
	mustPut(t, c, "n", "3")
	mustPut(t, c, "l", "4")
	for id := range e.Endpoints() {
		holds(t, c, uint64(id+1), "n", "3")
		holds(t, c, uint64(id+1), "l", "4")
	}
	// A key on the wrong side: the left region's leader names the right one.
	wrong := get("z", readIndex)
	wrong.Header.RegionId, wrong.Header.RegionEpoch = left.GetId(), left.GetRegionEpoch()
	eventually(t, "the left region refuses a key of the right one", func() bool {
		for id := range e.Endpoints() {
			answer, err := c.DoAt(within(t), uint64(id+1), wrong)
			if named := answer.GetHeader().GetError().GetKeyNotInRegion().GetRightRegion(); err == nil && named.GetId() == right.GetId() {
				return true
			}
		}
		return false
	})
	regions, err := c.Regions(within(t))
	if err != nil || len(regions) != 2 {
		t.Errorf("the regions are %v, %v", regions, err)
	}
}

func TestTiKVTransferLeaderLive(t *testing.T) {
	t.Parallel()
	_, c := embedded(t, 3)
	mustPut(t, c, "a", "1")
	for range 3 {
		old := leaderOf(t, c)
		next := old%3 + 1
		eventually(t, fmt.Sprintf("S%d leads", next), func() bool {
			_, _ = c.TransferLeader(within(t), 1, next) // advice, which may come to nothing, or be refused when it is done
			return leaderOf(t, c) == next
		})
		answer, err := c.DoAt(within(t), old, put("a", "of the old leader"))
		if err != nil || answer.GetHeader().GetError().GetNotLeader().GetLeader().GetStoreId() != next {
			t.Errorf("S%d has handed over to S%d and answers %v, %v", old, next, answer, err)
		}
		mustPut(t, c, "a", fmt.Sprint("by ", next))
		mustGet(t, c, "a", fmt.Sprint("by ", next))
	}
}

func TestTiKVPartitionWriteLive(t *testing.T) {
	t.Parallel()
	g, x := startLinked(t)
	c := open(t, x.reached())
	mustPut(t, c, "a", "0")
	leader := leaderOf(t, c)
	follower := leader%3 + 1
	x.around(follower, treatment{kind: swallowed}) // the majority does not even notice
	mustPut(t, c, "a", "1")
	x.heal()
	holds(t, c, follower, "a", "1")
	leader = leaderOf(t, c)
	x.around(leader, treatment{kind: swallowed}) // another leader has to be found
	mustPut(t, c, "a", "2")
	answer, err := c.DoAt(within(t), leader, get("a", raftcmdpb.ReadMode_READ_MODE_STALE))
	if err != nil || string(answer.GetResponses()[0].GetGet().GetValue()) != "1" {
		t.Errorf("S%d is alone and holds %v, %v", leader, answer, err)
	}
	x.heal()
	holds(t, c, leader, "a", "2")
	must(t, g.alive())
}

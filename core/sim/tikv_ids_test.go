package sim_test

import (
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// addAs adds a peer under an id that the command brings.
func addAs(store, id uint64) *raftcmdpb.PeerChange {
	add := addVoter(store)
	add.Peer = &metapb.Peer{Id: id, StoreId: store}
	return add
}

// Live stores give ids each for itself, so that a later peer's may be smaller than an earlier one's. It is a later one all the
// same: its store takes it in, whether its removal is applied there, is told, or is not known yet.
func TestAPeerComesBackUnderASmallerID(t *testing.T) {
	want := map[string]string{"a": "1", "z": "2"}
	for name, away := range map[string]func(c *cluster, store uint64){
		"it knows of its removal":  func(c *cluster, store uint64) { c.mustBeGone(store, 1) },
		"it has not heard of it":   func(*cluster, uint64) {},
		"it was down all the time": nil,
	} {
		t.Run(name, func(t *testing.T) {
			forSeeds(t, membersOf(4, 4), func(c *cluster) {
				c.mustPut("a", "1")
				store := c.others(c.mustLeaderOf(1))[0]
				if away == nil {
					c.crash(store)
				}
				for id := uint64(90); id > 87; id-- {
					c.mustChange(1, removePeer(store))
					if away != nil {
						away(c, store)
					}
					c.mustChange(1, addAs(store, id))
				}
				c.mustPut("z", "2")
				if away == nil {
					c.restart(store)
				}
				c.mustSettle(1, []uint64{1, 2, 3, 4}, want)
				if id := peerOn(c.region(1), store).GetId(); id != 88 {
					c.t.Fatalf("the peer on S%d is %d, and the last one added was 88", store, id)
				}
			})
		})
	}
}

// The same of a region that a split has made: its first peer on a store is gone, and a later one has a smaller id.
func TestARightHalfsPeerComesBackUnderASmallerID(t *testing.T) {
	forSeeds(t, membersOf(4, 4), func(c *cluster) {
		c.mustPut("a", "1")
		c.mustPut("z", "2")
		_, right := c.mustSplit("m")
		store := c.others(c.mustLeaderOf(right.GetId()))[0]
		c.mustChange(right.GetId(), removePeer(store))
		c.mustBeGone(store, right.GetId())
		c.mustChange(right.GetId(), addAs(store, 90))
		c.mustSettle(right.GetId(), []uint64{1, 2, 3, 4}, map[string]string{"z": "2"})
	})
}

package check

import (
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// The court's words about regions.

// regionOf is one of an epoch and a range, with a voter on each of the stores.
func regionOf(id, confVer, version uint64, start, end string, stores ...uint64) *metapb.Region {
	r := &metapb.Region{
		Id: id, StartKey: []byte(start), EndKey: []byte(end),
		RegionEpoch: &metapb.RegionEpoch{ConfVer: confVer, Version: version},
	}
	for _, store := range stores {
		r.Peers = append(r.Peers, &metapb.Peer{Id: 100*id + store, StoreId: store, Role: metapb.PeerRole_PEER_ROLE_VOTER})
	}
	return r
}

func peerStateOf(store uint64, r *metapb.Region) *sessionpb.PeerState {
	return &sessionpb.PeerState{Region: r, PeerId: 100*r.Id + store}
}

func (c *court) changes(store uint64, r *metapb.Region) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_RegionChanged{RegionChanged: &sessionpb.RegionChanged{Region: r}}})
}

func (c *court) creates(store uint64, state *sessionpb.PeerState) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_PeerCreated{PeerCreated: &sessionpb.PeerCreated{Peer: state}}})
}

func (c *court) destroys(store uint64, peer uint64) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_PeerDestroyed{PeerDestroyed: &sessionpb.PeerDestroyed{
		RegionId: 1, PeerId: peer}}})
}

func (c *court) restores(store uint64, state *sessionpb.PeerState) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_SnapshotRestored{SnapshotRestored: &sessionpb.SnapshotRestored{Peer: state}}})
}

func (c *court) compacts(store, first uint64) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_LogCompacted{LogCompacted: &sessionpb.LogCompacted{
		RegionId: 1, FirstIndex: first}}})
}

// starts has a store come up with some peers; after a crash, unless it is its first time.
func (c *court) starts(store uint64, states ...*sessionpb.PeerState) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_StoreStarted{StoreStarted: &sessionpb.StoreStarted{
		Store: &sessionpb.StoreState{Id: store, Up: true, Peers: states}}}})
}

func TestARegionsEpochGoesBack(t *testing.T) {
	c := newCourt(t)
	first := c.changes(1, regionOf(1, 2, 5, "", "m", 1, 2))
	back := c.changes(1, regionOf(1, 3, 4, "", "", 1, 2, 3))
	c.wants(judgeRegionShape, "region 1 on S1 goes back from conf_ver 2, version 5 to conf_ver 3, version 4", first, back)
}

func TestASyncedEpochIsForgotten(t *testing.T) {
	c := newCourt(t)
	changed := c.changes(1, regionOf(1, 2, 1, "", "", 1, 2))
	c.handsOver(1, &sessionpb.PeerWrite{})
	c.syncs(1)
	c.changes(1, regionOf(1, 3, 1, "", "", 1, 2, 3)) // not synced
	back := c.starts(1, peerStateOf(1, regionOf(1, 1, 1, "", "", 1)))
	c.wants(judgeRegionShape, "goes back from conf_ver 2, version 1 to conf_ver 1, version 1", changed, back)
}

func TestAnEpochThatWasNotSyncedMayBeForgotten(t *testing.T) {
	c := newCourt(t)
	c.changes(1, regionOf(1, 1, 1, "", "", 1))
	c.handsOver(1, &sessionpb.PeerWrite{})
	c.syncs(1)
	c.changes(1, regionOf(1, 1, 2, "", "m", 1))
	c.creates(1, peerStateOf(1, regionOf(2, 1, 2, "m", "", 1)))
	c.handsOver(1, &sessionpb.PeerWrite{})
	c.say(1, &sessionpb.Event{Body: &sessionpb.Event_Written{Written: &sessionpb.Written{}}})
	c.starts(1, peerStateOf(1, regionOf(1, 1, 1, "", "", 1))) // all of it, for the right half never was
	c.changes(1, regionOf(1, 1, 2, "", "m", 1))
	c.creates(1, peerStateOf(1, regionOf(2, 1, 2, "m", "", 1)))
	c.wantsNothing()
}

func TestOneVersionTwoRanges(t *testing.T) {
	c := newCourt(t)
	first := c.changes(1, regionOf(1, 1, 2, "", "m", 1, 2))
	second := c.changes(2, regionOf(1, 1, 2, "", "n", 1, 2))
	c.wants(judgeRegionShape, `region 1 of version 2 is ["", "m") on S1 and ["", "n") on S2`, first, second)
}

func TestOneEpochTwoMemberships(t *testing.T) {
	c := newCourt(t)
	first := c.changes(1, regionOf(1, 2, 1, "", "", 1, 2))
	second := c.restores(3, peerStateOf(3, regionOf(1, 2, 1, "", "", 1, 3)))
	c.wants(judgeRegionShape, "region 1 of conf_ver 2, version 1 has some members on S1 and others on S3", first, second)
}

func TestRegionsOverlapOnAStore(t *testing.T) {
	c := newCourt(t)
	first := c.changes(1, regionOf(1, 1, 2, "", "n", 1))
	second := c.creates(1, peerStateOf(1, regionOf(2, 1, 2, "m", "", 1)))
	c.wants(judgeRegionShape, "regions 1 and 2 overlap on S1", first, second)
}

func TestASplitIsFine(t *testing.T) {
	c := newCourt(t)
	for store := uint64(1); store <= 3; store++ {
		c.starts(store, peerStateOf(store, regionOf(1, 1, 1, "", "", 1, 2, 3)))
	}
	for store := uint64(1); store <= 2; store++ {
		c.changes(store, regionOf(1, 1, 2, "", "m", 1, 2, 3))
		c.creates(store, peerStateOf(store, regionOf(2, 1, 2, "m", "", 1, 2, 3)))
	}
	// S3 is behind: the whole there and the right half elsewhere overlap, but on two stores. A message calls for the right
	// half's peer, which knows no range.
	waiting := peerStateOf(3, &metapb.Region{Id: 2, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 2},
		Peers: []*metapb.Peer{{Id: 203, StoreId: 3}}})
	waiting.Uninitialized = true
	c.creates(3, waiting)
	c.restores(3, peerStateOf(3, regionOf(1, 1, 2, "", "m", 1, 2, 3)))
	c.restores(3, peerStateOf(3, regionOf(2, 1, 2, "m", "", 1, 2, 3)))
	c.wantsNothing()
}

func TestANewPeerIsNotBoundByTheOld(t *testing.T) {
	c := newCourt(t)
	c.starts(3, peerStateOf(3, regionOf(1, 3, 1, "", "", 1, 2, 3)))
	c.role(3, 7, 102, sessionpb.Role_ROLE_FOLLOWER)
	c.commits(3, 40, 0)
	c.writes(3, 1, 0, 5, 6, 7)
	c.syncs(3)
	c.applies(3, 1, 5, 5)
	c.destroys(3, 103)
	fresh := &sessionpb.PeerState{PeerId: 203, Uninitialized: true, Region: &metapb.Region{Id: 1, Peers: []*metapb.Peer{{Id: 203, StoreId: 3}}}}
	c.creates(3, fresh)
	c.role(3, 2, 0, sessionpb.Role_ROLE_FOLLOWER)
	c.handsOver(3, &sessionpb.PeerWrite{Term: 2, Vote: 101})
	c.syncs(3)
	region := regionOf(1, 5, 1, "", "", 1, 2)
	region.Peers = append(region.Peers, &metapb.Peer{Id: 203, StoreId: 3})
	c.restores(3, &sessionpb.PeerState{PeerId: 203, Term: 2, Region: region, Commit: 2, Applied: 1, FirstIndex: 2, LastIndex: 1})
	c.applies(3, 2, 6, 6)
	c.wantsNothing()
}

func TestTheSamePeerComesAgainAndHasForgottenItsVote(t *testing.T) {
	c := newCourt(t)
	waiting := &sessionpb.PeerState{PeerId: 103, Uninitialized: true, Region: &metapb.Region{Id: 1}}
	c.creates(3, waiting)
	voted := c.role(3, 4, 101, sessionpb.Role_ROLE_FOLLOWER)
	c.destroys(3, 103)
	made := peerStateOf(3, regionOf(1, 1, 2, "m", "", 1, 2, 3))
	made.Term = 4
	again := c.creates(3, made)
	c.wants(judgeOneVote, "S3 voted for peer 101 and has forgotten it in term 4", voted, again)
}

func TestASnapshotTakesTheLogsPlace(t *testing.T) {
	c := newCourt(t)
	c.starts(2, peerStateOf(2, regionOf(1, 1, 1, "", "", 1, 2)))
	c.writes(2, 1, 0, 1, 1)
	c.syncs(2)
	c.commits(2, 1, 0)
	c.applies(2, 1, 1, 1)
	state := peerStateOf(2, regionOf(1, 1, 1, "", "", 1, 2))
	state.Term, state.Commit, state.Applied, state.FirstIndex, state.LastIndex = 3, 50, 50, 51, 50
	restored := c.restores(2, state)
	c.handsOver(2, &sessionpb.PeerWrite{Term: 3, Commit: 50, LastIndex: 50})
	c.handsOver(2, &sessionpb.PeerWrite{Term: 3, Commit: 50, FirstIndex: 51, LastIndex: 52, Entries: []*sessionpb.LogEntry{
		{Index: 51, Term: 3, Digest: 3}, {Index: 52, Term: 3, Digest: 3}}})
	c.wantsNothing()
	c.syncs(2)
	c.commits(2, 52, 50)
	gap := c.applies(2, 52, 3, 3)
	c.wants(judgeStateMachine, "S2 applies entry 52 after entry 50", restored, gap)
}

func TestASnapshotTakesACommitBack(t *testing.T) {
	c := newCourt(t)
	first := c.commits(2, 60, 0)
	back := c.restores(2, &sessionpb.PeerState{PeerId: 102, Region: regionOf(1, 1, 1, "", "", 1, 2), Commit: 50, Applied: 50})
	c.wants(judgeMonotonic, "the commit of S2 in region 1 goes back from 60 to 50", first, back)
}

func TestEntriesAreDroppedUnapplied(t *testing.T) {
	c := newCourt(t)
	c.applies(1, 1, 1, 1)
	last := c.applies(1, 2, 1, 1)
	c.compacts(1, 2)
	c.compacts(1, 3)
	c.wantsNothing()
	dropped := c.compacts(1, 4)
	c.wants(judgeStateMachine, "S1 drops the entries before 4 of region 1 and has applied 2", last, dropped)
}

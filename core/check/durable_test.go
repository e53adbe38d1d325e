package check

import (
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// begins starts a run in which each of the stores has an empty peer of the region.
func (c *court) begins(region *metapb.Region, stores ...uint64) {
	run := &sessionpb.RunStarted{}
	for _, id := range stores {
		store := &sessionpb.StoreState{Id: id, Up: true}
		for _, member := range region.GetPeers() {
			if member.GetStoreId() == id {
				store.Peers = append(store.Peers, &sessionpb.PeerState{Region: region, PeerId: member.GetId()})
			}
		}
		run.Stores = append(run.Stores, store)
	}
	c.say(0, &sessionpb.Event{Body: &sessionpb.Event_RunStarted{RunStarted: run}})
}

// three begins a run of region 1 on three stores.
func three(t *testing.T) *court {
	c := newCourt(t)
	c.begins(regionOf(1, 1, 1, "", "", 1, 2, 3), 1, 2, 3)
	return c
}

// has a store write entries and sync them.
func (c *court) has(store, first uint64, terms ...uint64) uint64 {
	c.writes(store, first, 0, terms...)
	return c.syncs(store)
}

func (c *court) crashes(store uint64, states ...*sessionpb.PeerState) uint64 {
	crash := &sessionpb.StoreCrashed{}
	if len(states) > 0 {
		crash.Store = &sessionpb.StoreState{Id: store, Peers: states}
	}
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_StoreCrashed{StoreCrashed: crash}})
}

// onDisk is a peer of region 1 with entries of the given terms, from the first on.
func onDisk(store uint64, terms ...uint64) *sessionpb.PeerState {
	s := peerStateOf(store, regionOf(1, 1, 1, "", "", 1, 2, 3))
	s.FirstIndex, s.LastIndex, s.SyncedIndex = 1, uint64(len(terms)), uint64(len(terms))
	for i, term := range terms {
		s.Entries = append(s.Entries, &sessionpb.LogEntry{Index: uint64(i) + 1, Term: term, Digest: term})
		s.Term = term
	}
	return s
}

func TestACommitThatOneDiskHolds(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1, 1)
	handed := c.writes(2, 1, 0, 1, 1) // not synced
	committed := c.commits(1, 2, 0)
	c.commits(2, 2, 0) // said once
	c.wants(judgeDurableCommit, "entry 2 of term 1 of region 1, which S1 has committed, is not on the disks of a quorum of "+
		"S1, S2 and S3: it is missing on S2 and S3", handed, committed)
}

func TestACommitThatAQuorumHoldsIsFine(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1, 1)
	c.has(2, 1, 1, 1)
	c.crashes(2)
	c.commits(1, 2, 0)
	// Once it is committed, who joins need not have it.
	c.changes(1, regionOf(1, 2, 1, "", "", 1, 2, 3, 4))
	c.commits(3, 2, 0)
	c.wantsNothing()
}

func TestACommitThatIsSomethingElseOnTheOtherDisks(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1, 2)
	c.has(2, 1, 1, 1)
	c.has(3, 1, 1, 1)
	c.commits(1, 1, 0)
	c.wantsNothing()
	committed := c.commits(1, 2, 1)
	c.wants(judgeDurableCommit, "entry 2 of term 2", committed)
}

func TestALearnerIsNoVoter(t *testing.T) {
	region := regionOf(1, 1, 1, "", "", 1, 2, 3)
	region.Peers[2].Role = metapb.PeerRole_PEER_ROLE_LEARNER
	c := newCourt(t)
	c.begins(region, 1, 2, 3)
	c.has(1, 1, 1)
	c.has(3, 1, 1)
	committed := c.commits(1, 1, 0)
	c.wants(judgeDurableCommit, "of a quorum of S1 and S2: it is missing on S2", committed)
}

func TestAJointConfigurationNeedsBothHalves(t *testing.T) {
	for _, holder := range []uint64{2, 3, 4} {
		// From S1, S2 and S3 to S1, S4 and S5.
		region := regionOf(1, 2, 1, "", "", 1, 2, 3, 4, 5)
		region.Joint = true
		for i, role := range []metapb.PeerRole{
			metapb.PeerRole_PEER_ROLE_VOTER, metapb.PeerRole_PEER_ROLE_DEMOTING_VOTER, metapb.PeerRole_PEER_ROLE_LEAVING_VOTER,
			metapb.PeerRole_PEER_ROLE_INCOMING_VOTER, metapb.PeerRole_PEER_ROLE_INCOMING_VOTER,
		} {
			region.Peers[i].Role = role
		}
		c := newCourt(t)
		c.begins(region, 1, 2, 3, 4, 5)
		c.has(1, 1, 1)
		c.has(holder, 1, 1)
		committed := c.commits(1, 1, 0)
		if holder == 4 {
			c.wants(judgeDurableCommit, "of a quorum of S1, S2 and S3: it is missing on S2 and S3", committed)
		} else {
			c.wants(judgeDurableCommit, "of a quorum of S1, S4 and S5: it is missing on S4 and S5", committed)
		}
	}
}

func TestAMemberThatHasNoPeerYetHoldsNothing(t *testing.T) {
	c := newCourt(t)
	c.begins(regionOf(1, 1, 1, "", "", 1), 1, 2)
	c.has(1, 1, 1)
	c.commits(1, 1, 0)
	c.changes(1, regionOf(1, 2, 1, "", "", 1, 2))
	c.has(1, 2, 1)
	c.wantsNothing()
	committed := c.commits(1, 2, 1)
	c.wants(judgeDurableCommit, "of a quorum of S1 and S2: it is missing on S2", committed)
}

func TestWhoSawNoBeginningSaysNothingOfStrangers(t *testing.T) {
	c := newCourt(t)
	c.changes(1, regionOf(1, 1, 1, "", "", 1, 2, 3))
	c.has(1, 500, 4, 4)
	c.commits(1, 501, 500)
	c.wantsNothing()
}

func TestARemovedPeersDiskStillCounts(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1, 1)
	c.has(3, 1, 1, 1)
	c.destroys(3, 103) // S1 has not come to that yet
	c.commits(1, 2, 0)
	c.wantsNothing()
}

func TestASnapshotIsOnTheDiskAsItsEntriesWere(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1, 1)
	state := onDisk(2)
	state.Commit, state.Applied, state.FirstIndex, state.LastIndex = 2, 2, 3, 2
	c.restores(2, state)
	c.handsOver(2, &sessionpb.PeerWrite{LastIndex: 2})
	c.syncs(2)
	c.has(1, 3, 1)
	c.has(2, 3, 1)
	c.commits(1, 3, 2)
	c.wantsNothing()
}

func TestACrashTakesWhatWasNotSynced(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1)
	c.writes(2, 1, 0, 1)
	down := c.crashes(2, onDisk(2))
	committed := c.commits(1, 1, 0)
	c.wants(judgeDurableCommit, "it is missing on S2 and S3", down, committed)
}

func TestACrashMayLeaveWhatWasNotSynced(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1)
	c.writes(2, 1, 0, 1)
	c.crashes(2, onDisk(2, 1))
	c.commits(1, 1, 0)
	c.starts(2, onDisk(2, 1))
	c.wantsNothing()
}

func TestASyncedEntryIsForgotten(t *testing.T) {
	c := three(t)
	handed := c.writes(2, 1, 0, 1, 1, 1)
	synced := c.syncs(2)
	down := c.crashes(2)
	back := c.starts(2, onDisk(2, 1))
	c.wants(judgeDurability, "S2 has forgotten entries 2 to 3 of region 1, which it had synced", handed, synced, down, back)
}

func TestASyncedEntryIsAnotherAfterACrash(t *testing.T) {
	c := three(t)
	handed := c.writes(2, 1, 0, 1, 2)
	synced := c.syncs(2)
	state := onDisk(2, 1, 1, 1)
	state.Term = 2
	down := c.crashes(2, state)
	c.starts(2, state) // said once
	c.wants(judgeDurability, "S2 has forgotten entry 2 of region 1", handed, synced, down)
}

func TestAReplacedTailMayBeEither(t *testing.T) {
	for _, left := range [][]uint64{{1, 1, 1}, {1, 2}} {
		c := three(t)
		c.has(2, 1, 1, 1, 1)
		c.writes(2, 2, 0, 2) // not synced
		c.crashes(2, onDisk(2, left...))
		c.wantsNothing()
	}
}

func TestACompactedEntryIsNotForgotten(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1, 1, 1)
	c.has(2, 1, 1, 1, 1)
	c.commits(2, 3, 0)
	for index := uint64(1); index <= 3; index++ {
		c.applies(2, index, 1, 1)
	}
	c.compacts(2, 4)
	c.handsOver(2, &sessionpb.PeerWrite{Term: 1, Commit: 3, LastIndex: 3})
	c.syncs(2)
	state := onDisk(2)
	state.Term, state.Commit, state.Applied, state.FirstIndex, state.LastIndex = 1, 3, 3, 4, 3
	c.crashes(2, state)
	c.starts(2, state)
	c.wantsNothing()
}

func TestASyncedPeerIsForgotten(t *testing.T) {
	c := three(t)
	handed := c.writes(2, 1, 0, 1)
	synced := c.syncs(2)
	down := c.crashes(2)
	back := c.starts(2)
	c.wants(judgeDurability, "S2 has forgotten entry 1 of region 1", handed, synced, down, back)
}

func TestASyncedApplyIsForgotten(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1, 1)
	c.has(2, 1, 1, 1)
	c.commits(2, 2, 0)
	c.applies(2, 1, 1, 1)
	c.handsOver(2, &sessionpb.PeerWrite{Term: 1, Commit: 1, LastIndex: 2})
	synced := c.syncs(2)
	c.applies(2, 2, 1, 1) // not synced
	state := onDisk(2, 1, 1)
	state.Commit = 1
	down := c.crashes(2, state)
	c.wants(judgeMonotonic, "the applied index of S2 in region 1 goes back from 1 to 0", synced, down)
}

func TestAStoppedStoreMayComeBackWithMoreThanACrashLeaves(t *testing.T) {
	c := three(t)
	c.has(2, 1, 1)
	c.writes(2, 2, 0, 1) // written, not synced
	c.say(2, &sessionpb.Event{Body: &sessionpb.Event_StoreStopped{StoreStopped: &sessionpb.StoreStopped{Reason: "its disk failed to sync"}}})
	c.starts(2, onDisk(2, 1, 1))
	c.crashes(2, onDisk(2, 1))
	c.starts(2, onDisk(2, 1))
	c.wantsNothing()
}

// wipes has a store start on an empty disk.
func (c *court) wipes(store uint64) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_StoreStarted{StoreStarted: &sessionpb.StoreStarted{
		Store: &sessionpb.StoreState{Id: store, Up: true}, Wiped: true}}})
}

func TestAWipedStoreBreaksWhatCountedOnIt(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1, 1)
	c.has(2, 1, 1, 1)
	c.has(3, 1, 1)
	c.commits(1, 1, 0)
	committed := c.commits(1, 2, 1)
	c.crashes(2)
	c.wantsNothing()
	wiped := c.wipes(2)
	c.wants(judgeDurableCommit, "of a quorum of S1, S2 and S3: it is missing on S2 and S3; wiped: S2", committed, wiped)
}

func TestAWipedStoreThatWasNotNeededBreaksNothing(t *testing.T) {
	c := three(t)
	for store := uint64(1); store <= 3; store++ {
		c.has(store, 1, 1, 1)
	}
	c.commits(1, 2, 0)
	c.crashes(2)
	c.wipes(2)
	c.creates(2, &sessionpb.PeerState{PeerId: 102, Uninitialized: true, Region: &metapb.Region{Id: 1}})
	c.wantsNothing()
}

package check

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Three accusations that runs of the swarm showed to be unjust, each beside what is still a crime.

// Seed 2218: an entry of term 1 is committed by the leader of term 3. Who led term 2 need not have had it, whenever its
// log comes to be seen; who leads term 4 must.
func TestALeaderNeedNotHaveWhatALaterOneCommitted(t *testing.T) {
	c := newCourt(t)
	c.leads(1, 1)
	c.writes(1, 1, 0, 1, 1)
	c.writes(2, 1, 0, 1)
	c.leads(2, 2)
	c.leads(1, 3)
	c.writes(1, 3, 0, 3)
	c.applies(1, 1, 1, 1)
	done := c.applies(1, 2, 1, 1)
	c.writes(2, 2, 0, 2)
	c.wantsNothing()

	elected := c.leads(2, 4)
	writes := c.writes(2, 3, 0, 4)
	c.wants(judgeLeaderCompleteness, "S2 leads term 4 without entry 2 of term 1, which S1 has applied", done, elected, writes)
}

// Seed 334: a store takes entries in for the leader of term 1, and the leader of term 2 replaces them before they are
// synced. The answer to the first leader, sent once the second's are on the disk, counts for nothing; one to the second for
// what is not yet there does.
func TestAnAcknowledgementToALeaderWhoseTermIsOverBindsNothing(t *testing.T) {
	c := three(t)
	c.has(2, 1, 1)
	c.writes(2, 2, 0, 1, 1)
	c.writes(2, 2, 0, 2)
	c.syncs(2)
	c.acknowledges(2, 1, 1, 3)
	c.wantsNothing()

	handed := c.writes(2, 3, 0, 2)
	early := c.acknowledges(2, 3, 2, 3)
	c.wants(judgeSyncFirst, "S2 acknowledges the entries up to 3 of region 1 to S3 before they are synced", handed, early)
}

// Seed 449: a peer that a message called votes, and syncs its vote, before the split comes that makes it. Until the split is
// synced a crash leaves the peer that waited, with its vote.
func TestAVoteBeforeTheSplitStandsThroughIt(t *testing.T) {
	split := func(t *testing.T) (c *court, synced uint64) {
		c = newCourt(t)
		waits := peerStateOf(2, regionOf(7, 1, 1, "m", "", 1, 2, 3))
		waits.Uninitialized = true
		c.creates(2, waits)
		write := &sessionpb.PeerWrite{RegionId: 7, Term: 5, Vote: 101}
		c.say(2, &sessionpb.Event{Body: &sessionpb.Event_WriteStarted{WriteStarted: &sessionpb.WriteStarted{Peers: []*sessionpb.PeerWrite{write}}}})
		synced = c.syncs(2)
		made := peerStateOf(2, regionOf(7, 1, 1, "m", "", 1, 2, 3))
		made.Term, made.Vote = 5, 101
		c.creates(2, made)
		c.wantsNothing()
		return c, synced
	}
	waiting := func(vote uint64) *sessionpb.PeerState {
		state := peerStateOf(2, regionOf(7, 1, 1, "m", "", 1, 2, 3))
		state.Uninitialized, state.Term, state.Vote = true, 5, vote
		return state
	}
	told := func(c *court) uint64 {
		return c.say(2, &sessionpb.Event{Body: &sessionpb.Event_MessageSent{MessageSent: &sessionpb.MessageSent{Message: &sessionpb.Message{
			Type: sessionpb.MessageType_MESSAGE_TYPE_VOTE_RESPONSE, RegionId: 7, FromStore: 2, ToStore: 1,
			FromPeer: waiting(0).GetPeerId(), ToPeer: 101, Term: 5}}}})
	}
	t.Run("kept", func(t *testing.T) {
		c, _ := split(t)
		told(c) // the split is not synced, and the vote is
		c.crashes(2)
		c.starts(2, waiting(101))
		c.wantsNothing()
	})
	t.Run("forgotten", func(t *testing.T) {
		c, synced := split(t)
		c.crashes(2)
		c.starts(2, waiting(0))
		if len(c.verdicts) != 1 || c.verdicts[0].GetJudge() != judgeOneVote || c.verdicts[0].GetRegionId() != 7 {
			t.Fatalf("a vote that was synced at %d is forgotten: %v", synced, c.verdicts)
		}
	})
}

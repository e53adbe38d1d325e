package check

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// sends has a store say something in region 1.
func (c *court) sends(from, to uint64, m *sessionpb.Message) uint64 {
	m.RegionId, m.FromStore, m.ToStore, m.FromPeer, m.ToPeer = 1, from, to, 100+from, 100+to
	return c.say(from, &sessionpb.Event{Body: &sessionpb.Event_MessageSent{MessageSent: &sessionpb.MessageSent{Message: m}}})
}

func (c *court) acknowledges(from, to, term, index uint64) uint64 {
	return c.sends(from, to, &sessionpb.Message{Type: sessionpb.MessageType_MESSAGE_TYPE_APPEND_RESPONSE, Term: term, Index: index})
}

func (c *court) votes(from, to, term uint64) uint64 {
	return c.sends(from, to, &sessionpb.Message{Type: sessionpb.MessageType_MESSAGE_TYPE_VOTE_RESPONSE, Term: term})
}

// keepsVote has a store sync a vote.
func (c *court) keepsVote(store, term, candidate uint64) uint64 {
	c.handsOver(store, &sessionpb.PeerWrite{Term: term, Vote: candidate})
	return c.syncs(store)
}

func TestAnAcknowledgementBeforeTheSync(t *testing.T) {
	c := three(t)
	c.has(1, 1, 1)
	handed := c.writes(2, 1, 0, 1)
	early := c.acknowledges(2, 1, 1, 1)
	c.wants(judgeSyncFirst, "S2 acknowledges the entries up to 1 of region 1 to S1 before they are synced", handed, early)
	c.verdicts = nil
	committed := c.commits(1, 1, 0)
	c.wants(judgeDurableCommit, "acknowledged before it was synced: by S2", handed, early, committed)
}

func TestAnAcknowledgementOfTheWrongEntry(t *testing.T) {
	c := three(t)
	c.has(2, 1, 1, 1)
	handed := c.writes(2, 2, 0, 2)
	early := c.acknowledges(2, 1, 2, 2)
	c.wants(judgeSyncFirst, "up to 2", handed, early)
}

func TestAnAcknowledgementAfterTheSyncIsFine(t *testing.T) {
	c := three(t)
	c.has(2, 1, 1, 1)
	c.writes(2, 3, 0, 1)
	c.acknowledges(2, 1, 1, 2)
	c.syncs(2)
	c.acknowledges(2, 1, 1, 3)
	c.sends(2, 1, &sessionpb.Message{Type: sessionpb.MessageType_MESSAGE_TYPE_APPEND_RESPONSE, Term: 1, Index: 9, Reject: true})
	c.wantsNothing()
}

func TestAVoteBeforeTheSync(t *testing.T) {
	c := three(t)
	cast := c.role(2, 1, 101, sessionpb.Role_ROLE_FOLLOWER)
	c.handsOver(2, &sessionpb.PeerWrite{Term: 1, Vote: 101})
	early := c.votes(2, 1, 1)
	c.wants(judgeSyncFirst, "S2 tells S1 its vote for S1 in term 1 of region 1 before it is synced", cast, early)
}

func TestAVoteAfterTheSyncIsFine(t *testing.T) {
	c := three(t)
	c.keepsVote(2, 1, 101)
	c.votes(2, 1, 1)
	c.votes(2, 1, 1) // asked again
	c.keepsVote(2, 2, 103)
	c.votes(2, 3, 2)
	c.wantsNothing()
}

func TestAWipedStoreVotesTwice(t *testing.T) {
	c := three(t)
	c.keepsVote(2, 5, 101)
	first := c.votes(2, 1, 5)
	c.crashes(2)
	wiped := c.wipes(2)
	c.creates(2, onDisk(2))
	c.keepsVote(2, 5, 103)
	second := c.votes(2, 3, 5)
	c.wants(judgeOneVote, "S2 votes for S1 and for S3 in term 5 of region 1", first, wiped, second)
	c.verdicts = nil
	c.votes(2, 3, 5)
	c.wantsNothing()
}

func TestTwoLeadersAndWhoMadeThem(t *testing.T) {
	c := three(t)
	c.keepsVote(2, 5, 101)
	first := c.votes(2, 1, 5)
	elected := c.elects(1, 5, 101, 102)
	c.crashes(2)
	c.wipes(2)
	c.creates(2, onDisk(2))
	c.keepsVote(2, 5, 103)
	second := c.votes(2, 3, 5)
	c.verdicts = nil
	again := c.elects(3, 5, 103, 102)
	c.wants(judgeElectionSafety, "S1 and S3 both lead region 1 in term 5; S2 voted for both", first, elected, second, again)
}

func (c *court) elects(store, term uint64, votes ...uint64) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_RoleChanged{RoleChanged: &sessionpb.RoleChanged{
		RegionId: 1, Role: sessionpb.Role_ROLE_LEADER, Term: term, Vote: 100 + store, Votes: votes}}})
}

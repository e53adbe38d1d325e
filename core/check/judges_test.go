package check

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func TestTwoLeadersInOneTerm(t *testing.T) {
	c := newCourt(t)
	c.leads(1, 2)
	first := c.leads(2, 3)
	second := c.leads(3, 3)
	c.leads(3, 3) // said once
	c.wants(judgeElectionSafety, "S2 and S3 both lead region 1 in term 3", first, second)
}

func TestOneLeaderATermIsFine(t *testing.T) {
	c := newCourt(t)
	for term := uint64(1); term < 9; term++ {
		c.leads(1+term%3, term)
		c.leads(1+term%3, term)
	}
	c.wantsNothing()
}

func TestOneIndexAndTermTwoEntries(t *testing.T) {
	c := newCourt(t)
	c.writes(1, 1, 0, 1, 1)
	first := c.writes(1, 3, 0, 1)
	c.writes(2, 1, 0, 1, 1)
	second := c.writes(2, 3, 7, 1)
	c.wants(judgeLogMatching, "entry 3 of term 1 is one thing on S1 and another on S2", first, second)
}

func TestOneEntryTwoPasts(t *testing.T) {
	c := newCourt(t)
	first := c.writes(1, 1, 0, 1, 2, 4)
	second := c.writes(2, 1, 0, 1, 3, 4)
	c.wants(judgeLogMatching, "entry 3 of term 4 follows an entry of term 2 on S1 and of term 3 on S2", first, second)
}

func TestAnOverwrittenTailIsFine(t *testing.T) {
	c := newCourt(t)
	c.writes(1, 1, 0, 1, 1, 1) // entries 2 and 3 reach nobody else
	c.writes(2, 1, 0, 1)
	c.writes(2, 2, 0, 2, 2)
	c.writes(1, 2, 0, 2, 2)
	c.writes(3, 1, 0, 1, 2, 2)
	c.wantsNothing()
}

func TestALogIsKnownAgainAfterARestart(t *testing.T) {
	c := newCourt(t)
	c.writes(1, 1, 0, 1, 1)
	c.syncs(1)
	c.writes(1, 3, 0, 1) // not synced
	c.restarts(1, &sessionpb.PeerState{Term: 1, FirstIndex: 1, LastIndex: 2, Entries: []*sessionpb.LogEntry{
		{Index: 1, Term: 1, Digest: 1}, {Index: 2, Term: 1, Digest: 1}}})
	c.writes(1, 3, 0, 2)
	c.writes(2, 1, 0, 1, 1, 2)
	c.wantsNothing()
	second := c.writes(3, 1, 0, 1, 2, 2)
	c.wants(judgeLogMatching, "entry 3 of term 2 follows an entry of term 1 on S1 and of term 2 on S3", 7, second)
}

func TestALeaderWithoutAnAppliedEntry(t *testing.T) {
	c := newCourt(t)
	c.leads(1, 1)
	c.writes(1, 1, 0, 1, 1)
	c.writes(2, 1, 0, 1)
	c.applies(1, 1, 1, 1)
	done := c.applies(1, 2, 1, 1)
	elected := c.leads(2, 2)
	writes := c.writes(2, 2, 0, 2)
	c.wants(judgeLeaderCompleteness, "S2 leads term 2 without entry 2 of term 1, which S1 has applied", done, elected, writes)
}

func TestALeaderWithEverythingAppliedIsFine(t *testing.T) {
	c := newCourt(t)
	c.leads(1, 1)
	c.writes(1, 1, 0, 1, 1, 1)
	c.applies(1, 1, 1, 1)
	c.applies(1, 2, 1, 1)
	c.leads(2, 2)
	c.writes(2, 1, 0, 1, 1, 2) // its log reaches the disk after its election
	c.wantsNothing()
}

func TestTwoStoresApplyDifferentEntries(t *testing.T) {
	c := newCourt(t)
	c.applies(1, 1, 1, 10)
	first := c.applies(1, 2, 1, 20)
	c.applies(2, 1, 1, 10)
	second := c.applies(2, 2, 1, 21)
	c.wants(judgeStateMachine, "S1 and S2 apply different entries at index 2", first, second)
}

func TestAStoreLeavesAnEntryOut(t *testing.T) {
	c := newCourt(t)
	first := c.applies(1, 1, 1, 10)
	second := c.applies(1, 3, 1, 30)
	c.wants(judgeStateMachine, "S1 applies entry 3 after entry 1", first, second)
}

func TestApplyingAgainAfterARestartIsFine(t *testing.T) {
	c := newCourt(t)
	c.applies(1, 1, 1, 10)
	c.applies(1, 2, 1, 20)
	c.restarts(1, &sessionpb.PeerState{Applied: 1, Commit: 2})
	c.applies(1, 2, 1, 20)
	c.wantsNothing()
}

func TestAnEntryIsAppliedUncommitted(t *testing.T) {
	c := newCourt(t)
	c.applies(1, 1, 1, 10) // who starts in the middle does not know of the commit
	committed := c.commits(1, 2, 1)
	c.applies(1, 2, 1, 20)
	c.wantsNothing()
	early := c.applies(1, 3, 1, 30)
	c.wants(judgeStateMachine, "S1 applies entry 3 of region 1, and knows of none after 2", committed, early)
}

func TestAStoreTakesForAppliedWhatItNeverApplied(t *testing.T) {
	c := newCourt(t)
	done := c.applies(1, 1, 1, 10)
	back := c.restarts(1, &sessionpb.PeerState{Applied: 3})
	c.wants(judgeStateMachine, "S1 comes back with the entries of region 1 applied up to 3, and had applied them up to 1", done, back-1, back)
}

func TestASnapshotMayLeaveEntriesOut(t *testing.T) {
	c := newCourt(t)
	c.writes(1, 1, 0, 1, 1)
	c.applies(1, 1, 1, 1)
	c.handsOver(1, &sessionpb.PeerWrite{Term: 2, LastIndex: 50})
	c.applies(1, 51, 2, 2)
	c.writes(1, 51, 0, 2)
	c.writes(2, 51, 0, 2)
	c.wantsNothing()
}

func TestATermGoesBack(t *testing.T) {
	c := newCourt(t)
	first := c.role(1, 5, 0, sessionpb.Role_ROLE_FOLLOWER)
	back := c.role(1, 4, 0, sessionpb.Role_ROLE_FOLLOWER)
	c.wants(judgeMonotonic, "the term of S1 in region 1 goes back from 5 to 4", first, back)
}

func TestACommitGoesBack(t *testing.T) {
	c := newCourt(t)
	first := c.commits(1, 7, 0)
	back := c.commits(1, 6, 7)
	c.wants(judgeMonotonic, "the commit of S1 in region 1 goes back from 7 to 6", first, back)
}

func TestASyncedTermIsForgotten(t *testing.T) {
	c := newCourt(t)
	handed := c.handsOver(1, &sessionpb.PeerWrite{Term: 5})
	synced := c.syncs(1)
	back := c.restarts(1, &sessionpb.PeerState{Term: 4})
	c.wants(judgeMonotonic, "the term of S1 in region 1 goes back from 5 to 4", handed, synced, back-1, back)
}

func TestWhatWasNotSyncedMayBeForgotten(t *testing.T) {
	c := newCourt(t)
	c.handsOver(1, &sessionpb.PeerWrite{Term: 4, Vote: 102, Commit: 1})
	c.syncs(1)
	c.role(1, 5, 103, sessionpb.Role_ROLE_FOLLOWER)
	c.commits(1, 9, 1)
	c.handsOver(1, &sessionpb.PeerWrite{Term: 5, Vote: 103, Commit: 9})
	c.say(1, &sessionpb.Event{Body: &sessionpb.Event_Written{Written: &sessionpb.Written{}}})
	c.restarts(1, &sessionpb.PeerState{Term: 4, Vote: 102, Commit: 1})
	c.role(1, 5, 101, sessionpb.Role_ROLE_CANDIDATE)
	c.wantsNothing()
}

func TestAPeerVotesTwice(t *testing.T) {
	c := newCourt(t)
	first := c.role(1, 5, 102, sessionpb.Role_ROLE_FOLLOWER)
	second := c.role(1, 5, 103, sessionpb.Role_ROLE_FOLLOWER)
	c.wants(judgeOneVote, "S1 votes for peer 102 and for peer 103 in term 5", first, second)
}

func TestASyncedVoteIsForgotten(t *testing.T) {
	c := newCourt(t)
	handed := c.handsOver(1, &sessionpb.PeerWrite{Term: 5, Vote: 102})
	synced := c.syncs(1)
	back := c.restarts(1, &sessionpb.PeerState{Term: 5})
	c.wants(judgeOneVote, "S1 voted for peer 102 and has forgotten it in term 5", handed, synced, back-1, back)
}

func TestWhoStartsInTheMiddleKnowsNoPast(t *testing.T) {
	c := newCourt(t)
	c.next = 1000
	c.writes(1, 500, 0, 4, 4)
	c.applies(1, 490, 3, 3)
	c.commits(1, 495, 494)
	c.role(1, 4, 101, sessionpb.Role_ROLE_LEADER)
	c.writes(2, 480, 0, 3)
	c.writes(2, 500, 0, 4)
	c.wantsNothing()
}

func TestOnlySoManyViolationsAreReported(t *testing.T) {
	c := newCourt(t)
	for term := uint64(1); term < 2*violationsMax; term++ {
		c.leads(1, term)
		c.leads(2, term)
	}
	if len(c.verdicts) != violationsMax {
		t.Fatalf("%d violations reported, want %d", len(c.verdicts), violationsMax)
	}
}

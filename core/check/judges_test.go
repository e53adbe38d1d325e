package check

import (
	"strings"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// court feeds hand-made events and collects the verdicts.
type court struct {
	*Judges
	t        *testing.T
	verdicts []*sessionpb.Violation
	next     uint64
}

func newCourt(t *testing.T) *court {
	c := &court{t: t}
	c.Judges = New(func(v *sessionpb.Violation) { c.verdicts = append(c.verdicts, v) })
	return c
}

// say feeds one event of a store and returns its sequence number.
func (c *court) say(store uint64, e *sessionpb.Event) uint64 {
	c.next++
	e.Seq, e.StoreId = c.next, store
	c.Event(e)
	return c.next
}

func (c *court) leads(store, term uint64) uint64 {
	return c.role(store, term, 100+store, sessionpb.Role_ROLE_LEADER)
}

func (c *court) role(store, term, vote uint64, role sessionpb.Role) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_RoleChanged{RoleChanged: &sessionpb.RoleChanged{
		RegionId: 1, Role: role, Term: term, Vote: vote}}})
}

// writes hands entries of the given terms to a store's disk; every entry's digest is its term plus twist.
func (c *court) writes(store, first uint64, twist uint64, terms ...uint64) uint64 {
	w := &sessionpb.PeerWrite{RegionId: 1, Term: terms[len(terms)-1], FirstIndex: first, LastIndex: first + uint64(len(terms)) - 1}
	for i, term := range terms {
		w.Entries = append(w.Entries, &sessionpb.LogEntry{Index: first + uint64(i), Term: term, Digest: term + twist})
	}
	return c.handsOver(store, w)
}

func (c *court) handsOver(store uint64, w *sessionpb.PeerWrite) uint64 {
	w.RegionId = 1
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_WriteStarted{WriteStarted: &sessionpb.WriteStarted{
		Peers: []*sessionpb.PeerWrite{w}}}})
}

func (c *court) syncs(store uint64) {
	c.say(store, &sessionpb.Event{Body: &sessionpb.Event_Written{Written: &sessionpb.Written{}}})
	c.say(store, &sessionpb.Event{Body: &sessionpb.Event_Synced{Synced: &sessionpb.Synced{}}})
}

func (c *court) applies(store, index, term, digest uint64) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_Applied{Applied: &sessionpb.Applied{
		RegionId: 1, Index: index, Term: term, Digest: digest}}})
}

func (c *court) commits(store, index, before uint64) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_Committed{Committed: &sessionpb.Committed{
		RegionId: 1, Index: index, IndexBefore: before}}})
}

func (c *court) restarts(store uint64, state *sessionpb.PeerState) uint64 {
	state.Region = &metapb.Region{Id: 1}
	c.say(store, &sessionpb.Event{Body: &sessionpb.Event_StoreCrashed{StoreCrashed: &sessionpb.StoreCrashed{}}})
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_StoreStarted{StoreStarted: &sessionpb.StoreStarted{
		Store: &sessionpb.StoreState{Id: store, Up: true, Peers: []*sessionpb.PeerState{state}}}}})
}

// wants demands exactly one verdict, of that judge, with a message that contains words and with that evidence.
func (c *court) wants(judge, words string, evidence ...uint64) {
	c.t.Helper()
	if len(c.verdicts) != 1 {
		c.t.Fatalf("%d violations, want one: %v", len(c.verdicts), c.verdicts)
	}
	v := c.verdicts[0]
	if v.Judge != judge || !strings.Contains(v.Message, words) {
		c.t.Errorf("judge %q says %q, want %q to say something with %q", v.Judge, v.Message, judge, words)
	}
	if len(v.EvidenceSeqs) != len(evidence) {
		c.t.Fatalf("evidence %v, want %v", v.EvidenceSeqs, evidence)
	}
	for i := range evidence {
		if v.EvidenceSeqs[i] != evidence[i] {
			c.t.Fatalf("evidence %v, want %v", v.EvidenceSeqs, evidence)
		}
	}
}

func (c *court) wantsNothing() {
	c.t.Helper()
	if len(c.verdicts) > 0 {
		c.t.Fatalf("unjust violation: %v", c.verdicts)
	}
}

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
	c.applies(1, 1, 1, 10)
	second := c.applies(1, 3, 1, 30)
	c.wants(judgeStateMachine, "S1 applies entry 3 after entry 1", second)
}

func TestApplyingAgainAfterARestartIsFine(t *testing.T) {
	c := newCourt(t)
	c.applies(1, 1, 1, 10)
	c.applies(1, 2, 1, 20)
	c.restarts(1, &sessionpb.PeerState{Applied: 1})
	c.applies(1, 2, 1, 20)
	c.wantsNothing()
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
	c.role(1, 5, 0, sessionpb.Role_ROLE_FOLLOWER)
	back := c.role(1, 4, 0, sessionpb.Role_ROLE_FOLLOWER)
	c.wants(judgeMonotonic, "the term of S1 in region 1 goes back from 5 to 4", back)
}

func TestACommitGoesBack(t *testing.T) {
	c := newCourt(t)
	c.commits(1, 7, 0)
	back := c.commits(1, 6, 7)
	c.wants(judgeMonotonic, "the commit of S1 in region 1 goes back from 7 to 6", back)
}

func TestASyncedTermIsForgotten(t *testing.T) {
	c := newCourt(t)
	synced := c.handsOver(1, &sessionpb.PeerWrite{Term: 5})
	c.syncs(1)
	back := c.restarts(1, &sessionpb.PeerState{Term: 4})
	c.wants(judgeMonotonic, "the term of S1 in region 1 goes back from 5 to 4", synced, back)
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
	c.role(1, 5, 102, sessionpb.Role_ROLE_FOLLOWER)
	second := c.role(1, 5, 103, sessionpb.Role_ROLE_FOLLOWER)
	c.wants(judgeOneVote, "S1 votes for peer 102 and for peer 103 in term 5", second)
}

func TestASyncedVoteIsForgotten(t *testing.T) {
	c := newCourt(t)
	synced := c.handsOver(1, &sessionpb.PeerWrite{Term: 5, Vote: 102})
	c.syncs(1)
	second := c.restarts(1, &sessionpb.PeerState{Term: 5})
	c.wants(judgeOneVote, "S1 votes for peer 102 and for peer 0 in term 5", synced, second)
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

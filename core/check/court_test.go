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

func (c *court) syncs(store uint64) uint64 {
	c.say(store, &sessionpb.Event{Body: &sessionpb.Event_Written{Written: &sessionpb.Written{}}})
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_Synced{Synced: &sessionpb.Synced{}}})
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

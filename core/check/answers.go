package check

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const judgeSyncFirst = "sync before answer"

// ballotKey is a peer in a term.
type ballotKey struct{ peerID, term uint64 }

// ballot is a vote as a message told it; before is an earlier one of the same peer and term, for another candidate.
type ballot struct {
	seq, candidate uint64
	before         *ballot
}

// sent watches what a store promises: a vote is given once a term, whatever became of the disk it was on, and what is
// promised is on the disk first (Raft dissertation, figure 3.1: "updated on stable storage before responding to RPCs").
func (j *Judges) sent(m *sessionpb.Message) {
	if m.GetCopyOf() != 0 || m.GetReject() {
		return
	}
	switch m.GetType() {
	case sessionpb.MessageType_MESSAGE_TYPE_APPEND_RESPONSE:
		j.acknowledged(m)
	case sessionpb.MessageType_MESSAGE_TYPE_VOTE_RESPONSE:
		j.voted(m, m.GetToPeer())
	case sessionpb.MessageType_MESSAGE_TYPE_VOTE:
		j.voted(m, m.GetFromPeer())
	}
}

// acknowledged watches that an entry is durable before its receiver says so. What a snapshot or a split brought is no entry
// of the log. An answer to the leader of a term that the store has left binds nothing: what it took in for that leader may
// have given way to another's entries before any of it was written, and then no quorum holds it.
func (j *Judges) acknowledged(m *sessionpb.Message) {
	p := j.peer(m.GetFromStore(), m.GetRegionId())
	s := &p.state
	if s.durable == nil || s.durable.term > m.GetTerm() || s.gone || s.peerID != m.GetFromPeer() {
		return
	}
	j.cases[caseAnswered]++
	term, known := s.log.term(m.GetIndex())
	if !known && m.GetIndex() <= s.log.last || !s.durable.log.lacks(m.GetIndex(), term) {
		return
	}
	s = j.change(p)
	s.earlySeq, s.earlyIndex = j.seq, m.GetIndex()
	v := &sessionpb.Violation{
		Judge: judgeSyncFirst,
		Message: fmt.Sprintf("S%d acknowledges the entries up to %d of region %d to S%d before they are synced",
			p.storeID, m.GetIndex(), p.region.id, m.GetToStore()),
		RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Term: term, Index: m.GetIndex(),
	}
	if s.handed != nil {
		v.EvidenceSeqs = []uint64{s.handed.logSeq}
	}
	j.violate(v)
}

// voted watches a vote as it leaves its store.
func (j *Judges) voted(m *sessionpb.Message, candidate uint64) {
	p := j.peer(m.GetFromStore(), m.GetRegionId())
	j.cast(p, ballotKey{m.GetFromPeer(), m.GetTerm()}, candidate)
	s := &p.state
	if s.durable == nil || s.durable.termSeq == 0 || s.gone || s.peerID != m.GetFromPeer() {
		return
	}
	j.cases[caseAnswered]++
	if s.durable.term > m.GetTerm() || s.durable.term == m.GetTerm() && s.durable.vote == candidate {
		return
	}
	j.violate(&sessionpb.Violation{
		Judge: judgeSyncFirst,
		Message: fmt.Sprintf("S%d tells S%d its vote for %s in term %d of region %d before it is synced",
			p.storeID, m.GetToStore(), p.region.named(candidate), m.GetTerm(), p.region.id),
		RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Term: m.GetTerm(),
		EvidenceSeqs: []uint64{s.termSeq},
	})
}

// cast holds a vote against those that the same peer has told in the same term, in this life or an earlier one.
func (j *Judges) cast(p *peer, key ballotKey, candidate uint64) {
	r := p.region
	first := r.ballots[key]
	for b := first; b != nil; b = b.before {
		if b.candidate == candidate {
			return
		}
	}
	r.ballots[key] = &ballot{seq: j.seq, candidate: candidate, before: first}
	j.learnedOf(r, factBallot, key.peerID, key.term)
	if first != nil {
		j.votedTwice(p, key.term, first.candidate, candidate, first.seq, p.state.downSeq)
	}
}

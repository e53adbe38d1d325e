package check

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const (
	judgeElectionSafety = "election safety"
	judgeStateMachine   = "state machine safety"
	judgeOneVote        = "one vote a term"
	judgeMonotonic      = "monotonic state"
)

// roleChanged watches a peer's term and vote in memory, and who leads.
func (j *Judges) roleChanged(storeID uint64, c *sessionpb.RoleChanged) {
	p := j.peer(storeID, c.GetRegionId())
	s := j.change(p)
	if c.GetTerm() < s.term {
		j.wentBack(p, "term", s.term, c.GetTerm(), 0)
	}
	if c.GetTerm() == s.term && s.vote != 0 && c.GetVote() != s.vote {
		j.votedTwice(p, c.GetTerm(), s.vote, c.GetVote(), 0)
	}
	s.term, s.vote = c.GetTerm(), c.GetVote()
	if c.GetRole() != sessionpb.Role_ROLE_LEADER {
		return
	}
	first, known := p.region.leaders[c.GetTerm()]
	switch {
	case !known:
		p.region.leaders[c.GetTerm()] = leader{storeID: storeID, seq: j.seq}
		j.learned(p.region, factLeader, c.GetTerm())
	case first.storeID != storeID:
		j.violate(&sessionpb.Violation{
			Judge:    judgeElectionSafety,
			Message:  fmt.Sprintf("S%d and S%d both lead region %d in term %d", first.storeID, storeID, p.region.id, c.GetTerm()),
			RegionId: p.region.id, StoreIds: []uint64{first.storeID, storeID}, Term: c.GetTerm(),
			EvidenceSeqs: []uint64{first.seq},
		})
	}
}

// committed watches a peer's commit in memory.
func (j *Judges) committed(storeID uint64, c *sessionpb.Committed) {
	p := j.peer(storeID, c.GetRegionId())
	s := j.change(p)
	if before := max(s.commit, c.GetIndexBefore()); c.GetIndex() < before {
		j.wentBack(p, "commit", before, c.GetIndex(), 0)
	}
	s.commit = c.GetIndex()
}

// applied watches that a peer applies one entry after the other, and the same as everybody else.
func (j *Judges) applied(storeID uint64, a *sessionpb.Applied) {
	p := j.peer(storeID, a.GetRegionId())
	s := j.change(p)
	if s.appliedKnown && a.GetIndex() != s.applied+1 {
		j.violate(&sessionpb.Violation{
			Judge:    judgeStateMachine,
			Message:  fmt.Sprintf("S%d applies entry %d after entry %d", storeID, a.GetIndex(), s.applied),
			RegionId: p.region.id, StoreIds: []uint64{storeID}, Term: a.GetTerm(), Index: a.GetIndex(),
		})
	}
	s.applied, s.appliedKnown = a.GetIndex(), true

	slot := p.region.slot(a.GetIndex())
	if slot == nil {
		return
	}
	first := &slot.applied
	if first.seq == 0 {
		*first = applied{seq: j.seq, storeID: storeID, term: a.GetTerm(), digest: a.GetDigest()}
		j.learned(p.region, factApplied, a.GetIndex())
		return
	}
	if first.digest != a.GetDigest() || first.term != a.GetTerm() {
		j.violate(&sessionpb.Violation{
			Judge:    judgeStateMachine,
			Message:  fmt.Sprintf("S%d and S%d apply different entries at index %d", first.storeID, storeID, a.GetIndex()),
			RegionId: p.region.id, StoreIds: []uint64{first.storeID, storeID}, Term: a.GetTerm(), Index: a.GetIndex(),
			EvidenceSeqs: []uint64{first.seq},
		})
	}
}

// handed watches the hard state as it is handed to the disk.
func (j *Judges) handed(p *peer, w *sessionpb.PeerWrite) {
	s := j.change(p)
	now := &hardState{seq: j.seq, term: w.GetTerm(), vote: w.GetVote(), commit: w.GetCommit()}
	if before := s.handed; before != nil {
		j.compareHard(p, before, now)
	}
	s.handed = now
}

func (j *Judges) compareHard(p *peer, before, now *hardState) {
	if now.term < before.term {
		j.wentBack(p, "term", before.term, now.term, before.seq)
	}
	if now.commit < before.commit {
		j.wentBack(p, "commit", before.commit, now.commit, before.seq)
	}
	if now.term == before.term && before.vote != 0 && now.vote != before.vote {
		j.votedTwice(p, now.term, before.vote, now.vote, before.seq)
	}
}

// written and synced move what was handed over towards the disk. A store has one write under way at a time.
func (j *Judges) written(storeID uint64) {
	for _, p := range j.stores[storeID] {
		if p.state.written != p.state.handed || p.state.shapeWritten != p.state.shapeHanded {
			s := j.change(p)
			s.written, s.shapeWritten = s.handed, s.shapeHanded
		}
	}
}

func (j *Judges) synced(storeID uint64) {
	for _, p := range j.stores[storeID] {
		if p.state.durable != p.state.written || p.state.shapeDurable != p.state.shapeWritten {
			s := j.change(p)
			s.durable, s.shapeDurable = s.written, s.shapeWritten
		}
	}
}

func (j *Judges) wentBack(p *peer, what string, before, now, evidence uint64) {
	v := &sessionpb.Violation{
		Judge:    judgeMonotonic,
		Message:  fmt.Sprintf("the %s of S%d in region %d goes back from %d to %d", what, p.storeID, p.region.id, before, now),
		RegionId: p.region.id, StoreIds: []uint64{p.storeID},
	}
	if what == "term" {
		v.Term = now
	} else {
		v.Index = now
	}
	if evidence != 0 {
		v.EvidenceSeqs = []uint64{evidence}
	}
	j.violate(v)
}

func (j *Judges) votedTwice(p *peer, term, first, second, evidence uint64) {
	v := &sessionpb.Violation{
		Judge:    judgeOneVote,
		Message:  fmt.Sprintf("S%d votes for peer %d and for peer %d in term %d", p.storeID, first, second, term),
		RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Term: term,
	}
	if evidence != 0 {
		v.EvidenceSeqs = []uint64{evidence}
	}
	j.violate(v)
}

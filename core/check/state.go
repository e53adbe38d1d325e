package check

import (
	"fmt"
	"slices"

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
		j.wentBack(p, "term", s.term, c.GetTerm(), s.termSeq)
	}
	if c.GetTerm() == s.term && s.vote != 0 {
		j.cases[caseVoteHeld]++
		if c.GetVote() != s.vote {
			j.votedTwice(p, c.GetTerm(), s.vote, c.GetVote(), s.termSeq)
		}
	}
	if c.GetTerm() != s.term || c.GetVote() != s.vote {
		s.term, s.vote, s.termSeq = c.GetTerm(), c.GetVote(), j.seq
	}
	if s.leads = c.GetRole() == sessionpb.Role_ROLE_LEADER; s.leads {
		j.leads(p, c)
	}
}

// leads watches that a term has one leader. Who voted for both of two tells how they could come.
func (j *Judges) leads(p *peer, c *sessionpb.RoleChanged) {
	r, term := p.region, c.GetTerm()
	first, known := r.leaders[term]
	if !known {
		r.leaders[term] = leader{storeID: p.storeID, seq: j.seq, votes: c.GetVotes()}
		j.learned(r, factLeader, term)
		j.countLeaders(p, term)
		return
	}
	if first.storeID == p.storeID {
		return
	}
	message := fmt.Sprintf("S%d and S%d both lead region %d in term %d", first.storeID, p.storeID, r.id, term)
	evidence := []uint64{first.seq}
	for _, voter := range first.votes {
		if !slices.Contains(c.GetVotes(), voter) {
			continue
		}
		message += fmt.Sprintf("; %s voted for both", r.named(voter))
		for b := r.ballots[ballotKey{voter, term}]; b != nil; b = b.before {
			evidence = append(evidence, b.seq)
		}
	}
	j.violate(&sessionpb.Violation{
		Judge: judgeElectionSafety, Message: message, RegionId: r.id, StoreIds: []uint64{first.storeID, p.storeID}, Term: term,
		EvidenceSeqs: evidence,
	})
}

// countLeaders counts what makes a new leader dangerous: the one before it is alive, or even leads.
func (j *Judges) countLeaders(p *peer, term uint64) {
	newest := uint64(0)
	for older := range p.region.leaders {
		if older < term {
			newest = max(newest, older)
		}
	}
	before := p.region.leaders[newest]
	for _, other := range p.region.peers {
		if other == p || other.storeID != before.storeID || other.state.downSeq > before.seq {
			continue
		}
		j.cases[caseLeaderAlive]++
		if other.state.leads {
			j.cases[caseLeaderBesideLeader]++
		}
	}
}

// committed watches a peer's commit in memory, and the region's.
func (j *Judges) committed(storeID uint64, c *sessionpb.Committed) {
	p := j.peer(storeID, c.GetRegionId())
	s := j.change(p)
	if before := max(s.commit, c.GetIndexBefore()); c.GetIndex() < before {
		j.wentBack(p, "commit", before, c.GetIndex(), s.commitSeq)
	}
	s.commit, s.commitSeq = c.GetIndex(), j.seq
	j.rises(p, c.GetIndex())
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
			EvidenceSeqs: []uint64{s.appliedSeq},
		})
	}
	if s.commitSeq != 0 && a.GetIndex() > s.commit {
		j.violate(&sessionpb.Violation{
			Judge: judgeStateMachine,
			Message: fmt.Sprintf("S%d applies entry %d of region %d, and knows of none after %d that it is committed",
				storeID, a.GetIndex(), p.region.id, s.commit),
			RegionId: p.region.id, StoreIds: []uint64{storeID}, Term: a.GetTerm(), Index: a.GetIndex(),
			EvidenceSeqs: []uint64{s.commitSeq},
		})
	}
	s.applied, s.appliedSeq, s.appliedKnown = a.GetIndex(), j.seq, true
	j.inPlace(p, a)

	slot := p.region.slot(a.GetIndex())
	if slot == nil {
		return
	}
	first := &slot.applied
	if first.seq == 0 {
		*first = applied{seq: j.seq, storeID: storeID, term: a.GetTerm(), digest: a.GetDigest(), effect: effect(a), during: s.term}
		j.learned(p.region, factApplied, a.GetIndex())
		return
	}
	if first.storeID != storeID {
		j.cases[caseAppliedOnTwo]++
	}
	if first.digest != a.GetDigest() || first.term != a.GetTerm() {
		there, here := sides(first.storeID, storeID)
		j.violate(&sessionpb.Violation{
			Judge: judgeStateMachine,
			Message: fmt.Sprintf("%s and %s apply different entries at index %d of region %d: one of term %d and one of term %d",
				there, here, a.GetIndex(), p.region.id, first.term, a.GetTerm()),
			RegionId: p.region.id, StoreIds: []uint64{first.storeID, storeID}, Term: a.GetTerm(), Index: a.GetIndex(),
			EvidenceSeqs: []uint64{first.seq},
		})
		return
	}
	if first.effect != effect(a) {
		j.violate(&sessionpb.Violation{
			Judge: judgeStateMachine,
			Message: fmt.Sprintf("entry %d of region %d does one thing on S%d and another on S%d",
				a.GetIndex(), p.region.id, first.storeID, storeID),
			RegionId: p.region.id, StoreIds: []uint64{first.storeID, storeID}, Term: a.GetTerm(), Index: a.GetIndex(),
			EvidenceSeqs: []uint64{first.seq},
		})
	}
}

// compareHard holds what a disk is to hold against what it held; evidence is what makes that sure.
func (j *Judges) compareHard(p *peer, before, now *stored, evidence ...uint64) {
	evidence = append(evidence, before.termSeq)
	if now.term < before.term {
		j.wentBack(p, "term", before.term, now.term, evidence...)
	}
	if now.commit < before.commit {
		j.wentBack(p, "commit", before.commit, now.commit, evidence...)
	}
	if now.term == before.term && before.vote != 0 && now.vote != before.vote {
		j.votedTwice(p, now.term, before.vote, now.vote, evidence...)
	}
}

func (j *Judges) wentBack(p *peer, what string, before, now uint64, evidence ...uint64) {
	v := &sessionpb.Violation{
		Judge:    judgeMonotonic,
		Message:  fmt.Sprintf("the %s of S%d in region %d goes back from %d to %d", what, p.storeID, p.region.id, before, now),
		RegionId: p.region.id, StoreIds: []uint64{p.storeID}, EvidenceSeqs: evidence,
	}
	if what == "term" {
		v.Term = now
	} else {
		v.Index = now
	}
	j.violate(v)
}

func (j *Judges) votedTwice(p *peer, term, first, second uint64, evidence ...uint64) {
	what := fmt.Sprintf("votes for %s and for %s", p.region.named(first), p.region.named(second))
	if second == 0 {
		what = fmt.Sprintf("voted for %s and has forgotten it", p.region.named(first))
	}
	j.violate(&sessionpb.Violation{
		Judge: judgeOneVote, Message: fmt.Sprintf("S%d %s in term %d of region %d", p.storeID, what, term, p.region.id),
		RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Term: term, EvidenceSeqs: evidence,
	})
}

package check

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const (
	judgeLogMatching        = "log matching"
	judgeLeaderCompleteness = "leader completeness"
)

// writeStarted follows a store's log and hard state as they are handed to its disk.
func (j *Judges) writeStarted(storeID uint64, w *sessionpb.PeerWrite) {
	p := j.peer(storeID, w.GetRegionId())
	s := j.change(p)
	now := &stored{termSeq: j.seq, term: w.GetTerm(), vote: w.GetVote(), commit: w.GetCommit(), shape: s.shape}
	if before := s.handed; before != nil {
		j.compareHard(p, before, now)
		if now.logSeq = before.logSeq; before.termSeq != 0 && before.term == now.term && before.vote == now.vote {
			now.termSeq = before.termSeq
		}
	}
	if replaced(&s.log, w) {
		// By a snapshot: what it holds was applied elsewhere, entry by entry.
		s.log, s.appliedKnown = logTerms{last: w.GetLastIndex(), known: true}, false
		now.logSeq = j.seq
	}
	if s.appliedKnown {
		now.applied = s.applied
	}
	if len(w.GetEntries()) > 0 {
		j.appended(p, w)
		now.logSeq = j.seq
	}
	s.log.known = true
	now.log, s.handed = s.log, now
}

// appended takes the entries of a write into the log, one by one.
func (j *Judges) appended(p *peer, w *sessionpb.PeerWrite) {
	s := &p.state
	if w.GetFirstIndex() <= s.log.last {
		j.cases[caseTailCut]++
	}
	s.log.cut(w.GetFirstIndex())
	if w.GetFirstIndex() <= s.membersChange.index {
		s.membersChange = membersChange{}
	}
	for _, e := range w.GetEntries() {
		before, known := s.log.term(e.GetIndex() - 1)
		j.entry(p, e, before, known)
		takesOffice := e.GetTerm() != before && p.region.leaders[e.GetTerm()].storeID == p.storeID
		s.log.push(e.GetTerm())
		j.oneChange(p, e)
		if takesOffice {
			j.completeness(p, e.GetTerm())
		}
	}
}

// replaced tells whether a write puts the log where its entries alone do not lead.
func replaced(log *logTerms, w *sessionpb.PeerWrite) bool {
	if len(w.GetEntries()) == 0 {
		return w.GetLastIndex() != log.last
	}
	return w.GetFirstIndex() > log.last+1
}

// entry holds an entry of a log against the same index and term on every other store. That the entries before are the
// same follows, by induction over the terms before (Raft dissertation, section 3.5).
func (j *Judges) entry(p *peer, e *sessionpb.LogEntry, before uint64, beforeKnown bool) {
	slot := p.region.slot(e.GetIndex())
	if slot == nil {
		return
	}
	known := slot.entry(e.GetTerm())
	if known == nil {
		slot.add(entry{
			seq: j.seq, storeID: p.storeID, term: e.GetTerm(), digest: e.GetDigest(), before: before, beforeKnown: beforeKnown,
		})
		j.learned(p.region, factEntry, e.GetIndex())
		if p.region.trim(j.indexesMax) {
			j.floor = j.seq
		}
		return
	}
	if known.storeID != p.storeID {
		j.cases[caseEntryOnTwo]++
	}
	otherEntry := known.digest != e.GetDigest()
	if !otherEntry && (!known.beforeKnown || !beforeKnown || known.before == before) {
		return
	}
	there, here := sides(known.storeID, p.storeID)
	what := fmt.Sprintf("entry %d of term %d follows an entry of term %d on %s and of term %d on %s",
		e.GetIndex(), e.GetTerm(), known.before, there, before, here)
	if otherEntry {
		what = fmt.Sprintf("entry %d of term %d is one thing on %s and another on %s", e.GetIndex(), e.GetTerm(), there, here)
	}
	j.violate(&sessionpb.Violation{
		Judge: judgeLogMatching, Message: what, RegionId: p.region.id, StoreIds: []uint64{known.storeID, p.storeID},
		Term: e.GetTerm(), Index: e.GetIndex(), EvidenceSeqs: []uint64{known.seq},
	})
}

// completeness looks at a log as its leader begins to write in its own term: it holds the newest entry that any store applied
// while it was in an earlier term, and so, by log matching, all before it (Raft dissertation, section 3.6.3). When an entry of
// an earlier term was committed is not known, but by then it was.
// The log as handed to the disk is looked at, not the leader's at its election: that may still be in memory.
func (j *Judges) completeness(p *peer, term uint64) {
	r := p.region
	for i := len(r.slots) - 1; i >= 0; i-- {
		done := &r.slots[i].applied
		if done.seq == 0 || done.during == 0 || done.during >= term {
			continue
		}
		j.cases[caseLeaderAfterApplied]++
		index := r.base + uint64(i)
		have, known := p.state.log.term(index)
		missing := index > p.state.log.last
		if missing || known && have != done.term {
			j.violate(&sessionpb.Violation{
				Judge: judgeLeaderCompleteness,
				Message: fmt.Sprintf("S%d leads term %d without entry %d of term %d, which S%d has applied",
					p.storeID, term, index, done.term, done.storeID),
				RegionId: r.id, StoreIds: []uint64{done.storeID, p.storeID}, Term: term, Index: index,
				EvidenceSeqs: []uint64{done.seq, r.leaders[term].seq},
			})
		}
		return
	}
}

package check

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What the judges know of a store's peers as these come, change and go.

// created takes a peer as it comes into being, with nothing on the disk. Nothing that an earlier peer of the region did
// binds it, unless it is the same one, which waited for a snapshot until the split came that makes it: then its term and
// vote stand.
func (j *Judges) created(storeID uint64, state *sessionpb.PeerState) {
	p := j.peer(storeID, state.GetRegion().GetId())
	before := p.state
	if before.peerID == state.GetPeerId() {
		j.termsStand(p, state)
	}
	s := j.change(p)
	*s = peerState{
		peerID: state.GetPeerId(), termSeq: j.seq, commitSeq: j.seq, appliedSeq: j.seq,
		downSeq: before.downSeq, wiped: before.wiped,
	}.empty(j.seq)
	if before.peerID == state.GetPeerId() && before.durable != nil {
		// Its term and vote are on the disk; a crash before the split is synced leaves the peer that waited with them.
		kept := *s.durable
		kept.termSeq, kept.term, kept.vote = before.durable.termSeq, before.durable.term, before.durable.vote
		s.handed, s.written, s.durable = &kept, &kept, &kept
	}
	j.take(p, state, nil)
	j.apart(p)
}

// restored takes a snapshot in place of what the peer had: what it holds was applied elsewhere, entry by entry.
func (j *Judges) restored(storeID uint64, state *sessionpb.PeerState) {
	p := j.peer(storeID, state.GetRegion().GetId())
	before := p.state
	j.termsStand(p, state)
	if state.GetCommit() < before.commit {
		j.wentBack(p, "commit", before.commit, state.GetCommit(), before.commitSeq)
	}
	s := j.change(p)
	s.peerID, s.termSeq, s.commitSeq, s.appliedSeq = state.GetPeerId(), j.seq, j.seq, j.seq
	j.take(p, state, before.shape)
	j.apart(p)
}

// changed takes a region whose members or range an entry changed.
func (j *Judges) changed(storeID uint64, c *sessionpb.RegionChanged) {
	p := j.peer(storeID, c.GetRegion().GetId())
	j.shaped(p, c.GetRegion(), p.state.shape)
	j.apart(p)
}

// destroyed forgets all of a peer but what binds itself, should it come again; see created. What it had on its disk counts
// until nobody counts on it any more: who removed it may be behind.
func (j *Judges) destroyed(storeID uint64, d *sessionpb.PeerDestroyed) {
	s := j.change(j.peer(storeID, d.GetRegionId()))
	*s = peerState{
		peerID: d.GetPeerId(), term: s.term, vote: s.vote, termSeq: s.termSeq, gone: true,
		durable: s.durable, syncedSeq: s.syncedSeq,
	}
}

// compacted watches that a peer drops no entry that it has not applied.
func (j *Judges) compacted(storeID uint64, c *sessionpb.LogCompacted) {
	p := j.peer(storeID, c.GetRegionId())
	if !p.state.appliedKnown || c.GetFirstIndex() <= p.state.applied+1 {
		return
	}
	j.violate(&sessionpb.Violation{
		Judge: judgeStateMachine,
		Message: fmt.Sprintf("S%d drops the entries before %d of region %d and has applied %d",
			storeID, c.GetFirstIndex(), p.region.id, p.state.applied),
		RegionId: p.region.id, StoreIds: []uint64{storeID}, Index: c.GetFirstIndex(),
		EvidenceSeqs: []uint64{p.state.appliedSeq},
	})
}

// termsStand holds a peer's term and vote against what it had in memory.
func (j *Judges) termsStand(p *peer, state *sessionpb.PeerState) {
	before := &p.state
	if state.GetTerm() < before.term {
		j.wentBack(p, "term", before.term, state.GetTerm(), before.termSeq)
	}
	if state.GetTerm() == before.term && before.vote != 0 && state.GetVote() != before.vote {
		j.votedTwice(p, state.GetTerm(), before.vote, state.GetVote(), before.termSeq)
	}
}

// take takes over a peer's state and log as they stand, and its region if it knows it; before is the shape that it must not
// fall behind.
func (j *Judges) take(p *peer, state *sessionpb.PeerState, before *shape) {
	s := j.change(p)
	s.term, s.vote, s.commit = state.GetTerm(), state.GetVote(), state.GetCommit()
	s.applied, s.appliedKnown = state.GetApplied(), true
	s.log = logOf(state)
	for _, e := range state.GetEntries() {
		before, known := s.log.term(e.GetIndex() - 1)
		j.entry(p, e, before, known)
	}
	j.known(p.region, state.GetCommit())
	if s.shape = nil; !state.GetUninitialized() && state.GetRegion().GetRegionEpoch() != nil {
		j.shaped(p, state.GetRegion(), before)
	}
}

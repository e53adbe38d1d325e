package check

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What the judges know of a store's peers as these come, change and go.

// started takes a store as it comes up: it remembers what it had synced, and nothing else is demanded of it. Peers it does
// not have any more were created or destroyed around its end.
func (j *Judges) started(store *sessionpb.StoreState) {
	up := map[uint64]bool{}
	for _, state := range store.GetPeers() {
		up[state.GetRegion().GetId()] = true
	}
	for _, p := range j.stores[store.GetId()] {
		if !up[p.region.id] && p.state != (peerState{}) {
			*j.change(p) = peerState{}
		}
	}
	for _, state := range store.GetPeers() {
		p := j.peer(store.GetId(), state.GetRegion().GetId())
		before := p.state
		now := &hardState{seq: j.seq, term: state.GetTerm(), vote: state.GetVote(), commit: state.GetCommit()}
		if before.peerID != 0 && before.peerID != state.GetPeerId() {
			before = peerState{}
		}
		if before.durable != nil {
			j.compareHard(p, before.durable, now)
		}
		*j.change(p) = peerState{peerID: state.GetPeerId(), handed: now, written: now, durable: now}
		j.take(p, state, before.shapeDurable)
		s := j.change(p)
		s.shapeHanded, s.shapeWritten, s.shapeDurable = s.shape, s.shape, s.shape
	}
	for _, state := range store.GetPeers() {
		j.apart(j.peer(store.GetId(), state.GetRegion().GetId()))
	}
}

// created takes a peer as it comes into being. Nothing that an earlier peer of the region did binds it, unless it is the
// same one, which waited for a snapshot until the split came that makes it: then its term and vote stand.
func (j *Judges) created(storeID uint64, state *sessionpb.PeerState) {
	p := j.peer(storeID, state.GetRegion().GetId())
	if p.state.peerID == state.GetPeerId() {
		j.termsStand(p, state)
	}
	*j.change(p) = peerState{peerID: state.GetPeerId()}
	j.take(p, state, nil)
	j.apart(p)
}

// restored takes a snapshot in place of what the peer had: what it holds was applied elsewhere, entry by entry.
func (j *Judges) restored(storeID uint64, state *sessionpb.PeerState) {
	p := j.peer(storeID, state.GetRegion().GetId())
	before := p.state
	j.termsStand(p, state)
	if state.GetCommit() < before.commit {
		j.wentBack(p, "commit", before.commit, state.GetCommit(), 0)
	}
	j.change(p).peerID = state.GetPeerId()
	j.take(p, state, before.shape)
	j.apart(p)
}

// changed takes a region whose members or range an entry changed.
func (j *Judges) changed(storeID uint64, c *sessionpb.RegionChanged) {
	p := j.peer(storeID, c.GetRegion().GetId())
	j.shaped(p, c.GetRegion(), p.state.shape)
	j.apart(p)
}

// destroyed forgets all of a peer but what binds itself, should it come again; see created.
func (j *Judges) destroyed(storeID uint64, d *sessionpb.PeerDestroyed) {
	s := j.change(j.peer(storeID, d.GetRegionId()))
	*s = peerState{peerID: d.GetPeerId(), term: s.term, vote: s.vote}
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
	})
}

// termsStand holds a peer's term and vote against what it had in memory.
func (j *Judges) termsStand(p *peer, state *sessionpb.PeerState) {
	before := &p.state
	if state.GetTerm() < before.term {
		j.wentBack(p, "term", before.term, state.GetTerm(), 0)
	}
	if state.GetTerm() == before.term && before.vote != 0 && state.GetVote() != before.vote {
		j.votedTwice(p, state.GetTerm(), before.vote, state.GetVote(), 0)
	}
}

// take takes over a peer's state and log as they stand, and its region if it knows it; before is the shape that it must not
// fall behind.
func (j *Judges) take(p *peer, state *sessionpb.PeerState, before *shape) {
	s := j.change(p)
	s.term, s.vote, s.commit = state.GetTerm(), state.GetVote(), state.GetCommit()
	s.applied, s.appliedKnown = state.GetApplied(), true
	s.log = logTerms{last: state.GetLastIndex()}
	if entries := state.GetEntries(); len(entries) > 0 {
		s.log.cut(entries[0].GetIndex())
		for _, e := range entries {
			before, known := s.log.term(e.GetIndex() - 1)
			j.entry(p, e, before, known)
			s.log.push(e.GetTerm())
		}
	}
	if s.shape = nil; !state.GetUninitialized() && state.GetRegion().GetRegionEpoch() != nil {
		j.shaped(p, state.GetRegion(), before)
	}
}

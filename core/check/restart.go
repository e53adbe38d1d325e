package check

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What the judges know of a store's peers across its end: what was synced is there when it comes back.

const judgeDurability = "durability"

// started takes a store as it comes up: it remembers what it had synced, and nothing else is demanded of it; of a wiped one
// nothing at all.
func (j *Judges) started(store *sessionpb.StoreState, wiped bool) {
	up := map[uint64]bool{}
	for _, state := range store.GetPeers() {
		up[state.GetRegion().GetId()] = true
	}
	for _, p := range j.stores[store.GetId()] {
		if !up[p.region.id] {
			j.absent(p, wiped)
		}
	}
	for _, state := range store.GetPeers() {
		p := j.peer(store.GetId(), state.GetRegion().GetId())
		before := p.state
		if wiped || before.gone || before.peerID != 0 && before.peerID != state.GetPeerId() {
			before = peerState{}
		}
		now := j.onDisk(p, state, before)
		*j.change(p) = peerState{peerID: state.GetPeerId(), termSeq: j.seq, commitSeq: j.seq, appliedSeq: j.seq, downSeq: before.downSeq}
		j.take(p, state, before.durable.shapeOrNil())
		s := j.change(p)
		now.shape = s.shape
		s.handed, s.written, s.durable, s.syncedSeq = now, now, now, j.seq
		if before.stopped {
			// What is there may not have been synced.
			s.durable, s.syncedSeq = before.durable, before.syncedSeq
		}
	}
	for _, state := range store.GetPeers() {
		j.apart(j.peer(store.GetId(), state.GetRegion().GetId()))
	}
	for _, p := range j.stores[store.GetId()] {
		j.stillCommitted(p)
	}
}

// absent takes that a store has come up without a peer. One that was on its disk does not go without a word, unless the
// disk was wiped; others were created or destroyed around the store's end.
func (j *Judges) absent(p *peer, wiped bool) {
	s := p.state
	switch {
	case s.gone || s == (peerState{}):
	case wiped:
		*j.change(p) = peerState{peerID: s.peerID, downSeq: j.seq, wiped: true}.empty(j.seq)
	case s.durable != nil && s.durable.log.last > 0:
		j.forgot(p, &s, 1, s.durable.log.last)
		*j.change(p) = peerState{peerID: s.peerID, downSeq: s.downSeq}.empty(j.seq)
	default:
		*j.change(p) = peerState{}
	}
}

// empty is a peer of which nothing is on the disk.
func (s peerState) empty(seq uint64) peerState {
	nothing := &stored{termSeq: seq, log: logTerms{known: true}}
	s.handed, s.written, s.durable, s.syncedSeq = nothing, nothing, nothing, seq
	return s
}

// crashed takes a store whose memory is gone. What its disk holds is what the event says, if it says.
func (j *Judges) crashed(storeID uint64, store *sessionpb.StoreState) {
	for _, p := range j.stores[storeID] {
		if p.state != (peerState{}) {
			s := j.change(p)
			s.downSeq, s.leads = j.seq, false
		}
	}
	for _, state := range store.GetPeers() {
		p := j.peer(storeID, state.GetRegion().GetId())
		if p.state.gone || p.state.peerID != state.GetPeerId() {
			continue
		}
		now := j.onDisk(p, state, p.state)
		if before := p.state.durable; before != nil {
			now.shape = before.shape
		}
		s := j.change(p)
		s.handed, s.written, s.durable = now, now, now
	}
	for _, p := range j.stores[storeID] {
		j.stillCommitted(p)
	}
}

// stopped takes a store that gave up: what it had written may or may not be there when it comes back.
func (j *Judges) stopped(storeID uint64) {
	for _, p := range j.stores[storeID] {
		if p.state != (peerState{}) {
			s := j.change(p)
			s.downSeq, s.leads, s.stopped = j.seq, false, true
		}
	}
}

// onDisk returns what a peer's disk holds after its store's end, held against what it held before.
func (j *Judges) onDisk(p *peer, state *sessionpb.PeerState, before peerState) *stored {
	now := &stored{
		termSeq: j.seq, term: state.GetTerm(), vote: state.GetVote(), commit: state.GetCommit(), applied: state.GetApplied(),
		logSeq: j.seq, log: logOf(state),
	}
	if before.appliedKnown && now.applied > before.applied {
		j.violate(&sessionpb.Violation{
			Judge: judgeStateMachine,
			Message: fmt.Sprintf("S%d comes back with the entries of region %d applied up to %d, and had applied them up to %d",
				p.storeID, p.region.id, now.applied, before.applied),
			RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Index: now.applied,
			EvidenceSeqs: []uint64{before.appliedSeq, before.downSeq},
		})
	}
	durable := before.durable
	if durable == nil {
		return now
	}
	j.cases[caseRestartCompared]++
	if durable.vote != 0 {
		j.cases[caseRestartWithVote]++
	}
	j.compareHard(p, durable, now, before.syncedSeq, before.downSeq)
	if now.applied < durable.applied {
		j.wentBack(p, "applied index", durable.applied, now.applied, before.syncedSeq, before.downSeq)
	}
	if durable.log.known && durable.log.last > 0 {
		j.cases[caseLogCompared]++
	}
	// What a write that was under way replaced may be the old or the new.
	surely := durable.log.last
	for _, later := range []*stored{before.written, before.handed} {
		if later != nil && later.log.known {
			surely = min(surely, durable.log.shared(&later.log))
		}
	}
	if kept := durable.log.shared(&now.log); durable.log.known && kept < surely {
		j.forgot(p, &before, kept+1, surely)
	}
	return now
}

// forgot: a synced entry is there after every crash.
func (j *Judges) forgot(p *peer, before *peerState, first, last uint64) {
	entries := fmt.Sprintf("entry %d", first)
	if last > first {
		entries = fmt.Sprintf("entries %d to %d", first, last)
	}
	term, _ := before.durable.log.term(first)
	j.violate(&sessionpb.Violation{
		Judge:    judgeDurability,
		Message:  fmt.Sprintf("S%d has forgotten %s of region %d, which it had synced", p.storeID, entries, p.region.id),
		RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Term: term, Index: first,
		EvidenceSeqs: []uint64{before.durable.logSeq, before.syncedSeq, before.downSeq},
	})
}

func (s *stored) shapeOrNil() *shape {
	if s == nil {
		return nil
	}
	return s.shape
}

package check

import (
	"fmt"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const judgeDurableCommit = "durable commit"

// commitMark is the newest entry of a region known to be committed, as it was when that came to be known. It is never
// written again.
type commitMark struct {
	seq, storeID uint64
	index, term  uint64 // a term of 0 is not known
	// members are the region as the committing store had applied it; nil when nothing was judged, or was found wanting.
	members *metapb.Region
}

// known takes that a region's entries up to an index are committed, without judging it.
func (j *Judges) known(r *region, index uint64) {
	if r.commit == nil || r.commit.index < index {
		j.marked(r, &commitMark{seq: j.seq, index: index})
	}
}

func (j *Judges) marked(r *region, mark *commitMark) {
	j.factUndos.add(factUndo{seq: j.seq, region: r, fact: factCommit, commit: r.commit})
	r.commit = mark
}

// rises watches a region's commit as it first comes to an index: the entry there, and so, by log matching, every entry
// before it, is on the disks of a quorum of the voters, as the committing store has applied them; of both halves of a joint
// configuration (Raft dissertation, sections 3.5 and 4.3). Later it need not be: a change of members makes another quorum.
func (j *Judges) rises(p *peer, index uint64) {
	r := p.region
	if r.commit != nil && index <= r.commit.index {
		return
	}
	mark := &commitMark{seq: j.seq, storeID: p.storeID, index: index}
	mark.term, _ = p.state.log.term(index)
	if p.state.shape != nil {
		mark.members = p.state.shape.region
	}
	j.judgeCommit(r, mark)
	j.marked(r, mark)
}

// stillCommitted watches that a store's end takes no committed entry from a quorum. It knows only of the last one, and only
// while the members are those whose quorum committed it.
func (j *Judges) stillCommitted(p *peer) {
	r := p.region
	if r.commit == nil || r.commit.members == nil || !p.state.durable.lacks(r.commit) {
		return
	}
	for _, other := range r.peers {
		if s := other.state.shape; s != nil && s.region.GetRegionEpoch().GetConfVer() != r.commit.members.GetRegionEpoch().GetConfVer() {
			return
		}
	}
	mark := *r.commit
	if j.judgeCommit(r, &mark); mark.members == nil {
		j.marked(r, &mark)
	}
}

func (s *stored) lacks(mark *commitMark) bool { return s != nil && s.log.lacks(mark.index, mark.term) }

// judgeCommit holds a mark against the disks as they are. A mark that was found wanting loses its members, so that it is
// said once.
func (j *Judges) judgeCommit(r *region, mark *commitMark) {
	if mark.members == nil {
		return
	}
	for _, half := range halves(mark.members) {
		var lack []*peer
		var voters, without []uint64
		for _, member := range half {
			voters = append(voters, member.GetStoreId())
			p, lacks := j.lacks(r, member, mark)
			if !lacks {
				continue
			}
			without = append(without, member.GetStoreId())
			if p != nil {
				lack = append(lack, p)
			}
		}
		if len(without) > 0 {
			j.cases[caseQuorumWithoutOne]++
		}
		if len(half) == 0 || len(half)-len(without) > len(half)/2 {
			continue
		}
		j.violate(lostCommit(r, mark, voters, without, lack))
		mark.members = nil
		return
	}
}

// halves are the voters of a region: of a joint configuration the new ones and the old ones.
func halves(region *metapb.Region) (halves [2][]*metapb.Peer) {
	for _, member := range region.GetPeers() {
		switch member.GetRole() {
		case metapb.PeerRole_PEER_ROLE_VOTER:
			halves[0] = append(halves[0], member)
			if region.GetJoint() {
				halves[1] = append(halves[1], member)
			}
		case metapb.PeerRole_PEER_ROLE_INCOMING_VOTER:
			halves[0] = append(halves[0], member)
		case metapb.PeerRole_PEER_ROLE_DEMOTING_VOTER, metapb.PeerRole_PEER_ROLE_LEAVING_VOTER:
			halves[1] = append(halves[1], member)
		}
	}
	return halves
}

// lacks tells whether a member surely has a committed entry not on its disk, and returns its peer, unless there is none. A
// peer that another one has replaced is in doubt; and without the run's beginning, so is everybody who was not seen.
func (j *Judges) lacks(r *region, member *metapb.Peer, mark *commitMark) (p *peer, lacks bool) {
	for _, p := range r.peers {
		if p.storeID != member.GetStoreId() {
			continue
		}
		switch s := &p.state; {
		case s.peerID == member.GetId():
			return p, s.durable.lacks(mark)
		case s.peerID > member.GetId():
			return p, false
		}
	}
	return nil, j.begun != 0
}

func lostCommit(r *region, mark *commitMark, voters, without []uint64, lack []*peer) *sessionpb.Violation {
	entry := fmt.Sprintf("entry %d", mark.index)
	if mark.term != 0 {
		entry += fmt.Sprintf(" of term %d", mark.term)
	}
	v := &sessionpb.Violation{
		Judge: judgeDurableCommit,
		Message: fmt.Sprintf("%s of region %d, which S%d has committed, is not on the disks of a quorum of %s: it is missing on %s",
			entry, r.id, mark.storeID, storeNames(voters), storeNames(without)),
		RegionId: r.id, StoreIds: without, Term: mark.term, Index: mark.index, EvidenceSeqs: []uint64{mark.seq},
	}
	var wiped, early []uint64
	for _, p := range lack {
		s := &p.state
		if s.handed != nil && !s.handed.log.lacks(mark.index, mark.term) {
			v.EvidenceSeqs = append(v.EvidenceSeqs, s.handed.logSeq)
		}
		v.EvidenceSeqs = append(v.EvidenceSeqs, s.downSeq)
		if s.wiped {
			wiped = append(wiped, p.storeID)
		}
		if s.earlyIndex >= mark.index {
			v.EvidenceSeqs = append(v.EvidenceSeqs, s.earlySeq)
			early = append(early, p.storeID)
		}
	}
	if len(wiped) > 0 {
		v.Message += fmt.Sprintf("; wiped: %s", storeNames(wiped))
	}
	if len(early) > 0 {
		v.Message += fmt.Sprintf("; acknowledged before it was synced: by %s", storeNames(early))
	}
	return v
}

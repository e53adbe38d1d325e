package check

import (
	"bytes"
	"fmt"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// effect is FNV-1a of what an entry did to keys: stores that hold the same do the same by it.
func effect(a *sessionpb.Applied) uint64 {
	h := uint64(14695981039346656037)
	add := func(bytes []byte) {
		for _, b := range bytes {
			h = (h ^ uint64(b)) * 1099511628211
		}
		h = (h ^ uint64(len(bytes))) * 1099511628211
	}
	for _, change := range a.GetChanges() {
		add(change.GetKey())
		if !change.GetDeleted() {
			add(change.GetValue())
		}
	}
	return h
}

const judgeOneChange = "one change at a time"

// inPlace: an entry changes no key outside its region, as the region is when the entry is applied.
func (j *Judges) inPlace(p *peer, a *sessionpb.Applied) {
	s := p.state.shape
	if s == nil {
		return
	}
	for _, change := range a.GetChanges() {
		if holds(s.region, change.GetKey()) {
			continue
		}
		j.violate(&sessionpb.Violation{
			Judge: judgeRegionShape,
			Message: fmt.Sprintf("entry %d of region %d changes key %q on S%d, where the region is [%q, %q)",
				a.GetIndex(), p.region.id, change.GetKey(), p.storeID, s.region.GetStartKey(), s.region.GetEndKey()),
			RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Term: a.GetTerm(), Index: a.GetIndex(), EvidenceSeqs: []uint64{s.seq},
		})
	}
}

func holds(region *metapb.Region, key []byte) bool {
	return bytes.Compare(key, region.GetStartKey()) >= 0 &&
		(len(region.GetEndKey()) == 0 || bytes.Compare(key, region.GetEndKey()) < 0)
}

// oneChange: a leader begins no change of members before it has applied the one before (Raft dissertation, 4.1).
func (j *Judges) oneChange(p *peer, e *sessionpb.LogEntry) {
	s := &p.state
	if e.GetType() != sessionpb.EntryType_ENTRY_TYPE_CONF_CHANGE {
		return
	}
	before := s.membersChange
	s.membersChange = membersChange{index: e.GetIndex(), seq: j.seq}
	if before.index == 0 || !s.appliedKnown || p.region.leaders[e.GetTerm()].storeID != p.storeID {
		return
	}
	j.cases[caseChangeAfterChange]++
	if before.index <= s.applied {
		return
	}
	j.violate(&sessionpb.Violation{
		Judge: judgeOneChange,
		Message: fmt.Sprintf("S%d begins with entry %d another change of the members of region %d, and has not applied that of entry %d",
			p.storeID, e.GetIndex(), p.region.id, before.index),
		RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Term: e.GetTerm(), Index: e.GetIndex(), EvidenceSeqs: []uint64{before.seq},
	})
}

// membersChange is the last entry of a log, as far as it was seen to be written, that changes the members. An index of 0
// means none.
type membersChange struct{ index, seq uint64 }

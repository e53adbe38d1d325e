package check

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const judgeRegionShape = "region shape"

// shape is a region as a store has it: its epoch, range and members.
type shape struct {
	seq    uint64
	region *metapb.Region
}

// shapeFact is a shape as it was first seen.
type shapeFact struct {
	seq, storeID uint64
	region       *metapb.Region
}

// membersEpoch is what a region's members belong to.
type membersEpoch struct{ confVer, version uint64 }

// shaped takes a peer's region as it is now; before is what it must not fall behind, or nil. An uninitialised peer has no
// shape.
func (j *Judges) shaped(p *peer, region *metapb.Region, before *shape) {
	now := &shape{seq: j.seq, region: region}
	j.change(p).shape = now
	if before != nil && now.behind(before) {
		j.violate(&sessionpb.Violation{
			Judge:    judgeRegionShape,
			Message:  fmt.Sprintf("region %d on S%d goes back from %s to %s", p.region.id, p.storeID, before, now),
			RegionId: p.region.id, StoreIds: []uint64{p.storeID}, EvidenceSeqs: []uint64{before.seq},
		})
	}
	j.sameRange(p, now)
	j.sameMembers(p, now)
}

// behind tells whether either part of an epoch is older.
func (s *shape) behind(before *shape) bool {
	now, then := s.region.GetRegionEpoch(), before.region.GetRegionEpoch()
	return now.GetConfVer() < then.GetConfVer() || now.GetVersion() < then.GetVersion()
}

func (s *shape) String() string {
	return fmt.Sprintf("conf_ver %d, version %d", s.region.GetRegionEpoch().GetConfVer(), s.region.GetRegionEpoch().GetVersion())
}

// sameRange: a version of a region is one range of keys, on every store and for ever.
func (j *Judges) sameRange(p *peer, now *shape) {
	version := now.region.GetRegionEpoch().GetVersion()
	first, known := p.region.ranges[version]
	if !known {
		p.region.ranges[version] = shapeFact{seq: j.seq, storeID: p.storeID, region: now.region}
		j.learnedOf(p.region, factRange, version, 0)
		return
	}
	if first.storeID != p.storeID {
		j.cases[caseEpochAgain]++
	}
	if bytes.Equal(first.region.GetStartKey(), now.region.GetStartKey()) && bytes.Equal(first.region.GetEndKey(), now.region.GetEndKey()) {
		return
	}
	there, here := sides(first.storeID, p.storeID)
	j.violate(&sessionpb.Violation{
		Judge: judgeRegionShape,
		Message: fmt.Sprintf("region %d of version %d is [%q, %q) on %s and [%q, %q) on %s", p.region.id, version,
			first.region.GetStartKey(), first.region.GetEndKey(), there, now.region.GetStartKey(), now.region.GetEndKey(), here),
		RegionId: p.region.id, StoreIds: []uint64{first.storeID, p.storeID}, Index: version, EvidenceSeqs: []uint64{first.seq},
	})
}

// sameMembers: an epoch of a region has the same members on every store and for ever.
func (j *Judges) sameMembers(p *peer, now *shape) {
	epoch := membersEpoch{now.region.GetRegionEpoch().GetConfVer(), now.region.GetRegionEpoch().GetVersion()}
	first, known := p.region.members[epoch]
	if !known {
		p.region.members[epoch] = shapeFact{seq: j.seq, storeID: p.storeID, region: now.region}
		j.learnedOf(p.region, factMembers, epoch.confVer, epoch.version)
		return
	}
	if slices.EqualFunc(byID(first.region), byID(now.region), func(a, b *metapb.Peer) bool { return proto.Equal(a, b) }) {
		return
	}
	there, here := sides(first.storeID, p.storeID)
	j.violate(&sessionpb.Violation{
		Judge:    judgeRegionShape,
		Message:  fmt.Sprintf("region %d of %s has some members on %s and others on %s", p.region.id, now, there, here),
		RegionId: p.region.id, StoreIds: []uint64{first.storeID, p.storeID}, Index: epoch.confVer, EvidenceSeqs: []uint64{first.seq},
	})
}

func byID(region *metapb.Region) []*metapb.Peer {
	members := slices.Clone(region.GetPeers())
	slices.SortFunc(members, func(a, b *metapb.Peer) int { return cmp.Compare(a.GetId(), b.GetId()) })
	return members
}

// apart: no key belongs to two regions on one store.
func (j *Judges) apart(p *peer) {
	if p.state.shape == nil {
		return
	}
	for _, other := range j.stores[p.storeID] {
		if other == p || other.state.shape == nil {
			continue
		}
		if j.cases[caseNeighbours]++; !overlap(p.state.shape.region, other.state.shape.region) {
			continue
		}
		j.violate(&sessionpb.Violation{
			Judge:    judgeRegionShape,
			Message:  fmt.Sprintf("regions %d and %d overlap on S%d", other.region.id, p.region.id, p.storeID),
			RegionId: p.region.id, StoreIds: []uint64{p.storeID}, Index: other.region.id,
			EvidenceSeqs: []uint64{other.state.shape.seq},
		})
	}
}

func overlap(a, b *metapb.Region) bool {
	startsBefore := func(a, b *metapb.Region) bool {
		return len(b.GetEndKey()) == 0 || bytes.Compare(a.GetStartKey(), b.GetEndKey()) < 0
	}
	return startsBefore(a, b) && startsBefore(b, a)
}

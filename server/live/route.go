package live

import (
	"bytes"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// addressed fills in what a person leaves out of an administrative command: its region, the one that holds the key that it
// names or else the first, and the region's epoch, both in the newest shape that any store has shown. Whoever carries out
// other commands finds their regions by their keys. The request stays the caller's.
func addressed(request *raftcmdpb.RaftCommandRequest, stores []*sessionpb.StoreState) *raftcmdpb.RaftCommandRequest {
	if request.GetAdmin() == nil || request.GetHeader().GetRegionEpoch() != nil {
		return request
	}
	wanted := request.GetHeader().GetRegionId()
	var found *metapb.Region
	for _, s := range stores {
		for _, p := range s.GetPeers() {
			r := p.GetRegion()
			if p.GetUninitialized() || !names(r, wanted, request.GetAdmin().GetSplit().GetSplitKey()) {
				continue
			}
			if found == nil || newer(r.GetRegionEpoch(), found.GetRegionEpoch()) {
				found = r
			}
		}
	}
	if found == nil {
		return request
	}
	out, header := &raftcmdpb.RaftCommandRequest{}, &raftcmdpb.RequestHeader{}
	shallow(request, out)
	if request.GetHeader() != nil {
		shallow(request.GetHeader(), header)
	}
	header.RegionId, header.RegionEpoch = found.GetId(), found.GetRegionEpoch()
	out.Header = header
	return out
}

// names tells whether a command for a region, or without one for a key, may mean this shape of one.
func names(r *metapb.Region, wanted uint64, key []byte) bool {
	if wanted != 0 {
		return r.GetId() == wanted
	}
	return bytes.Compare(r.GetStartKey(), key) <= 0 && (len(r.GetEndKey()) == 0 || bytes.Compare(key, r.GetEndKey()) < 0)
}

func newer(a, b *metapb.RegionEpoch) bool {
	if a.GetVersion() != b.GetVersion() {
		return a.GetVersion() > b.GetVersion()
	}
	return a.GetConfVer() > b.GetConfVer()
}

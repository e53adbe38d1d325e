package store

import (
	"bytes"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// A new region's log begins behind one entry that nobody has: what the split left. So whoever joins the region later gets
// a snapshot, and cannot mistake an empty log for the region's beginning (TiKV's RAFT_INIT_LOG_INDEX).
const splitIndex, splitTerm = 1, 1

// checkSplitKey says why a region cannot be split at a key, or nil.
func checkSplitKey(region *metapb.Region, key []byte) *response {
	if bytes.Compare(key, region.GetStartKey()) <= 0 || !inRegion(key, region) {
		return splitKeyRefused(key, region)
	}
	if region.GetJoint() {
		return confChangePending(region, true)
	}
	return nil
}

// checkSplit says why a region cannot be split so, or nil.
func checkSplit(region *metapb.Region, split *raftcmdpb.SplitRequest) *response {
	if refusal := checkSplitKey(region, split.GetSplitKey()); refusal != nil {
		return refusal
	}
	if split.GetNewRegionId() == 0 || len(split.GetNewPeerIds()) != len(region.GetPeers()) {
		return invalid(fmt.Errorf("a split of region %d needs an id for the new region and one for each of its %d peers",
			region.GetId(), len(region.GetPeers())))
	}
	if split.GetNewRegionId() == region.GetId() {
		return invalid(fmt.Errorf("region %d has the id %d already", region.GetId(), region.GetId()))
	}
	for i, id := range split.GetNewPeerIds() {
		if !usableID(id) || slices.Contains(split.GetNewPeerIds()[:i], id) || namedMember(region, &metapb.Peer{Id: id}) != nil {
			return invalid(fmt.Errorf("peer id %d cannot be given to a new peer", id))
		}
	}
	return nil
}

func (p *peer) proposeSplit(req *raftcmdpb.RaftCommandRequest, callback Callback) *response {
	split := req.GetAdmin().GetSplit()
	if split.GetNewRegionId() == 0 && len(split.GetNewPeerIds()) == 0 && p.s.cfg.NewID != nil {
		// Only a split that can be made gets ids.
		if refusal := checkSplitKey(p.region, split.GetSplitKey()); refusal != nil {
			return refusal
		}
		req = proto.Clone(req).(*raftcmdpb.RaftCommandRequest)
		split = req.GetAdmin().GetSplit()
		split.NewRegionId = p.s.cfg.NewID(RegionID)
		for range p.region.GetPeers() {
			split.NewPeerIds = append(split.NewPeerIds, p.s.cfg.NewID(PeerID))
		}
	}
	if refusal := checkSplit(p.region, split); refusal != nil {
		return refusal
	}
	grave, err := p.s.tombstone(split.GetNewRegionId())
	p.must(nil, false, err)
	if there := p.s.peers[split.GetNewRegionId()]; grave != nil || there != nil {
		return invalid(fmt.Errorf("there is a region %d already, or was", split.GetNewRegionId()))
	}
	return p.appendCommand(req, callback)
}

// applySplit makes two regions of one. The left half keeps the id and its log; the right one begins with its data, its
// clients and an empty log, in the same batch (TiKV, apply.rs exec_split and store/fsm/peer.rs on_ready_split_region).
func (p *peer) applySplit(req *raftcmdpb.RaftCommandRequest, e *raftpb.Entry, ready *Ready) *response {
	if answer := p.s.staleShape(req, p.region); answer != nil {
		return answer
	}
	split := req.GetAdmin().GetSplit()
	if refusal := checkSplit(p.region, split); refusal != nil {
		return refusal
	}
	before := p.region
	left, right := splitRegion(before, split)
	if p.s.cfg.Bugs.Has(BugSplitKeepsVersion) {
		left.RegionEpoch.Version, right.RegionEpoch.Version = before.RegionEpoch.Version, before.RegionEpoch.Version
	}
	p.region = left
	p.size.due = true
	p.putRegion(ready.Batch, raftserverpb.PeerState_PEER_STATE_NORMAL)
	if o := p.s.cfg.Observer; o != nil {
		o.RegionChanged(RegionChanged{Region: left, Before: before, Split: true, Index: e.GetIndex()})
	}
	p.makeRight(right, ready)
	return p.administered(e, &raftcmdpb.AdminResponse{Response: &raftcmdpb.AdminResponse_Split{
		Split: &raftcmdpb.SplitResponse{Left: left, Right: right}}})
}

func splitRegion(region *metapb.Region, split *raftcmdpb.SplitRequest) (left, right *metapb.Region) {
	left = proto.Clone(region).(*metapb.Region)
	left.RegionEpoch.Version++
	right = proto.Clone(left).(*metapb.Region)
	left.EndKey = split.GetSplitKey()
	right.Id, right.StartKey = split.GetNewRegionId(), split.GetSplitKey()
	for i, id := range split.GetNewPeerIds() {
		right.Peers[i].Id = id
	}
	return left, right
}

// makeRight makes this store's peer of a split's right half; unless the cluster has moved on and it was removed, or
// replaced, before this store came to the split.
func (p *peer) makeRight(right *metapb.Region, ready *Ready) {
	s, batch := p.s, ready.Batch
	id := memberOn(right, s.cfg.StoreID).GetId()
	grave, err := s.tombstone(right.GetId())
	p.must(nil, false, err)
	waiting := s.peers[right.GetId()]
	// Its first peer on this store is this one: whoever else was here, or is, came later.
	if grave != nil || waiting != nil && (waiting.initialized || waiting.id != id) {
		from, to := dataBounds(right.GetStartKey(), right.GetEndKey())
		p.clear(batch, from, to)
		return
	}
	hard := &raftserverpb.RaftLocalState{Term: splitTerm, Commit: splitIndex, LastIndex: splitIndex}
	if waiting != nil {
		// It may have voted already, and must not vote again.
		if waiting.id == id && !s.cfg.Bugs.Has(BugSplitForgetsHardState) {
			hard.Term, hard.Vote = max(hard.Term, *waiting.inside.term), *waiting.inside.vote
			// What it has answered still goes: the batch holds what that promises.
			if !waiting.out && waiting.rn.HasReady() {
				waiting.send(waiting.rn.Ready().Messages, ready)
				ready.MustSync = true
			}
		}
		s.drop(waiting)
		waiting.wipe(batch, waiting.region)
		if s.cfg.Observer != nil {
			s.cfg.Observer.PeerDestroyed(right.GetId(), waiting.id, "the split that makes it has come")
		}
	}
	put := func(key, value []byte) {
		s.overlay.Put(key, value)
		batch.Put(key, value)
	}
	regionID := right.GetId()
	state := normalState(right, id)
	put(regionKey(regionID), encode(state))
	put(raftKey(regionID, raftSuffix), encodeRaftState(hard))
	apply := applyStateOf(confStateOf(right), splitIndex, splitTerm)
	apply.ClientFloor = p.clients.floor
	put(raftKey(regionID, applySuffix), encode(apply))
	p.clients.records.Scan(func(client uint64, record *raftserverpb.ClientRecord) bool {
		put(clientKey(regionID, client), encode(record))
		return true
	})
	child, err := openPeer(s, state)
	if err != nil {
		panic(fmt.Sprintf("region %d: the peer that a split made does not open: %v", regionID, err))
	}
	s.add(child)
	child.touched()
	ready.Writes = append(ready.Writes, PeerWrite{
		RegionID: regionID, Term: hard.Term, Vote: hard.Vote, Commit: hard.Commit, LastIndex: hard.LastIndex})
	if s.cfg.Observer != nil {
		s.cfg.Observer.PeerCreated(PeerCreated{RegionID: regionID, PeerID: id, Parent: p.region.GetId()})
	}
	if p.state == stateLeader && !child.isLearner() {
		// Whoever led the whole is the likeliest to lead both halves soon.
		_ = child.rn.Campaign()
		child.touched()
	}
}

// size is about how much a region holds.
type size struct {
	bytes uint64 // as of the last look at the whole region
	added uint64 // by writes since then
	due   bool   // look again
	split bool   // a split by size was proposed and is not answered
}

// checkSize has a leader look whether its region outgrew RegionBytesMax, after so many bytes were written that it may
// have, and split it near the middle.
func (p *peer) checkSize() {
	limit := p.s.cfg.RegionBytesMax
	if limit == 0 || p.s.cfg.NewID == nil || p.state != stateLeader || p.size.split || p.region.GetJoint() {
		return
	}
	if !p.size.due && p.size.bytes+p.size.added <= limit {
		return
	}
	p.measure()
	if p.size.bytes <= limit {
		return
	}
	key := p.middleKey()
	if key == nil {
		return // one pair is all of it
	}
	p.size.split = true
	req := &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: p.region.GetId(), RegionEpoch: p.region.GetRegionEpoch()},
		Admin:  &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{SplitKey: key}}},
	}
	done := func(*response) { p.size.split = false }
	if p.proposeAdmin(req, done) != nil {
		p.size.split = false
	}
}

// measure looks at the whole region.
func (p *peer) measure() {
	p.size = size{split: p.size.split}
	p.eachPair(func(key, value []byte) bool {
		p.size.bytes += uint64(len(key) + len(value))
		return true
	})
}

// middleKey is the first user's key, but not the region's first, at which half of the region lies before or within the
// pair; nil when there is none.
func (p *peer) middleKey() []byte {
	var before uint64
	var found []byte
	seen := 0
	p.eachPair(func(key, value []byte) bool {
		before += uint64(len(key) + len(value))
		if seen++; seen > 1 {
			found = key[1:]
		}
		return 2*before < p.size.bytes || found == nil
	})
	return found
}

// eachPair visits the region's pairs as they are stored.
func (p *peer) eachPair(visit func(key, value []byte) bool) {
	from, to := dataBounds(p.region.GetStartKey(), p.region.GetEndKey())
	p.must(nil, false, p.s.overlay.Ascend(from, to, visit))
}

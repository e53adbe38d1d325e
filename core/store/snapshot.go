package store

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// A snapshot is the region at its applied index: the users' pairs, the clients it remembers, its shape. Raft gets the
// shape alone; the pairs are read, chunk by chunk, from a frozen engine, while the region goes on (see send.go). The
// receiver keeps them apart in its engine until all have come, and then takes them in one batch (see receive_snapshot.go).
// See TiKV's raftstore, store/snap.rs and worker/region.rs.

// snapshot is raft's Storage.Snapshot. While a Ready is made there is none; raft asks again. While one is outstanding the
// peer is what the engine will hold with the Advance, and the engine is frozen then: a busy store hardly ever has none
// outstanding.
func (p *peer) snapshot() (*raftpb.Snapshot, error) {
	_, freezes := p.s.cfg.Engine.(engine.Snapshotter)
	if !freezes || p.s.collecting || len(p.s.sending) >= p.s.cfg.Limits.SnapshotsSendingMax {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	p.s.lastSnapshotID++
	o := &outgoing{id: p.s.lastSnapshotID, from: p, region: p.region, index: p.applied, term: p.appliedTerm}
	p.s.sending = append(p.s.sending, o)
	if !p.s.outstanding {
		p.s.freezeSnapshots()
	}
	return &raftpb.Snapshot{
		Data: encode(&raftserverpb.RegionSnapshot{Region: p.region, ClientFloor: p.clients.floor, SnapshotId: o.id}),
		Metadata: &raftpb.SnapshotMetadata{
			Index: new(p.applied), Term: new(p.appliedTerm), ConfState: proto.Clone(p.log.conf).(*raftpb.ConfState),
		},
	}, nil
}

// indexMax leaves room for all entries that may ever follow a snapshot.
const indexMax = 1 << 62

// checkSnapshot looks at a raft message that brings a snapshot: it is of this region, at this epoch or a newer one, with
// this peer among its members, and of keys that no other region here holds. It returns what the snapshot says of itself.
func (p *peer) checkSnapshot(r *raftpb.Message) (*raftserverpb.RegionSnapshot, error) {
	s := r.GetSnapshot()
	meta := s.GetMetadata()
	switch {
	case raft.IsEmptySnap(s):
		return nil, errors.New("it has no snapshot")
	case meta.GetTerm() == 0 || meta.GetTerm() > r.GetTerm():
		return nil, fmt.Errorf("its snapshot is of term %d in a message of term %d", meta.GetTerm(), r.GetTerm())
	case meta.GetIndex() > indexMax:
		return nil, fmt.Errorf("the index %d of its snapshot would overflow", meta.GetIndex())
	}
	state := &raftserverpb.RegionSnapshot{}
	if err := proto.Unmarshal(s.GetData(), state); err != nil {
		return nil, errors.New("its snapshot does not parse")
	}
	region := state.GetRegion()
	epoch, ours := region.GetRegionEpoch(), p.region.GetRegionEpoch()
	member := memberOn(region, p.s.cfg.StoreID)
	switch {
	case region.GetId() != p.region.GetId():
		return nil, fmt.Errorf("its snapshot is of region %d", region.GetId())
	case member.GetId() != p.id:
		return nil, fmt.Errorf("peer %d is no member in its snapshot", p.id)
	case epoch.GetVersion() < ours.GetVersion() || epoch.GetConfVer() < ours.GetConfVer():
		return nil, fmt.Errorf("its snapshot is of epoch %d.%d, the region's is %d.%d here",
			epoch.GetConfVer(), epoch.GetVersion(), ours.GetConfVer(), ours.GetVersion())
	case !wellFormed(region):
		return nil, errors.New("the region in its snapshot contradicts itself")
	}
	want := confStateOf(region)
	want.AutoLeave = meta.GetConfState().AutoLeave
	if err := meta.GetConfState().Equivalent(want); err != nil {
		return nil, errors.New("its snapshot's members are not its region's")
	}
	if other := p.s.overlapping(region); other != nil {
		return nil, fmt.Errorf("its snapshot holds keys of region %d, which S%d has a peer of", other.region.GetId(), p.s.cfg.StoreID)
	}
	return state, nil
}

// restore puts the peer where a snapshot stands; checkSnapshot has looked at it, and its pairs are in the engine, apart.
// All of it is in one batch.
func (p *peer) restore(s *raftpb.Snapshot, ready *Ready) {
	state := &raftserverpb.RegionSnapshot{}
	if err := proto.Unmarshal(s.GetData(), state); err != nil || p.incoming == nil {
		panic(fmt.Sprintf("region %d: raft restores a snapshot that was not received: %v", p.region.GetId(), err))
	}
	batch := ready.Batch
	keepsData := p.s.cfg.Bugs.Has(BugSnapshotKeepsOldKeys) || p.s.cfg.Bugs.Has(BugCompactWithoutSnapshot)
	if p.initialized && !keepsData {
		from, to := dataBounds(p.region.GetStartKey(), p.region.GetEndKey())
		p.clear(batch, from, to)
	}
	p.s.unrange(p)
	p.region, p.initialized, p.caller = state.GetRegion(), true, nil
	p.s.ranges.Set(string(p.region.GetStartKey()), p)
	if !keepsData {
		from, to := dataBounds(p.region.GetStartKey(), p.region.GetEndKey())
		p.clear(batch, from, to)
	}
	p.clients.forgetAll(batch)
	p.clients.floor = state.GetClientFloor()
	p.takeStaged(batch)
	p.log.restore(s.GetMetadata().GetIndex(), s.GetMetadata().GetTerm(), batch)
	p.log.conf = s.GetMetadata().GetConfState()
	p.applied, p.appliedTerm = s.GetMetadata().GetIndex(), s.GetMetadata().GetTerm()
	p.applyFixed = p.encodeFixed()
	p.putApplyState(batch)
	p.putRegion(batch, raftserverpb.PeerState_PEER_STATE_NORMAL)
	p.size.due = true
	p.incoming.taken = true
	if p.s.cfg.Observer != nil {
		p.s.cfg.Observer.SnapshotRestored(p.region.GetId())
	}
}

// takeStaged moves the staged pairs to where they belong.
func (p *peer) takeStaged(batch *engine.Batch) {
	data := []byte{dataPrefix}
	from, to := stagedBounds(p.region.GetId())
	err := p.s.cfg.Engine.Ascend(from, to, func(staged, value []byte) bool {
		batch.Delete(staged)
		key := staged[stagedPrefixBytes:]
		if bytes.HasPrefix(key, data) {
			p.s.overlay.Put(key, value)
			batch.Put(key, value)
			return true
		}
		if p.s.cfg.Bugs.Has(BugSnapshotForgetsClients) {
			return true
		}
		if err := p.clients.restore(lastNumber(key), value, batch); err != nil {
			panic(fmt.Sprintf("region %d: a client record that was checked does not parse: %v", p.region.GetId(), err))
		}
		return true
	})
	p.must(nil, false, err)
}

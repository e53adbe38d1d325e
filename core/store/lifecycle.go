package store

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// A peer comes into being by a split, or by a message for it, and then waits for its first snapshot. It ends when its
// removal is applied, or when it hears from a member that it was removed; a tombstone stays, so that no late message
// brings it back. See TiKV's raftstore, store/fsm/store.rs (maybe_create_peer) and peer.rs (handle_gc_peer_msg).

// createFor makes the peer that a message is for, or says why it must not be made. The peer is not yet the store's: see
// adopt.
func (s *Store) createFor(m Message) (*peer, error) {
	regionID := m.RegionID
	grave, err := s.tombstone(regionID)
	switch {
	case err != nil:
		return nil, err
	case grave != nil && !succeeds(m, grave.GetPeerId(), grave.GetRegion().GetRegionEpoch().GetConfVer()):
		s.answerStale(grave.GetRegion(), grave.GetPeerId(), grave, m)
		return nil, fmt.Errorf("peer %d of region %d was removed from S%d", grave.GetPeerId(), regionID, s.cfg.StoreID)
	case regionID == 0 || !usableID(m.ToPeer) || !usableID(m.FromPeer) || m.ConfVer == 0 || !calls(m):
		return nil, fmt.Errorf("S%d holds no peer of region %d", s.cfg.StoreID, regionID)
	case len(s.order) >= s.cfg.Limits.RegionsMax:
		return nil, fmt.Errorf("S%d holds %d peers already, the most it takes", s.cfg.StoreID, len(s.order))
	}
	region := &metapb.Region{
		Id: regionID, RegionEpoch: &metapb.RegionEpoch{ConfVer: m.ConfVer, Version: m.Version},
		Peers: []*metapb.Peer{{Id: m.ToPeer, StoreId: s.cfg.StoreID, Role: metapb.PeerRole_PEER_ROLE_LEARNER}},
	}
	log := &raftLog{
		regionID: regionID, reader: s.overlay, bytesMax: s.cfg.Limits.EntryCacheBytesMax, bugs: s.cfg.Bugs,
		conf: &raftpb.ConfState{AutoLeave: new(false)}, cacheFirst: 1,
	}
	p, err := newPeer(s, region, m.ToPeer, false, log, &raftserverpb.RaftApplyState{})
	if err != nil {
		return nil, err
	}
	p.fresh, p.caller = true, &metapb.Peer{Id: m.FromPeer, StoreId: m.FromStore}
	return p, nil
}

// succeeds tells whether a message is for a peer that came after one that is gone, or has to go, of this store: who sent it
// knows of as many changes of members as led to the end of that one, and still speaks to another. Ids do not tell: stores
// give them, and a later one may be smaller.
func succeeds(m Message, peerID, confVer uint64) bool {
	return m.ToPeer != peerID && m.ConfVer >= confVer
}

// calls tells whether a message may call a peer into being: one of a leader or of a candidate.
func calls(m Message) bool {
	if m.Raft == nil {
		chunk, ok := m.Extra.(*raftserverpb.SnapshotChunk)
		return ok && chunk.GetNumber() == 0
	}
	switch m.Raft.GetType() {
	case raftpb.MsgApp, raftpb.MsgHeartbeat, raftpb.MsgVote, raftpb.MsgPreVote:
		return true
	}
	return false
}

// adopt takes a peer that a message called for into the store.
func (s *Store) adopt(p *peer) {
	if s.peers[p.region.GetId()] != nil {
		return
	}
	s.add(p)
	p.touched()
	if s.cfg.Observer != nil {
		s.cfg.Observer.PeerCreated(PeerCreated{RegionID: p.region.GetId(), PeerID: p.id})
	}
}

// writeFresh writes the first state of a peer that a message called for: before it promises anything, it exists.
func (p *peer) writeFresh(ready *Ready) bool {
	if !p.fresh {
		return false
	}
	p.fresh = false
	p.putRegion(ready.Batch, raftserverpb.PeerState_PEER_STATE_UNINITIALIZED)
	p.putApplyState(ready.Batch)
	p.putRaftState(ready, nil)
	return true
}

// putRegion writes what the peer is and its region, also for who asks before the batch is in the engine: a tombstone stands
// from the moment at which the peer is gone.
func (p *peer) putRegion(batch *engine.Batch, state raftserverpb.PeerState) {
	key, value := regionKey(p.region.GetId()), encode(&raftserverpb.RegionLocalState{
		State: state, Region: p.region, PeerId: p.id, Caller: p.caller, RemovedIndex: p.removed.index, RemovedTerm: p.removed.term,
	})
	p.s.overlay.Put(key, value)
	batch.Put(key, value)
}

// destroy takes the peer out of the store and all that is its own out of the engine, and leaves a tombstone, in one
// batch. Its region is as it stands: without the peer, if an entry removed it.
func (p *peer) destroy(batch *engine.Batch, why string) {
	s, regionID := p.s, p.region.GetId()
	s.drop(p)
	p.failProposals(func(outcome outcome) *response { return regionNotFound(outcome, s.cfg.StoreID, regionID) })
	p.wipe(batch, p.region)
	if p.removedAt != nil {
		region := proto.Clone(p.region).(*metapb.Region)
		region.RegionEpoch = p.removedAt
		region.Peers = slices.DeleteFunc(region.Peers, func(member *metapb.Peer) bool { return member.GetId() == p.id })
		p.region = region
	}
	if s.cfg.Bugs.Has(BugTombstoneForgotten) {
		p.clear(batch, regionKey(regionID), regionKey(regionID+1))
	} else {
		p.putRegion(batch, raftserverpb.PeerState_PEER_STATE_TOMBSTONE)
	}
	if s.cfg.Observer != nil {
		s.cfg.Observer.PeerDestroyed(regionID, p.id, why)
	}
}

// wipe takes the peer's log, states, clients, staged pairs and, if it is initialized, its users' pairs out of the engine,
// as they are there and in the overlay.
func (p *peer) wipe(batch *engine.Batch, region *metapb.Region) {
	regionID := region.GetId()
	p.clear(batch, raftKey(regionID, 0), raftKey(regionID, 0xff))
	for index := p.log.truncated + 1; index <= p.log.hard.LastIndex; index++ {
		batch.Delete(logKey(regionID, index)) // those of this very batch are not in the engine yet
	}
	batch.Delete(p.raftStateKey)
	batch.Delete(p.applyStateKey)
	p.clients.forgetAll(batch)
	from, to := stagedBounds(regionID)
	p.clear(batch, from, to)
	if p.initialized {
		from, to := dataBounds(region.GetStartKey(), region.GetEndKey())
		p.clear(batch, from, to)
	}
}

// clear removes a range from the engine and the overlay.
func (p *peer) clear(batch *engine.Batch, from, to []byte) {
	var keys [][]byte
	err := p.s.overlay.Ascend(from, to, func(key, _ []byte) bool {
		keys = append(keys, key)
		return true
	})
	p.must(nil, false, err)
	for _, key := range keys {
		p.s.overlay.Delete(key)
		batch.Delete(key)
	}
}

// stepExtra takes a word of another store that is not raft's.
func (s *Store) stepExtra(p *peer, m Message) error {
	switch extra := m.Extra.(type) {
	case *raftserverpb.PeerGone:
		return p.stepGone(m, extra)
	case *raftserverpb.PeerRemoved:
		return p.stepRemoved(m, extra)
	case *raftserverpb.CheckPeer:
		if p.initialized {
			s.answerStale(p.region, p.id, nil, m)
		}
		return nil
	case *raftserverpb.SnapshotChunk:
		return s.stepChunk(p, m, extra)
	case *raftserverpb.SnapshotAck:
		return p.stepAck(m, extra)
	case *raftserverpb.Sleep:
		return p.stepSleep(m, extra)
	}
	return errors.New("it says nothing that this store knows")
}

// tickOwn is what a peer does with a tick besides raft: who has heard no leader for long asks whether it was removed, as
// a learner never campaigns and so never hears otherwise.
func (p *peer) tickOwn() {
	p.silentTicks++
	p.idleTicks++
	p.tickIncoming()
	p.considerSleep()
	every := 3 * p.s.cfg.ElectionTicksMin
	if p.state == stateLeader || p.silentTicks%every != 0 {
		return
	}
	p.askWhetherRemoved()
}

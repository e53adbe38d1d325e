package store

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// Who was removed and has not heard of it is told, and who was removed tells those who have not heard: there is nobody else
// who could. See docs/decisions/members.md.

// doom has the peer destroyed with the next Ready.
func (p *peer) doom(why string) {
	if p.doomed == "" {
		p.doomed = why
		p.touched()
	}
}

// tombstone returns what a removed peer of a region left, or nil.
func (s *Store) tombstone(regionID uint64) (*raftserverpb.RegionLocalState, error) {
	stored, found, err := s.overlay.Get(regionKey(regionID))
	if err != nil || !found {
		return nil, err
	}
	state := &raftserverpb.RegionLocalState{}
	if err := proto.Unmarshal(stored, state); err != nil {
		return nil, fmt.Errorf("read the state of region %d: %w", regionID, err)
	}
	if state.GetState() != raftserverpb.PeerState_PEER_STATE_TOMBSTONE {
		return nil, nil
	}
	return state, nil
}

// asks tells whether a message is of who may not have heard of a change of members: it wants a vote, or to know.
func asks(m Message) bool {
	if m.Raft != nil {
		return m.Raft.GetType() == raftpb.MsgVote || m.Raft.GetType() == raftpb.MsgPreVote
	}
	_, checks := m.Extra.(*raftserverpb.CheckPeer)
	return checks
}

// answerStale answers who asks and is behind the region's epoch: it was removed; or, from the grave, the change that dug it
// is committed.
func (s *Store) answerStale(region *metapb.Region, from uint64, grave *raftserverpb.RegionLocalState, m Message) {
	if !asks(m) || m.FromPeer == 0 || m.FromStore == 0 || m.ConfVer >= region.GetRegionEpoch().GetConfVer() {
		return
	}
	member := slices.ContainsFunc(region.GetPeers(), func(p *metapb.Peer) bool { return p.GetId() == m.FromPeer })
	switch {
	case !member:
		s.tellGone(region, from, m.FromPeer, m.FromStore, removal{})
	case grave.GetRemovedIndex() > 0:
		out := letterFrom(s, region, from, m.FromPeer, m.FromStore)
		out.Extra = &raftserverpb.PeerRemoved{Index: grave.GetRemovedIndex(), Term: grave.GetRemovedTerm()}
		s.say(out)
	}
}

// removal is the entry of a change of members; zero when it is not known.
type removal struct{ index, term uint64 }

// tellGone tells a peer that it was removed.
func (s *Store) tellGone(region *metapb.Region, from, to, toStore uint64, by removal) {
	out := letterFrom(s, region, from, to, toStore)
	out.Extra = &raftserverpb.PeerGone{Index: by.index, Term: by.term}
	s.say(out)
}

func letterFrom(s *Store, region *metapb.Region, from, to, toStore uint64) Message {
	return Message{
		RegionID: region.GetId(), FromStore: s.cfg.StoreID, ToStore: toStore, FromPeer: from, ToPeer: to,
		ConfVer: region.GetRegionEpoch().GetConfVer(), Version: region.GetRegionEpoch().GetVersion(),
	}
}

// stepGone hears that this peer was removed. Its tombstone tells of the region all that is known: an epoch at which it has
// no such member.
func (p *peer) stepGone(m Message, gone *raftserverpb.PeerGone) error {
	if m.ConfVer <= p.confVer() {
		return fmt.Errorf("it knows the region at epoch %d, this peer at %d", m.ConfVer, p.confVer())
	}
	p.doom(fmt.Sprintf("S%d told that it was removed", m.FromStore))
	p.removed = removal{index: gone.GetIndex(), term: gone.GetTerm()}
	p.removedAt = &metapb.RegionEpoch{ConfVer: m.ConfVer, Version: m.Version}
	return nil
}

// tellCommitted tells a voter that asks for a vote what is committed of its log, when an entry has made this peer a learner
// and the voter has not heard of it. A learner is not elected; and if it led a moment ago its log may be the longest, and it
// gives no vote either, without which the voter would never find out.
func (p *peer) tellCommitted(m Message) {
	if !asks(m) || !p.initialized || !p.isLearner() || m.ConfVer >= p.confVer() {
		return
	}
	index := min(m.Raft.GetIndex(), p.applied)
	term, err := p.log.Term(index)
	if err != nil {
		return // compacted: the voter needs a snapshot
	}
	out := letterFrom(p.s, p.region, p.id, m.FromPeer, m.FromStore)
	out.Extra = &raftserverpb.PeerRemoved{Index: index, Term: term}
	p.s.say(out)
}

// stepRemoved hears that an entry is committed: the one which removed the sender, or one that the sender, as a learner,
// knows of. If it stands here, so is all before it (log matching), whoever could have told: raft hears it as from a leader
// that is gone again at once.
func (p *peer) stepRemoved(m Message, removed *raftserverpb.PeerRemoved) error {
	index := removed.GetIndex()
	term, err := p.log.Term(index)
	if !p.initialized || p.state == stateLeader || err != nil || term != removed.GetTerm() || index > p.logEnd() ||
		index <= p.rn.BasicStatus().GetCommit() || m.ConfVer <= p.confVer() || p.term == 0 {
		return nil
	}
	p.wake()
	p.ghost = m.FromPeer
	err = p.rn.Step(&raftpb.Message{
		Type: raftpb.MsgHeartbeat.Enum(), From: new(m.FromPeer), To: new(p.id), Term: new(p.term), Commit: new(index)})
	if err == nil {
		err = p.rn.ForgetLeader()
	}
	p.touched()
	return err
}

// askWhetherRemoved asks every store that this one knows of whether the peer still belongs to its region.
func (p *peer) askWhetherRemoved() {
	for _, store := range p.s.knownStores(p) {
		out := letterFrom(p.s, p.region, p.id, 0, store)
		out.Extra = &raftserverpb.CheckPeer{}
		p.s.say(out)
	}
}

// knownStores are the stores that hold members of this store's regions, or have called the peer, ascending.
func (s *Store) knownStores(p *peer) []uint64 {
	known := []uint64{p.caller.GetStoreId()}
	for _, h := range p.heard {
		known = append(known, h.storeID)
	}
	for _, id := range s.order {
		for _, member := range s.peers[id].region.GetPeers() {
			known = append(known, member.GetStoreId())
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	return slices.DeleteFunc(known, func(id uint64) bool { return id == 0 || id == s.cfg.StoreID })
}

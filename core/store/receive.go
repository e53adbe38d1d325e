package store

import (
	"errors"
	"fmt"

	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// receiver returns the peer a message is for, or why there is none. A message may call a peer into being; it is the
// store's only once the message has been looked at: see adopt.
func (s *Store) receiver(m Message) (*peer, error) {
	switch {
	case (m.Raft == nil) == (m.Extra == nil):
		return nil, errors.New("the envelope is empty, or holds two things")
	case m.ToStore != s.cfg.StoreID:
		return nil, fmt.Errorf("it is for S%d, this is S%d", m.ToStore, s.cfg.StoreID)
	case m.Raft != nil && (m.Raft.GetFrom() != m.FromPeer || m.Raft.GetTo() != m.ToPeer):
		return nil, fmt.Errorf("envelope says peer %d to %d, raft message says %d to %d",
			m.FromPeer, m.ToPeer, m.Raft.GetFrom(), m.Raft.GetTo())
	case m.FromPeer == m.ToPeer && m.FromPeer != 0:
		return nil, errors.New("it claims to come from the peer it is for")
	}
	p := s.peers[m.RegionID]
	if p == nil {
		return s.createFor(m)
	}
	if _, checks := m.Extra.(*raftserverpb.CheckPeer); checks && m.ToPeer == 0 {
		return p, nil
	}
	if m.ToPeer != p.id {
		if calls(m) && succeeds(m, p.id, p.confVer()+1) {
			p.doom(fmt.Sprintf("peer %d takes its place", m.ToPeer))
			return nil, fmt.Errorf("it is for peer %d, whose place peer %d has to leave first", m.ToPeer, p.id)
		}
		return nil, fmt.Errorf("it is for peer %d, this is peer %d", m.ToPeer, p.id)
	}
	return p, p.knows(m)
}

// knows says why a message's sender is not to be heard, or nil: it is a member, or it may have become one in an epoch
// that this peer has not come to.
func (p *peer) knows(m Message) error {
	from := p.member(m.FromPeer)
	named := m.FromPeer != 0 && m.FromStore != 0
	switch {
	case from != nil && from.GetStoreId() == m.FromStore:
		return nil
	case from == nil && named && (!p.initialized || m.ConfVer > p.confVer()):
		return nil
	case from == nil:
		p.s.answerStale(p.region, p.id, nil, m)
	}
	return fmt.Errorf("peer %d on S%d is no member of region %d", m.FromPeer, m.FromStore, m.RegionID)
}

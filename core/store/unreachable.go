package store

import "go.etcd.io/raft/v3"

// Unreachable tells the regions that this store leads that a message to a store of theirs was lost: raft sends its peers
// there one append at a time until they answer again (raft's MsgUnreachable). It is a hint, and may be wrong.
func (s *Store) Unreachable(storeID uint64) {
	if s.stopped {
		return
	}
	for _, id := range s.order {
		p := s.peers[id]
		if p.state != raft.StateLeader {
			continue
		}
		if member := memberOn(p.region, storeID); member != nil && member.GetId() != p.id {
			p.rn.ReportUnreachable(member.GetId())
			p.touched()
		}
	}
}

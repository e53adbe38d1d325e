package node

import (
	"go.etcd.io/raft/v3/raftpb"

	metapb "raftplay/core/pb/metapb/v1"
)

// noteLost notes that messages to a store are lost. It is absent until one of its own comes.
func (l *loop) noteLost(storeID uint64) {
	if l.absent == nil {
		l.absent = map[uint64]bool{}
	}
	l.absent[storeID] = true
}

// noteHeard notes that a store's message came; a leaving store takes in as well who is leaving with it.
func (l *loop) noteHeard(a *arrival) {
	if len(l.absent) > 0 {
		delete(l.absent, a.fromStore)
	}
	if l.leaving != nil && a.refused == nil && a.message.Raft.GetType() == raftpb.MsgTimeoutNow {
		l.leaving.givers[a.fromStore] = true
	}
}

// gone tells whether a store's answers are not to be waited for.
func (l *loop) gone(storeID uint64) bool { return l.absent[storeID] }

// goneOrGoing tells whether a store is nobody to hand a region over to.
func (l *loop) goneOrGoing(storeID uint64) bool { return l.gone(storeID) || l.leaving.givers[storeID] }

// isolated tells whether none of the store's regions has a quorum: no command that waits will be answered.
func (l *loop) isolated() bool {
	if len(l.absent) == 0 {
		return false
	}
	for _, id := range l.follow.held {
		if quorate(l.store.Region(id), l.gone) {
			return false
		}
	}
	return true
}

// quorate tells whether enough of the voters that a region keeps are there to elect a leader.
func quorate(region *metapb.Region, gone func(storeID uint64) bool) bool {
	voters, there := 0, 0
	for _, member := range region.GetPeers() {
		if !votes(member) {
			continue
		}
		voters++
		if !gone(member.GetStoreId()) {
			there++
		}
	}
	return there > voters/2
}

// votes tells whether a member is a voter that stays one.
func votes(member *metapb.Peer) bool {
	role := member.GetRole()
	return role == metapb.PeerRole_PEER_ROLE_VOTER || role == metapb.PeerRole_PEER_ROLE_INCOMING_VOTER
}

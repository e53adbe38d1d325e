package mirror

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// Write is a batch that a store hands to its disk, with the part of its first region, which is usually the only one, in
// one piece of memory.
type Write struct {
	Event sessionpb.WriteStarted
	peers [1]*sessionpb.PeerWrite
	peer  sessionpb.PeerWrite
}

// Parts fills in the regions' parts.
func (w *Write) Parts(parts []store.PeerWrite, entries *Entries) {
	if len(parts) == 0 {
		return
	}
	w.Event.Peers = w.peers[:0]
	for i := range parts {
		p, peer := &parts[i], &w.peer
		if i > 0 {
			peer = &sessionpb.PeerWrite{}
		}
		peer.RegionId, peer.Term, peer.Vote, peer.Commit, peer.LastIndex = p.RegionID, p.Term, p.Vote, p.Commit, p.LastIndex
		peer.Entries = entries.All(p.RegionID, p.Entries)
		if len(p.Entries) > 0 {
			peer.FirstIndex = p.Entries[0].GetIndex()
		}
		w.Event.Peers = append(w.Event.Peers, peer)
	}
}

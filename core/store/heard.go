package store

import (
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// heard is when a peer was last heard, and on which store it is: also of peers that this one does not know to be members,
// whose messages are of a newer epoch.
type heard struct {
	peerID, storeID uint64
	at              int64 // Config.Now
}

// heardMax bounds the peers of one region that are remembered.
const heardMax = 64

func (p *peer) heardFrom(peerID, storeID uint64) {
	if peerID == p.lead {
		p.silentTicks = 0
	}
	now := p.s.cfg.Now()
	for i := range p.heard {
		if h := &p.heard[i]; h.peerID == peerID {
			h.storeID, h.at = storeID, now
			return
		}
	}
	if len(p.heard) == heardMax {
		p.heard = append(p.heard[:0], p.heard[1:]...)
	}
	p.heard = append(p.heard, heard{peerID: peerID, storeID: storeID, at: now})
}

// countMembers takes every member that was never heard as heard now: silence counts from here.
func (p *peer) countMembers() {
	for _, member := range p.region.GetPeers() {
		if p.heardOn(member.GetId()) == 0 {
			p.heard = append(p.heard, heard{peerID: member.GetId(), storeID: member.GetStoreId(), at: p.s.cfg.Now()})
		}
	}
}

// heardOn is the store on which a peer was heard; 0 when it never was.
func (p *peer) heardOn(peerID uint64) uint64 {
	for i := range p.heard {
		if p.heard[i].peerID == peerID {
			return p.heard[i].storeID
		}
	}
	return 0
}

// silence is for how long a peer has not been heard, in microseconds; 0 for this one. Who was never heard has been silent
// for ever.
func (p *peer) silence(peerID uint64) int64 {
	if peerID == p.id {
		return 0
	}
	for i := range p.heard {
		if p.heard[i].peerID == peerID {
			return p.s.cfg.Now() - p.heard[i].at
		}
	}
	return 1 << 62
}

// electionMicros is the shortest election timeout.
func (s *Store) electionMicros() int64 { return int64(s.cfg.ElectionTicksMin) * s.cfg.TickMicros }

// isSilent tells whether a leader has not heard of a peer for an election timeout. While the region sleeps, the stores
// beat for it.
func (p *peer) isSilent(member *metapb.Peer) bool {
	if p.silence(member.GetId()) <= p.s.electionMicros() {
		return false
	}
	return !p.asleep || !p.s.asleep.heardLately(member.GetStoreId(), p.s.cfg.ElectionTicksMin)
}

// downPeers are the members that a leader has not heard of for longer than an election timeout.
func (p *peer) downPeers() []*raftcmdpb.DownPeer {
	var down []*raftcmdpb.DownPeer
	for _, member := range p.region.GetPeers() {
		if p.isSilent(member) {
			down = append(down, &raftcmdpb.DownPeer{Peer: member, DownMicros: min(p.silence(member.GetId()), p.s.cfg.Now())})
		}
	}
	return down
}

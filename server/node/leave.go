package node

import (
	"go.etcd.io/raft/v3/tracker"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/core/store"
)

// leaving is a graceful stop: no more commands come; those that wait get their answers; every region that the store leads
// gets another leader, and has it heard of; then the store quits.
type leaving struct {
	phase phase
	until int64 // of the phase, on the node's clock
	// given are the regions that are being handed over.
	given map[uint64]*handOver
	// givers are stores that handed a region over to this one meanwhile: they are stopping too, and take none back.
	givers map[uint64]bool
}

type phase uint8

const (
	draining phase = iota
	handingOver
	quitting
)

type handOver struct {
	again int64  // when to try again
	to    uint64 // the store that is to lead; 0 at first
	// hopeless: nobody can take the region.
	hopeless bool
}

// leave begins to stop gracefully.
func (l *loop) leave() {
	if l == nil || l.leaving != nil {
		return
	}
	l.leaving = &leaving{until: l.n.now() + l.n.cfg.Limits.DrainTimeout.Microseconds(), given: map[uint64]*handOver{}, givers: map[uint64]bool{}}
	l.n.log.Info("the store is stopping", "leads", len(l.follow.led), "waiting", l.n.waiting.Load())
}

// goOnLeaving follows each turn.
func (l *loop) goOnLeaving() {
	g := l.leaving
	if g == nil || l.over {
		return
	}
	now := l.n.now()
	if g.phase == draining && (l.n.waiting.Load() == 0 || now >= g.until || l.isolated()) {
		g.phase, g.until = handingOver, now+l.n.cfg.Limits.HandOverTimeout.Microseconds()
	}
	if g.phase == handingOver {
		done := l.handOver(now)
		if !done && now >= g.until {
			l.n.log.Warn("the store stops without having handed everything over", "leads", len(l.follow.led))
		}
		if done || now >= g.until {
			g.phase = quitting
		}
	}
	if g.phase == quitting && !l.write.busy {
		l.store.Quit()
		l.over = true
	}
}

// handOver has others lead what the store leads, and tells whether they do, or nobody can.
func (l *loop) handOver(now int64) (done bool) {
	g, done := l.leaving, true
	for id := range l.follow.led {
		h := g.given[id]
		if h == nil {
			h = &handOver{}
			g.given[id] = h
		}
		if now >= h.again || l.goneOrGoing(h.to) {
			// Raft gives a transfer up after an election timeout.
			h.again = now + int64(l.n.cfg.Store.ElectionTicksMin)*l.tickMicros()
			l.transfer(id, h)
		}
		done = done && h.hopeless
	}
	for id, h := range g.given {
		view, ok := l.store.View(id)
		_, leads := l.follow.led[id]
		heard := view.Leader != 0 && view.Leader != view.PeerID
		if ok && !leads && !heard && !h.hopeless && !l.goneOrGoing(h.to) {
			done = false // the next leader may still be heard
		}
	}
	return done
}

// transfer begins to hand a region over to the voter that has most of its log.
func (l *loop) transfer(id uint64, h *handOver) {
	region := l.store.Region(id)
	to := l.successor(region)
	h.to, h.hopeless = to.GetStoreId(), to == nil
	if h.hopeless {
		return
	}
	req := &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: id, RegionEpoch: region.GetRegionEpoch()},
		Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{
			TransferLeader: &raftcmdpb.TransferLeaderRequest{Peer: to}}},
	}
	l.store.Propose(req, func(answer *raftcmdpb.RaftCommandResponse) {
		if why := answer.GetHeader().GetError(); why != nil {
			// Something is under way that will be over soon, or the region has another leader already.
			h.again = l.n.now() + l.tickMicros()
			l.n.log.Debug("a region is not handed over yet", "region", id, "to", to.GetStoreId(), "why", why.GetMessage())
		}
	})
	l.touch(id)
	l.more = true
}

// successor is the voter, other than the store itself, that is there and has most of the region's log; nil when there is
// none, or too few are there to elect it.
func (l *loop) successor(region *metapb.Region) *metapb.Peer {
	if !quorate(region, l.goneOrGoing) {
		return nil
	}
	var best store.PeerProgress
	var to *metapb.Peer
	better := func(p store.PeerProgress) bool {
		switch {
		case to == nil:
			return true
		case p.RecentActive != best.RecentActive:
			return p.RecentActive
		}
		return p.Match > best.Match
	}
	l.store.VisitProgress(region.GetId(), func(p store.PeerProgress) {
		member := memberOf(region, p.PeerID)
		id := member.GetStoreId()
		if id == l.n.cfg.Store.StoreID || !votes(member) || l.goneOrGoing(id) || p.State == tracker.StateSnapshot || !better(p) {
			return
		}
		best, to = p, member
	})
	return to
}

func memberOf(region *metapb.Region, peerID uint64) *metapb.Peer {
	for _, member := range region.GetPeers() {
		if member.GetId() == peerID {
			return member
		}
	}
	return nil
}

// holds tells whether a region has a peer on a store.
func holds(region *metapb.Region, storeID uint64) bool {
	for _, member := range region.GetPeers() {
		if member.GetStoreId() == storeID {
			return true
		}
	}
	return false
}

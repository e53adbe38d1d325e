package store

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// transfer begins to hand leadership over (Raft dissertation, 3.10), or says why that makes no sense. Raft may give it up
// by itself after an election timeout.
func (p *peer) transfer(req *raftcmdpb.TransferLeaderRequest) *response {
	to := namedMember(p.region, req.GetPeer())
	refused := func(format string, args ...any) *response {
		return transferRefused(req.GetPeer(), p.region, fmt.Sprintf(format, args...))
	}
	switch {
	case to == nil:
		return refused("%s is no member of region %d", peerName(req.GetPeer()), p.region.GetId())
	case to.GetRole() != metapb.PeerRole_PEER_ROLE_VOTER && to.GetRole() != metapb.PeerRole_PEER_ROLE_INCOMING_VOTER:
		return refused("S%d is not a voter that stays", to.GetStoreId())
	case to.GetId() == p.id:
		return refused("S%d is the leader already", to.GetStoreId())
	}
	var why string
	p.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		if id == to.GetId() && pr.State == tracker.StateSnapshot {
			why = fmt.Sprintf("S%d is being sent a snapshot", to.GetStoreId())
		}
	})
	switch {
	case why != "":
		return refused("%s", why)
	case p.isSilent(to):
		return refused("S%d has not been heard for an election timeout", to.GetStoreId())
	case p.confWaiting:
		return confChangePending(p.region, p.region.GetJoint())
	}
	p.wake()
	// A call to campaign may come late, and overrides the lease that followers grant: no lease holds for the rest of the
	// term.
	if !p.s.cfg.Bugs.Has(BugLeaseKeptAtTransfer) {
		p.lease.end()
		p.lease.handedOver = p.term
	}
	if p.s.cfg.Observer != nil {
		p.s.cfg.Observer.TransferStarted(p.region.GetId(), to)
	}
	p.rn.TransferLeader(to.GetId())
	p.touched()
	return &response{
		Header: &raftcmdpb.ResponseHeader{RegionId: p.region.GetId(), Term: p.term, Index: p.applied},
		Admin: &raftcmdpb.AdminResponse{Response: &raftcmdpb.AdminResponse_TransferLeader{
			TransferLeader: &raftcmdpb.TransferLeaderResponse{Peer: to}}},
	}
}

// dropped answers a proposal that raft did not take.
func (p *peer) dropped() *response {
	if to := p.rn.BasicStatus().LeadTransferee; to != 0 {
		return leaderTransferring(p.member(to))
	}
	return busy("UncommittedBytesMax", int(p.s.cfg.Limits.UncommittedBytesMax))
}

package store

import (
	"go.etcd.io/raft/v3"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

const stateLeader = raft.StateLeader

// propose appends a command to the log, or starts a read; it returns an answer when neither happened.
func (p *peer) propose(req *raftcmdpb.RaftCommandRequest, callback Callback) *response {
	p.wake()
	switch {
	case req.GetStatus() != nil:
		return p.status(req)
	case !p.initialized:
		return p.notLeader(notApplied)
	case req.GetAdmin() != nil:
		return p.proposeAdmin(req, callback)
	}
	mode := req.GetHeader().GetReadMode()
	reads := !raftcmdpb.Writes(req)
	if reads && mode == raftcmdpb.ReadMode_READ_MODE_STALE {
		return p.serveRead(req, mode)
	}
	kept := p.s.cfg.Bugs.Has(BugLeaseKeptAtTransfer) && reads && mode == raftcmdpb.ReadMode_READ_MODE_LEASE && p.lease.holds(p.s.cfg.Now())
	if p.state != stateLeader && !kept {
		return p.notLeader(notApplied)
	}
	if response := p.s.misplaced(req, p.region); response != nil {
		return response
	}
	if reads && mode != raftcmdpb.ReadMode_READ_MODE_LOG {
		return p.startRead(req, mode, callback)
	}
	if client := req.GetHeader().GetClient(); client != 0 && !reads {
		// What is applied is committed: its answer stands, and needs no second entry.
		if response := p.clients.look(client, req.GetHeader().GetSequence()); response != nil {
			return response
		}
	}
	if p.s.cfg.Bugs.Has(BugCompareAtPropose) {
		if failed := p.compare(p.s.overlay, req.GetCompares()); failed != nil {
			return &response{Header: &raftcmdpb.ResponseHeader{RegionId: p.region.GetId(), Term: p.term}, CompareFailed: failed}
		}
	}
	return p.appendCommand(req, callback)
}

// overloaded answers busy where a queue would grow past its limit.
func (p *peer) overloaded() *response {
	l := &p.s.cfg.Limits
	switch {
	case len(p.proposals)+len(p.reads)+len(p.readsWaiting) >= l.ProposalsMax:
		return busy("ProposalsMax", l.ProposalsMax)
	case p.waitingBytes >= l.ProposalBytesMax:
		return busy("ProposalBytesMax", l.ProposalBytesMax)
	case p.log.hard.Commit > p.applied+uint64(l.ApplyBacklogMax):
		return busy("ApplyBacklogMax", l.ApplyBacklogMax)
	}
	return nil
}

func (p *peer) appendCommand(req *raftcmdpb.RaftCommandRequest, callback Callback) *response {
	if response := p.overloaded(); response != nil {
		return response
	}
	data := encode(req)
	err := p.rn.Propose(data)
	p.touched()
	if err != nil {
		return p.dropped()
	}
	p.await(req, len(data), callback)
	return nil
}

// await puts a command that raft has taken among those that wait for their answer.
func (p *peer) await(req *raftcmdpb.RaftCommandRequest, bytes int, callback Callback) {
	p.proposals = append(p.proposals, proposal{term: p.term, bytes: bytes, request: req, callback: callback})
	p.waitingBytes += bytes
}

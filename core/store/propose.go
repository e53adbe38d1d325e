package store

import (
	"go.etcd.io/raft/v3"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// propose appends a command to the log, or starts a read; it returns an answer when neither happened.
func (p *peer) propose(req *raftcmdpb.RaftCommandRequest, callback Callback) *raftcmdpb.RaftCommandResponse {
	if req.GetStatus() != nil {
		return p.status(req)
	}
	if p.state != raft.StateLeader {
		return p.notLeader(notApplied)
	}
	if response := misplaced(req, p.region); response != nil {
		return response
	}
	if waiting := len(p.proposals) + len(p.reads) + len(p.readsWaiting); waiting >= p.s.cfg.Limits.ProposalsMax {
		return busy("ProposalsMax", p.s.cfg.Limits.ProposalsMax)
	}
	if !writes(req) && req.GetHeader().GetReadMode() != raftcmdpb.ReadMode_READ_MODE_LOG {
		p.readsWaiting = append(p.readsWaiting, read{request: req, callback: callback})
		p.touched()
		return nil
	}
	if client := req.GetHeader().GetClient(); client != 0 && writes(req) {
		// What is applied is committed: its answer stands, and needs no second entry.
		if response := p.clients.look(client, req.GetHeader().GetSequence()); response != nil {
			return response
		}
	}
	return p.appendCommand(req, callback)
}

func (p *peer) appendCommand(req *raftcmdpb.RaftCommandRequest, callback Callback) *raftcmdpb.RaftCommandResponse {
	err := p.rn.Propose(encode(req))
	p.touched()
	if err != nil {
		return busy("UncommittedBytesMax", int(p.s.cfg.Limits.UncommittedBytesMax))
	}
	p.proposals = append(p.proposals, proposal{term: p.term, request: req, callback: callback})
	return nil
}

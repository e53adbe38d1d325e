package store

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

func (p *peer) roleChanged(term uint64, state raft.StateType) {
	change := RoleChange{
		RegionID: p.region.GetId(), Role: state, RoleBefore: p.state, Term: term, TermBefore: p.term,
		Vote: *p.inside.vote, Leader: *p.inside.lead, Timer: p.timer(),
	}
	left := p.state == raft.StateLeader && (state != raft.StateLeader || term != p.term)
	if state != p.state || term != p.term {
		switch state {
		case raft.StatePreCandidate:
			p.votes = []uint64{p.id}
		case raft.StateCandidate:
			change.Votes, p.votes = p.votes, []uint64{p.id}
		case raft.StateLeader:
			change.Votes, p.votes = p.votes, nil
			p.tookOffice()
		default:
			p.votes = nil
		}
	}
	p.term, p.vote, p.lead, p.state = term, change.Vote, change.Leader, state
	if left {
		p.failProposals(p.notLeader)
		p.s.cancelSnapshots(p, "the sender does not lead the region any more", every)
	}
	if p.s.cfg.Observer != nil {
		p.s.cfg.Observer.RoleChanged(change)
	}
}

// tookOffice begins a leadership: no read round is under way, and everybody counts as heard just now.
func (p *peer) tookOffice() {
	p.rounds = rounds{}
	p.lease.end()
	p.compacting = false
	p.heard = p.heard[:0]
	p.countMembers()
	p.size.due = true
}

// countVote keeps who granted a running (pre-)candidate its vote: raft keeps it to itself.
func (p *peer) countVote(m *raftpb.Message) {
	granted := !m.GetReject() &&
		(p.state == raft.StateCandidate && m.GetType() == raftpb.MsgVoteResp && m.GetTerm() == p.term ||
			p.state == raft.StatePreCandidate && m.GetType() == raftpb.MsgPreVoteResp && m.GetTerm() == p.term+1)
	if !granted {
		return
	}
	for _, voter := range p.votes {
		if voter == m.GetFrom() {
			return
		}
	}
	p.votes = append(p.votes, m.GetFrom())
}

func (p *peer) timer() Timer { return Timer{Elapsed: *p.inside.elapsed, Timeout: *p.inside.timeout} }

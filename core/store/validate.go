package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"google.golang.org/protobuf/proto"
)

// Raft trusts its callers: some messages make it panic, others raise its term to anything. So every message is checked
// here first; FuzzStep starts from the ones that were measured to hurt.

// validate says why a message must not reach raft, or nil.
func (p *peer) validate(m Message) error {
	r := m.Raft
	if err := p.validateForm(r); err != nil {
		return err
	}
	switch r.GetType() {
	case raftpb.MsgApp:
		return p.checkAppend(r)
	case raftpb.MsgAppResp:
		return p.checkAppendResponse(r)
	case raftpb.MsgHeartbeat:
		return p.checkHeartbeat(r)
	case raftpb.MsgHeartbeatResp:
		return p.checkHeartbeatResponse(r)
	case raftpb.MsgSnap:
		return errors.New("a snapshot travels in chunks")
	case raftpb.MsgVote, raftpb.MsgPreVote:
		return p.checkVote(r)
	case raftpb.MsgVoteResp, raftpb.MsgPreVoteResp, raftpb.MsgTimeoutNow:
		return nil
	default:
		return fmt.Errorf("a %s does not travel between stores", r.GetType())
	}
}

// validateForm looks at what any raft message must be.
func (p *peer) validateForm(r *raftpb.Message) error {
	limits := &p.s.cfg.Limits
	switch {
	case r.GetTerm() == 0:
		return errors.New("it has no term")
	case r.GetTerm() > p.term+limits.TermLeapMax:
		return fmt.Errorf("its term %d is too far ahead of %d", r.GetTerm(), p.term)
	case r.GetLogTerm() > r.GetTerm():
		return fmt.Errorf("its log term %d is past its term %d", r.GetLogTerm(), r.GetTerm())
	case len(r.GetResponses()) > 0 || r.GetVote() != 0:
		return errors.New("it carries fields of local messages")
	case len(r.GetContext()) > 64:
		return fmt.Errorf("its context has %d bytes", len(r.GetContext()))
	case len(r.GetEntries()) > 0 && r.GetType() != raftpb.MsgApp:
		return fmt.Errorf("a %s carries no entries", r.GetType())
	case r.GetType() != raftpb.MsgSnap && !raft.IsEmptySnap(r.GetSnapshot()):
		return fmt.Errorf("a %s carries no snapshot", r.GetType())
	}
	return nil
}

// checkVote: a peer that has just started may have promised a leader, whose lease it was, not to vote.
func (p *peer) checkVote(r *raftpb.Message) error {
	handedOver := string(r.GetContext()) == "CampaignTransfer"
	if now := p.s.cfg.Now(); now < p.lease.votesFrom && !handedOver {
		return fmt.Errorf("S%d has just started, and may have promised a leader its vote: it votes again in %d ms",
			p.s.cfg.StoreID, (p.lease.votesFrom-now+999)/1000)
	}
	return nil
}

// checkAppend wants entries without gaps, of terms that never fall and are within the message's.
func (p *peer) checkAppend(r *raftpb.Message) error {
	if (r.GetIndex() == 0) != (r.GetLogTerm() == 0) {
		return fmt.Errorf("it follows entry %d of term %d", r.GetIndex(), r.GetLogTerm())
	}
	if r.GetIndex() == 0 && !p.initialized {
		return errors.New("it begins a log that can only begin with a snapshot")
	}
	index, term := r.GetIndex(), r.GetLogTerm()
	if index+uint64(len(r.GetEntries())) < index {
		return errors.New("its indexes overflow")
	}
	for _, e := range r.GetEntries() {
		index++
		switch {
		case e == nil:
			return errors.New("it holds an empty entry")
		case e.GetIndex() != index:
			return fmt.Errorf("entry %d stands where %d should", e.GetIndex(), index)
		case e.GetTerm() < term || e.GetTerm() == 0 || e.GetTerm() > r.GetTerm():
			return fmt.Errorf("entry %d of term %d follows term %d in a message of term %d", index, e.GetTerm(), term, r.GetTerm())
		case e.GetType() == raftpb.EntryConfChangeV2 && !isConfChange(e):
			return fmt.Errorf("entry %d is a change of members that does not parse", index)
		case e.GetType() != raftpb.EntryNormal && e.GetType() != raftpb.EntryConfChangeV2:
			return fmt.Errorf("entry %d has type %s, which this store does not take", index, e.GetType())
		}
		term = e.GetTerm()
	}
	return nil
}

func isConfChange(e *raftpb.Entry) bool {
	return proto.Unmarshal(e.GetData(), &raftpb.ConfChangeV2{}) == nil
}

// noteCut looks at an append or a snapshot on its way to raft: one that contradicts the log shortens raft's own at once,
// while ours keeps its old end until the next Ready.
func (p *peer) noteCut(r *raftpb.Message) {
	entries, end := r.GetEntries(), r.GetSnapshot().GetMetadata().GetIndex()
	cuts := end > 0
	if len(entries) > 0 {
		end = entries[len(entries)-1].GetIndex()
	}
	for _, e := range entries {
		term, err := p.log.Term(e.GetIndex())
		cuts = cuts || err == nil && term != e.GetTerm()
	}
	if cuts && !p.cut {
		p.cut, p.cutEnd = true, p.log.hard.LastIndex
	}
	if p.cut && end > 0 {
		p.cutEnd = min(p.cutEnd, end)
	}
}

// logEnd is an index that raft's own log surely reaches.
func (p *peer) logEnd() uint64 {
	if p.cut {
		return p.cutEnd
	}
	return p.log.hard.LastIndex
}

func (p *peer) checkAppendResponse(r *raftpb.Message) error {
	switch {
	case p.state != raft.StateLeader || r.GetTerm() != p.term:
		return nil // raft ignores it, or learns of a newer term
	case r.GetIndex() > p.logEnd():
		return fmt.Errorf("it acknowledges entry %d, the log ends at %d", r.GetIndex(), p.logEnd())
	case r.GetReject() && r.GetRejectHint() > r.GetIndex():
		return fmt.Errorf("its hint %d is past the rejected %d", r.GetRejectHint(), r.GetIndex())
	case r.GetReject() && p.probesFrom(r.GetFrom(), r.GetIndex()):
		// Raft would ask again at once, for ever: it takes no acknowledgement back.
		return fmt.Errorf("it rejects entry %d, which it has acknowledged", r.GetIndex())
	}
	return nil
}

// probesFrom tells whether the leader probes a peer just after an entry that the peer has acknowledged.
func (p *peer) probesFrom(id, index uint64) (probes bool) {
	p.rn.WithProgress(func(peerID uint64, _ raft.ProgressType, pr tracker.Progress) {
		if peerID == id {
			probes = pr.State == tracker.StateProbe && pr.Match == index && pr.Next == index+1 && index > 0
		}
	})
	return probes
}

// checkHeartbeat: a leader never tells more committed than the follower acknowledged.
func (p *peer) checkHeartbeat(r *raftpb.Message) error {
	if r.GetCommit() > p.logEnd() {
		return fmt.Errorf("it commits entry %d, the log ends at %d", r.GetCommit(), p.logEnd())
	}
	return nil
}

func (p *peer) checkHeartbeatResponse(r *raftpb.Message) error {
	context := r.GetContext()
	switch {
	case len(context) == 0:
		return nil
	case len(context) != 8:
		return fmt.Errorf("its read context has %d bytes, not 8", len(context))
	case p.state == raft.StateLeader && r.GetTerm() == p.term && binary.LittleEndian.Uint64(context) > p.rounds.last:
		return fmt.Errorf("it confirms read %d, the last is %d", binary.LittleEndian.Uint64(context), p.rounds.last)
	}
	return nil
}

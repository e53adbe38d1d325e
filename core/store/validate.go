package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// Raft trusts its callers: some messages make it panic, others raise its term to anything. So every message is checked
// here first; FuzzStep starts from the ones that were measured to hurt.

// receiver returns the peer a message is for, or why there is none.
func (s *Store) receiver(m Message) (*peer, error) {
	switch {
	case m.Raft == nil:
		return nil, errors.New("the envelope is empty")
	case m.ToStore != s.cfg.StoreID:
		return nil, fmt.Errorf("it is for S%d, this is S%d", m.ToStore, s.cfg.StoreID)
	}
	p := s.peers[m.RegionID]
	switch {
	case p == nil:
		return nil, fmt.Errorf("S%d holds no peer of region %d", s.cfg.StoreID, m.RegionID)
	case m.Raft.GetTo() != p.id:
		return nil, fmt.Errorf("it is for peer %d, this is peer %d", m.Raft.GetTo(), p.id)
	case m.Raft.GetFrom() == p.id:
		return nil, errors.New("it claims to come from the peer it is for")
	}
	from := p.member(m.Raft.GetFrom())
	if from == nil || from.GetStoreId() != m.FromStore {
		return nil, fmt.Errorf("peer %d on S%d is no member of region %d", m.Raft.GetFrom(), m.FromStore, m.RegionID)
	}
	return p, nil
}

// validate says why a message must not reach raft, or nil.
func (p *peer) validate(m Message) error {
	r, limits := m.Raft, p.s.cfg.Limits
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
	switch r.GetType() {
	case raftpb.MsgApp:
		return checkAppend(r)
	case raftpb.MsgAppResp:
		return p.checkAppendResponse(r)
	case raftpb.MsgHeartbeat:
		return p.checkHeartbeat(r)
	case raftpb.MsgHeartbeatResp:
		return p.checkHeartbeatResponse(r)
	case raftpb.MsgSnap:
		return p.checkSnapshot(r)
	case raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgPreVote, raftpb.MsgPreVoteResp, raftpb.MsgTimeoutNow:
		return nil
	default:
		return fmt.Errorf("a %s does not travel between stores", r.GetType())
	}
}

// checkAppend wants entries without gaps, of terms that never fall and are within the message's.
func checkAppend(r *raftpb.Message) error {
	if (r.GetIndex() == 0) != (r.GetLogTerm() == 0) {
		return fmt.Errorf("it follows entry %d of term %d", r.GetIndex(), r.GetLogTerm())
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
		case e.GetType() != raftpb.EntryNormal:
			return fmt.Errorf("entry %d has type %s, which this store does not take", index, e.GetType())
		}
		term = e.GetTerm()
	}
	return nil
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
	case p.state == raft.StateLeader && r.GetTerm() == p.term && binary.LittleEndian.Uint64(context) > p.readRounds:
		return fmt.Errorf("it confirms read %d, the last is %d", binary.LittleEndian.Uint64(context), p.readRounds)
	}
	return nil
}

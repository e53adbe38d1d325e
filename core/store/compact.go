package store

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"raftplay/core/engine"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// Compaction goes through the log, so that all peers cut at the same index (TiKV's CompactLog). It never passes what a
// peer has applied, and the term of the last entry that went is kept.

func (p *peer) proposeCompaction(req *raftcmdpb.RaftCommandRequest, compact *raftcmdpb.CompactLogRequest, callback Callback) *response {
	index := compact.GetCompactIndex()
	if index == 0 {
		index = p.applied
	}
	if index > p.applied || index <= p.log.truncated {
		return compactionRefused(index, p.log.truncated+1, p.applied)
	}
	if compact.GetCompactIndex() == 0 {
		req = &raftcmdpb.RaftCommandRequest{Header: req.GetHeader(), Admin: compactRequest(index)}
	}
	return p.appendCommand(req, callback)
}

func compactRequest(index uint64) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{
		CompactLog: &raftcmdpb.CompactLogRequest{CompactIndex: index}}}
}

// applyCompaction cuts this peer's log. Another peer's may begin elsewhere, behind a snapshot: the answer tells of this one.
func (p *peer) applyCompaction(compact *raftcmdpb.CompactLogRequest, e *raftpb.Entry, ready *Ready) *response {
	p.compacting = false
	// The entry itself stays: it is being applied.
	p.compactTo(min(compact.GetCompactIndex(), e.GetIndex()-1), ready.Batch)
	return p.administered(e, &raftcmdpb.AdminResponse{Response: &raftcmdpb.AdminResponse_CompactLog{
		CompactLog: &raftcmdpb.CompactLogResponse{FirstIndex: p.log.truncated + 1}}})
}

// compactTo takes the entries up to index, which must be applied, off the log's front.
func (p *peer) compactTo(index uint64, batch *engine.Batch) {
	first := p.log.truncated + 1
	if index < first {
		return
	}
	if err := p.log.compact(index, batch); err != nil {
		p.must(nil, false, err)
	}
	p.applyFixed = p.encodeFixed()
	if p.s.cfg.Observer != nil {
		p.s.cfg.Observer.LogCompacted(p.region.GetId(), first, p.log.truncated+1)
	}
}

// behindFactor is how many times LogEntriesMax a log may hold for the sake of a slow follower.
const behindFactor = 4

// checkLog has a leader compact a log of more than LogEntriesMax applied entries, but for LogEntriesKept of the newest and
// what a follower that is there still needs.
func (p *peer) checkLog() {
	limit := uint64(p.s.cfg.LogEntriesMax)
	held := p.applied - p.log.truncated
	if limit == 0 || p.state != stateLeader || p.compacting || held <= limit {
		return
	}
	index := p.applied - min(held, uint64(p.s.cfg.LogEntriesKept))
	if held <= behindFactor*limit {
		p.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
			switch {
			case id == p.id:
			case pr.State == tracker.StateSnapshot:
				index = min(index, pr.PendingSnapshot)
			case pr.RecentActive:
				index = min(index, pr.Match)
			}
		})
	}
	if index <= p.log.truncated {
		return
	}
	req := &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: p.region.GetId(), RegionEpoch: p.region.GetRegionEpoch()},
		Admin:  compactRequest(index),
	}
	p.compacting = p.proposeCompaction(req, req.GetAdmin().GetCompactLog(), func(*response) { p.compacting = false }) == nil
}

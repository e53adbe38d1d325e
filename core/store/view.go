package store

import (
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// RegionIDs returns the regions this store holds a peer of, ascending. The slice belongs to the Store.
func (s *Store) RegionIDs() []uint64 { return s.order }

// CommandsApplied is how many entries were applied since Open that are commands, of all regions.
func (s *Store) CommandsApplied() uint64 { return s.commandsApplied }

// Region returns a region as this store knows it, or nil. Read only.
func (s *Store) Region(regionID uint64) *metapb.Region {
	if p := s.peers[regionID]; p != nil {
		return p.region
	}
	return nil
}

// Timer returns the election timer of a region's peer; zero when there is none.
func (s *Store) Timer(regionID uint64) Timer {
	if p := s.peers[regionID]; p != nil {
		return p.timer()
	}
	return Timer{}
}

// Role returns the role and term of a region's peer; ok is false when there is none.
func (s *Store) Role(regionID uint64) (role raft.StateType, term uint64, ok bool) {
	if p := s.peers[regionID]; p != nil {
		return p.state, p.term, true
	}
	return 0, 0, false
}

// View returns the state of a region's peer.
func (s *Store) View(regionID uint64) (PeerView, bool) {
	p := s.peers[regionID]
	if p == nil {
		return PeerView{}, false
	}
	return PeerView{
		PeerID: p.id, Role: p.state, Term: p.term, Vote: p.vote, Leader: p.lead, Commit: p.rn.BasicStatus().GetCommit(),
		Applied: p.applied, FirstIndex: p.log.truncated + 1, LastIndex: p.log.hard.LastIndex, Timer: p.timer(),
		Votes: slices.Clone(p.votes), Uninitialized: !p.initialized, SizeBytes: p.size.bytes + p.size.added,
		LeaseUntil: p.leaseUntil(),
	}, true
}

// PeerProgress is what a leader knows of one peer (raft's tracker.Progress).
type PeerProgress struct {
	PeerID       uint64
	Match, Next  uint64
	State        tracker.StateType
	RecentActive bool
	Learner      bool
	// PendingSnapshot is the index of the snapshot under way to the peer; 0 when there is none.
	PendingSnapshot uint64
}

// VisitProgress shows what a leader knows of the region's peers, by peer id; nothing on others.
func (s *Store) VisitProgress(regionID uint64, visit func(PeerProgress)) {
	p := s.peers[regionID]
	if p == nil || p.state != raft.StateLeader {
		return
	}
	// Raft visits in the order of the ids.
	p.rn.WithProgress(func(id uint64, typ raft.ProgressType, pr tracker.Progress) {
		visit(PeerProgress{
			PeerID: id, Match: pr.Match, Next: pr.Next, State: pr.State, RecentActive: pr.RecentActive,
			Learner: typ == raft.ProgressTypeLearner, PendingSnapshot: pr.PendingSnapshot,
		})
	})
}

// Mirror fills in the progress as the protocol shows it, and returns it.
func (p PeerProgress) Mirror(out *raftcmdpb.PeerProgress) *raftcmdpb.PeerProgress {
	out.PeerId, out.Match, out.Next, out.State = p.PeerID, p.Match, p.Next, progressStates[p.State]
	out.RecentActive, out.Learner, out.PendingSnapshot = p.RecentActive, p.Learner, p.PendingSnapshot
	return out
}

// progressStates are by raft's own.
var progressStates = [...]raftcmdpb.ProgressState{
	tracker.StateProbe:     raftcmdpb.ProgressState_PROGRESS_STATE_PROBE,
	tracker.StateReplicate: raftcmdpb.ProgressState_PROGRESS_STATE_REPLICATE,
	tracker.StateSnapshot:  raftcmdpb.ProgressState_PROGRESS_STATE_SNAPSHOT,
}

// Entries returns the log's entries in [lo, hi) as handed out by Ready. Read only.
func (s *Store) Entries(regionID, lo, hi uint64) ([]*raftpb.Entry, error) {
	p := s.peers[regionID]
	if p == nil || lo >= hi {
		return nil, nil
	}
	return p.log.Entries(lo, hi, 1<<62)
}

// Data visits the users' pairs of a region in order, with the log index that wrote each, as this store has applied them;
// the engine may be a batch behind.
func (s *Store) Data(regionID uint64, visit func(key, value []byte, revision uint64) bool) error {
	p := s.peers[regionID]
	if p == nil || !p.initialized {
		return nil
	}
	from, to := dataBounds(p.region.GetStartKey(), p.region.GetEndKey())
	return p.s.overlay.Ascend(from, to, func(key, stored []byte) bool {
		revision, value := decodeValue(stored)
		return visit(key[1:], value, revision)
	})
}

// status answers a status command: any store tells the leader it knows, only the leader the details.
func (p *peer) status(req *raftcmdpb.RaftCommandRequest) *raftcmdpb.RaftCommandResponse {
	answer := &raftcmdpb.RaftCommandResponse{
		Header: &raftcmdpb.ResponseHeader{RegionId: p.region.GetId(), Term: p.term, Index: p.applied},
		Status: &raftcmdpb.StatusResponse{Leader: p.member(p.lead)},
	}
	if req.GetStatus().GetType() == raftcmdpb.StatusType_STATUS_TYPE_REGION_LEADER {
		return answer
	}
	if p.state != raft.StateLeader {
		return p.notLeader(notApplied)
	}
	answer.Status.Detail = &raftcmdpb.RegionDetail{
		Region: p.region, Term: p.term, Vote: p.vote, Commit: p.rn.BasicStatus().GetCommit(), Applied: p.applied,
		FirstIndex: p.log.truncated + 1, LastIndex: p.log.hard.LastIndex,
		ConfChangePending: p.confWaiting || p.region.GetJoint(), DownPeers: p.downPeers(),
	}
	p.measure()
	answer.Status.Detail.SizeBytes = p.size.bytes
	p.s.VisitProgress(p.region.GetId(), func(of PeerProgress) {
		answer.Status.Detail.Progress = append(answer.Status.Detail.Progress, of.Mirror(&raftcmdpb.PeerProgress{}))
	})
	return answer
}

// RegionOf returns the region that holds a key, as this store knows it, or nil when it has no peer of it. Read only.
func (s *Store) RegionOf(key []byte) *metapb.Region {
	if p := s.holder(key); p != nil {
		return p.region
	}
	return nil
}

// leaseUntil is when a leader's lease ends; 0 when it has none.
func (p *peer) leaseUntil() int64 {
	if p.state != stateLeader || !p.s.leases() {
		return 0
	}
	return p.lease.until
}

func one(is bool) uint32 {
	if is {
		return 1
	}
	return 0
}

// stats answers what the store is busy with.
func (s *Store) stats() *response {
	st := &raftcmdpb.StoreStats{
		StoreId: s.cfg.StoreID, Regions: uint32(len(s.order)), SnapshotsSending: uint32(len(s.sending)),
	}
	for _, id := range s.order {
		p := s.peers[id]
		st.Waiting += uint32(len(p.proposals) + len(p.reads) + len(p.readsWaiting))
		st.Leaders += one(p.state == stateLeader)
		st.Asleep += one(p.asleep)
		st.Uninitialized += one(!p.initialized)
		st.SnapshotsReceiving += one(p.incoming != nil)
	}
	return &response{Header: &raftcmdpb.ResponseHeader{}, Status: &raftcmdpb.StatusResponse{Stats: st}}
}

package sim

import (
	"go.etcd.io/raft/v3"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

const (
	roleLeader = raft.StateLeader
	// commandBytesMax and valueBytesMax are how much of a command or a value an event shows.
	commandBytesMax = 1 << 10
	valueBytesMax   = 1 << 10
)

func mirrorRole(r raft.StateType) sessionpb.Role {
	switch r {
	case raft.StateFollower:
		return sessionpb.Role_ROLE_FOLLOWER
	case raft.StatePreCandidate:
		return sessionpb.Role_ROLE_PRE_CANDIDATE
	case raft.StateCandidate:
		return sessionpb.Role_ROLE_CANDIDATE
	case raft.StateLeader:
		return sessionpb.Role_ROLE_LEADER
	}
	return sessionpb.Role_ROLE_UNSPECIFIED
}

func mirrorTimer(regionID uint64, t store.Timer) *sessionpb.PeerTimer {
	return &sessionpb.PeerTimer{RegionId: regionID, ElapsedTicks: uint32(t.Elapsed), TimeoutTicks: uint32(t.Timeout)}
}

func mirrorChange(key, value []byte, revision uint64, deleted bool, out *sessionpb.KeyChange) *sessionpb.KeyChange {
	out.Key, out.Deleted, out.Revision = key, deleted, revision
	out.Value, out.ValueSizeBytes = value[:min(len(value), valueBytesMax)], uint32(len(value))
	return out
}

// startedWrite is a write with the part of its first region, which is usually the only one, in one piece of memory.
type startedWrite struct {
	write sessionpb.WriteStarted
	peers [1]*sessionpb.PeerWrite
	peer  sessionpb.PeerWrite
}

// mirrorWrite fills in the write as it was started.
func (w *World) mirrorWrite(d *write, out *startedWrite) *sessionpb.WriteStarted {
	out.write.WriteId, out.write.MustSync, out.write.SizeBytes = d.id, d.ready.MustSync, uint32(d.sizeBytes())
	out.write.WrittenDueMicros, out.write.SyncedDueMicros = d.writtenDue, d.syncedDue
	if len(d.parts) == 0 {
		return &out.write
	}
	out.write.Peers = out.peers[:0]
	for i := range d.parts {
		p, peer := &d.parts[i], &out.peer
		if i > 0 {
			peer = &sessionpb.PeerWrite{}
		}
		peer.RegionId, peer.Term, peer.Vote, peer.Commit, peer.LastIndex = p.RegionID, p.Term, p.Vote, p.Commit, p.LastIndex
		peer.Entries = w.entries.mirrorAll(p.RegionID, p.Entries)
		if len(p.Entries) > 0 {
			peer.FirstIndex = p.Entries[0].GetIndex()
		}
		out.write.Peers = append(out.write.Peers, peer)
	}
	return &out.write
}

var snapshotStages = [...]sessionpb.SnapshotStage{
	store.SnapshotStarted: sessionpb.SnapshotStage_SNAPSHOT_STAGE_STARTED,
	store.SnapshotSending: sessionpb.SnapshotStage_SNAPSHOT_STAGE_SENDING,
	store.SnapshotDone:    sessionpb.SnapshotStage_SNAPSHOT_STAGE_DONE,
	store.SnapshotFailed:  sessionpb.SnapshotStage_SNAPSHOT_STAGE_FAILED,
}

func mirrorSnapshot(p store.SnapshotProgress) *sessionpb.SnapshotProgress {
	return &sessionpb.SnapshotProgress{
		SnapshotId: p.ID, RegionId: p.RegionID, ToStore: p.To.GetStoreId(), ToPeer: p.To.GetId(), Index: p.Index, Term: p.Term,
		Stage: snapshotStages[p.Stage], BytesDone: p.BytesDone, BytesTotal: p.BytesTotal, Why: p.Why,
	}
}

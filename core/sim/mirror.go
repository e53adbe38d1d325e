package sim

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

const (
	roleLeader = raft.StateLeader
	// commandBytesMax and valueBytesMax are how much of a command or a value an event shows.
	commandBytesMax = 1 << 10
	valueBytesMax   = 1 << 10
)

// messageTypes are by raftpb.MessageType.
var messageTypes = [...]sessionpb.MessageType{
	raftpb.MsgApp:           sessionpb.MessageType_MESSAGE_TYPE_APPEND,
	raftpb.MsgAppResp:       sessionpb.MessageType_MESSAGE_TYPE_APPEND_RESPONSE,
	raftpb.MsgVote:          sessionpb.MessageType_MESSAGE_TYPE_VOTE,
	raftpb.MsgVoteResp:      sessionpb.MessageType_MESSAGE_TYPE_VOTE_RESPONSE,
	raftpb.MsgPreVote:       sessionpb.MessageType_MESSAGE_TYPE_PRE_VOTE,
	raftpb.MsgPreVoteResp:   sessionpb.MessageType_MESSAGE_TYPE_PRE_VOTE_RESPONSE,
	raftpb.MsgSnap:          sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT,
	raftpb.MsgHeartbeat:     sessionpb.MessageType_MESSAGE_TYPE_HEARTBEAT,
	raftpb.MsgHeartbeatResp: sessionpb.MessageType_MESSAGE_TYPE_HEARTBEAT_RESPONSE,
	raftpb.MsgTimeoutNow:    sessionpb.MessageType_MESSAGE_TYPE_TIMEOUT_NOW,
	raftpb.MsgReadIndex:     sessionpb.MessageType_MESSAGE_TYPE_READ_INDEX,
	raftpb.MsgReadIndexResp: sessionpb.MessageType_MESSAGE_TYPE_READ_INDEX_RESPONSE,
}

func mirrorType(t raftpb.MessageType) sessionpb.MessageType {
	if int(t) < len(messageTypes) && messageTypes[t] != 0 {
		return messageTypes[t]
	}
	return sessionpb.MessageType_MESSAGE_TYPE_OTHER
}

// mirrorMessage fills in a message as viewers see it. EntryTerms may come with room.
func mirrorMessage(f *flight, out *sessionpb.Message) {
	m := f.message.Raft
	out.Id, out.SentMicros, out.DueMicros, out.Doomed = f.id, f.sent, f.due, f.doomed
	out.RegionId, out.FromStore, out.ToStore = f.message.RegionID, f.message.FromStore, f.message.ToStore
	out.FromPeer, out.ToPeer, out.Type = m.GetFrom(), m.GetTo(), mirrorType(m.GetType())
	out.Term, out.LogTerm, out.Index, out.Commit = m.GetTerm(), m.GetLogTerm(), m.GetIndex(), m.GetCommit()
	out.Reject, out.RejectHint = m.GetReject(), m.GetRejectHint()
	out.SizeBytes = uint32(sizeBytes(m))
	for _, e := range m.Entries {
		out.EntryTerms = append(out.EntryTerms, e.GetTerm())
	}
	switch m.GetType() {
	case raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp, raftpb.MsgReadIndex, raftpb.MsgReadIndexResp:
		out.ReadContext = len(m.Context) > 0
	}
	if snapshot := m.GetSnapshot().GetMetadata(); snapshot != nil {
		out.SnapshotIndex, out.SnapshotTerm = snapshot.GetIndex(), snapshot.GetTerm()
	}
}

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
	if len(d.ready.Writes) == 0 {
		return &out.write
	}
	out.write.Peers = out.peers[:0]
	for i := range d.ready.Writes {
		p, peer := &d.ready.Writes[i], &out.peer
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

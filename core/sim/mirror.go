package sim

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

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

// mirrorMessage fills in a message as viewers see it.
func mirrorMessage(f *flight, out *sessionpb.Message) {
	m := f.message.Raft
	out.Id, out.SentMicros, out.DueMicros, out.Doomed = f.id, f.sent, f.due, f.doomed
	out.RegionId, out.FromStore, out.ToStore = f.message.RegionID, f.message.FromStore, f.message.ToStore
	out.FromPeer, out.ToPeer, out.Type = m.GetFrom(), m.GetTo(), mirrorType(m.GetType())
	out.Term, out.LogTerm, out.Index, out.Commit = m.GetTerm(), m.GetLogTerm(), m.GetIndex(), m.GetCommit()
	out.Reject, out.RejectHint = m.GetReject(), m.GetRejectHint()
	out.SizeBytes = uint32(proto.Size(m))
	if len(m.Entries) > 0 {
		out.EntryTerms = make([]uint64, len(m.Entries))
		for i, e := range m.Entries {
			out.EntryTerms[i] = e.GetTerm()
		}
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

func mirrorChange(key, value []byte, revision uint64, deleted bool) *sessionpb.KeyChange {
	return &sessionpb.KeyChange{
		Key: key, Deleted: deleted, Value: value[:min(len(value), valueBytesMax)], ValueSizeBytes: uint32(len(value)),
		Revision: revision,
	}
}

// mirrorWrite is the write as it was started.
func (w *World) mirrorWrite(d *write) *sessionpb.WriteStarted {
	out := &sessionpb.WriteStarted{
		WriteId: d.id, MustSync: d.ready.MustSync, SizeBytes: uint32(d.sizeBytes()),
		WrittenDueMicros: d.writtenDue, SyncedDueMicros: d.syncedDue,
	}
	for i := range d.ready.Writes {
		p := &d.ready.Writes[i]
		peer := &sessionpb.PeerWrite{
			RegionId: p.RegionID, Term: p.Term, Vote: p.Vote, Commit: p.Commit, LastIndex: p.LastIndex,
			Entries: w.entries.mirrorAll(p.RegionID, p.Entries),
		}
		if len(p.Entries) > 0 {
			peer.FirstIndex = p.Entries[0].GetIndex()
		}
		out.Peers = append(out.Peers, peer)
	}
	return out
}

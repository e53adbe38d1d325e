package mirror

import (
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	raftserverpb "raftplay/core/pb/raftserverpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// raftTypes are by raftpb.MessageType.
var raftTypes = [...]sessionpb.MessageType{
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

func raftType(t raftpb.MessageType) sessionpb.MessageType {
	if int(t) < len(raftTypes) && raftTypes[t] != 0 {
		return raftTypes[t]
	}
	return sessionpb.MessageType_MESSAGE_TYPE_OTHER
}

// MessageType is what a message says, raft's or the stores' own.
func MessageType(m *store.Message) sessionpb.MessageType {
	if m.Raft != nil {
		return raftType(m.Raft.GetType())
	}
	switch m.Extra.(type) {
	case *raftserverpb.PeerGone:
		return sessionpb.MessageType_MESSAGE_TYPE_PEER_GONE
	case *raftserverpb.PeerRemoved:
		return sessionpb.MessageType_MESSAGE_TYPE_PEER_REMOVED
	case *raftserverpb.CheckPeer:
		return sessionpb.MessageType_MESSAGE_TYPE_CHECK_PEER
	case *raftserverpb.SnapshotChunk:
		return sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT
	case *raftserverpb.SnapshotAck:
		return sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT_ACK
	case *raftserverpb.Sleep:
		return sessionpb.MessageType_MESSAGE_TYPE_SLEEP
	case *raftserverpb.StoreBeat:
		return sessionpb.MessageType_MESSAGE_TYPE_STORE_BEAT
	}
	return sessionpb.MessageType_MESSAGE_TYPE_OTHER
}

// Message fills in a message as viewers see it, but for its flight: its id and its times are the network's. EntryTerms
// may come with room.
func Message(m *store.Message, out *sessionpb.Message) {
	out.RegionId, out.FromStore, out.ToStore = m.RegionID, m.FromStore, m.ToStore
	out.FromPeer, out.ToPeer = m.FromPeer, m.ToPeer
	out.Type, out.SizeBytes = MessageType(m), uint32(MessageBytes(m))
	if m.Raft != nil {
		showRaft(m.Raft, out)
		return
	}
	showExtra(m.Extra, out)
}

// showRaft fills in what raft says.
func showRaft(m *raftpb.Message, out *sessionpb.Message) {
	out.FromPeer, out.ToPeer = m.GetFrom(), m.GetTo()
	out.Term, out.LogTerm, out.Index, out.Commit = m.GetTerm(), m.GetLogTerm(), m.GetIndex(), m.GetCommit()
	out.Reject, out.RejectHint = m.GetReject(), m.GetRejectHint()
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

// showExtra fills in what the stores themselves say.
func showExtra(extra proto.Message, out *sessionpb.Message) {
	switch m := extra.(type) {
	case *raftserverpb.PeerRemoved:
		out.Index, out.LogTerm = m.GetIndex(), m.GetTerm()
	case *raftserverpb.SnapshotChunk:
		out.Chunk, out.LastChunk = m.GetNumber()+1, m.GetLast()
		out.SnapshotIndex, out.SnapshotTerm = m.GetIndex(), m.GetTerm()
		out.SnapshotBytes, out.SnapshotBytesTotal = m.GetBytesDone(), m.GetBytesTotal()
	case *raftserverpb.SnapshotAck:
		out.Chunk, out.LastChunk, out.Reject = m.GetNext()+1, m.GetDone(), m.GetRefused() != ""
	case *raftserverpb.Sleep:
		out.Term, out.Index, out.Commit = m.GetTerm(), m.GetLastIndex(), m.GetCommit()
	}
}

package store

import (
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// Message is a raft message between two peers of a region, or a word of the stores themselves: raftserverpb.RaftMessage
// with its content decoded.
type Message struct {
	RegionID  uint64
	FromStore uint64
	ToStore   uint64
	ConfVer   uint64
	Version   uint64
	// FromPeer and ToPeer are peer ids, Raft's if there is one.
	FromPeer, ToPeer uint64
	Raft             *raftpb.Message
	// Extra is a word of the stores themselves, instead of raft's: a raftserverpb PeerGone, CheckPeer, SnapshotChunk,
	// SnapshotAck, Sleep or StoreBeat. Nobody writes it.
	Extra proto.Message
}

// Clone returns a message that shares nothing mutable with m: raft's Step keeps and changes what it is given. Entry
// data is shared; nobody writes it.
func (m Message) Clone() Message {
	if m.Raft == nil {
		return m
	}
	src := m.Raft
	dst := &raftpb.Message{
		Type: src.Type, To: src.To, From: src.From, Term: src.Term, LogTerm: src.LogTerm, Index: src.Index,
		Commit: src.Commit, Vote: src.Vote, Reject: src.Reject, RejectHint: src.RejectHint, Context: src.Context,
	}
	if len(src.Entries) == 1 {
		// The usual append, in one piece of memory.
		one := &struct {
			list  [1]*raftpb.Entry
			entry raftpb.Entry
		}{}
		one.list[0], dst.Entries = &one.entry, one.list[:]
		copyEntry(&one.entry, src.Entries[0])
	} else if len(src.Entries) > 1 {
		entries := make([]raftpb.Entry, len(src.Entries))
		dst.Entries = make([]*raftpb.Entry, len(src.Entries))
		for i, e := range src.Entries {
			dst.Entries[i] = &entries[i]
			copyEntry(&entries[i], e)
		}
	}
	if src.Snapshot != nil {
		dst.Snapshot = proto.Clone(src.Snapshot).(*raftpb.Snapshot)
	}
	m.Raft = dst
	return m
}

func copyEntry(dst, src *raftpb.Entry) {
	dst.Type, dst.Term, dst.Index, dst.Data = src.Type, src.Term, src.Index, src.Data
}

// Encode returns the message as it travels between processes.
func (m Message) Encode() (*raftserverpb.RaftMessage, error) {
	rm := &raftserverpb.RaftMessage{
		RegionId:    m.RegionID,
		FromPeer:    &metapb.Peer{Id: m.FromPeer, StoreId: m.FromStore},
		ToPeer:      &metapb.Peer{Id: m.ToPeer, StoreId: m.ToStore},
		RegionEpoch: &metapb.RegionEpoch{ConfVer: m.ConfVer, Version: m.Version},
	}
	switch extra := m.Extra.(type) {
	case nil:
		data, err := proto.Marshal(m.Raft)
		if err != nil {
			return nil, fmt.Errorf("encode raft message: %w", err)
		}
		rm.Message = data
	case *raftserverpb.PeerGone:
		rm.Extra = &raftserverpb.RaftMessage_PeerGone{PeerGone: extra}
	case *raftserverpb.CheckPeer:
		rm.Extra = &raftserverpb.RaftMessage_CheckPeer{CheckPeer: extra}
	case *raftserverpb.SnapshotChunk:
		rm.Extra = &raftserverpb.RaftMessage_SnapshotChunk{SnapshotChunk: extra}
	case *raftserverpb.SnapshotAck:
		rm.Extra = &raftserverpb.RaftMessage_SnapshotAck{SnapshotAck: extra}
	case *raftserverpb.Sleep:
		rm.Extra = &raftserverpb.RaftMessage_Sleep{Sleep: extra}
	case *raftserverpb.PeerRemoved:
		rm.Extra = &raftserverpb.RaftMessage_PeerRemoved{PeerRemoved: extra}
	case *raftserverpb.StoreBeat:
		rm.Extra = &raftserverpb.RaftMessage_StoreBeat{StoreBeat: extra}
	default:
		return nil, fmt.Errorf("a %T does not travel", extra)
	}
	return rm, nil
}

// extraOf is what a message carries that is not raft's, or nil.
func extraOf(rm *raftserverpb.RaftMessage) proto.Message {
	switch extra := rm.GetExtra().(type) {
	case *raftserverpb.RaftMessage_PeerGone:
		return extra.PeerGone
	case *raftserverpb.RaftMessage_CheckPeer:
		return extra.CheckPeer
	case *raftserverpb.RaftMessage_SnapshotChunk:
		return extra.SnapshotChunk
	case *raftserverpb.RaftMessage_SnapshotAck:
		return extra.SnapshotAck
	case *raftserverpb.RaftMessage_Sleep:
		return extra.Sleep
	case *raftserverpb.RaftMessage_PeerRemoved:
		return extra.PeerRemoved
	case *raftserverpb.RaftMessage_StoreBeat:
		return extra.StoreBeat
	}
	return nil
}

// Decode turns what arrived from another process into a Message, or says what is wrong with it. Step validates the
// rest.
func Decode(rm *raftserverpb.RaftMessage) (Message, error) {
	m := Message{
		RegionID:  rm.GetRegionId(),
		FromStore: rm.GetFromPeer().GetStoreId(),
		ToStore:   rm.GetToPeer().GetStoreId(),
		FromPeer:  rm.GetFromPeer().GetId(),
		ToPeer:    rm.GetToPeer().GetId(),
		ConfVer:   rm.GetRegionEpoch().GetConfVer(),
		Version:   rm.GetRegionEpoch().GetVersion(),
		Extra:     extraOf(rm),
	}
	if m.Extra != nil && len(rm.GetMessage()) == 0 {
		return m, nil
	}
	m.Raft = &raftpb.Message{}
	if err := proto.Unmarshal(rm.GetMessage(), m.Raft); err != nil {
		return Message{}, fmt.Errorf("raft message does not parse: %w", err)
	}
	return m, nil
}

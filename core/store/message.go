package store

import (
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// Message is a raft message between two peers of a region: raftserverpb.RaftMessage with raft's part decoded.
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
	data, err := proto.Marshal(m.Raft)
	if err != nil {
		return nil, fmt.Errorf("encode raft message: %w", err)
	}
	return &raftserverpb.RaftMessage{
		RegionId:    m.RegionID,
		FromPeer:    &metapb.Peer{Id: m.Raft.GetFrom(), StoreId: m.FromStore},
		ToPeer:      &metapb.Peer{Id: m.Raft.GetTo(), StoreId: m.ToStore},
		RegionEpoch: &metapb.RegionEpoch{ConfVer: m.ConfVer, Version: m.Version},
		Message:     data,
	}, nil
}

// Decode turns what arrived from another process into a Message, or says what is wrong with it. Step validates the
// rest.
func Decode(rm *raftserverpb.RaftMessage) (Message, error) {
	raft := &raftpb.Message{}
	if err := proto.Unmarshal(rm.GetMessage(), raft); err != nil {
		return Message{}, fmt.Errorf("raft message does not parse: %w", err)
	}
	if raft.GetFrom() != rm.GetFromPeer().GetId() || raft.GetTo() != rm.GetToPeer().GetId() {
		return Message{}, fmt.Errorf("envelope says peer %d to %d, raft message says %d to %d",
			rm.GetFromPeer().GetId(), rm.GetToPeer().GetId(), raft.GetFrom(), raft.GetTo())
	}
	return Message{
		RegionID:  rm.GetRegionId(),
		FromStore: rm.GetFromPeer().GetStoreId(),
		ToStore:   rm.GetToPeer().GetStoreId(),
		ConfVer:   rm.GetRegionEpoch().GetConfVer(),
		Version:   rm.GetRegionEpoch().GetVersion(),
		Raft:      raft,
	}, nil
}

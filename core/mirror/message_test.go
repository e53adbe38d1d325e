package mirror

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

func TestTheStoresOwnMessagesAreReadable(t *testing.T) {
	chunk := &raftserverpb.SnapshotChunk{
		SnapshotId: 4, Number: 2, Last: true, Index: 90, Term: 3, BytesDone: 1_500, BytesTotal: 1_600,
		Pairs: []*raftcmdpb.Pair{{Key: []byte("zkey"), Value: make([]byte, 400)}},
	}
	for _, c := range []struct {
		extra proto.Message
		want  *sessionpb.Message
	}{
		{&raftserverpb.PeerGone{}, &sessionpb.Message{Type: sessionpb.MessageType_MESSAGE_TYPE_PEER_GONE}},
		{&raftserverpb.CheckPeer{}, &sessionpb.Message{Type: sessionpb.MessageType_MESSAGE_TYPE_CHECK_PEER}},
		{chunk, &sessionpb.Message{
			Type: sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT, Chunk: 3, LastChunk: true, SnapshotIndex: 90, SnapshotTerm: 3,
			SnapshotBytes: 1_500, SnapshotBytesTotal: 1_600, SizeBytes: uint32(proto.Size(chunk))}},
		{&raftserverpb.SnapshotAck{SnapshotId: 4, Next: 3}, &sessionpb.Message{
			Type: sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT_ACK, Chunk: 4, SizeBytes: 4}},
		{&raftserverpb.SnapshotAck{Refused: "no"}, &sessionpb.Message{
			Type: sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT_ACK, Chunk: 1, Reject: true, SizeBytes: 4}},
		{&raftserverpb.Sleep{Term: 3, LastIndex: 9, Commit: 9}, &sessionpb.Message{
			Type: sessionpb.MessageType_MESSAGE_TYPE_SLEEP, Term: 3, Index: 9, Commit: 9, SizeBytes: 6}},
	} {
		want := c.want
		want.RegionId, want.FromStore, want.ToStore, want.FromPeer, want.ToPeer = 2, 1, 3, 201, 203
		got := &sessionpb.Message{}
		Message(&store.Message{RegionID: 2, FromStore: 1, ToStore: 3, FromPeer: 201, ToPeer: 203, Extra: c.extra}, got)
		if !proto.Equal(got, want) {
			t.Errorf("%T is shown as\n%v, want\n%v", c.extra, got, want)
		}
	}
	beat := &sessionpb.Message{}
	Message(&store.Message{FromStore: 1, ToStore: 2, Extra: &raftserverpb.StoreBeat{Incarnation: 1}}, beat)
	if beat.Type != sessionpb.MessageType_MESSAGE_TYPE_STORE_BEAT || beat.RegionId != 0 || beat.FromPeer != 0 {
		t.Errorf("a beat is shown as %v", beat)
	}
}

func TestAChangeOfMembersShowsItsCommand(t *testing.T) {
	data, err := proto.Marshal(&raftpb.ConfChangeV2{Context: []byte("the command")})
	if err != nil {
		t.Fatal(err)
	}
	var c Entries
	for _, e := range []struct {
		entry   *raftpb.Entry
		command string
	}{
		{&raftpb.Entry{Type: raftpb.EntryConfChangeV2.Enum(), Index: new(uint64(5)), Term: new(uint64(2)), Data: data}, "the command"},
		{&raftpb.Entry{Type: raftpb.EntryConfChangeV2.Enum(), Index: new(uint64(6)), Term: new(uint64(2))}, ""},
	} {
		shown := c.One(1, e.entry)
		if shown.Type != sessionpb.EntryType_ENTRY_TYPE_CONF_CHANGE || string(shown.Command) != e.command ||
			shown.SizeBytes != uint32(len(e.entry.Data)) {
			t.Errorf("it is shown as %v", shown)
		}
	}
}

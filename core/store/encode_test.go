package store

import (
	"testing"

	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

func TestHandMadeEncodingsAreProtobufs(t *testing.T) {
	raftState := &raftserverpb.RaftLocalState{Term: 3, Vote: 102, Commit: 1 << 40, LastIndex: 1<<40 + 7}
	compareEncoding(t, encodeRaftState(raftState), raftState, &raftserverpb.RaftLocalState{})
	empty := &raftserverpb.RaftLocalState{}
	compareEncoding(t, encodeRaftState(empty), empty, &raftserverpb.RaftLocalState{})

	fixed := &raftserverpb.RaftApplyState{TruncatedIndex: 4, TruncatedTerm: 2, Voters: []uint64{101, 102, 300},
		Learners: []uint64{7}, VotersOutgoing: []uint64{8}, LearnersNext: []uint64{9}, AutoLeave: true}
	whole := proto.Clone(fixed).(*raftserverpb.RaftApplyState)
	whole.AppliedIndex, whole.ClientFloor = 12345, 99
	compareEncoding(t, encodeApplyState(encode(fixed), 12345, 99), whole, &raftserverpb.RaftApplyState{})

	for _, answer := range []*raftcmdpb.RaftCommandResponse{
		{Header: &raftcmdpb.ResponseHeader{Client: 1 << 63, Sequence: 9, RegionId: 1, Term: 4, Index: 77,
			ReadMode: raftcmdpb.ReadMode_READ_MODE_LOG}, Responses: []*raftcmdpb.Response{putDone, putDone}},
		{Header: &raftcmdpb.ResponseHeader{Client: 5}, Responses: []*raftcmdpb.Response{
			{Response: &raftcmdpb.Response_Delete{Delete: &raftcmdpb.DeleteResponse{Found: true}}}, putDone,
			{Response: &raftcmdpb.Response_Get{Get: &raftcmdpb.GetResponse{Found: true, Value: []byte("v")}}}}},
		{Header: &raftcmdpb.ResponseHeader{}, CompareFailed: &raftcmdpb.CompareFailed{Position: 2, Key: []byte("k"), Found: true}},
	} {
		record := &raftserverpb.ClientRecord{Sequence: 9, Answer: answer}
		compareEncoding(t, encodeClientRecord(9, answer), record, &raftserverpb.ClientRecord{})
	}
}

func compareEncoding(t *testing.T, encoded []byte, want, into proto.Message) {
	t.Helper()
	if err := proto.Unmarshal(encoded, into); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(into, want) {
		t.Fatalf("got %v, want %v", into, want)
	}
}

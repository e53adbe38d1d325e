package store

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// encode marshals a state of our own, whose encoding cannot fail.
func encode(m proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", m, err))
	}
	return data
}

// The three states below are written with every command on every store. Encoding them by hand costs a fifth of what
// proto.Marshal does; a test compares the two.

func encodeRaftState(s *raftserverpb.RaftLocalState) []byte {
	b := make([]byte, 0, 32)
	b = appendUint(b, 1, s.GetTerm())
	b = appendUint(b, 2, s.GetVote())
	b = appendUint(b, 3, s.GetCommit())
	return appendUint(b, 4, s.GetLastIndex())
}

// encodeApplyState appends the parts that move to the encoding of those that stay (the configuration and the truncation).
func encodeApplyState(fixed []byte, applied, clientFloor uint64) []byte {
	b := make([]byte, 0, len(fixed)+24)
	b = append(b, fixed...)
	b = appendUint(b, 1, applied)
	return appendUint(b, 9, clientFloor)
}

func encodeClientRecord(sequence uint64, answer *raftcmdpb.RaftCommandResponse) []byte {
	inner := appendAnswer(make([]byte, 0, 64), answer)
	b := make([]byte, 0, len(inner)+16)
	b = appendUint(b, 1, sequence)
	return appendBytes(b, 2, inner)
}

// appendAnswer encodes an applied command's answer: a header of numbers alone, its responses, its failed compare.
func appendAnswer(b []byte, answer *raftcmdpb.RaftCommandResponse) []byte {
	h := answer.GetHeader()
	var numbers [64]byte
	header := appendUint(numbers[:0], 2, h.GetClient())
	header = appendUint(header, 3, h.GetSequence())
	header = appendUint(header, 4, h.GetRegionId())
	header = appendUint(header, 5, h.GetTerm())
	header = appendUint(header, 6, h.GetIndex())
	header = appendUint(header, 7, uint64(h.GetReadMode()))
	b = appendBytes(b, 1, header)
	for _, r := range answer.GetResponses() {
		if r == putDone {
			b = append(b, putDoneField...)
			continue
		}
		b = appendBytes(b, 2, encode(r))
	}
	if failed := answer.GetCompareFailed(); failed != nil {
		b = appendBytes(b, 3, encode(failed))
	}
	return b
}

var (
	putDone      = &raftcmdpb.Response{Response: &raftcmdpb.Response_Put{Put: &raftcmdpb.PutResponse{}}}
	putDoneField = appendBytes(nil, 2, encode(putDone))
)

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

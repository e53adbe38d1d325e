package sessionpb

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// This file is written by hand. It stands beside the generated code because both core/sim, which hashes events, and
// core/session, which sends them, need it, and neither a simulation nor a session is what an encoding should depend on.

// AppendEvent appends an event's encoding to b, byte for byte what proto.MarshalOptions{Deterministic: true} appends
// (tested). Events that come by the thousand are encoded here field by field, in a quarter of proto's time and in wasm in
// a fifth, for proto goes over every event twice by its tables; those that come seldom are left to it. Like proto it
// fails on text that is not UTF-8: an event that holds some is a bug of ours, so it panics.
//
// Whoever adds a field to one of the messages below adds it here too; the test fails until then.
func AppendEvent(b []byte, e *Event) []byte {
	if !frequent(e) {
		return appendByProto(b, e)
	}
	b = appendUint(b, 1, e.Seq)
	b = appendUint(b, 2, e.Step)
	b = appendUint(b, 3, uint64(e.TimeMicros))
	b = appendUint(b, 4, e.StoreId)
	var start int
	switch body := e.Body.(type) {
	case *Event_Ticked:
		b, start = begin(b, 6)
		b = appendTicked(b, body.Ticked)
	case *Event_MessageSent:
		b, start = begin(b, 7)
		b = appendMessageSent(b, body.MessageSent)
	case *Event_MessageDelivered:
		b, start = begin(b, 8)
		b = appendMessageDelivered(b, body.MessageDelivered)
	case *Event_MessageLost:
		b, start = begin(b, 9)
		b = appendMessageLost(b, body.MessageLost)
	case *Event_WriteStarted:
		b, start = begin(b, 11)
		b = appendWriteStarted(b, body.WriteStarted)
	case *Event_Written:
		b, start = begin(b, 12)
		b = appendWritten(b, body.Written)
	case *Event_Synced:
		b, start = begin(b, 13)
		b = appendSynced(b, body.Synced)
	case *Event_Committed:
		b, start = begin(b, 14)
		b = appendCommitted(b, body.Committed)
	case *Event_Applied:
		b, start = begin(b, 15)
		b = appendApplied(b, body.Applied)
	case *Event_ProgressChanged:
		b, start = begin(b, 16)
		b = appendProgressChanged(b, body.ProgressChanged)
	case *Event_OperationStarted:
		b, start = begin(b, 17)
		b = appendOperationStarted(b, body.OperationStarted)
	case *Event_OperationEnded:
		b, start = begin(b, 18)
		b = appendOperationEnded(b, body.OperationEnded)
	}
	return end(b, start)
}

// AppendFrameEvent appends an event as one of a Frame's events.
func AppendFrameEvent(b []byte, e *Event) []byte {
	b, start := begin(b, 3)
	return end(AppendEvent(b, e), start)
}

// frequent tells whether an event is encoded by hand. Parts that this version does not know, and text, which has to be
// looked at, are for proto.
func frequent(e *Event) bool {
	if e == nil || len(e.unknownFields) > 0 {
		return false
	}
	switch body := e.Body.(type) {
	case *Event_Ticked:
		return body != nil && body.Ticked != nil
	case *Event_MessageSent:
		return body != nil && body.MessageSent != nil
	case *Event_MessageDelivered:
		return body != nil && body.MessageDelivered != nil
	case *Event_MessageLost:
		return body != nil && body.MessageLost != nil && body.MessageLost.Why == ""
	case *Event_WriteStarted:
		return body != nil && body.WriteStarted != nil
	case *Event_Written:
		return body != nil && body.Written != nil
	case *Event_Synced:
		return body != nil && body.Synced != nil
	case *Event_Committed:
		return body != nil && body.Committed != nil
	case *Event_Applied:
		return body != nil && body.Applied != nil && body.Applied.Refused == ""
	case *Event_ProgressChanged:
		return body != nil && body.ProgressChanged != nil
	case *Event_OperationStarted:
		return body != nil && body.OperationStarted != nil
	case *Event_OperationEnded:
		return body != nil && body.OperationEnded != nil
	}
	return false
}

// raftcmdpb's messages may hold what a person wrote, of any version: those of operations are left to proto.

func appendRequest(b []byte, field protowire.Number, m *raftcmdpb.RaftCommandRequest) []byte {
	if m == nil {
		return b
	}
	b, start := begin(b, field)
	return end(appendByProto(b, m), start)
}

func appendResponse(b []byte, field protowire.Number, m *raftcmdpb.RaftCommandResponse) []byte {
	if m == nil {
		return b
	}
	b, start := begin(b, field)
	return end(appendByProto(b, m), start)
}

func appendByProto(b []byte, m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
	if err != nil {
		panic(fmt.Sprintf("sessionpb: %T does not encode: %v", m, err))
	}
	return b
}

// begin starts a message in a field, with one byte of room for its length; end fills the length in. Nearly every message
// inside an event is shorter than 128 bytes, so its length fits; otherwise end moves it.
func begin(b []byte, field protowire.Number) (_ []byte, start int) {
	b = append(appendTag(b, field, protowire.BytesType), 0)
	return b, len(b)
}

func end(b []byte, start int) []byte {
	length := len(b) - start
	if length < 1<<7 {
		b[start-1] = byte(length)
		return b
	}
	var room [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(room[:], uint64(length))
	b = append(b, room[:n-1]...)
	copy(b[start+n-1:], b[start:start+length])
	copy(b[start-1:], room[:n])
	return b
}

func appendTag(b []byte, field protowire.Number, kind protowire.Type) []byte {
	if field < 1<<4 {
		return append(b, byte(field)<<3|byte(kind))
	}
	return protowire.AppendTag(b, field, kind)
}

// appendUint appends a number, an enum's value, or an int64 as its two's complement; 0 is left out, as proto3 wants it.
func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = appendTag(b, field, protowire.VarintType)
	for v >= 1<<7 {
		b = append(b, byte(v)|1<<7)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendBool(b []byte, field protowire.Number, v bool) []byte {
	if !v {
		return b
	}
	return append(appendTag(b, field, protowire.VarintType), 1)
}

func appendFixed(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint64(appendTag(b, field, protowire.Fixed64Type), v)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return protowire.AppendBytes(appendTag(b, field, protowire.BytesType), v)
}

// appendPacked appends a list of numbers.
func appendPacked(b []byte, field protowire.Number, list []uint64) []byte {
	if len(list) == 0 {
		return b
	}
	b, start := begin(b, field)
	for _, v := range list {
		b = protowire.AppendVarint(b, v)
	}
	return end(b, start)
}

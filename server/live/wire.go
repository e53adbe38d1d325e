package live

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Draw is Handle with the frame left to be encoded. What viewers share is encoded once for all of them, so this is the way
// to serve many.
func (s *Session) Draw(ctx context.Context, request *sessionpb.Request) *Draft {
	return s.handle(ctx, request)
}

// complete is the frame with its keyframe and events.
func (d *Draft) complete() *sessionpb.Frame {
	if d.snapshot != nil {
		d.frame.Keyframe = d.snapshot.keyframe(d.keySeq, d.interest)
		d.frame.Keyframe.Stores = d.snapshot.stores
	}
	for i, encoded := range d.events {
		e := &sessionpb.Event{}
		if err := proto.Unmarshal(encoded, e); err != nil {
			panic(fmt.Sprintf("live: an event does not decode: %v", err))
		}
		e.Seq = d.firstSeq + uint64(i)
		d.frame.Events = append(d.frame.Events, e)
	}
	return d.frame
}

// Fields of a Frame, and of an Event.
const (
	keyframeField = 2
	eventsField   = 3
	seqField      = 1
)

// Closed is the frame's: the sentence with which the session ends, or empty.
func (d *Draft) Closed() string { return d.frame.GetClosed() }

// eventHeadBytes is about what stands in front of an event's encoding.
const eventHeadBytes = 12

// Append appends the frame in its encoding, put together of what is encoded already, but for its end: that is shared with
// other viewers, and not to be changed. A viewer of protobuf does not mind the order of the fields. A draft is encoded once.
func (d *Draft) Append(b []byte) (own, shared []byte) {
	b = slices.Grow(b, proto.Size(d.frame)+d.bytes+eventHeadBytes*len(d.events))
	b = appendProto(b, d.frame)
	for i, encoded := range d.events {
		seq := d.firstSeq + uint64(i)
		b = protowire.AppendTag(b, eventsField, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(protowire.SizeTag(seqField)+protowire.SizeVarint(seq)+len(encoded)))
		b = protowire.AppendVarint(protowire.AppendTag(b, seqField, protowire.VarintType), seq)
		b = append(b, encoded...)
	}
	d.release()
	if d.snapshot == nil {
		return b, nil
	}
	own, shared = d.snapshot.encoded(d.keySeq, d.interest)
	b = protowire.AppendTag(b, keyframeField, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(own)+len(shared)))
	return append(b, own...), shared
}

// release gives the list of events back.
func (d *Draft) release() {
	if d.list == nil {
		return
	}
	clear(d.events)
	*d.list = d.events[:0]
	eventLists.Put(d.list)
	d.list, d.events = nil, nil
}

// eventLists are for the events of drafts, which need them for a moment.
var eventLists = sync.Pool{New: func() any { return new([][]byte) }}

// appendProto appends a message's encoding. It panics when there is none: all text here is UTF-8.
func appendProto(b []byte, m proto.Message) []byte {
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		panic(fmt.Sprintf("live: %T does not encode: %v", m, err))
	}
	return b
}

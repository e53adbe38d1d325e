package live

import (
	"slices"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// record is an event as all viewers share it.
type record struct {
	// encoded is the event without a sequence number, which is each viewer's own. It does not change.
	encoded []byte
	// large is an event that is encoded when the first viewer is told of it, which is often never: of a whole store.
	large   *sessionpb.Event
	bytes   int
	subject subject
	// leftOut is how many events a store left out before this one.
	leftOut uint64
}

// eventLog keeps the newest events for viewers to read at their own pace. A position counts events since the watch began;
// the log holds those from first to next-1.
type eventLog struct {
	ring        []record // by position modulo its length
	first, next uint64
	bytes       int
	bytesMax    int
	// chunk is where the next events are encoded, one behind the other: memory that comes and goes as a whole.
	chunk []byte
}

const (
	chunkBytes = 64 << 10
	// chunkRoomMin is what most events fit into.
	chunkRoomMin = 1 << 10
)

func newEventLog(eventsMax, bytesMax int) eventLog {
	return eventLog{ring: make([]record, eventsMax), bytesMax: bytesMax}
}

// append takes an event, which is nobody's to change any more.
func (l *eventLog) append(e *sessionpb.Event, about subject, leftOut uint64) {
	if l.next-l.first == uint64(len(l.ring)) {
		l.dropOldest()
	}
	r := record{subject: about, leftOut: leftOut}
	if _, large := e.GetBody().(*sessionpb.Event_StoreShown); large {
		r.large, r.bytes = e, proto.Size(e)
	} else {
		r.encoded = l.encode(e)
		r.bytes = len(r.encoded)
	}
	l.ring[l.next%uint64(len(l.ring))] = r
	l.next++
	l.bytes += r.bytes
	for l.bytes > l.bytesMax && l.next-l.first > 1 {
		l.dropOldest()
	}
}

func (l *eventLog) encode(e *sessionpb.Event) []byte {
	if cap(l.chunk)-len(l.chunk) < chunkRoomMin {
		l.chunk = make([]byte, 0, chunkBytes)
	}
	begin, room := len(l.chunk), cap(l.chunk)
	b := sessionpb.AppendEvent(l.chunk, e)
	if cap(b) != room { // It did not fit, and stands in memory of its own.
		return slices.Clone(b[begin:])
	}
	l.chunk = b
	return b[begin:len(b):len(b)]
}

// encoded is the record's event in its encoding.
func (l *eventLog) encoded(r *record) []byte {
	if r.large != nil {
		r.encoded, r.large = sessionpb.AppendEvent(make([]byte, 0, r.bytes), r.large), nil
		l.bytes += len(r.encoded) - r.bytes
		r.bytes = len(r.encoded)
	}
	return r.encoded
}

func (l *eventLog) dropOldest() {
	at := l.first % uint64(len(l.ring))
	l.bytes -= l.ring[at].bytes
	l.ring[at] = record{}
	l.first++
}

// at is the record at a position that the log holds. It holds until the log goes on.
func (l *eventLog) at(position uint64) *record { return &l.ring[position%uint64(len(l.ring))] }

package live

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// record is an event as all viewers share it. It does not change.
type record struct {
	// event has no sequence number: that is each viewer's own.
	event   *sessionpb.Event
	encoded []byte // the event's encoding, still without a number
	subject subject
	// leftOut is how many events a store left out before this one.
	leftOut uint64
}

// eventLog keeps the newest events for viewers to read at their own pace. A position counts events since the watch began;
// the log holds those from first to next-1.
type eventLog struct {
	ring        []*record // by position modulo its length
	first, next uint64
	bytes       int
	bytesMax    int
}

func newEventLog(eventsMax, bytesMax int) eventLog {
	return eventLog{ring: make([]*record, eventsMax), bytesMax: bytesMax}
}

func (l *eventLog) append(r *record) {
	if l.next-l.first == uint64(len(l.ring)) {
		l.dropOldest()
	}
	l.ring[l.next%uint64(len(l.ring))] = r
	l.next++
	l.bytes += len(r.encoded)
	for l.bytes > l.bytesMax && l.next-l.first > 1 {
		l.dropOldest()
	}
}

func (l *eventLog) dropOldest() {
	at := l.first % uint64(len(l.ring))
	l.bytes -= len(l.ring[at].encoded)
	l.ring[at] = nil
	l.first++
}

func (l *eventLog) at(position uint64) *record { return l.ring[position%uint64(len(l.ring))] }

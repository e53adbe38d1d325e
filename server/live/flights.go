package live

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// parcel is a message as its sender names it.
type parcel struct{ store, incarnation, id uint64 }

// flight is a message under way.
type flight struct {
	parcel  parcel
	message *sessionpb.Message // an event's own: not to be written
	subject subject
	// sentMicros is when it was sent by its sender's clock, which events of other stores do not move.
	sentMicros int64
	// seenMicros is when the gateway was told of it, on its own clock.
	seenMicros int64
	ended      bool
}

// flights are the messages under way, bounded.
type flights struct {
	byParcel map[parcel]*flight
	// inOrder is in the order of their sending, and nearly in that of seenMicros, with some that have ended.
	inOrder []*flight
	max     int
}

func newFlights(max int) flights { return flights{byParcel: map[parcel]*flight{}, max: max} }

func (f *flights) add(given *flight) {
	f.byParcel[given.parcel] = given
	f.inOrder = append(f.inOrder, given)
}

// end takes a message out that arrived or was lost; nil when it is not known.
func (f *flights) end(p parcel) *flight {
	found := f.byParcel[p]
	if found != nil {
		found.ended = true
		delete(f.byParcel, p)
	}
	return found
}

// oldest is the message that has been under way for the longest time, or nil.
func (f *flights) oldest() *flight {
	for len(f.inOrder) > 0 && f.inOrder[0].ended {
		f.inOrder[0] = nil
		f.inOrder = f.inOrder[1:]
	}
	if len(f.inOrder) == 0 {
		f.inOrder = nil
		return nil
	}
	return f.inOrder[0]
}

// unseen takes out a message that nobody will see arrive any more, and says why; nil when there is none.
func (f *flights) unseen(now, afterMicros int64) (*flight, string) {
	oldest := f.oldest()
	switch {
	case oldest == nil:
		return nil, ""
	case now-oldest.seenMicros >= afterMicros:
		f.end(oldest.parcel)
		return oldest, "nobody saw it arrive"
	case len(f.byParcel) > f.max:
		f.end(oldest.parcel)
		return oldest, fmt.Sprintf("more than %d messages are under way", f.max)
	}
	return nil, ""
}

// list is every message under way, in the order of their sending.
func (f *flights) list() []*flight {
	list := make([]*flight, 0, len(f.byParcel))
	for _, each := range f.inOrder {
		if !each.ended {
			list = append(list, each)
		}
	}
	return list
}

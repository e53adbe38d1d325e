package live

import (
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// skewMicrosMax is how long a store's time may be before it was heard of until the store's clock counts as set back.
const skewMicrosMax = 1_000_000

// held is something a store told that waits for its turn.
type held struct {
	seen *rpcpb.Seen
	// heardMicros is when it came, on the gateway's clock.
	heardMicros int64
	// lost, in words, stands for the end of the store's stream; found for the beginning of one.
	lost  string
	found *rpcpb.WatchHello
	// atMicros is the store's last time on the session's clock, of an end.
	atMicros int64
}

// wallMicros is the store's time, if this has one.
func (h *held) wallMicros() int64 { return h.seen.GetEvent().GetTimeMicros() }

// source is a store as the merger knows it.
type source struct {
	id uint64
	// reached: its stream is open, and everything before was released.
	reached bool
	// ever: it was reached and shown before; shown: it was in its present stream.
	ever, shown bool
	life        life
	// queue is in the store's own order.
	queue []held

	// offset takes the store's time onto the session's clock.
	offset   int64
	anchored bool
	// heardUntil is the newest of the store's times that was heard, on the session's clock.
	heardUntil int64

	// writes are the numbers of the writes that its disk has not finished.
	writes map[uint64]uint64
}

// push queues something; the store's clock is looked at here, where it is known how late it is.
func (s *source) push(h held) {
	switch {
	case h.found != nil:
		s.anchored = false
	case h.seen != nil:
		// Nothing is heard of before it happens, so what was heard the soonest tells most about the store's clock.
		t := h.wallMicros() + s.offset
		if !s.anchored || t > h.heardMicros || t < h.heardMicros-skewMicrosMax {
			s.anchored, s.offset = true, h.heardMicros-h.wallMicros()
		}
		s.heardUntil = max(s.heardUntil, h.wallMicros()+s.offset)
	}
	s.queue = append(s.queue, h)
}

func (s *source) pop() held {
	h := s.queue[0]
	s.queue[0] = held{}
	if s.queue = s.queue[1:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return h
}

package session

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// budgetMicrosMax is how long one request may work at most: a browser's worker cannot be interrupted.
const budgetMicrosMax = 8_000

// HandleBytes is Handle with a Request and a Frame in their encodings. Bytes that are no Request change nothing; the
// frame then carries the reason. start begins to measure a budget, in microseconds, and returns what tells whether any
// of it is left.
func (s *Session) HandleBytes(request []byte, start func(budgetMicros int64) (more func() bool)) []byte {
	req := &sessionpb.Request{}
	var frame *sessionpb.Frame
	if err := proto.Unmarshal(request, req); err != nil {
		frame = &sessionpb.Frame{Replies: []*sessionpb.Reply{{
			Failure: fmt.Sprintf("the request is not of the session protocol: %v", err)}}}
	} else {
		frame = s.Handle(req, start(min(max(req.GetBudgetMicros(), 0), budgetMicrosMax)))
	}
	return encode(frame)
}

// eventBytes is a little more than what an event takes in a frame, as a rule.
const eventBytes = 64

// encode encodes a frame: its events by hand, for there may be thousands, and then they are nearly all of it; the rest by
// proto. The frame loses its events.
func encode(frame *sessionpb.Frame) []byte {
	events := frame.GetEvents()
	frame.Events = nil
	options := proto.MarshalOptions{}
	out, err := options.MarshalAppend(make([]byte, 0, options.Size(frame)+len(events)*eventBytes), frame)
	if err != nil {
		panic(fmt.Sprintf("session: the frame does not encode: %v", err))
	}
	for _, e := range events {
		out = sessionpb.AppendFrameEvent(out, e)
	}
	return out
}

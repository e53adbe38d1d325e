package check

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// History collects what clients asked and heard, from the first event of a run on. It is an observer.
type History struct {
	operations []*sessionpb.Operation
	// waiting are the places in operations of those that have no answer yet.
	waiting map[uint64]int
}

// NewHistory returns a history of nothing.
func NewHistory() *History { return &History{waiting: map[uint64]int{}} }

// Event takes one event in.
func (h *History) Event(e *sessionpb.Event) {
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_OperationStarted:
		h.waiting[b.OperationStarted.GetOperation().GetId()] = len(h.operations)
		h.operations = append(h.operations, b.OperationStarted.GetOperation())
	case *sessionpb.Event_OperationEnded:
		place, found := h.waiting[b.OperationEnded.GetId()]
		if !found {
			return
		}
		delete(h.waiting, b.OperationEnded.GetId())
		// The event's own operation is never written.
		begun := h.operations[place]
		h.operations[place] = &sessionpb.Operation{
			Id: begun.GetId(), ToStore: begun.GetToStore(), Request: begun.GetRequest(), StartedMicros: begun.GetStartedMicros(),
			Worker: begun.GetWorker(), RetryOf: begun.GetRetryOf(),
			Response: b.OperationEnded.GetResponse(), EndedMicros: e.GetTimeMicros(),
		}
	}
}

// Len is how many operations there are.
func (h *History) Len() int { return len(h.operations) }

// Taken returns the history up to now. It shares its operations with the events: read only.
func (h *History) Taken(nowMicros int64) *sessionpb.History {
	return &sessionpb.History{Operations: append([]*sessionpb.Operation(nil), h.operations...), NowMicros: nowMicros}
}

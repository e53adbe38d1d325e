package check

import (
	"cmp"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// call is what a judge of histories looks at: a read that was answered, or a write in all its attempts.
type call struct {
	// id and storeID are of the attempt that was answered; without an answer, of the first.
	id, storeID uint64
	request     *raftcmdpb.RaftCommandRequest
	// response is nil when nobody knows what became of it.
	response *raftcmdpb.RaftCommandResponse
	// It took effect, if it did, between these; end is never when nobody knows.
	start, end int64
}

const never = math.MaxInt64

// requestID is by what attempts of one write are known.
type requestID struct{ client, sequence uint64 }

// attempts are a write's. An attempt that was refused for certain says nothing about the others: an earlier one that got no
// answer may still be applied.
type attempts struct {
	call
	unknown bool
}

// callsOf sorts a history out: its calls by start, and the number of operations that no judge looks at.
//
// A read counts from its answered attempt on, for each is done for itself. A write counts from its first attempt to its
// first answer; one that was refused for certain each time was never there.
func callsOf(h *sessionpb.History) (calls []*call, leftOut int) {
	var writes []*attempts
	byID := map[requestID][]*attempts{}
	for _, op := range h.GetOperations() {
		request := op.GetRequest()
		switch {
		case !judgeable(request):
			if op.GetRetryOf() == 0 {
				leftOut++
			}
		case !writesKeys(request):
			if answered(op) {
				calls = append(calls, callOf(op))
			}
		default:
			id := requestID{request.GetHeader().GetClient(), request.GetHeader().GetSequence()}
			var w *attempts
			if id.client != 0 {
				w = sameRequest(byID[id], request)
			}
			if w == nil {
				w = &attempts{call: call{id: op.GetId(), storeID: op.GetToStore(), request: request, start: op.GetStartedMicros(), end: never}}
				writes = append(writes, w)
				byID[id] = append(byID[id], w)
			}
			w.attempt(op)
		}
	}
	for _, w := range writes {
		id := requestID{w.request.GetHeader().GetClient(), w.request.GetHeader().GetSequence()}
		if id.client != 0 && len(byID[id]) > 1 && w.response.GetHeader().GetRepeatedAnswer() {
			// Several commands by one request id: this answer is another one's.
			w.unknown, w.response, w.end = true, nil, never
		}
		if w.response != nil || w.unknown {
			calls = append(calls, &w.call)
		}
	}
	slices.SortStableFunc(calls, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.id, b.id))
	})
	return calls, leftOut
}

func callOf(op *sessionpb.Operation) *call {
	return &call{
		id: op.GetId(), storeID: op.GetToStore(), request: op.GetRequest(), response: op.GetResponse(),
		start: op.GetStartedMicros(), end: op.GetEndedMicros(),
	}
}

// sameRequest returns the one whose command it is, or nil.
func sameRequest(known []*attempts, request *raftcmdpb.RaftCommandRequest) *attempts {
	for _, w := range known {
		if sameCommand(w.request, request) {
			return w
		}
	}
	return nil
}

func sameCommand(a, b *raftcmdpb.RaftCommandRequest) bool {
	return slices.EqualFunc(a.GetRequests(), b.GetRequests(), func(a, b *raftcmdpb.Request) bool { return proto.Equal(a, b) }) &&
		slices.EqualFunc(a.GetCompares(), b.GetCompares(), func(a, b *raftcmdpb.Compare) bool { return proto.Equal(a, b) })
}

// attempt takes one more attempt in. The first answer is what ended the call.
func (w *attempts) attempt(op *sessionpb.Operation) {
	w.start = min(w.start, op.GetStartedMicros())
	switch e := op.GetResponse().GetHeader().GetError(); {
	case answered(op):
		if op.GetEndedMicros() < w.end {
			w.id, w.storeID, w.response, w.end = op.GetId(), op.GetToStore(), op.GetResponse(), op.GetEndedMicros()
		}
	case e == nil || e.GetOutcome() != errorpb.Outcome_OUTCOME_NOT_APPLIED:
		w.unknown = true
	}
}

// answered tells whether an operation got its result, if only that a compare did not hold.
func answered(op *sessionpb.Operation) bool {
	return op.GetResponse() != nil && op.GetResponse().GetHeader().GetError() == nil
}

// judgeable tells whether the judge of histories looks at a command: stale reads promise nothing, and seeks and scans are
// about keys that they do not name. Of a command that writes its seeks and scans are passed over.
func judgeable(request *raftcmdpb.RaftCommandRequest) bool {
	switch {
	case request.GetAdmin() != nil || request.GetStatus() != nil:
		return false
	case writesKeys(request):
		return true
	case request.GetHeader().GetReadMode() == raftcmdpb.ReadMode_READ_MODE_STALE:
		return false
	}
	for _, r := range request.GetRequests() {
		if r.GetGet() != nil {
			return true
		}
	}
	return false
}

func writesKeys(request *raftcmdpb.RaftCommandRequest) bool {
	for _, r := range request.GetRequests() {
		if r.GetPut() != nil || r.GetDelete() != nil {
			return true
		}
	}
	return false
}

package live

import (
	"fmt"
	"time"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// operationsEndedMax is how many ended operations a keyframe holds.
const operationsEndedMax = 100

// doubt is how long the end of an operation is waited for once its store's events have a gap.
const doubt = 5 * time.Second

// command is an operation as its store numbers it.
type command struct{ store, incarnation, id uint64 }

// pending is an operation that waits for its answer.
type pending struct {
	command   command
	operation *sessionpb.Operation // an event's own: not to be written
	subject   subject
	// givenUpMicros is when it is no longer waited for; 0: not decided.
	givenUpMicros int64
	ended         bool
}

// operations are the commands of clients that were told of: those that wait, and the last that ended.
type operations struct {
	byCommand map[command]*pending
	inOrder   []*pending // in the order of their starts, with some that have ended
	ended     []*sessionpb.Operation
	max       int
}

func newOperations(max int) operations {
	return operations{byCommand: map[command]*pending{}, max: max}
}

func (o *operations) start(p *pending) {
	o.byCommand[p.command] = p
	o.inOrder = append(o.inOrder, p)
}

// end takes an operation out and keeps it among the ended; nil when it is not known.
func (o *operations) end(c command, response *raftcmdpb.RaftCommandResponse, now int64) *pending {
	p := o.byCommand[c]
	if p == nil {
		return nil
	}
	p.ended = true
	delete(o.byCommand, c)
	op := p.operation
	o.ended = append(o.ended, &sessionpb.Operation{
		Id: op.GetId(), ToStore: op.GetToStore(), Request: op.GetRequest(), StartedMicros: op.GetStartedMicros(),
		Response: response, EndedMicros: now, Worker: op.GetWorker(), RetryOf: op.GetRetryOf(),
	})
	if len(o.ended) > operationsEndedMax {
		o.ended[0] = nil
		o.ended = o.ended[1:]
	}
	return p
}

// doubtAll begins to give up the store's operations: their ends may have been left out.
func (o *operations) doubtAll(storeID uint64, now int64) {
	for _, p := range o.byCommand {
		if p.command.store == storeID && p.givenUpMicros == 0 {
			p.givenUpMicros = now + doubt.Microseconds()
		}
	}
}

// overdue is an operation whose end nobody will see any more, with what is to be said of it; nil when there is none.
func (o *operations) overdue(now int64) (*pending, string) {
	kept := o.inOrder[:0]
	for _, p := range o.inOrder {
		if !p.ended {
			kept = append(kept, p)
		}
	}
	clear(o.inOrder[len(kept):])
	o.inOrder = kept
	if len(o.byCommand) > o.max {
		return o.inOrder[0], fmt.Sprintf("more than %d commands wait: what became of this one was not followed", o.max)
	}
	for _, p := range o.inOrder {
		if p.givenUpMicros != 0 && now >= p.givenUpMicros {
			return p, "the answer was not seen: events of the store were left out"
		}
	}
	return nil, ""
}

// unknown is the answer that nobody saw.
func unknown(why string) *raftcmdpb.RaftCommandResponse {
	return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{Error: &errorpb.Error{
		Message: why, Outcome: errorpb.Outcome_OUTCOME_MAY_APPLY,
	}}}
}

// find is the number of the newest operation of a request, or 0.
func (o *operations) find(client, sequence uint64) uint64 {
	is := func(op *sessionpb.Operation) bool {
		h := op.GetRequest().GetHeader()
		return h.GetClient() == client && h.GetSequence() == sequence
	}
	for i := len(o.inOrder) - 1; i >= 0; i-- {
		if p := o.inOrder[i]; !p.ended && is(p.operation) {
			return p.operation.GetId()
		}
	}
	for i := len(o.ended) - 1; i >= 0; i-- {
		if is(o.ended[i]) {
			return o.ended[i].GetId()
		}
	}
	return 0
}

// list is what a keyframe holds, by number.
func (o *operations) list() []*sessionpb.Operation {
	list := append([]*sessionpb.Operation{}, o.ended...)
	for _, p := range o.inOrder {
		if !p.ended {
			list = append(list, p.operation)
		}
	}
	return list
}

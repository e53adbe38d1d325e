package sim

import (
	"cmp"
	"fmt"
	"slices"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// clientID is the person's client of a run; it takes the next sequence for each command that writes and names no client.
const clientID = 1

// clients are the operations that wait for their answer.
type clients struct {
	// open are they by their patience.
	open []patient
	// recent are the last operations that ended, oldest first; a keyframe shows them.
	recent   []*operation
	waiting  int
	lastID   uint64
	sequence uint64
}

// patient are the operations of one patience, so they run out of it in the order in which they began, which is that of
// their ids. Ended ones are taken out at the front only.
type patient struct {
	patience int64
	open     []*operation
}

type operation struct {
	id      uint64
	toStore uint64
	request *raftcmdpb.RaftCommandRequest
	started int64
	due     int64
	order   uint64
	// worker is the client that works by itself whose it is, or nil; retryOf is the first attempt of a later one.
	worker  *worker
	retryOf uint64
	// Once it has ended:
	ended    bool
	endedAt  int64
	response *raftcmdpb.RaftCommandResponse
}

// recentMax is how many ended operations a keyframe shows.
const recentMax = 100

// end takes an operation's answer.
func (c *clients) end(op *operation, now int64, response *raftcmdpb.RaftCommandResponse) {
	op.ended, op.endedAt, op.response = true, now, response
	c.waiting--
	if len(c.recent) == 2*recentMax {
		c.recent = append(c.recent[:0], c.recent[recentMax:]...)
	}
	c.recent = append(c.recent, op)
}

// wait takes in an operation that has just begun.
func (c *clients) wait(op *operation) {
	c.waiting++
	patience := op.due - op.started
	for i := range c.open {
		if c.open[i].patience == patience {
			c.open[i].open = append(c.open[i].open, op)
			return
		}
	}
	c.open = append(c.open, patient{patience: patience, open: []*operation{op}})
}

// oldest returns the operation that times out first, or nil.
func (c *clients) oldest() *operation {
	var oldest *operation
	kept := c.open[:0]
	for _, p := range c.open {
		for len(p.open) > 0 && p.open[0].ended {
			p.open[0] = nil
			p.open = p.open[1:]
		}
		if len(p.open) == 0 {
			continue
		}
		kept = append(kept, p)
		if op := p.open[0]; oldest == nil || op.due < oldest.due || op.due == oldest.due && op.order < oldest.order {
			oldest = op
		}
	}
	clear(c.open[len(kept):])
	c.open = kept
	return oldest
}

// find returns an operation that waits or is among the last that ended, or nil.
func (c *clients) find(id uint64) *operation {
	for _, op := range c.known() {
		if op.id == id {
			return op
		}
	}
	return nil
}

// known are the operations that wait and the last ones that ended, in the order of their ids.
func (c *clients) known() []*operation {
	known := slices.Clone(c.recent[max(0, len(c.recent)-recentMax):])
	for _, p := range c.open {
		for _, op := range p.open {
			if !op.ended {
				known = append(known, op)
			}
		}
	}
	slices.SortFunc(known, func(a, b *operation) int { return cmp.Compare(a.id, b.id) })
	return known
}

// propose hands a command to a store as one operation. The request is the caller's, who does not write it from here on;
// only its header is made anew.
func (w *World) propose(storeID uint64, given *raftcmdpb.RaftCommandRequest) (operationID uint64, err error) {
	h := &raftcmdpb.RequestHeader{
		RegionId: given.GetHeader().GetRegionId(), RegionEpoch: given.GetHeader().GetRegionEpoch(),
		Client: given.GetHeader().GetClient(), Sequence: given.GetHeader().GetSequence(),
		ReadMode: given.GetHeader().GetReadMode(),
	}
	request := &raftcmdpb.RaftCommandRequest{
		Header: h, Requests: given.GetRequests(), Compares: given.GetCompares(), Status: given.GetStatus(), Admin: given.GetAdmin(),
	}
	m, err := w.route(storeID, request)
	if err != nil {
		return 0, err
	}
	own := h.Client == 0 && given.GetAdmin() == nil && raftcmdpb.Writes(request)
	if own {
		h.Client, h.Sequence = clientID, w.clients.sequence+1
	}
	if err := store.CheckRequest(request, w.limits); err != nil {
		return 0, err
	}
	if err := w.checkPlaces(request.Admin); err != nil {
		return 0, err
	}
	if own {
		w.clients.sequence++
	}

	op := &operation{request: request}
	w.ask(m, op, w.config.ClientTimeoutMicros)
	return op.id, nil
}

// ask hands an operation's request to a store; the client waits so long for its answer.
func (w *World) ask(m *machine, op *operation, patience int64) {
	w.clients.lastID++
	op.id, op.toStore = w.clients.lastID, m.id
	op.started, op.due, op.order = w.now, w.now+patience, w.agenda.nextOrder()
	w.clients.wait(op)
	if w.observed {
		w.emit(m.id, &sessionpb.Event{Body: &sessionpb.Event_OperationStarted{
			OperationStarted: &sessionpb.OperationStarted{Operation: op.mirror()}}})
	}
	if m.paused {
		m.keepCommand(op)
	} else {
		m.hear(op)
	}
}

// hear is the moment at which an operation's request reaches its store.
func (m *machine) hear(op *operation) {
	w, answers := m.w, 0
	callback := func(response *raftcmdpb.RaftCommandResponse) {
		if answers++; answers > 1 {
			w.Report(&sessionpb.Violation{
				Judge: "one answer", Message: fmt.Sprintf("S%d answers operation %d again", m.id, op.id),
				RegionId: op.request.GetHeader().GetRegionId(), StoreIds: []uint64{m.id}})
			return
		}
		w.answer(op, response)
	}
	m.drive(func() {
		m.store.Propose(op.request, callback)
		m.settle()
	})
}

// answer ends an operation. An answer that comes after the client gave up goes unheard.
func (w *World) answer(op *operation, response *raftcmdpb.RaftCommandResponse) {
	if op.ended {
		return
	}
	w.clients.end(op, w.now, response)
	w.counts.OperationsEnded++
	if w.observed {
		w.emit(op.toStore, &sessionpb.Event{Body: &sessionpb.Event_OperationEnded{
			OperationEnded: &sessionpb.OperationEnded{Id: op.id, Response: response}}})
	}
	if op.worker != nil {
		op.worker.heard(w, op)
	}
}

// timeOut is a client's patience running out: it never learns what became of its command.
func (w *World) timeOut(op *operation) {
	waited := w.now - op.started
	w.answer(op, &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{
		Client: op.request.Header.Client, Sequence: op.request.Header.Sequence, RegionId: op.request.Header.RegionId,
		Error: &errorpb.Error{
			Message: "no answer within " + millis(waited) + "; the outcome is unknown",
			Outcome: errorpb.Outcome_OUTCOME_MAY_APPLY,
			Reason:  &errorpb.Error_Timeout{Timeout: &errorpb.Timeout{WaitedMicros: waited}},
		},
	}})
}

func (op *operation) mirror() *sessionpb.Operation {
	mirror := &sessionpb.Operation{
		Id: op.id, ToStore: op.toStore, Request: op.request, StartedMicros: op.started,
		Response: op.response, EndedMicros: op.endedAt, RetryOf: op.retryOf,
	}
	if op.worker != nil {
		mirror.Worker = op.worker.number
	}
	return mirror
}

// addressed returns the command with what Act would fill into its header as far as its form goes, for a check of the
// form. The request itself is not changed.
func addressed(request *raftcmdpb.RaftCommandRequest) *raftcmdpb.RaftCommandRequest {
	if request.GetHeader() != nil {
		return request
	}
	return &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{}, Requests: request.GetRequests(), Compares: request.GetCompares(),
		Status: request.GetStatus(), Admin: request.GetAdmin(),
	}
}

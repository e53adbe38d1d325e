package sim

import (
	"slices"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// How long a client waits before it tries again: twice as long each time, between half of it and all of it by chance.
const (
	backoffMicrosMin = 20_000
	backoffMicrosMax = 640_000
)

// workerClientIDs is before the client ids of those that work by themselves, which a person's commands keep clear of.
const workerClientIDs = 1_000

// worker is a client that works by itself, on one operation at a time. It wakes through the agenda, never within a store's
// answer.
//
// It keeps its client id and goes on with the next sequence even when an outcome stays unknown: a straggler of the earlier
// request is applied before the later one, or refused as older than it, and takes no place of its. So there are never more
// client ids than workers, and a region forgets none of them, nor the person's. Should a region have forgotten one all the
// same, the worker takes a new id above the floor it is told; see docs/decisions/exactly-once.md.
type worker struct {
	number   uint32
	workload *sessionpb.Workload // nil: it has no work
	habit    habit
	task     *task // nil while it thinks

	client   uint64
	sequence uint64
	// deeds counts what it has set out to do, for values that nobody else writes.
	deeds uint64

	// homes are the stores that answered last, by region: a client library goes on to ask the leader it knows.
	homes      map[uint64]uint64
	stragglers []straggler

	// deed decides what it does, pause how long it thinks, way where attempts go and how long it backs off, late what
	// straggles.
	deed, pause, way, late stream
}

// task is one operation in all its attempts.
type task struct {
	request  *raftcmdpb.RaftCommandRequest
	attempts uint32
	// first is the first attempt, current the one that waits; nil before it was sent.
	first   uint64
	current *operation
}

func newWorker(seed uint64, number uint32) *worker {
	n := uint64(number)
	return &worker{
		number: number, client: workerClientIDs + n, homes: map[uint64]uint64{},
		deed: newStream(seed, streamName("client", n)), pause: newStream(seed, streamName("client pause", n)),
		way: newStream(seed, streamName("client way", n)), late: newStream(seed, streamName("client late", n)),
	}
}

// think lets the worker sleep until its next operation.
func (k *worker) think(w *World) {
	k.task = nil
	k.sleep(w, k.pause.between(0, 2*k.workload.GetThinkMicros()))
}

func (k *worker) sleep(w *World, micros int64) {
	w.agenda.add(item{due: w.now + micros, deed: deedWork, store: nowhere, slot: k.number})
}

// backOff lets it sleep until its next attempt.
func (k *worker) backOff(w *World) {
	longest := int64(backoffMicrosMin)
	for i := uint32(1); i < k.task.attempts && longest < backoffMicrosMax; i++ {
		longest *= 2
	}
	k.sleep(w, k.way.between(longest/2, longest))
}

// work is the worker awake: it begins an operation, or tries one again.
func (k *worker) work(w *World) {
	if k.task == nil {
		k.task = k.begin()
	}
	t := k.task
	// Drawn whether the attempt goes astray or not.
	astray, stray := k.way.below(ppm) < uint64(k.workload.GetAstrayPpm()), 1+k.way.below(uint64(len(w.machines)))
	request := t.attempt()
	m, err := w.route(0, request)
	if err != nil {
		// Nobody is there to be asked.
		k.backOff(w)
		return
	}
	to := k.homes[request.Header.RegionId]
	if astray {
		to = stray
	}
	if to != 0 {
		there := t.attempt()
		if other, err := w.route(to, there); err == nil {
			m, request = other, there
		}
	}
	t.attempts++
	t.current = &operation{request: request, worker: k, retryOf: t.first}
	op := t.current
	w.ask(m, op, k.workload.GetTimeoutMicros())
	if t.first == 0 {
		t.first = op.id
	}
}

// attempt is the task's request for one more attempt, to be addressed.
func (t *task) attempt() *raftcmdpb.RaftCommandRequest {
	h := t.request.GetHeader()
	return &raftcmdpb.RaftCommandRequest{
		Header:   &raftcmdpb.RequestHeader{Client: h.GetClient(), Sequence: h.GetSequence(), ReadMode: h.GetReadMode()},
		Requests: t.request.GetRequests(), Compares: t.request.GetCompares(),
	}
}

// straggler is an answered request that is still on its way a second time.
type straggler struct {
	due  int64
	task *task
}

// straggleMicrosMax is how late a straggler is at most.
const straggleMicrosMax = 8_000_000

// leaveStraggler has an answered write come once more, if chance has it so.
func (k *worker) leaveStraggler(w *World, t *task) {
	straggles, late := k.late.ppm(k.workload.GetStragglePpm()), k.late.between(1, straggleMicrosMax)
	if !straggles || !raftcmdpb.Writes(t.request) {
		return
	}
	due := w.now + late
	k.stragglers = append(k.stragglers, straggler{due: due, task: t})
	w.agenda.add(item{due: due, deed: deedStraggle, store: nowhere, slot: k.number})
}

// straggle is the moment at which a straggler arrives; nobody waits for its answer.
func (k *worker) straggle(w *World) {
	i := slices.IndexFunc(k.stragglers, func(s straggler) bool { return s.due == w.now })
	t := k.stragglers[i].task
	k.stragglers = slices.Delete(k.stragglers, i, i+1)
	request := t.attempt()
	if m, err := w.route(0, request); err == nil {
		w.ask(m, &operation{request: request, worker: k, retryOf: t.first}, k.workload.GetTimeoutMicros())
	}
}

// begin draws the next operation.
func (k *worker) begin() *task {
	k.deeds++
	d := drawDeed(&k.deed, k.workload)
	t := &task{request: k.habit.next(k, d)}
	t.request.Header = &raftcmdpb.RequestHeader{}
	if raftcmdpb.Writes(t.request) {
		k.sequence++
		t.request.Header.Client, t.request.Header.Sequence = k.client, k.sequence
	} else {
		t.request.Header.ReadMode = d.mode
	}
	return t
}

// heard takes the answer to an attempt.
func (k *worker) heard(w *World, op *operation) {
	t := k.task
	if t == nil || t.current != op {
		return // of a workload that was replaced
	}
	t.current = nil
	e, region := op.response.GetHeader().GetError(), op.request.GetHeader().GetRegionId()
	if e != nil {
		delete(k.homes, region)
	} else {
		k.homes[region] = op.toStore
		k.leaveStraggler(w, t)
		k.habit.heard(t.request, op.response)
		k.think(w)
		return
	}
	if forgotten := e.GetClientForgotten(); forgotten != nil {
		k.client, k.sequence = w.newClient(forgotten.GetFloor()), 0
	}
	if !again(e) || t.attempts >= k.workload.GetAttemptsMax() {
		k.think(w)
		return
	}
	k.backOff(w)
}

// again tells whether to ask again may help.
func again(e *errorpb.Error) bool {
	switch e.GetReason().(type) {
	case *errorpb.Error_KeyNotInRegion, *errorpb.Error_InvalidRequest, *errorpb.Error_LeaseNotOffered,
		*errorpb.Error_ClientForgotten, *errorpb.Error_StaleSequence:
		return false
	}
	return true
}

// newClient returns a client id above floor that no worker has.
func (w *World) newClient(floor uint64) uint64 {
	highest := max(floor, workerClientIDs+workersMax)
	for _, k := range w.workers {
		highest = max(highest, k.client)
	}
	return highest + 1
}

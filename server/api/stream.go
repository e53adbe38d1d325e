package api

import (
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
	"raftplay/server/token"
)

// stream is one client's stream of commands. One goroutine receives and proposes, another one sends what was answered;
// the store's loop only puts answers into a list. While the sender works, answers gather, and gRPC writes them together.
type stream struct {
	server  *Server
	rpc     grpc.BidiStreamingServer[rpcpb.StreamRequest, rpcpb.StreamResponse]
	granted token.Right

	wake chan struct{} // there is something to send, or the stream has ended
	room chan struct{} // fewer commands are under way
	due  *time.Timer   // of the earliest deadline of a command that waits, or before it

	mu sync.Mutex
	// first and last are the commands that wait for the store's answer; underWay counts those and the answers not sent.
	first, last *call
	underWay    int
	answers     []*call
	earliest    time.Time
	received    bool // everything that the client had to say
	ended       bool
}

// call is a command that waits for the store's answer, and then for being sent.
type call struct {
	stream         *stream
	before, behind *call
	id             uint64
	request        *raftcmdpb.RaftCommandRequest
	began, due     time.Time
	response       *raftcmdpb.RaftCommandResponse // nil while it waits
}

// Stream implements rpcpb.CommandServiceServer.
func (s *Server) Stream(rpc grpc.BidiStreamingServer[rpcpb.StreamRequest, rpcpb.StreamResponse]) error {
	granted, err := s.enter(rpc.Context())
	if err != nil {
		return err
	}
	st := &stream{
		server: s, rpc: rpc, granted: granted, wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
		due: time.NewTimer(time.Hour),
	}
	defer st.end()
	go st.receive() // returns when this function has, if not before
	return st.send()
}

func (st *stream) receive() {
	for st.waitForRoom() {
		in, err := st.rpc.Recv()
		if err != nil {
			if err == io.EOF {
				st.mu.Lock()
				st.received = true
				st.mu.Unlock()
				st.signal()
			}
			return // the sender hears of any other error by the context
		}
		st.take(in)
	}
}

// waitForRoom returns when one more command may be under way; false when the stream is over.
func (st *stream) waitForRoom() bool {
	for {
		st.mu.Lock()
		full, ended := st.underWay >= st.server.limits.StreamCommandsMax, st.ended
		st.mu.Unlock()
		if ended || !full {
			return !ended
		}
		select {
		case <-st.room:
		case <-st.rpc.Context().Done():
			return false
		}
	}
}

// take hands a command to the store, or answers it.
func (st *stream) take(in *rpcpb.StreamRequest) {
	l, req := &st.server.limits, in.GetRequest()
	refusal := l.check(st.granted, req)
	if refusal == nil && in.GetTimeoutMicros() < 0 {
		refusal = invalid(req, "the client waits for %d µs", in.GetTimeoutMicros())
	}
	patience := l.CommandTimeoutMax
	if micros := in.GetTimeoutMicros(); micros > 0 && micros < patience.Microseconds() {
		patience = time.Duration(micros) * time.Microsecond
	}
	c := &call{stream: st, id: in.GetId(), request: req, began: time.Now()}
	c.due = c.began.Add(patience)
	st.add(c)
	if refusal != nil {
		c.answer(refusal)
		return
	}
	st.server.store.Propose(req, c.answer)
}

func (st *stream) add(c *call) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.underWay++
	if c.before = st.last; c.before != nil {
		c.before.behind = c
	} else {
		st.first = c
	}
	st.last = c
	// One timer for all: it fires at the earliest deadline since it last fired, most often for a command that has long
	// been answered.
	if st.earliest.IsZero() || c.due.Before(st.earliest) {
		st.earliest = c.due
		st.due.Reset(time.Until(c.due))
	}
}

// answer is the store's callback. It takes the lock for a moment and never waits.
func (c *call) answer(response *raftcmdpb.RaftCommandResponse) {
	st := c.stream
	st.mu.Lock()
	first := st.note(c, response)
	st.mu.Unlock()
	if first {
		st.signal()
	}
}

// note puts an answer among those to send, and tells whether it is the first there. The lock is held.
func (st *stream) note(c *call, response *raftcmdpb.RaftCommandResponse) (first bool) {
	if c.response != nil || st.ended {
		return false
	}
	c.response = response
	if c.before != nil {
		c.before.behind = c.behind
	} else {
		st.first = c.behind
	}
	if c.behind != nil {
		c.behind.before = c.before
	} else {
		st.last = c.before
	}
	st.answers = append(st.answers, c)
	return len(st.answers) == 1
}

func (st *stream) signal() {
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

// send gives out answers until the stream is over, and returns how it ends.
func (st *stream) send() error {
	var out rpcpb.StreamResponse
	var batch []*call
	for {
		st.mu.Lock()
		batch, st.answers = st.answers, batch[:0]
		over := st.received && st.underWay == 0
		st.mu.Unlock()
		for _, c := range batch {
			out.Id, out.Response = c.id, st.server.limits.fitting(c.request, c.response)
			if err := st.rpc.Send(&out); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		if len(batch) > 0 {
			st.sent(len(batch))
			clear(batch)
			continue
		}
		select {
		case <-st.wake:
		case <-st.due.C:
			st.expire(time.Now())
		case <-st.rpc.Context().Done():
			return st.rpc.Context().Err()
		case <-st.server.closing:
			return errStopping
		}
	}
}

// sent makes room for as many commands as were answered.
func (st *stream) sent(n int) {
	st.mu.Lock()
	st.underWay -= n
	st.mu.Unlock()
	select {
	case st.room <- struct{}{}:
	default:
	}
}

// expire answers the commands that have waited for as long as they may, and sets the timer for the next ones.
func (st *stream) expire(now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.earliest = time.Time{}
	for c := st.first; c != nil; {
		next := c.behind
		switch {
		case !c.due.After(now):
			st.note(c, timedOut(c.request, now.Sub(c.began)))
		case st.earliest.IsZero() || c.due.Before(st.earliest):
			st.earliest = c.due
		}
		c = next
	}
	if !st.earliest.IsZero() {
		st.due.Reset(st.earliest.Sub(now))
	}
}

// end leaves the commands that still wait to answers that nobody hears.
func (st *stream) end() {
	st.due.Stop()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended = true
	st.first, st.last, st.answers = nil, nil, nil
}

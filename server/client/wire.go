package client

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// wire is one stream to a store, on which many commands travel. Callers encode their own; one goroutine writes what has
// gathered, another one reads. When either fails, the wire is cut, and every command on it hears so.
type wire struct {
	stream grpc.BidiStreamingClient[rpcpb.StreamRequest, rpcpb.StreamResponse]
	cancel context.CancelFunc
	wake   chan struct{}
	lastID atomic.Uint64
	due    *time.Timer // of the earliest time at which a command stops waiting, or before it

	mu       sync.Mutex
	waiting  map[uint64]*call
	queue    []*call
	earliest time.Time
	broken   error
}

// call is a command on its way.
type call struct {
	frame   frame
	due     time.Time
	done    chan struct{} // holds one token, once answer or err is set
	answer  *raftcmdpb.RaftCommandResponse
	err     error
	sent    bool // perhaps: it was taken out of the queue to be written
	dropped bool // nobody waits for it any more
}

var calls = sync.Pool{New: func() any { return &call{done: make(chan struct{}, 1)} }}

var errNoAnswer = errors.New("no answer in time")

// queueMax bounds the commands that wait for being written, those that were given up included. The others are bounded by
// the link's slots, of which there are fewer.
const queueMax = 2 * inFlightMost

// localGrace is by how much a caller outwaits the store, which is to answer first that it has no answer.
const localGrace = 250 * time.Millisecond

func newWire(stream grpc.BidiStreamingClient[rpcpb.StreamRequest, rpcpb.StreamResponse], cancel context.CancelFunc) *wire {
	return &wire{
		stream: stream, cancel: cancel, wake: make(chan struct{}, 1), due: time.NewTimer(time.Hour), waiting: map[uint64]*call{},
	}
}

// call sends a command and waits for its answer. sent tells, of an error, whether the store may have got it.
func (w *wire) call(ctx context.Context, req *raftcmdpb.RaftCommandRequest, timeout time.Duration) (answer *raftcmdpb.RaftCommandResponse, sent bool, err error) {
	id := w.lastID.Add(1)
	c := calls.Get().(*call)
	if c.frame, err = proto.Marshal(&rpcpb.StreamRequest{Id: id, Request: req, TimeoutMicros: timeout.Microseconds()}); err != nil {
		return nil, false, err
	}
	c.due = time.Now().Add(timeout + localGrace)
	if err := w.submit(id, c); err != nil {
		return nil, false, err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if w.giveUp(id, c) {
			// The writer may still have it in its hands.
			return nil, c.sent, ctx.Err()
		}
		<-c.done
	}
	answer, sent, err = c.answer, c.sent, c.err
	if sent {
		// It has left the queue, so nobody else holds it.
		c.frame, c.answer, c.err, c.sent, c.dropped = nil, nil, nil, false, false
		calls.Put(c)
	}
	return answer, sent, err
}

func (w *wire) submit(id uint64, c *call) error {
	w.mu.Lock()
	if w.broken != nil {
		defer w.mu.Unlock()
		return w.broken
	}
	if len(w.queue) >= queueMax {
		// The store does not read. Most of these have been given up.
		w.queue = slices.DeleteFunc(w.queue, func(c *call) bool { return c.dropped })
	}
	w.waiting[id] = c
	w.queue = append(w.queue, c)
	first := len(w.queue) == 1
	if w.earliest.IsZero() || c.due.Before(w.earliest) {
		w.earliest = c.due
		w.due.Reset(time.Until(c.due))
	}
	w.mu.Unlock()
	if first {
		w.signal()
	}
	return nil
}

func (w *wire) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// giveUp takes a command off the wire, and tells whether it was still there.
func (w *wire) giveUp(id uint64, c *call) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[id] != c {
		return false
	}
	delete(w.waiting, id)
	c.dropped = true
	return true
}

// write sends what is queued until ctx is done or the stream fails. What gathers meanwhile goes out together.
func (w *wire) write(ctx context.Context) error {
	var batch []*call
	var out []frame
	for {
		w.mu.Lock()
		if w.broken != nil {
			defer w.mu.Unlock()
			return w.broken
		}
		batch, w.queue = w.queue, batch[:0]
		for _, c := range batch {
			if !c.dropped {
				c.sent = true
				out = append(out, c.frame)
			}
		}
		w.mu.Unlock()
		clear(batch)
		for _, f := range out {
			if err := w.stream.SendMsg(f); err != nil {
				return err
			}
		}
		if len(batch) > 0 {
			clear(out)
			out = out[:0]
			continue
		}
		select {
		case <-w.wake:
		case <-w.due.C:
			w.expire(time.Now())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read hands out answers until the stream fails.
func (w *wire) read() error {
	var in rpcpb.StreamResponse
	for {
		if err := w.stream.RecvMsg(&in); err != nil {
			return err
		}
		w.mu.Lock()
		c := w.waiting[in.GetId()]
		delete(w.waiting, in.GetId())
		w.mu.Unlock()
		if c != nil {
			c.answer = in.GetResponse()
			c.done <- struct{}{}
		}
	}
}

// expire ends the waiting for answers that the store itself should have given by now, and sets the timer for the next.
func (w *wire) expire(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.earliest = time.Time{}
	for id, c := range w.waiting {
		if !c.due.After(now) {
			delete(w.waiting, id)
			c.err = errNoAnswer
			c.dropped = true
			c.done <- struct{}{}
		} else if w.earliest.IsZero() || c.due.Before(w.earliest) {
			w.earliest = c.due
		}
	}
	if !w.earliest.IsZero() {
		w.due.Reset(w.earliest.Sub(now))
	}
}

// cut ends the wire: commands on it hear why, later ones too.
func (w *wire) cut(why error) {
	w.cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return
	}
	w.broken, w.queue = why, nil
	w.due.Stop()
	for id, c := range w.waiting {
		delete(w.waiting, id)
		c.err = why
		c.done <- struct{}{}
	}
}

func (w *wire) isBroken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken != nil
}

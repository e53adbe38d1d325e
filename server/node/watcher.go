package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// ErrWatchersMax is why one more watcher is refused.
var ErrWatchersMax = errors.New("too many watch the store")

// Watcher is shown a store: first as it stands, then what happens. One goroutine calls Next; the other methods may be
// called from any. What it is given is read only, and shared with other watchers.
type Watcher struct {
	n *Node
	// perSecond are the events that it wants, restMicros how long it wants nothing once it had them, asked the number of the
	// picture it asks for.
	perSecond  atomic.Uint32
	restMicros atomic.Int64
	asked      atomic.Uint64
	closed     atomic.Bool
	ready      chan struct{}
	// full has room for one: an answer's worth waits. answered is when Next gave its last answer.
	full     chan struct{}
	answered time.Time

	mu      sync.Mutex
	hello   *rpcpb.WatchHello
	queue   []sighted
	head    int
	bytes   int
	metrics *rpcpb.StoreMetrics
	ended   string
	over    bool

	gap gap // the loop's
}

// gatherPeriod is the least time between two answers of Next, unless one is full: each is a message on the wire, and its
// reader woken.
const gatherPeriod = 20 * time.Millisecond

// How much one answer of Next holds.
const (
	responseEventsMax = 1_024
	responseBytesMax  = 1 << 20
)

// Watch begins to show the store to one more watcher, who wants at most so many events a second; 0, and what is more than
// Limits.EventsPerSecond, stand for that limit.
func (n *Node) Watch(eventsPerSecondMax uint32) (*Watcher, error) {
	if n.watchers.Add(1) > int64(n.cfg.Limits.WatchersMax) {
		n.watchers.Add(-1)
		return nil, fmt.Errorf("%w: at most %d", ErrWatchersMax, n.cfg.Limits.WatchersMax)
	}
	w := &Watcher{n: n, ready: make(chan struct{}, 1), full: make(chan struct{}, 1), hello: n.hello()}
	w.gap = gap{open: true, fresh: true, why: "the watching begins"}
	w.Limit(eventsPerSecondMax)
	if !n.order(func(l *loop) { l.watch(w) }) {
		n.watchers.Add(-1)
		return nil, ErrStopped
	}
	return w, nil
}

func (n *Node) hello() *rpcpb.WatchHello {
	cfg := &n.cfg.Store
	return &rpcpb.WatchHello{
		ClusterId: n.cfg.ClusterID, StoreId: cfg.StoreID, Incarnation: cfg.Incarnation, Version: n.cfg.Version,
		Stores: n.addresses(),
		Timing: &rpcpb.RaftTiming{
			BaseTickMicros: cfg.TickMicros, HeartbeatTicks: uint32(cfg.HeartbeatTicks),
			ElectionTicksMin: uint32(cfg.ElectionTicksMin), PreVote: cfg.PreVote, CheckQuorum: cfg.CheckQuorum,
			LeaseReads: cfg.LeaseReads,
		},
	}
}

// Next waits for something to show. Hello is in its first answer, the store as it stands among the first events. Its last
// answer says why it ended; after that, and after Close, the error is io.EOF. When ctx ends the error is ctx's, and nothing
// is lost.
func (w *Watcher) Next(ctx context.Context) (*rpcpb.WatchResponse, error) {
	if err := w.gather(ctx); err != nil {
		return nil, err
	}
	for {
		switch response := w.take(); {
		case response != nil:
			w.answered = time.Now()
			return response, nil
		case w.closed.Load() || w.isOver():
			return nil, io.EOF
		}
		select {
		case <-w.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// gather waits until the next answer may be given.
func (w *Watcher) gather(ctx context.Context) error {
	pause := gatherPeriod - time.Since(w.answered)
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		w.mu.Lock()
		full := len(w.queue)-w.head >= responseEventsMax || w.over
		w.mu.Unlock()
		if full || w.closed.Load() {
			return nil
		}
		select {
		case <-timer.C:
			return nil
		case <-w.full:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take is what waits, as far as one answer holds it; nil when nothing does.
func (w *Watcher) take() *rpcpb.WatchResponse {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &rpcpb.WatchResponse{Hello: w.hello, Metrics: w.metrics}
	w.hello, w.metrics = nil, nil
	for bytes := 0; w.head < len(w.queue) && len(r.Seen) < responseEventsMax; w.head++ {
		next := &w.queue[w.head]
		if bytes += next.bytes; bytes > responseBytesMax && len(r.Seen) > 0 {
			break
		}
		r.Seen = append(r.Seen, next.seen)
		w.bytes -= next.bytes
		*next = sighted{}
	}
	switch {
	case w.head == len(w.queue):
		w.queue, w.head = w.queue[:0], 0
		r.Ended, w.ended = w.ended, ""
	case w.head > w.n.cfg.Limits.WatcherEventsMax:
		// One who is always a little behind never empties the queue.
		w.queue, w.head = append(w.queue[:0], w.queue[w.head:]...), 0
	}
	if r.Hello == nil && r.Metrics == nil && len(r.Seen) == 0 && r.Ended == "" {
		return nil
	}
	return r
}

func (w *Watcher) isOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over && w.ended == ""
}

// Show asks for the store as it stands; the store_shown that answers carries the number. A later one takes the place of one
// that has no answer yet. 0 asks for nothing.
func (w *Watcher) Show(number uint64) {
	if number != 0 {
		w.asked.Store(number)
		w.n.wake()
	}
}

// Limit sets how many events a second the watcher wants at most, from now on; see Watch.
func (w *Watcher) Limit(eventsPerSecondMax uint32) { w.Pace(eventsPerSecondMax, 0) }

// Pace also sets how long the watcher wants nothing once it had them, from the beginning of that second; with 0 the limit is
// kept in tenths of a second, and the watcher wants nothing for the rest of one.
func (w *Watcher) Pace(eventsPerSecondMax uint32, rest time.Duration) {
	most := uint32(w.n.cfg.Limits.EventsPerSecond)
	if eventsPerSecondMax == 0 || eventsPerSecondMax > most {
		eventsPerSecondMax = most
	}
	w.perSecond.Store(eventsPerSecondMax)
	w.restMicros.Store(rest.Microseconds())
}

// Close ends the watching.
func (w *Watcher) Close() {
	w.closed.Store(true)
	w.signal()
	w.signalFull()
	w.n.wake()
}

func (w *Watcher) signal() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

func (w *Watcher) signalFull() {
	select {
	case w.full <- struct{}{}:
	default:
	}
}

// tell gives the watcher the store's figures, instead of those that it has not taken.
func (w *Watcher) tell(metrics *rpcpb.StoreMetrics) {
	w.mu.Lock()
	w.metrics = metrics
	w.mu.Unlock()
	w.signal()
}

// end tells the watcher that the store does not run any more.
func (w *Watcher) end(why string) {
	w.mu.Lock()
	w.ended, w.over = why, true
	w.mu.Unlock()
	w.signal()
	w.signalFull()
}

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// ErrWatchersMax is why one more watcher is refused.
var ErrWatchersMax = errors.New("too many watch the store")

// Watcher is shown a store: first as it stands, then what happens. One goroutine calls Next; the other methods may be
// called from any. What it is given is read only, and shared with other watchers.
type Watcher struct {
	n *Node
	// perSecond are the events that it wants, asked the number of the picture it asks for.
	perSecond atomic.Uint32
	asked     atomic.Uint64
	closed    atomic.Bool
	ready     chan struct{}

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

// gap is what the loop keeps of a watcher.
type gap struct {
	// open: events are left out, until the store is shown again. fresh: it has never been shown, and nothing is missing.
	// drained: what waits has to be taken before.
	open, fresh, drained bool

	why     string
	leftOut uint64
	// used is how many events the present window has had, which ends then on the node's clock.
	used      int
	windowEnd int64
}

// A limit on events a second is kept in windows.
const (
	windowMicros     = 100_000
	windowsPerSecond = 1_000_000 / windowMicros
)

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
	w := &Watcher{n: n, ready: make(chan struct{}, 1), hello: n.hello()}
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
	for {
		switch response := w.take(); {
		case response != nil:
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
func (w *Watcher) Limit(eventsPerSecondMax uint32) {
	most := uint32(w.n.cfg.Limits.EventsPerSecond)
	if eventsPerSecondMax == 0 || eventsPerSecondMax > most {
		eventsPerSecondMax = most
	}
	w.perSecond.Store(eventsPerSecondMax)
}

// Close ends the watching.
func (w *Watcher) Close() {
	w.closed.Store(true)
	w.signal()
	w.n.wake()
}

func (w *Watcher) signal() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// offer gives a turn's events to the watcher, who takes the first of them that fit, and a gap for the others. happened are
// as many as there were, whether they were made or not.
func (w *Watcher) offer(events []sighted, happened int, now int64) {
	if happened == 0 || w.gap.fresh {
		return
	}
	if w.gap.open {
		w.gap.leftOut += uint64(happened)
		return
	}
	if now >= w.gap.windowEnd {
		w.gap.used, w.gap.windowEnd = 0, now+windowMicros
	}
	fit, why := w.enqueue(events, w.windowMax()-w.gap.used)
	w.gap.used += fit
	if fit < happened {
		w.gap.open, w.gap.drained, w.gap.why = true, why == whySlow, why
		w.gap.leftOut = uint64(happened - fit)
		if why == whyMany {
			w.gap.why = fmt.Sprintf("more than %d events a second", w.perSecond.Load())
		}
	}
}

const (
	whySlow = "the watcher did not take them fast enough"
	whyMany = "more events than the watcher wants"
)

// windowMax is how many events a window has.
func (w *Watcher) windowMax() int { return max(int(w.perSecond.Load())/windowsPerSecond, 1) }

// enqueue adds events, at most so many, as far as there is room, and says what was the obstacle for the others.
func (w *Watcher) enqueue(events []sighted, most int) (fit int, why string) {
	l := &w.n.cfg.Limits
	w.mu.Lock()
	for why = whyMany; fit < len(events) && fit < most; fit++ {
		if len(w.queue)-w.head >= l.WatcherEventsMax || w.bytes+events[fit].bytes > l.WatcherBytesMax {
			why = whySlow
			break
		}
		w.bytes += events[fit].bytes
		w.queue = append(w.queue, events[fit])
	}
	w.mu.Unlock()
	if fit > 0 {
		w.signal()
	}
	return fit, why
}

// wantsPicture tells whether the store is to be shown to the watcher now.
func (w *Watcher) wantsPicture(now int64) bool {
	if !w.gap.open {
		return w.asked.Load() != 0
	}
	if w.gap.drained {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.head == len(w.queue)
	}
	return now >= w.gap.windowEnd
}

// show ends a gap, if there is one, with the store as it stands.
func (w *Watcher) show(state *sessionpb.StoreState, bytes int, partly string, wall, now int64) {
	shown := &sessionpb.StoreShown{Store: state, EventsLeftOut: w.gap.leftOut, Why: w.gap.why}
	switch {
	case shown.Why == "":
		shown.Why = partly
	case partly != "":
		shown.Why += "; " + partly
	}
	seen := &rpcpb.Seen{
		Event: &sessionpb.Event{TimeMicros: wall, Body: &sessionpb.Event_StoreShown{StoreShown: shown}}, Show: w.asked.Swap(0),
	}
	w.mu.Lock()
	w.queue = append(w.queue, sighted{seen, bytes})
	w.bytes += bytes
	w.mu.Unlock()
	if w.gap.open {
		w.gap = gap{windowEnd: now + windowMicros}
	}
	w.signal()
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
}

package clienttest

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/store"
	"raftplay/server/api"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// watcher is shown the store's ticks as events without a body, numbered by their times. What does not fit into its queue is
// left out.
type watcher struct {
	m    *machine
	wake chan struct{}

	mu     sync.Mutex
	queue  []*rpcpb.WatchResponse
	shows  []uint64
	limit  uint32
	closed bool
}

const watcherQueueMax = 16

// Watch implements api.Store.
func (m *machine) Watch(eventsPerSecondMax uint32) (api.Watcher, error) {
	w := &watcher{m: m, wake: make(chan struct{}, 1), limit: eventsPerSecondMax}
	w.queue = append(w.queue, &rpcpb.WatchResponse{Hello: &rpcpb.WatchHello{
		ClusterId: m.c.options.ClusterID, StoreId: m.id, Incarnation: m.incarnation}})
	m.do(func(*store.Store) { m.watchers[w] = true })
	return w, nil
}

// Watchers is how many watch a store.
func (c *Cluster) Watchers(storeID uint64) (n int) {
	m := c.stores[storeID-1]
	m.do(func(*store.Store) { n = len(m.watchers) })
	return n
}

// show gives every watcher the tick.
func (m *machine) show() {
	for w := range m.watchers {
		w.push(&rpcpb.WatchResponse{Seen: []*rpcpb.Seen{{Event: &sessionpb.Event{Seq: m.ticks}}}})
	}
}

func (w *watcher) push(response *rpcpb.WatchResponse) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) < watcherQueueMax {
		w.queue = append(w.queue, response)
	}
	w.signal()
}

func (w *watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Next implements api.Watcher.
func (w *watcher) Next(ctx context.Context) (*rpcpb.WatchResponse, error) {
	for {
		w.mu.Lock()
		var next *rpcpb.WatchResponse
		switch {
		case len(w.queue) > 0:
			next, w.queue = w.queue[0], w.queue[1:]
		case len(w.shows) > 0:
			next = &rpcpb.WatchResponse{Seen: []*rpcpb.Seen{{Event: &sessionpb.Event{}, Show: w.shows[0]}}}
			w.shows = w.shows[1:]
		}
		closed := w.closed
		w.mu.Unlock()
		switch {
		case next != nil:
			return next, nil
		case closed:
			return nil, io.EOF
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Show implements api.Watcher.
func (w *watcher) Show(number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shows = append(w.shows, number)
	w.signal()
}

// Pace implements api.Watcher.
func (w *watcher) Pace(perSecond uint32, _ time.Duration) {
	w.mu.Lock()
	w.limit = perSecond
	w.mu.Unlock()
}

// WatchersLimits are the events a second that a store's watchers asked for last.
func (c *Cluster) WatchersLimits(storeID uint64) (limits []uint32) {
	m := c.stores[storeID-1]
	m.do(func(*store.Store) {
		for w := range m.watchers {
			w.mu.Lock()
			limits = append(limits, w.limit)
			w.mu.Unlock()
		}
	})
	return limits
}

// Close implements api.Watcher.
func (w *watcher) Close() {
	w.m.do(func(*store.Store) { delete(w.m.watchers, w) })
	w.end()
}

func (w *watcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.signal()
}

// Flood shows a store's watchers so many events of so many bytes at once: lost messages.
func (c *Cluster) Flood(storeID uint64, eventBytes, events int) {
	m := c.stores[storeID-1]
	event := &sessionpb.Event{Body: &sessionpb.Event_MessageLost{MessageLost: &sessionpb.MessageLost{Why: strings.Repeat("x", eventBytes)}}}
	for range events {
		m.do(func(*store.Store) {
			for w := range m.watchers {
				w.push(&rpcpb.WatchResponse{Seen: []*rpcpb.Seen{{Event: event}}})
			}
		})
	}
}

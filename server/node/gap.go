package node

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// gap is what the loop keeps of a watcher.
type gap struct {
	// open: events are left out, until the store is shown again. fresh: it has never been shown, and nothing is missing.
	// drained: what waits has to be taken before.
	open, fresh, drained bool

	why     string
	leftOut uint64
	// used is how many events the present window has had, which began then on the node's clock.
	used  int
	began int64
}

// A limit on events a second is kept in windows: of a whole second for who then wants nothing for a while.
const (
	windowMicros    = 100_000
	windowMicrosMax = 1_000_000
)

// window is how long a window of the limit is, and how many events it has.
func (w *Watcher) window() (micros int64, most int) {
	micros = windowMicros
	if w.restMicros.Load() > 0 {
		micros = windowMicrosMax
	}
	return micros, max(int(w.perSecond.Load())*int(micros/windowMicros)/int(windowMicrosMax/windowMicros), 1)
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
	micros, most := w.window()
	if now-w.gap.began >= micros {
		w.gap.used, w.gap.began = 0, now
	}
	fit, why := w.enqueue(events, most-w.gap.used)
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
	full := len(w.queue)-w.head >= responseEventsMax
	w.mu.Unlock()
	if fit > 0 {
		w.signal()
	}
	if full {
		w.signalFull()
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
	micros, _ := w.window()
	rest := w.restMicros.Load()
	return w.gap.fresh || now-w.gap.began >= max(micros, rest) || rest > 0 && w.asked.Load() != 0
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
	switch {
	case w.gap.open:
		w.gap = gap{began: now}
	case seen.Show != 0 && w.restMicros.Load() > 0:
		w.gap.used, w.gap.began = 0, now
	}
	w.signal()
}

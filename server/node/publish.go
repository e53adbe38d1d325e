package node

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
)

// watch takes in a watcher, who is shown the store at the end of this turn.
func (l *loop) watch(w *Watcher) {
	if l == nil {
		w.n.watchers.Add(-1)
		w.end("the store has stopped")
		return
	}
	l.sight.watchers = append(l.sight.watchers, w)
}

// lookPeriod is how often, while somebody watches, the loop looks whether gaps can be closed and figures are due.
const lookPeriod = 50 * time.Millisecond

// metricsMicros is how often watchers are told the figures.
const metricsMicros = 1_000_000

// clock fires while somebody watches.
func (s *sight) clock() <-chan time.Time {
	if s.ticker == nil {
		return nil
	}
	return s.ticker.C
}

// publish follows a turn: its events go to who watches, those who missed some are shown the store if it is time, and it is
// settled whether the next turn's events are made.
func (s *sight) publish() {
	if len(s.watchers) == 0 && !s.watched {
		return
	}
	now := s.l.n.now()
	s.dismiss()
	for _, w := range s.watchers {
		before := w.gap.leftOut
		w.offer(s.outbox, s.happened, now)
		if w.gap.leftOut > before {
			s.l.n.stats.eventsLeftOut.Add(w.gap.leftOut - before)
		}
	}
	s.l.n.stats.events.Add(uint64(s.happened))
	clear(s.outbox)
	s.outbox, s.happened = s.outbox[:0], 0
	s.observe(len(s.watchers) > 0)
	s.show(now)
	s.tellMetrics(now)
	s.building = slices.ContainsFunc(s.watchers, func(w *Watcher) bool { return !w.gap.open })
}

// dismiss forgets the watchers who have gone.
func (s *sight) dismiss() {
	stay := slices.DeleteFunc(s.watchers, func(w *Watcher) bool { return w.closed.Load() })
	s.l.n.watchers.Add(int64(len(stay) - len(s.watchers)))
	s.watchers = stay
}

// observe begins or ends the watching. Without it, no event is built or counted.
func (s *sight) observe(watched bool) {
	if watched == s.watched {
		return
	}
	s.watched = watched
	if !watched {
		s.l.store.Observe(nil)
		s.ticker.Stop()
		s.ticker = nil
		return
	}
	s.l.store.Observe(s)
	s.tracks.begin(s.l.store, &s.l.write)
	s.ticker = time.NewTicker(lookPeriod)
}

// show shows the store to those who are due, one picture for all of them.
func (s *sight) show(now int64) {
	if now < s.nextPicture {
		return
	}
	due, brief := false, true
	for _, w := range s.watchers {
		if w.wantsPicture(now) {
			due, brief = true, brief && w.gap.leftOut > 0
		}
	}
	if !due {
		return
	}
	s.brief = brief
	defer func() { s.brief = false }()
	s.nextPicture = now + s.l.n.cfg.Limits.PicturePeriod.Microseconds()
	state, wall, partly := s.picture(), s.wall(), s.partly()
	bytes := proto.Size(state)
	for _, w := range s.watchers {
		if w.wantsPicture(now) {
			w.show(state, bytes, partly, wall, now)
		}
	}
}

func (s *sight) tellMetrics(now int64) {
	if len(s.watchers) == 0 || now < s.nextMetrics {
		return
	}
	s.nextMetrics = now + metricsMicros
	metrics := s.l.n.metrics(s.wall())
	for _, w := range s.watchers {
		w.tell(metrics)
	}
}

// end tells everybody who watches that the store does not run any more.
func (s *sight) end(why string) {
	for _, w := range s.watchers {
		if s.happened > 0 {
			w.offer(s.outbox, s.happened, s.l.n.now())
		}
		w.end(why)
	}
	s.l.n.watchers.Add(int64(-len(s.watchers)))
	s.watchers = nil
	if s.ticker != nil {
		s.ticker.Stop()
	}
}

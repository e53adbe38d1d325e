package sim

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// rateTrue is a clock that runs as time does, in parts per million.
const rateTrue = 1_000_000

// clock is a store's own. What it runs moves its ticks on, what it shows is Config.Now: a jump is the second alone, as it is
// with a ticker that no change of the time of day touches.
type clock struct {
	rate, lateMax int64
	// It had run so far at that time.
	ran, at int64
	jumped  int64
}

// newClock is a store's clock at the start of a run.
func newClock(cfg *sessionpb.Config, storeID uint64) clock {
	c := clock{rate: rateTrue}
	for _, own := range cfg.GetClocks() {
		if own.GetStoreId() == storeID {
			c.become(own.GetClock(), 0)
		}
	}
	return c
}

// become changes how the clock runs from now on.
func (c *clock) become(how *sessionpb.Clock, now int64) {
	c.ran, c.at = c.runs(now), now
	c.rate, c.lateMax = rateOf(how), how.GetLateMicros()
}

func rateOf(how *sessionpb.Clock) int64 {
	if rate := how.GetRatePpm(); rate != 0 {
		return int64(rate)
	}
	return rateTrue
}

// runs is how far the clock has run. The two parts keep the product small; nothing is lost between them.
func (c *clock) runs(now int64) int64 {
	passed := now - c.at
	return c.ran + passed/rateTrue*c.rate + passed%rateTrue*c.rate/rateTrue
}

func (c *clock) shows(now int64) int64 { return c.runs(now) + c.jumped }

// when is the first moment at which the clock will have run so far; one that lies before its last change is that change.
func (c *clock) when(runs int64) int64 {
	left := max(0, runs-c.ran)
	return c.at + left/c.rate*rateTrue + (left%c.rate*rateTrue+c.rate-1)/c.rate
}

// localNow is store.Config.Now.
func (m *machine) localNow() int64 { return m.clock.shows(m.w.now) }

// localMicros is what a viewer is told of the clock: nothing of one that shows the true time.
func (m *machine) localMicros() int64 {
	if local := m.localNow(); local != m.w.now {
		return local
	}
	return 0
}

// ticker is when a store ticks next: at runs of its clock, and late by so much.
type ticker struct{ runs, late int64 }

// windUp starts the ticker, whose first tick comes in so much of the store's time.
func (m *machine) windUp(in int64) { m.tickAt(m.clock.runs(m.w.now) + in) }

// ticked looks forward from a tick to the next one: a base tick later. After one that came late, or that a pause kept back,
// that is counted from where it came, so that none are closer together: a follower that has heard its leader promises it
// so many ticks, and its lease counts on what they last.
func (m *machine) ticked() {
	from := m.ticker.runs
	if m.clock.when(from) < m.w.now {
		from = m.clock.runs(m.w.now)
	}
	m.tickAt(from + m.w.config.Raft.BaseTickMicros)
}

func (m *machine) tickAt(runs int64) {
	m.ticker = ticker{runs: runs, late: m.late.between(0, m.clock.lateMax)}
	m.w.agenda.add(m.nextTick())
}

func (m *machine) nextTick() item {
	due := m.clock.when(m.ticker.runs) + m.ticker.late
	return item{due: max(due, m.w.now), deed: deedTick, store: uint32(m.id - 1)}
}

// rewind puts the tick that is to come where it belongs after the clock has changed.
func (m *machine) rewind() {
	isTick := func(it *item) bool { return it.deed == deedTick && m.owns(it) }
	m.ticker.late = min(m.ticker.late, m.clock.lateMax)
	if !m.paused {
		m.w.agenda.remove(isTick)
		if m.store != nil {
			m.w.agenda.add(m.nextTick())
		}
		return
	}
	for i := range m.waiting {
		// One that is due already keeps its place among what waits.
		if it := &m.waiting[i]; isTick(it) && it.due > m.w.now {
			it.due = m.nextTick().due
		}
	}
}

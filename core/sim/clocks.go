package sim

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What a clock may be made to do.
const (
	clockRatePPMMin    = 10_000
	clockRatePPMMax    = 10_000_000
	clockLateMicrosMax = 10_000_000
	clockJumpMicrosMax = 3_600_000_000
)

func validateClock(c *sessionpb.Clock) error {
	if rate := c.GetRatePpm(); rate != 0 && (rate < clockRatePPMMin || rate > clockRatePPMMax) {
		return fmt.Errorf("a clock runs at %d to %d millionths of true time, or truly with 0, not at %d", clockRatePPMMin, clockRatePPMMax, rate)
	}
	return within("the lateness of a tick", c.GetLateMicros(), 0, clockLateMicrosMax)
}

// validateClocks looks at the clocks that single stores have of their own.
func validateClocks(cfg *sessionpb.Config) error {
	for i, c := range cfg.GetClocks() {
		if err := validateOwn("clock", c.GetStoreId(), cfg.GetStores(), func(id uint64) bool {
			return slices.ContainsFunc(cfg.GetClocks()[:i], func(before *sessionpb.StoreClock) bool { return before.GetStoreId() == id })
		}); err != nil {
			return err
		}
		if err := validateClock(c.GetClock()); err != nil {
			return fmt.Errorf("S%d's clock: %w", c.GetStoreId(), err)
		}
	}
	return nil
}

func validateSetClock(a *sessionpb.SetClock) error {
	if a.GetClock() == nil && a.GetJumpMicros() == 0 {
		return errors.New("the clock is to do nothing new")
	}
	if err := validateClock(a.GetClock()); err != nil {
		return err
	}
	return within("a clock's jump", a.GetJumpMicros(), -clockJumpMicrosMax, clockJumpMicrosMax)
}

// setClock changes how a store's clock runs, if that is given, and moves it. The store need not be up.
func (w *World) setClock(a *sessionpb.SetClock) error {
	m, err := w.existing(a.GetStoreId())
	if err != nil {
		return err
	}
	if local := m.localNow(); a.GetJumpMicros() < 0 && local+a.GetJumpMicros() <= 0 {
		return fmt.Errorf("S%d's clock shows %s and does not go back by %s, to before its beginning",
			m.id, millis(local), millis(-a.GetJumpMicros()))
	}
	if a.GetClock() != nil {
		m.clock.become(a.GetClock(), w.now)
		w.keepClock(m.id, a.GetClock())
	}
	m.clock.jumped += a.GetJumpMicros()
	m.rewind()
	if w.observed {
		w.emit(m.id, &sessionpb.Event{Body: &sessionpb.Event_ClockSet{ClockSet: &sessionpb.ClockSet{
			Clock:      &sessionpb.Clock{RatePpm: uint32(m.clock.rate), LateMicros: m.clock.lateMax},
			JumpMicros: a.GetJumpMicros(), LocalMicros: m.localNow()}}})
	}
	return nil
}

// keepClock has the configuration say what clocks there are: those that run as time does are not listed.
func (w *World) keepClock(storeID uint64, how *sessionpb.Clock) {
	own := slices.DeleteFunc(slices.Clone(w.config.Clocks), func(c *sessionpb.StoreClock) bool { return c.GetStoreId() == storeID })
	if rateOf(how) != rateTrue || how.GetLateMicros() != 0 {
		own = append(own, &sessionpb.StoreClock{
			StoreId: storeID, Clock: &sessionpb.Clock{RatePpm: uint32(rateOf(how)), LateMicros: how.GetLateMicros()}})
	}
	next := proto.Clone(w.config).(*sessionpb.Config)
	next.Clocks = own
	w.config = next
}

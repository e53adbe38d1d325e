package sim

import (
	"errors"
	"fmt"
)

var (
	errNothingDue = errors.New("nothing will happen by itself: every store is down or paused")
	errNoMessage  = errors.New("no message comes: no store that is up sends any")
)

// AdvanceTo moves the clock to a time, doing nothing. It fails when something is due earlier, or when the time is past;
// what is due at exactly that time stays due.
func (w *World) AdvanceTo(micros int64) error {
	if micros < w.now {
		return fmt.Errorf("the clock stands at %s and does not go back to %s", millis(w.now), millis(micros))
	}
	if due, ok := w.NextDue(); ok && due < micros {
		return fmt.Errorf("something is due at %s, before %s", millis(due), millis(micros))
	}
	w.now = micros
	return nil
}

// RunUntil does everything that is due up to a time, included, and leaves the clock there. A time that is past changes
// nothing.
func (w *World) RunUntil(micros int64) {
	for {
		due, ok := w.NextDue()
		if !ok || due > micros {
			break
		}
		w.Step()
	}
	w.now = max(w.now, micros)
}

// RunWhile steps while the condition holds, but does nothing that is due after the deadline. It returns true when the
// condition has ceased to hold.
func (w *World) RunWhile(deadlineMicros int64, condition func() bool) bool {
	for condition() {
		due, ok := w.NextDue()
		if !ok || due > deadlineMicros {
			return false
		}
		w.Step()
	}
	return true
}

// StepThroughTick steps through the next tick of a store, doing whatever is due earlier; store 0 means any store.
func (w *World) StepThroughTick(storeID uint64) error {
	if storeID != 0 {
		if _, err := w.awake(storeID); err != nil {
			return err
		}
	}
	for w.Step() {
		if w.did.deed == deedTick && (storeID == 0 || uint64(w.did.store)+1 == storeID) {
			return nil
		}
		if storeID != 0 && w.machines[storeID-1].store == nil {
			return fmt.Errorf("S%d stopped before its next tick", storeID)
		}
	}
	return errNothingDue
}

// deliveryWaitMicrosMax is how long StepThroughDelivery looks for a message.
const deliveryWaitMicrosMax = 60_000_000

// StepThroughDelivery steps through the next end of a flight, doing whatever is due earlier: a message is delivered, or
// lost at the moment at which it would have been. It gives up when no message has come in a virtual minute.
func (w *World) StepThroughDelivery() error {
	deadline := w.now + deliveryWaitMicrosMax
	for {
		due, ok := w.NextDue()
		if !ok || due > deadline {
			return errNoMessage
		}
		landed := w.network.landed
		if w.Step(); w.network.landed > landed {
			return nil
		}
	}
}

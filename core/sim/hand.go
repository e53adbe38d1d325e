package sim

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What a person does to single messages.

// findMessage returns where a message in flight is, or a sentence.
func (w *World) findMessage(id uint64) (slot uint32, err error) {
	slot, found := w.network.find(id)
	switch {
	case found:
		return slot, nil
	case id == 0 || id > w.network.lastID:
		return 0, fmt.Errorf("there is no message %d", id)
	}
	return 0, fmt.Errorf("message %d is no longer in flight", id)
}

// findTravelling is findMessage for a message that is not held.
func (w *World) findTravelling(id uint64) (slot uint32, err error) {
	slot, err = w.findMessage(id)
	if err == nil && w.network.flight(slot).held != 0 {
		return 0, fmt.Errorf("message %d is held already", id)
	}
	return slot, err
}

func (w *World) cancelArrival(slot uint32) {
	w.agenda.remove(func(it *item) bool { return it.deed == deedArrive && it.slot == slot })
	w.machines[w.network.flight(slot).message.ToStore-1].leaveDoor(slot)
}

func (w *World) dropMessage(id uint64) error {
	slot, err := w.findMessage(id)
	if err != nil {
		return err
	}
	w.cancelArrival(slot)
	f := w.network.land(slot)
	w.lose(&f, sessionpb.LossReason_LOSS_REASON_BY_HAND, "")
	return nil
}

func (w *World) deliverMessage(id uint64) error {
	slot, err := w.findMessage(id)
	if err != nil {
		return err
	}
	if _, err := w.awake(w.network.flight(slot).message.ToStore); err != nil {
		return fmt.Errorf("message %d cannot be delivered: %w", id, err)
	}
	w.cancelArrival(slot)
	w.arrive(slot, true)
	return nil
}

func (w *World) holdMessage(id uint64) error {
	slot, err := w.findTravelling(id)
	if err != nil {
		return err
	}
	w.cancelArrival(slot)
	w.hold(slot, sessionpb.HoldReason_HOLD_REASON_BY_HAND)
	return nil
}

// releaseMessage releases what is held by hand or by a filter; what holds other messages would hold them again.
func (w *World) releaseMessage(id uint64) error {
	slot, err := w.findMessage(id)
	if err != nil {
		return err
	}
	switch f := w.network.flight(slot); f.held {
	case sessionpb.HoldReason_HOLD_REASON_UNSPECIFIED:
		return fmt.Errorf("message %d is not held", id)
	case sessionpb.HoldReason_HOLD_REASON_CLOGGED:
		return fmt.Errorf("message %d waits until the link from S%d to S%d flows again", id, f.message.FromStore, f.message.ToStore)
	case sessionpb.HoldReason_HOLD_REASON_PAUSED:
		return fmt.Errorf("message %d waits until S%d is resumed", id, f.message.ToStore)
	}
	w.release(slot)
	return nil
}

// delayMessage lets those behind a message pass.
func (w *World) delayMessage(id uint64, micros int64) error {
	slot, err := w.findMessage(id)
	if err != nil {
		return err
	}
	f := w.network.flight(slot)
	if f.held != 0 {
		return fmt.Errorf("message %d is held: release it first", id)
	}
	w.cancelArrival(slot)
	f.due += micros
	w.schedule(slot)
	return nil
}

// duplicateMessage sends a copy after a message. Neither chance nor a filter takes it, for a hand sent it; a cut does.
func (w *World) duplicateMessage(id uint64) error {
	slot, err := w.findMessage(id)
	if err != nil {
		return err
	}
	f := w.network.flight(slot)
	l := w.network.link(f.message.FromStore, f.message.ToStore)
	s := l.settings(w.config.Network)
	latency := l.hand.between(s.LatencyMicros-s.JitterMicros, s.LatencyMicros+s.JitterMicros)
	due := max(l.dueLast, w.now+latency)
	if f.held == 0 {
		due = max(due, f.due)
	}
	w.launch(flight{message: f.message, due: due, copyOf: f.id}, l, nil, false)
	return nil
}

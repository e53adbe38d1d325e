package sim

import (
	"cmp"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Messages that wait on their way.

// hold makes a message wait where it is: at a moment at which it would have arrived, or once its arrival is cancelled.
func (w *World) hold(slot uint32, reason sessionpb.HoldReason) {
	w.network.park(slot, reason, w.now)
	if w.observed {
		f := w.network.flight(slot)
		w.emit(f.message.ToStore, &sessionpb.Event{Body: &sessionpb.Event_MessageHeld{
			MessageHeld: &sessionpb.MessageHeld{Id: f.id, Reason: reason}}})
	}
}

// release lets a held message go on; it arrives as long from now as it still had to go.
func (w *World) release(slot uint32) { w.releaseAt(slot, w.now+w.network.flight(slot).left) }

// releaseAt lets a held message go on, to arrive at a time.
func (w *World) releaseAt(slot uint32, due int64) {
	w.network.unpark(slot, due)
	w.schedule(slot)
}

// schedule puts the arrival of a message that travels on the agenda anew.
func (w *World) schedule(slot uint32) {
	f := w.network.flight(slot)
	w.agenda.add(item{due: f.due, deed: deedArrive, slot: slot})
	if w.observed {
		w.emit(f.message.ToStore, &sessionpb.Event{Body: &sessionpb.Event_MessageRescheduled{
			MessageRescheduled: &sessionpb.MessageRescheduled{Id: f.id, DueMicros: f.due}}})
	}
}

// releaseHeld releases the messages of some kind that are held for a reason, in the order in which they came to be held.
// What of that kind happens to be due at this very instant came behind them, and stays there.
func (w *World) releaseHeld(reason sessionpb.HoldReason, of func(*flight) bool) {
	slots := w.network.heldFor(reason, of)
	if len(slots) == 0 {
		return
	}
	var behind []item
	w.agenda.remove(func(it *item) bool {
		late := it.deed == deedArrive && it.due <= w.now && of(w.network.flight(it.slot))
		if late {
			behind = append(behind, *it)
		}
		return late
	})
	slices.SortFunc(behind, func(a, b item) int { return cmp.Compare(a.order, b.order) })
	for _, slot := range slots {
		w.release(slot)
	}
	for _, it := range behind {
		w.agenda.add(it)
	}
}

package sim

import (
	"cmp"
	"fmt"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// A store is paused as by a long garbage collection, or by the migration of its machine: time goes on without it. What
// falls due for it meanwhile waits, and happens when it is resumed, in the order in which it fell due: the ticks that it
// missed as one, the work of its disk, the messages at its door, the commands of clients, even of those who have given up.
// Others see it as it was; nothing tells them that it is not just slow.

// Paused tells whether a store is paused.
func (w *World) Paused(id uint64) bool {
	m := w.machine(id)
	return m != nil && m.paused
}

func (w *World) pauseStore(id uint64) error {
	m, err := w.up(id)
	switch {
	case err != nil:
		return err
	case m.paused:
		return fmt.Errorf("S%d is paused already", id)
	}
	m.paused = true
	w.agenda.remove(func(it *item) bool {
		if m.owns(it) {
			m.waiting = append(m.waiting, *it)
			return true
		}
		return false
	})
	if w.observed {
		w.emit(id, &sessionpb.Event{Body: &sessionpb.Event_StorePaused{StorePaused: &sessionpb.StorePaused{}}})
	}
	return nil
}

func (w *World) resumeStore(id uint64) error {
	m, err := w.up(id)
	switch {
	case err != nil:
		return err
	case !m.paused:
		return fmt.Errorf("S%d is not paused", id)
	}
	m.paused = false
	if w.observed {
		w.emit(id, &sessionpb.Event{Body: &sessionpb.Event_StoreResumed{StoreResumed: &sessionpb.StoreResumed{}}})
	}
	for _, it := range m.takeWaiting() {
		if it.deed == deedArrive {
			w.releaseAt(it.slot, w.now)
			continue
		}
		it.due = max(it.due, w.now)
		w.agenda.add(it)
	}
	return nil
}

// takeWaiting empties the list of what waits for the store, in the order in which it falls due.
func (m *machine) takeWaiting() []item {
	waiting := m.waiting
	m.waiting = nil
	slices.SortFunc(waiting, func(a, b item) int { return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.order, b.order)) })
	return waiting
}

// standAtDoor has a message that came wait for the paused store.
func (m *machine) standAtDoor(slot uint32) {
	m.waiting = append(m.waiting, item{due: m.w.now, order: m.w.agenda.nextOrder(), deed: deedArrive, slot: slot})
}

// leaveDoor takes a message away from the door, if it is there.
func (m *machine) leaveDoor(slot uint32) {
	m.waiting = slices.DeleteFunc(m.waiting, func(it item) bool { return it.deed == deedArrive && it.slot == slot })
}

// emptyDoor loses what waited for a store that is gone.
func (m *machine) emptyDoor() {
	for _, it := range m.takeWaiting() {
		if it.deed == deedArrive {
			f := m.w.network.land(it.slot)
			m.w.lose(&f, sessionpb.LossReason_LOSS_REASON_STORE_DOWN, "")
		}
	}
}

// keepCommand has a command wait for a paused store.
func (m *machine) keepCommand(op *operation) {
	m.unheard = append(m.unheard, op)
	m.waiting = append(m.waiting, item{due: m.w.now, order: m.w.agenda.nextOrder(), deed: deedHear, store: uint32(m.id - 1)})
}

// hearNext hears the command that has waited longest.
func (m *machine) hearNext() {
	op := m.unheard[0]
	m.unheard = m.unheard[1:]
	m.hear(op)
}

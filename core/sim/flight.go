package sim

import (
	"cmp"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// flight is a message on its way.
type flight struct {
	id      uint64
	message store.Message
	sent    int64
	due     int64
	// loss is why the network loses it at its due time; unspecified: it does not.
	loss sessionpb.LossReason
	// copyOf is the message it is a copy of, or 0.
	copyOf uint64

	// held is why it waits; nothing is due then. left is how long it still had to go, holding its place among all that
	// were ever held.
	held    sessionpb.HoldReason
	left    int64
	holding uint64
	// atDoor: it has passed its link, and waited for its store.
	atDoor bool
}

// flights are the messages in flight, held ones among them, by slot; a slot with id 0 is free.
type flights struct {
	all    []flight
	free   []uint32
	lastID uint64
	// landed counts the flights that ended, holds those that were held, and held those that are.
	landed, holds uint64
	held          int
}

// flight is the one in a slot, until the next one takes off.
func (n *flights) flight(slot uint32) *flight { return &n.all[slot] }

// takeOff gives a flight its id and a slot.
func (n *flights) takeOff(f flight) (slot uint32) {
	n.lastID++
	f.id = n.lastID
	if last := len(n.free) - 1; last >= 0 {
		slot = n.free[last]
		n.free = n.free[:last]
		n.all[slot] = f
		return slot
	}
	n.all = append(n.all, f)
	return uint32(len(n.all) - 1)
}

// land ends a flight.
func (n *flights) land(slot uint32) flight {
	f := n.all[slot]
	if f.held != 0 {
		n.held--
	}
	n.all[slot] = flight{}
	n.free = append(n.free, slot)
	n.landed++
	return f
}

// park makes a flight wait where it is. Nothing may be due for it.
func (n *flights) park(slot uint32, reason sessionpb.HoldReason, now int64) {
	f := &n.all[slot]
	n.holds++
	n.held++
	f.held, f.holding, f.left = reason, n.holds, max(f.due-now, 0)
	f.atDoor = f.atDoor || reason == sessionpb.HoldReason_HOLD_REASON_PAUSED
}

// unpark lets a flight go on, to arrive at a time.
func (n *flights) unpark(slot uint32, due int64) {
	f := &n.all[slot]
	n.held--
	f.held, f.due = sessionpb.HoldReason_HOLD_REASON_UNSPECIFIED, due
}

// find returns the slot of a message in flight.
func (n *flights) find(id uint64) (slot uint32, found bool) {
	i := slices.IndexFunc(n.all, func(f flight) bool { return f.id == id })
	return uint32(i), id != 0 && i >= 0
}

func (n *flights) inFlight() int { return len(n.all) - len(n.free) }

// byID returns the messages in flight in the order they were sent.
func (n *flights) byID() []*flight {
	flights := make([]*flight, 0, n.inFlight())
	for slot := range n.all {
		if n.all[slot].id != 0 {
			flights = append(flights, &n.all[slot])
		}
	}
	slices.SortFunc(flights, func(a, b *flight) int { return cmp.Compare(a.id, b.id) })
	return flights
}

// heldFor returns the slots of the messages that are held for a reason, as long ago as they are.
func (n *flights) heldFor(reason sessionpb.HoldReason, of func(*flight) bool) []uint32 {
	var slots []uint32
	for slot := range n.all {
		if f := &n.all[slot]; f.held == reason && of(f) {
			slots = append(slots, uint32(slot))
		}
	}
	slices.SortFunc(slots, func(a, b uint32) int { return cmp.Compare(n.all[a].holding, n.all[b].holding) })
	return slots
}

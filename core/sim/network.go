package sim

import (
	"cmp"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/store"
)

// network holds the links and what travels on them.
type network struct {
	// links are there for every store that may ever be added: what they draw depends on the seed and their ends alone.
	links [storesMax * storesMax]link
	// flights are the messages in flight, by slot; a slot with id 0 is free.
	flights []flight
	free    []uint32
	lastID  uint64
}

// link is one direction between two stores. Messages do not overtake each other.
type link struct {
	latency, loss stream
	dueLast       int64
}

// flight is a message on its way.
type flight struct {
	id      uint64
	message store.Message
	sent    int64
	due     int64
	// doomed: the network loses it at its due time.
	doomed bool
}

func (n *network) begin(seed uint64) {
	for from := uint64(1); from <= storesMax; from++ {
		for to := uint64(1); to <= storesMax; to++ {
			*n.link(from, to) = link{
				latency: newStream(seed, streamName("latency", from, to)),
				loss:    newStream(seed, streamName("loss", from, to)),
			}
		}
	}
}

func (n *network) link(from, to uint64) *link { return &n.links[(from-1)*storesMax+to-1] }

// depart draws a message's fate and puts it on its way.
func (n *network) depart(m store.Message, now int64, settings *sessionpb.Network) (slot uint32) {
	l := n.link(m.FromStore, m.ToStore)
	latency := l.latency.between(settings.LatencyMicros-settings.JitterMicros, settings.LatencyMicros+settings.JitterMicros)
	doomed := l.loss.below(1_000_000) < uint64(settings.LossPpm)
	l.dueLast = max(l.dueLast, now+latency)

	n.lastID++
	f := flight{id: n.lastID, message: m, sent: now, due: l.dueLast, doomed: doomed}
	if last := len(n.free) - 1; last >= 0 {
		slot = n.free[last]
		n.free = n.free[:last]
		n.flights[slot] = f
		return slot
	}
	n.flights = append(n.flights, f)
	return uint32(len(n.flights) - 1)
}

// land takes a message off the network.
func (n *network) land(slot uint32) flight {
	f := n.flights[slot]
	n.flights[slot] = flight{}
	n.free = append(n.free, slot)
	return f
}

// find returns the slot of a message in flight.
func (n *network) find(id uint64) (slot uint32, found bool) {
	i := slices.IndexFunc(n.flights, func(f flight) bool { return f.id == id })
	return uint32(i), id != 0 && i >= 0
}

func (n *network) inFlight() int { return len(n.flights) - len(n.free) }

// byID returns the messages in flight in the order they were sent.
func (n *network) byID() []*flight {
	flights := make([]*flight, 0, n.inFlight())
	for slot := range n.flights {
		if n.flights[slot].id != 0 {
			flights = append(flights, &n.flights[slot])
		}
	}
	slices.SortFunc(flights, func(a, b *flight) int { return cmp.Compare(a.id, b.id) })
	return flights
}

// send hands a store's messages to the network.
func (w *World) send(messages []store.Message) {
	for i := range messages {
		slot := w.network.depart(messages[i], w.now, w.config.Network)
		f := &w.network.flights[slot]
		w.agenda.add(item{due: f.due, deed: deedArrive, slot: slot})
		if w.observed {
			w.emitSent(f)
		}
	}
}

// arrive is the end of a flight: the message is delivered, or lost. By hand a message arrives ahead of its time, and even
// if the network had meant to lose it. The receiver gets a clone, so that stores share nothing.
func (w *World) arrive(slot uint32, byHand bool) {
	f := w.network.land(slot)
	to := w.machines[f.message.ToStore-1]
	switch {
	case f.doomed && !byHand:
		w.lose(&f, sessionpb.LossReason_LOSS_REASON_NETWORK, "")
	case to.store == nil:
		w.lose(&f, sessionpb.LossReason_LOSS_REASON_STORE_DOWN, "")
	default:
		mark := len(w.outbox)
		if w.observed {
			w.emitDelivered(&f, byHand)
		}
		if err := to.store.Step(f.message.Clone()); err != nil {
			w.retract(mark)
			w.lose(&f, sessionpb.LossReason_LOSS_REASON_REFUSED, err.Error())
		}
		// A store may answer what it refuses: that the sender was removed.
		to.settle()
	}
}

func (w *World) lose(f *flight, reason sessionpb.LossReason, why string) {
	w.counts.MessagesLost++
	if w.observed {
		w.emit(f.message.ToStore, &sessionpb.Event{Body: &sessionpb.Event_MessageLost{
			MessageLost: &sessionpb.MessageLost{Id: f.id, Reason: reason, Why: why}}})
	}
}

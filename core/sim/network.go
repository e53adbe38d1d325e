package sim

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// network holds the links and what travels on them.
type network struct {
	// links are there for every store that may ever be added: what they draw depends on the seed and their ends alone.
	links [storesMax * storesMax]link
	flights
}

func (n *network) begin(seed uint64) {
	for from := uint64(1); from <= storesMax; from++ {
		for to := uint64(1); to <= storesMax; to++ {
			*n.link(from, to) = newLink(seed, from, to)
		}
	}
}

func (n *network) link(from, to uint64) *link { return &n.links[(from-1)*storesMax+to-1] }

// send hands a store's messages to the network.
func (w *World) send(messages []store.Message) {
	for i := range messages {
		w.depart(&messages[i])
	}
}

// depart decides a message's fate and puts it on its way, and its copy if there is to be one. The copy comes behind it and
// holds nobody up; what a filter or a cut does to the one it does to the other.
func (w *World) depart(m *store.Message) {
	l := w.network.link(m.FromStore, m.ToStore)
	settings := l.settings(w.config.Network)
	drawn := l.draw(settings)
	sent, taken := l.transmit(m, w.now, settings.BytesPerSecond)
	due := max(l.dueLast, sent+drawn.latency)
	copyDue := max(due, w.now+drawn.copyLatency)
	l.dueLast = due
	if drawn.reordered {
		due += drawn.late
	}
	filter := w.filter(m)
	w.launch(flight{message: *m, due: due}, l, filter, drawn.lost || !taken)
	if drawn.copied || filter.GetDeed() == sessionpb.FilterDeed_FILTER_DEED_DUPLICATE {
		w.launch(flight{message: *m, due: copyDue, copyOf: w.network.lastID}, l, filter, drawn.copyLost)
	}
}

// launch begins a flight that is due, unless a filter has something against it.
func (w *World) launch(f flight, l *link, filter *sessionpb.Filter, lost bool) {
	f.sent = w.now
	switch deed := filter.GetDeed(); {
	case l.cut:
		f.loss = sessionpb.LossReason_LOSS_REASON_CUT
	case deed == sessionpb.FilterDeed_FILTER_DEED_LOSE:
		f.loss = sessionpb.LossReason_LOSS_REASON_FILTER
	case lost:
		f.loss = sessionpb.LossReason_LOSS_REASON_NETWORK
	}
	if filter.GetDeed() == sessionpb.FilterDeed_FILTER_DEED_DELAY {
		f.due += filter.DelayMicros
	}
	slot := w.network.takeOff(f)
	if filter.GetDeed() == sessionpb.FilterDeed_FILTER_DEED_HOLD {
		w.network.park(slot, sessionpb.HoldReason_HOLD_REASON_FILTER, w.now)
	} else {
		w.agenda.add(item{due: f.due, deed: deedArrive, slot: slot})
	}
	if w.observed {
		w.emitSent(w.network.flight(slot))
	}
}

// arrive is the end of a flight: the message is delivered, or lost, unless something holds it there. By hand a message
// arrives ahead of its time, and even if the network had meant to lose or to hold it. The receiver gets a clone, so that
// stores share nothing.
func (w *World) arrive(slot uint32, byHand bool) {
	loss := w.lossOf(w.network.flight(slot))
	if reason := w.obstacle(w.network.flight(slot)); reason != 0 && loss == 0 && !byHand {
		w.hold(slot, reason)
		if reason == sessionpb.HoldReason_HOLD_REASON_PAUSED {
			w.machines[w.network.flight(slot).message.ToStore-1].standAtDoor(slot)
		}
		return
	}
	f := w.network.land(slot)
	to := w.machines[f.message.ToStore-1]
	switch {
	case loss != 0 && !byHand:
		w.lose(&f, loss, "")
	case to.store == nil:
		w.lose(&f, sessionpb.LossReason_LOSS_REASON_STORE_DOWN, "")
	default:
		mark := len(w.outbox)
		if w.observed {
			w.emitDelivered(&f, byHand)
		}
		to.drive(func() {
			if err := to.store.Step(f.message.Clone()); err != nil {
				w.retract(mark)
				w.lose(&f, sessionpb.LossReason_LOSS_REASON_REFUSED, err.Error())
			}
			// A store may answer what it refuses: that the sender was removed.
			to.settle()
		})
	}
}

// lossOf is why the network does not let a message arrive, or nothing.
func (w *World) lossOf(f *flight) sessionpb.LossReason {
	if f.loss == 0 && !f.atDoor && w.network.link(f.message.FromStore, f.message.ToStore).cut {
		return sessionpb.LossReason_LOSS_REASON_CUT
	}
	return f.loss
}

// obstacle is what holds a message that would arrive now, or nothing.
func (w *World) obstacle(f *flight) sessionpb.HoldReason {
	if !f.atDoor && w.network.link(f.message.FromStore, f.message.ToStore).clogged {
		return sessionpb.HoldReason_HOLD_REASON_CLOGGED
	}
	if w.machines[f.message.ToStore-1].paused {
		return sessionpb.HoldReason_HOLD_REASON_PAUSED
	}
	return sessionpb.HoldReason_HOLD_REASON_UNSPECIFIED
}

func (w *World) lose(f *flight, reason sessionpb.LossReason, why string) {
	w.counts.MessagesLost++
	if w.observed {
		w.emit(f.message.ToStore, &sessionpb.Event{Body: &sessionpb.Event_MessageLost{
			MessageLost: &sessionpb.MessageLost{Id: f.id, Reason: reason, Why: why}}})
	}
}

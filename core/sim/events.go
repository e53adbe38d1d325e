package sim

import (
	"slices"

	"raftplay/core/mirror"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Observer is told every event, in the order of the sequence numbers. It may keep an event and must not write it. It must
// not touch the world, except that it may call Report.
type Observer interface {
	Event(*sessionpb.Event)
}

// Observe replaces the observers; without any, no event is built or counted from here on. Who comes back after a time
// without observers says with SetSeq where the events stand.
func (w *World) Observe(observers ...Observer) {
	w.observers = slices.Clone(observers)
	w.observed = len(observers) > 0
	for _, m := range w.machines {
		m.catchUp()
	}
}

// Seq is the sequence number of the last event.
func (w *World) Seq() uint64 { return w.seq }

// EventsAtStart is how many events a watched run begins with.
func (w *World) EventsAtStart() uint64 { return w.eventsAtStart }

// SetSeq says that n events lie before this moment.
func (w *World) SetSeq(n uint64) { w.seq = n }

// Report makes a judge's finding an event of the run. It may be called by an observer while it is told an event; everyone
// hears of it after the events of the same step.
func (w *World) Report(v *sessionpb.Violation) {
	if !w.observed {
		return
	}
	w.emit(0, &sessionpb.Event{Body: &sessionpb.Event_Violation{Violation: v}})
	w.publish()
}

// emit puts an event into the outbox. Only called when observed.
func (w *World) emit(storeID uint64, e *sessionpb.Event) {
	e.Step, e.TimeMicros, e.StoreId = w.steps, w.now, storeID
	w.outbox = append(w.outbox, e)
}

// retract takes back the event at a place in the outbox: what it tells was refused.
func (w *World) retract(place int) {
	if place < len(w.outbox) {
		w.outbox = slices.Delete(w.outbox, place, place+1)
	}
}

// publish numbers the events of the outbox and hands them out. Observers may add to it meanwhile, through Report.
func (w *World) publish() {
	if w.publishing || len(w.outbox) == 0 {
		return
	}
	w.publishing = true
	for i := 0; i < len(w.outbox); i++ {
		e := w.outbox[i]
		w.seq++
		e.Seq = w.seq
		for _, o := range w.observers {
			o.Event(e)
		}
	}
	clear(w.outbox)
	w.outbox = w.outbox[:0]
	w.publishing = false
}

// The most frequent events are made in one piece of memory each, with everything they consist of.

func (w *World) emitSent(f *flight) {
	e := &struct {
		event   sessionpb.Event
		body    sessionpb.Event_MessageSent
		sent    sessionpb.MessageSent
		message sessionpb.Message
		terms   [1]uint64
	}{}
	if len(f.message.Raft.GetEntries()) > 0 {
		e.message.EntryTerms = e.terms[:0]
	}
	mirrorMessage(f, &e.message)
	e.sent.Message = &e.message
	e.body.MessageSent = &e.sent
	e.event.Body = &e.body
	w.emit(f.message.FromStore, &e.event)
}

func (w *World) emitDelivered(f *flight, byHand bool) {
	e := &struct {
		event     sessionpb.Event
		body      sessionpb.Event_MessageDelivered
		delivered sessionpb.MessageDelivered
	}{}
	e.delivered.Id, e.delivered.ByHand = f.id, byHand
	e.body.MessageDelivered = &e.delivered
	e.event.Body = &e.body
	w.emit(f.message.ToStore, &e.event)
}

func (m *machine) emitWriteStarted() {
	e := &struct {
		event   sessionpb.Event
		body    sessionpb.Event_WriteStarted
		started mirror.Write
	}{}
	e.body.WriteStarted = m.w.mirrorWrite(&m.write, &e.started)
	e.event.Body = &e.body
	m.w.emit(m.id, &e.event)
}

func (w *World) emitWritten(storeID, writeID uint64) {
	e := &struct {
		event   sessionpb.Event
		body    sessionpb.Event_Written
		written sessionpb.Written
	}{}
	e.written.WriteId = writeID
	e.body.Written = &e.written
	e.event.Body = &e.body
	w.emit(storeID, &e.event)
}

func (w *World) emitSynced(storeID, writeID uint64) {
	e := &struct {
		event  sessionpb.Event
		body   sessionpb.Event_Synced
		synced sessionpb.Synced
	}{}
	e.synced.WriteId = writeID
	e.body.Synced = &e.synced
	e.event.Body = &e.body
	w.emit(storeID, &e.event)
}

// emitTicked returns the body, for the timers to be filled in.
func (m *machine) emitTicked() *sessionpb.Ticked {
	e := &struct {
		event  sessionpb.Event
		body   sessionpb.Event_Ticked
		ticked sessionpb.Ticked
	}{}
	e.body.Ticked = &e.ticked
	e.event.Body = &e.body
	m.w.emit(m.id, &e.event)
	return &e.ticked
}

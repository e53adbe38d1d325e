package live

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// leaseMicrosMax is how far ahead a lease can reasonably end.
const leaseMicrosMax = 60_000_000

// place puts an event of a store into the stream: on the session's clock and under the session's numbers. What names
// something unknown is left out: it began before anyone watched, or its beginning was left out.
func (m *merger) place(s *source, h *held, now int64) {
	e, wall := h.seen.Event, h.wallMicros()
	earliest := m.last
	var ends *flight
	if p, arrives := arrival(h.seen); arrives {
		if ends = m.flights.end(p); ends == nil {
			return
		}
		// A message does not arrive before it is sent: the receiver's clock is behind. The sending as viewers are told of it may
		// be later: were it taken for the truth, two stores' clocks would drive each other on.
		s.offset = max(s.offset, ends.sentMicros-wall)
	}
	m.last = max(earliest, wall+s.offset)
	e.Seq, e.Step, e.StoreId, e.TimeMicros = 0, 0, s.id, m.last
	if shown, ok := e.Body.(*sessionpb.Event_StoreShown); ok {
		m.show(s, h, shown.StoreShown, wall, now)
		return
	}
	if about, known := m.rename(s, e, ends, wall, h.heardMicros); known {
		m.restate(s, e, wall)
		m.emit(e, about, 0)
	}
}

// rename gives an event the session's numbers and says what it is about; known is false for what names something unknown.
func (m *merger) rename(s *source, e *sessionpb.Event, ends *flight, wall, heard int64) (about subject, known bool) {
	about = subject{stores: [2]uint64{s.id}}
	switch b := e.Body.(type) {
	case *sessionpb.Event_MessageSent:
		return m.renameSent(s, e, b.MessageSent.GetMessage(), wall+s.offset, heard)
	case *sessionpb.Event_MessageDelivered:
		if ends == nil {
			return about, false
		}
		b.MessageDelivered.Id = ends.message.GetId()
		return ends.subject, true
	case *sessionpb.Event_MessageLost:
		if ends == nil {
			ends = m.flights.end(parcel{s.id, s.life.incarnation, b.MessageLost.GetId()})
		}
		if ends == nil {
			return about, false
		}
		b.MessageLost.Id = ends.message.GetId()
		return ends.subject, true
	case *sessionpb.Event_WriteStarted:
		m.renameWrite(s, b.WriteStarted)
	case *sessionpb.Event_Written:
		b.Written.WriteId, known = s.writes[b.Written.GetWriteId()]
		return about, known
	case *sessionpb.Event_Synced:
		local := b.Synced.GetWriteId()
		b.Synced.WriteId, known = s.writes[local]
		delete(s.writes, local)
		return about, known
	case *sessionpb.Event_OperationStarted:
		return m.renameOperation(s, e, b.OperationStarted.GetOperation())
	case *sessionpb.Event_OperationEnded:
		of := command{s.id, s.life.incarnation, b.OperationEnded.GetId()}
		p := m.operations.end(of, b.OperationEnded.GetResponse(), e.TimeMicros)
		if p == nil {
			return about, false
		}
		b.OperationEnded.Id = p.operation.GetId()
		return p.subject, true
	case *sessionpb.Event_RunStarted, *sessionpb.Event_MessageHeld, *sessionpb.Event_MessageRescheduled, *sessionpb.Event_StoreAdded:
		return about, false // No live store says so of itself.
	default:
		about = subjectOf(e)
	}
	return about, true
}

func (m *merger) renameSent(s *source, e *sessionpb.Event, message *sessionpb.Message, sent, heard int64) (subject, bool) {
	if message == nil {
		return subject{}, false
	}
	of := parcel{s.id, s.life.incarnation, message.GetId()}
	s.life.sent(of.id)
	if m.flights.byParcel[of] != nil {
		return subject{}, false
	}
	message.Id, message.FromStore = m.numbers.nextMessage(), s.id
	message.SentMicros, message.DueMicros = e.TimeMicros, 0
	f := &flight{parcel: of, message: message, subject: messageSubject(message), sentMicros: sent, seenMicros: heard}
	m.flights.add(f)
	return f.subject, true
}

func (m *merger) renameWrite(s *source, w *sessionpb.WriteStarted) {
	local := w.GetWriteId()
	if s.writes[local] == 0 {
		s.writes[local] = m.numbers.nextWrite()
	}
	// When it will be done, nobody knows.
	w.WriteId, w.WrittenDueMicros, w.SyncedDueMicros = s.writes[local], 0, 0
}

func (m *merger) renameOperation(s *source, e *sessionpb.Event, op *sessionpb.Operation) (subject, bool) {
	of := command{s.id, s.life.incarnation, op.GetId()}
	if op == nil || m.operations.byCommand[of] != nil {
		return subject{}, false
	}
	retried := m.operations.byCommand[command{s.id, s.life.incarnation, op.GetRetryOf()}]
	op.Id, op.ToStore, op.RetryOf = m.numbers.nextOperation(), s.id, retried.number()
	op.StartedMicros, op.EndedMicros = e.TimeMicros, 0
	p := &pending{command: of, operation: op, subject: operationSubject(op)}
	m.operations.start(p)
	return p.subject, true
}

// number is the operation's; 0 of none.
func (p *pending) number() uint64 {
	if p == nil {
		return 0
	}
	return p.operation.GetId()
}

// restate takes what an event says of a whole store or peer onto the session's clock and numbers.
func (m *merger) restate(s *source, e *sessionpb.Event, wall int64) {
	switch b := e.Body.(type) {
	case *sessionpb.Event_StoreCrashed:
		m.restateStore(s, b.StoreCrashed.GetStore(), e.TimeMicros, wall)
	case *sessionpb.Event_StoreStarted:
		m.restateStore(s, b.StoreStarted.GetStore(), e.TimeMicros, wall)
	case *sessionpb.Event_StoreStopped:
		m.restateStore(s, b.StoreStopped.GetStore(), e.TimeMicros, wall)
	case *sessionpb.Event_PeerCreated:
		restatePeer(b.PeerCreated.GetPeer(), e.TimeMicros, wall)
	case *sessionpb.Event_SnapshotRestored:
		restatePeer(b.SnapshotRestored.GetPeer(), e.TimeMicros, wall)
	}
}

// restateStore also forgets the numbers of all writes that are not under way.
func (m *merger) restateStore(s *source, state *sessionpb.StoreState, at, wall int64) {
	known := s.writes
	s.writes = map[uint64]uint64{}
	if state == nil {
		return
	}
	state.Id, state.LocalMicros = s.id, 0
	for _, w := range state.Writes {
		if number := known[w.GetWriteId()]; number != 0 {
			s.writes[w.GetWriteId()] = number
		}
		m.renameWrite(s, w)
	}
	for i, local := range state.WrittenIds {
		state.WrittenIds[i] = s.writes[local]
	}
	for _, p := range state.Peers {
		restatePeer(p, at, wall)
	}
}

func restatePeer(p *sessionpb.PeerState, at, wall int64) {
	if p == nil || p.LeaseUntilMicros == 0 {
		return
	}
	left := p.LeaseUntilMicros - wall
	if p.LeaseUntilMicros = 0; left > 0 && left < leaseMicrosMax {
		p.LeaseUntilMicros = at + left
	}
}

// show is a store as it stands. One that was asked for and continues what was told is for the fold alone: viewers hold it
// already.
func (m *merger) show(s *source, h *held, shown *sessionpb.StoreShown, wall, now int64) {
	if shown.GetStore() == nil {
		return
	}
	e, leftOut := h.seen.Event, shown.GetEventsLeftOut()
	m.restateStore(s, shown.Store, e.TimeMicros, wall)
	if leftOut > 0 {
		s.life.gapped = true
		m.operations.doubtAll(s.id, now)
	}
	m.answered(shown.Store, leftOut)
	if h.seen.GetShow() != 0 && leftOut == 0 && s.shown {
		m.fold.put(shown.Store)
		return
	}
	if s.ever && !s.shown {
		shown.Why = "it is reachable again"
	}
	s.ever, s.shown = true, true
	m.emit(e, subject{stores: [2]uint64{s.id}}, leftOut)
}

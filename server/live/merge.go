package live

import (
	"cmp"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// merger makes one stream of what the stores tell, in causal order. It has no clock and no goroutine: every call says what
// time it is on the gateway's clock, in microseconds.
//
// What leaves it keeps each store's own order; a message arrives after it was sent; times never go back. Where causality
// leaves a choice, earlier events go first: an event waits for at most OrderWait for earlier ones of other stores, and for
// at most HoldMax for the sending of the message whose arrival it is.
type merger struct {
	limits     *Limits
	numbers    *numbers
	sources    []*source // by id
	flights    flights
	operations operations
	fold       *fold
	// last is the time of the last event.
	last int64

	// publish is given every event, which is nobody's to change any more.
	publish func(e *sessionpb.Event, about subject, leftOut uint64)
	// answered is told of each picture, before the fold takes it, and how many events were left out before it.
	answered func(picture *sessionpb.StoreState, leftOut uint64)
}

func newMerger(limits *Limits, n *numbers) *merger {
	return &merger{
		limits: limits, numbers: n, fold: newFold(),
		flights: newFlights(limits.FlightsMax), operations: newOperations(limits.OperationsMax),
		publish: func(*sessionpb.Event, subject, uint64) {}, answered: func(*sessionpb.StoreState, uint64) {},
	}
}

// source is a store that add was told of, or nil.
func (m *merger) source(storeID uint64) *source {
	i, found := slices.BinarySearchFunc(m.sources, storeID, func(s *source, id uint64) int { return cmp.Compare(s.id, id) })
	if !found {
		return nil
	}
	return m.sources[i]
}

// add makes a store known, without a state.
func (m *merger) add(storeID uint64) {
	if m.source(storeID) != nil {
		return
	}
	m.sources = append(m.sources, &source{id: storeID, writes: map[uint64]uint64{}})
	slices.SortFunc(m.sources, func(a, b *source) int { return cmp.Compare(a.id, b.id) })
	m.fold.put(&sessionpb.StoreState{Id: storeID})
}

// found begins a store's stream.
func (m *merger) found(storeID uint64, hello *rpcpb.WatchHello, now int64) {
	m.push(storeID, held{found: hello, heardMicros: now})
}

// lost ends it.
func (m *merger) lost(storeID uint64, why string, now int64) {
	m.push(storeID, held{lost: why, heardMicros: now, atMicros: m.source(storeID).heardUntil})
}

// tell adds what a store saw.
func (m *merger) tell(storeID uint64, seen *rpcpb.Seen, now int64) {
	if seen.GetEvent().GetBody() != nil {
		m.push(storeID, held{seen: seen, heardMicros: now})
	}
}

func (m *merger) push(storeID uint64, h held) {
	s := m.source(storeID)
	s.push(h)
	for len(s.queue) > m.limits.HeldEventsMax {
		m.release(s, h.heardMicros)
	}
}

// drain lets go of everything whose turn it is, and of what took too long.
func (m *merger) drain(now int64) {
	// What the gateway itself finds out goes before what the stores may still tell of the last moments.
	settled := now - (m.limits.HoldMax + m.limits.OrderWait).Microseconds()
	for s := m.next(now); s != nil; s = m.next(now) {
		m.release(s, now)
	}
	for {
		f, why := m.flights.unseen(now, m.limits.UnseenAfter.Microseconds())
		if f == nil {
			break
		}
		m.emit(&sessionpb.Event{StoreId: f.message.GetToStore(), TimeMicros: m.stamp(settled), Body: &sessionpb.Event_MessageLost{
			MessageLost: &sessionpb.MessageLost{
				Id: f.message.GetId(), Reason: sessionpb.LossReason_LOSS_REASON_UNSEEN, Why: why,
			}}}, f.subject, 0)
	}
	for {
		p, why := m.operations.overdue(now)
		if p == nil {
			return
		}
		response := unknown(why)
		t := m.stamp(settled)
		m.operations.end(p.command, response, t)
		m.emit(&sessionpb.Event{StoreId: p.operation.GetToStore(), TimeMicros: t, Body: &sessionpb.Event_OperationEnded{
			OperationEnded: &sessionpb.OperationEnded{Id: p.operation.GetId(), Response: response}}}, p.subject, 0)
	}
}

// next is the store whose turn it is, or nil when all have to wait. Only when nothing else can go, what waited too long
// goes without what it waited for: that may stand in another queue still.
func (m *merger) next(now int64) *source {
	first, firstMicros := m.earliest()
	if first == nil || !m.inOrder(first, firstMicros, now) {
		return m.overdue(now)
	}
	return first
}

// earliest is the store with the earliest event among those that wait for no sending, and its time.
func (m *merger) earliest() (first *source, firstMicros int64) {
	for _, s := range m.sources {
		if len(s.queue) == 0 || m.waitsForSender(&s.queue[0]) {
			continue
		}
		h := &s.queue[0]
		if h.seen == nil {
			return s, 0
		}
		if t := h.wallMicros() + s.offset; first == nil || t < firstMicros {
			first, firstMicros = s, t
		}
	}
	return first, firstMicros
}

// inOrder tells whether no other store may still tell of something earlier, or that was waited for long enough.
func (m *merger) inOrder(first *source, firstMicros, now int64) bool {
	if h := &first.queue[0]; h.seen == nil || now-h.heardMicros >= m.limits.OrderWait.Microseconds() {
		return true
	}
	return !slices.ContainsFunc(m.sources, func(s *source) bool {
		return s.reached && len(s.queue) == 0 && s.heardUntil < firstMicros
	})
}

// overdue is a store that has waited for a sending for long enough.
func (m *merger) overdue(now int64) *source {
	for _, s := range m.sources {
		if len(s.queue) > 0 && m.waitsForSender(&s.queue[0]) && now-s.queue[0].heardMicros >= m.limits.HoldMax.Microseconds() {
			return s
		}
	}
	return nil
}

// arrival is the message that an event ends, if it names another store's.
func arrival(seen *rpcpb.Seen) (parcel, bool) {
	id := uint64(0)
	switch b := seen.GetEvent().GetBody().(type) {
	case *sessionpb.Event_MessageDelivered:
		id = b.MessageDelivered.GetId()
	case *sessionpb.Event_MessageLost:
		id = b.MessageLost.GetId()
	}
	return parcel{seen.GetFromStore(), seen.GetFromIncarnation(), id}, id != 0 && seen.GetFromStore() != 0
}

// waitsForSender tells whether it is worth waiting for the sending of the message that arrived.
func (m *merger) waitsForSender(h *held) bool {
	p, arrives := arrival(h.seen)
	if !arrives || m.flights.byParcel[p] != nil {
		return false
	}
	from := m.source(p.store)
	if from == nil || len(from.queue) == 0 && !from.reached {
		return false // Nobody will tell.
	}
	if p.incarnation == from.life.incarnation {
		return !from.life.leftOut(p.id)
	}
	return p.incarnation > from.life.incarnation
}

// stamp is the time of an event that happens then at the earliest.
func (m *merger) stamp(earliest int64) int64 {
	m.last = max(m.last, earliest)
	return m.last
}

// release lets the first of a store's queue go.
func (m *merger) release(s *source, now int64) {
	h := s.pop()
	switch {
	case h.found != nil:
		m.begin(s, h.found)
	case h.seen == nil:
		m.stop(s, &h, now)
	default:
		m.place(s, &h, now)
	}
}

// begin is the beginning of a stream.
func (m *merger) begin(s *source, hello *rpcpb.WatchHello) {
	if s.life.incarnation != hello.GetIncarnation() {
		s.life = life{incarnation: hello.GetIncarnation()}
		clear(s.writes)
	}
	s.life.gapped = true
	s.reached, s.shown = true, false
}

// stop is the end of a stream: what is known of the store stays, but it is not up.
func (m *merger) stop(s *source, h *held, now int64) {
	if !s.reached {
		return
	}
	s.reached = false
	clear(s.writes)
	m.operations.doubtAll(s.id, now)
	state := m.fold.picture(s.id)
	state.Up, state.Paused, state.Writes, state.WrittenIds, state.Snapshots = false, false, nil, nil, nil
	m.emit(&sessionpb.Event{StoreId: s.id, TimeMicros: m.stamp(h.atMicros), Body: &sessionpb.Event_StoreShown{
		StoreShown: &sessionpb.StoreShown{Store: state, Why: h.lost}}}, subject{stores: [2]uint64{s.id}}, 0)
}

// emit folds an event and gives it out.
func (m *merger) emit(e *sessionpb.Event, about subject, leftOut uint64) {
	m.fold.apply(e)
	m.publish(e, about, leftOut)
}

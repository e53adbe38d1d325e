package node

import (
	"time"

	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/mirror"
	"raftplay/core/store"
)

// sight turns what happens in the store into events, for as long as somebody watches. It belongs to the loop. The events
// are those of the simulated world (core/sim), in the same order; only the progress of peers is told once a turn.
type sight struct {
	l        *loop
	watchers []*Watcher
	// watched: somebody watches, and events are counted. building: somebody wants this turn's, and they are made.
	watched, building bool
	// happened are the turn's events that have been counted, outbox those that have been made.
	happened int
	outbox   []sighted
	timers   *sessionpb.Ticked // waits for the timers as the tick leaves them

	entries mirror.Entries
	tracks  tracks
	changed []store.PeerProgress
	// lastWall is the last event's time.
	lastWall int64

	// brief: the picture that is being made follows a gap, of all who are shown it.
	brief       bool
	ticker      *time.Ticker // runs while watched
	nextPicture int64        // on the node's clock: not before
	nextMetrics int64
}

// sighted is an event on its way to the watchers, and about how large it is. Everybody shares it; nobody writes it.
type sighted struct {
	seen  *rpcpb.Seen
	bytes int
}

// smallBytes is about the size of an event that says little.
const smallBytes = 96

func (s *sight) init(l *loop) { s.l = l }

// happens counts an event, and tells whether it is to be made. It costs nothing while nobody watches.
func (s *sight) happens() bool {
	if !s.watched {
		return false
	}
	s.happened++
	return s.building
}

// add puts an event that was counted into the outbox.
func (s *sight) add(e *sessionpb.Event, bytes int) *rpcpb.Seen {
	e.TimeMicros = s.wall()
	seen := &rpcpb.Seen{Event: e}
	s.outbox = append(s.outbox, sighted{seen, bytes})
	return seen
}

// wall is the wall clock in microseconds since 1970, but for going back.
func (s *sight) wall() int64 {
	s.lastWall = max(s.lastWall, time.Now().UnixMicro())
	return s.lastWall
}

// mark is a place in the outbox, for retract.
func (s *sight) mark() int { return len(s.outbox) }

// retract takes back the event that was added first after a mark.
func (s *sight) retract(mark int) {
	if !s.watched {
		return
	}
	s.happened--
	if mark < len(s.outbox) {
		s.outbox = append(s.outbox[:mark], s.outbox[mark+1:]...)
	}
}

// The most frequent events are made in one piece of memory each, with everything they consist of.

func (s *sight) sent(m *store.Message, id uint64) {
	e := &struct {
		event   sessionpb.Event
		body    sessionpb.Event_MessageSent
		sent    sessionpb.MessageSent
		message sessionpb.Message
		terms   [1]uint64
	}{}
	if len(m.Raft.GetEntries()) > 0 {
		e.message.EntryTerms = e.terms[:0]
	}
	e.message.Id, e.message.SentMicros = id, s.wall()
	mirror.Message(m, &e.message)
	e.sent.Message = &e.message
	e.body.MessageSent = &e.sent
	e.event.Body = &e.body
	s.add(&e.event, smallBytes+len(e.message.EntryTerms))
}

func (s *sight) unsent(id uint64, err error) {
	s.add(&sessionpb.Event{Body: &sessionpb.Event_MessageLost{MessageLost: &sessionpb.MessageLost{
		Id: id, Reason: sessionpb.LossReason_LOSS_REASON_UNSENT, Why: err.Error()}}}, smallBytes+len(err.Error()))
}

func (s *sight) delivered(a *arrival) {
	e := &struct {
		event     sessionpb.Event
		body      sessionpb.Event_MessageDelivered
		delivered sessionpb.MessageDelivered
	}{}
	e.delivered.Id = a.id
	e.body.MessageDelivered = &e.delivered
	e.event.Body = &e.body
	s.from(a, s.add(&e.event, smallBytes))
}

func (s *sight) refused(a *arrival, err error) {
	s.from(a, s.add(&sessionpb.Event{Body: &sessionpb.Event_MessageLost{MessageLost: &sessionpb.MessageLost{
		Id: a.id, Reason: sessionpb.LossReason_LOSS_REASON_REFUSED, Why: err.Error()}}}, smallBytes+len(err.Error())))
}

func (s *sight) from(a *arrival, seen *rpcpb.Seen) {
	seen.FromStore, seen.FromIncarnation = a.fromStore, a.fromIncarnation
}

// ticked comes before what follows from the tick; showTimers fills the timers in as the tick left them.
func (s *sight) ticked() {
	e := &struct {
		event  sessionpb.Event
		body   sessionpb.Event_Ticked
		ticked sessionpb.Ticked
	}{}
	e.body.Ticked = &e.ticked
	e.event.Body = &e.body
	s.timers = &e.ticked
	s.add(&e.event, smallBytes+16*len(s.regions()))
}

func (s *sight) showTimers() {
	for _, id := range s.regions() {
		s.timers.Timers = append(s.timers.Timers, mirror.Timer(id, s.l.store.Timer(id)))
	}
	s.timers = nil
}

// regions are those that pictures and ticks show.
func (s *sight) regions() []uint64 {
	ids := s.l.store.RegionIDs()
	return ids[:min(len(ids), s.l.n.cfg.Limits.PictureRegionsMax)]
}

func (s *sight) writeStarted(w *write) {
	s.tracks.writeStarted(w.ready.Writes)
	if !s.happens() {
		return
	}
	started := s.showWrite(w)
	s.add(&sessionpb.Event{Body: &sessionpb.Event_WriteStarted{WriteStarted: started}}, smallBytes+proto.Size(started))
}

// showWrite is a write under way, with the parts of the regions that the store still has peers of.
func (s *sight) showWrite(w *write) *sessionpb.WriteStarted {
	out := &mirror.Write{}
	e := &out.Event
	e.WriteId, e.MustSync, e.SizeBytes = w.id, w.ready.MustSync, uint32(w.ready.Batch.SizeBytes())
	out.Parts(s.ofPeers(w.ready.Writes), &s.entries)
	return e
}

// ofPeers leaves out what a peer wrote that was destroyed in the same turn.
func (s *sight) ofPeers(parts []store.PeerWrite) []store.PeerWrite {
	for i := range parts {
		if _, _, ok := s.l.store.Role(parts[i].RegionID); ok {
			continue
		}
		kept := append([]store.PeerWrite(nil), parts[:i]...)
		for _, p := range parts[i+1:] {
			if _, _, ok := s.l.store.Role(p.RegionID); ok {
				kept = append(kept, p)
			}
		}
		return kept
	}
	return parts
}

// wrote tells that a batch is in the engine and, if it had to be, durable: the disk says both at once.
func (s *sight) wrote(w *write) {
	if s.happens() {
		s.add(&sessionpb.Event{Body: &sessionpb.Event_Written{Written: &sessionpb.Written{WriteId: w.id}}}, smallBytes)
	}
	if !w.ready.MustSync {
		return
	}
	s.tracks.synced(w.ready.Writes)
	if s.happens() {
		s.add(&sessionpb.Event{Body: &sessionpb.Event_Synced{Synced: &sessionpb.Synced{WriteId: w.id}}}, smallBytes)
	}
}

// reportProgress tells what changed in a leader's view of a region's peers since the last telling.
func (s *sight) reportProgress(regionID uint64) {
	if !s.watched {
		return
	}
	t := s.tracks.of(regionID)
	if t == nil {
		return
	}
	s.changed = t.lookAtProgress(s.l.store, s.changed[:0])
	if len(s.changed) == 0 || !s.happens() {
		return
	}
	s.add(mirror.ProgressChanged(regionID, s.changed), smallBytes+24*len(s.changed))
}

func (s *sight) operationStarted(c *command) {
	request, bytes := shownRequest(c.request, c.bytes)
	s.add(&sessionpb.Event{Body: &sessionpb.Event_OperationStarted{OperationStarted: &sessionpb.OperationStarted{
		Operation: &sessionpb.Operation{
			Id: c.operation, ToStore: s.l.n.cfg.Store.StoreID, Request: request, StartedMicros: s.wall(),
		}}}}, smallBytes+bytes)
}

func (s *sight) operationEnded(c *command, response *raftcmdpb.RaftCommandResponse) {
	shown, bytes := shownResponse(response)
	s.add(&sessionpb.Event{Body: &sessionpb.Event_OperationEnded{OperationEnded: &sessionpb.OperationEnded{
		Id: c.operation, Response: shown}}}, smallBytes+bytes)
}

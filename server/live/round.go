package live

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// round asks every store that is reached for a picture.
type round struct {
	number  uint64
	waiting map[uint64]bool
	// untilMicros is when it is over, whoever has not answered.
	untilMicros int64
}

// snapshot is the cluster at one point of the log, for all who wait. It does not change.
type snapshot struct {
	round      uint64
	position   uint64
	timeMicros int64
	config     *sessionpb.Config
	stores     []*sessionpb.StoreState
	flights    []*flight
	operations []*sessionpb.Operation

	// states are the stores as fields of a Keyframe, and whole all fields but seq, as who is interested in everything sees it.
	states, whole encoding
}

// encoding is made when it is first wanted, once for all.
type encoding struct {
	once  sync.Once
	bytes []byte
}

func (e *encoding) of(make func() []byte) []byte {
	e.once.Do(func() { e.bytes = make() })
	return e.bytes
}

// keyframe is the snapshot as a viewer with that interest sees it, without the stores.
func (s *snapshot) keyframe(seq uint64, of *interest) *sessionpb.Keyframe {
	k := &sessionpb.Keyframe{Seq: seq, TimeMicros: s.timeMicros, Config: s.config}
	for _, f := range s.flights {
		if of.wants(f.subject) {
			k.Messages = append(k.Messages, f.message)
		}
	}
	for _, op := range s.operations {
		if of.wants(operationSubject(op)) {
			k.Operations = append(k.Operations, op)
		}
	}
	return k
}

// encoded is the same in its encoding, in two parts: the second one is shared with other viewers.
func (s *snapshot) encoded(seq uint64, of *interest) (own, shared []byte) {
	if of != nil {
		return appendProto(nil, s.keyframe(seq, of)), s.encodedStores()
	}
	return appendProto(nil, &sessionpb.Keyframe{Seq: seq}), s.whole.of(func() []byte {
		k, stores := s.keyframe(0, nil), s.encodedStores()
		return append(appendProto(make([]byte, 0, proto.Size(k)+len(stores)), k), stores...)
	})
}

func (s *snapshot) encodedStores() []byte {
	return s.states.of(func() []byte {
		k := &sessionpb.Keyframe{Stores: s.stores}
		return appendProto(make([]byte, 0, proto.Size(k)), k)
	})
}

// want asks for a snapshot later than every one there is, and returns the round that must have been before it. The caller
// holds the mutex; so it is with all below.
func (w *watch) want() (afterRound uint64) {
	w.wanted = max(w.wanted, w.rounds+1)
	return w.rounds
}

// turnRound begins a round that somebody waits for, and ends the one that is complete.
func (w *watch) turnRound(now int64) {
	if r := w.round; r != nil {
		if len(r.waiting) > 0 && now < r.untilMicros {
			return
		}
		w.round = nil
		w.snap(r.number)
		w.note()
	}
	if w.wanted > w.rounds && w.listed && now-w.roundMicros >= w.g.limits.RoundInterval.Microseconds() {
		w.beginRound(now)
	}
}

func (w *watch) beginRound(now int64) {
	w.rounds++
	w.roundMicros = now
	w.round = &round{number: w.rounds, waiting: map[uint64]bool{}, untilMicros: now + w.g.limits.RoundWait.Microseconds()}
	for id, c := range w.contacts {
		switch {
		case c.hello == nil && c.why == "":
			w.round.waiting[id] = true // Its first picture is on its way.
		case c.hello != nil:
			if c.show != 0 {
				continue // It has not even taken the last.
			}
			c.show = w.rounds
			c.ask()
			w.round.waiting[id] = true
		}
	}
}

// answer notes a store's picture.
func (w *watch) answer(storeID uint64) {
	if w.round != nil {
		delete(w.round.waiting, storeID)
	}
}

// snap takes the snapshot of a round.
func (w *watch) snap(number uint64) {
	w.latest = &snapshot{
		round: number, position: w.log.next, timeMicros: w.merger.last,
		config: w.config(), stores: w.merger.fold.pictures(), flights: w.merger.flights.list(), operations: w.merger.operations.list(),
	}
}

// config is the cluster as a configuration: what a live one has of it.
func (w *watch) config() *sessionpb.Config {
	c := proto.Clone(w.hello.GetConfigDefault()).(*sessionpb.Config)
	c.Links = slices.Clone(w.merger.fold.links)
	return c
}

package live

import (
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// class is what an Interest looks at.
type class uint8

const (
	// classState: it changes what a store is; every viewer is told.
	classState class = iota
	classMessage
	classTick
	classProgress
	classOperation
)

// subject is what an event is about, as far as an Interest asks.
type subject struct {
	class       class
	messageType sessionpb.MessageType
	// stores: where it happened; of a message its two ends.
	stores [2]uint64
	// regions; none when it is about no region in particular.
	regions []uint64
}

func messageSubject(m *sessionpb.Message) subject {
	s := subject{class: classMessage, messageType: m.GetType(), stores: [2]uint64{m.GetFromStore(), m.GetToStore()}}
	if id := m.GetRegionId(); id != 0 {
		s.regions = []uint64{id}
	}
	return s
}

func operationSubject(op *sessionpb.Operation) subject {
	s := subject{class: classOperation, stores: [2]uint64{op.GetToStore()}}
	if id := op.GetRequest().GetHeader().GetRegionId(); id != 0 {
		s.regions = []uint64{id}
	}
	return s
}

// subjectOf is for the events that speak for themselves: not for those that only name a message or an operation.
func subjectOf(e *sessionpb.Event) subject {
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_MessageSent:
		return messageSubject(b.MessageSent.GetMessage())
	case *sessionpb.Event_OperationStarted:
		return operationSubject(b.OperationStarted.GetOperation())
	case *sessionpb.Event_ProgressChanged:
		return subject{class: classProgress, stores: [2]uint64{e.GetStoreId()}, regions: []uint64{b.ProgressChanged.GetRegionId()}}
	case *sessionpb.Event_Ticked:
		s := subject{class: classTick, stores: [2]uint64{e.GetStoreId()}}
		for _, t := range b.Ticked.GetTimers() {
			s.regions = append(s.regions, t.GetRegionId())
		}
		return s
	}
	return subject{stores: [2]uint64{e.GetStoreId()}}
}

// interest is an Interest made ready; nil is interested in everything. It does not change.
type interest struct {
	regions, stores map[uint64]bool // nil: every one
	withoutTypes    map[sessionpb.MessageType]bool
	withoutTicks    bool
}

// interestIDsMax bounds each list of an Interest.
const interestIDsMax = 1_024

func newInterest(given *sessionpb.Interest) *interest {
	if len(given.GetRegionIds()) == 0 && len(given.GetStoreIds()) == 0 && len(given.GetWithoutTypes()) == 0 && !given.GetWithoutTicks() {
		return nil
	}
	i := &interest{withoutTicks: given.GetWithoutTicks(), withoutTypes: map[sessionpb.MessageType]bool{}}
	for _, t := range given.GetWithoutTypes() {
		i.withoutTypes[t] = true
	}
	i.regions, i.stores = setOf(given.GetRegionIds()), setOf(given.GetStoreIds())
	return i
}

func setOf(ids []uint64) map[uint64]bool {
	if len(ids) == 0 {
		return nil
	}
	set := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// wants tells whether a viewer is to be told.
func (i *interest) wants(s subject) bool {
	if i == nil || s.class == classState {
		return true
	}
	if s.class == classTick && i.withoutTicks || s.class == classMessage && i.withoutTypes[s.messageType] {
		return false
	}
	if i.stores != nil && !i.stores[s.stores[0]] && !i.stores[s.stores[1]] {
		return false
	}
	return i.regions == nil || slices.ContainsFunc(s.regions, func(id uint64) bool { return i.regions[id] })
}

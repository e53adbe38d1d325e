package main

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// traced is what an event is about: stores and regions, and a message or none. whole: it is about a whole store, or the
// cluster.
type traced struct {
	stores, regions []uint64
	message         sessionpb.MessageType
	whole           bool
}

// concerns tells whether it is about one of the stores and one of the regions; an empty list means any.
func (t traced) concerns(stores, regions numbers) bool {
	has := func(list []uint64, wanted numbers) bool {
		return len(wanted) == 0 || slices.ContainsFunc(wanted, func(id uint64) bool { return slices.Contains(list, id) })
	}
	return has(t.stores, stores) && (t.whole || has(t.regions, regions))
}

// references knows what was said of messages, operations and writes that later events name by their numbers alone.
type references struct{ messages, operations, writes map[uint64]traced }

func newReferences() *references {
	return &references{messages: map[uint64]traced{}, operations: map[uint64]traced{}, writes: map[uint64]traced{}}
}

// begin takes in what is under way at a stretch's beginning.
func (r *references) begin(k *sessionpb.Keyframe) {
	for _, m := range k.GetMessages() {
		r.messages[m.GetId()] = ofMessage(m)
	}
	for _, op := range k.GetOperations() {
		r.operations[op.GetId()] = traced{stores: []uint64{op.GetToStore()}, regions: regionsIn(op.ProtoReflect(), nil)}
	}
	for _, s := range k.GetStores() {
		for _, w := range s.GetWrites() {
			r.writes[w.GetWriteId()] = traced{stores: []uint64{s.GetId()}, regions: regionsIn(w.ProtoReflect(), nil)}
		}
	}
}

func ofMessage(m *sessionpb.Message) traced {
	return traced{stores: []uint64{m.GetFromStore(), m.GetToStore()}, regions: []uint64{m.GetRegionId()}, message: m.GetType()}
}

// of says what an event is about.
func (r *references) of(e *sessionpb.Event) traced {
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_MessageSent:
		about := ofMessage(b.MessageSent.GetMessage())
		r.messages[b.MessageSent.GetMessage().GetId()] = about
		return about
	case *sessionpb.Event_MessageDelivered:
		return take(r.messages, b.MessageDelivered.GetId(), e)
	case *sessionpb.Event_MessageLost:
		return take(r.messages, b.MessageLost.GetId(), e)
	case *sessionpb.Event_OperationEnded:
		return take(r.operations, b.OperationEnded.GetId(), e)
	case *sessionpb.Event_Written:
		about, known := r.writes[b.Written.GetWriteId()]
		about.whole = !known
		return about.on(e)
	case *sessionpb.Event_Synced:
		return take(r.writes, b.Synced.GetWriteId(), e)
	}
	about := traced{regions: regionsIn(e.ProtoReflect(), nil)}
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_OperationStarted:
		r.operations[b.OperationStarted.GetOperation().GetId()] = about
	case *sessionpb.Event_WriteStarted:
		r.writes[b.WriteStarted.GetWriteId()] = about
	default:
		about.whole = len(about.regions) == 0
	}
	return about.on(e)
}

func take(from map[uint64]traced, id uint64, e *sessionpb.Event) traced {
	about := from[id]
	delete(from, id)
	return about.on(e)
}

// on adds the store where it happened.
func (t traced) on(e *sessionpb.Event) traced {
	t.stores = append(slices.Clip(t.stores), e.GetStoreId())
	return t
}

// regionsIn collects every region that a message names, at any depth.
func regionsIn(m protoreflect.Message, found []uint64) []uint64 {
	name := m.Descriptor().FullName()
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Name() == "region_id", field.Name() == "id" && name == "metapb.v1.Region":
			found = append(found, v.Uint())
		case field.IsList() && field.Message() != nil:
			for i := range v.List().Len() {
				found = regionsIn(v.List().Get(i).Message(), found)
			}
		case field.Message() != nil && !field.IsMap():
			found = regionsIn(v.Message(), found)
		}
		return true
	})
	return found
}

package live

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// How much of a peer is kept, as core/mirror shows it.
const (
	entriesMax = 1_000
	keysMax    = 1_000
)

// fold is the stores as the stream tells them: what any viewer does with the same events. It carries pictures on to one
// point of the stream, and it is what is left of a store that nobody reaches. Each picture replaces what it held, so it
// never strays for long. Events that do not fit are ignored.
type fold struct {
	stores []*sessionpb.StoreState // by id; these and their peers are the fold's own, and the lists that it writes
	links  []*sessionpb.Link
}

func newFold() *fold { return &fold{} }

// put replaces a store with a picture, which stays the caller's.
func (f *fold) put(state *sessionpb.StoreState) {
	i, found := f.place(state.GetId())
	if !found {
		f.stores = slices.Insert(f.stores, i, nil)
	}
	f.stores[i] = ownStore(state)
}

func (f *fold) place(storeID uint64) (int, bool) {
	return slices.BinarySearchFunc(f.stores, storeID, func(s *sessionpb.StoreState, id uint64) int { return cmp.Compare(s.GetId(), id) })
}

// store is nil when it is not known.
func (f *fold) store(storeID uint64) *sessionpb.StoreState {
	if i, found := f.place(storeID); found {
		return f.stores[i]
	}
	return nil
}

// picture is a store as it stands, for others to keep.
func (f *fold) picture(storeID uint64) *sessionpb.StoreState { return ownStore(f.store(storeID)) }

// pictures are all of them.
func (f *fold) pictures() []*sessionpb.StoreState {
	out := make([]*sessionpb.StoreState, 0, len(f.stores))
	for _, s := range f.stores {
		out = append(out, ownStore(s))
	}
	return out
}

// shallow copies a message, whose parts are shared.
func shallow(from, to protoreflect.ProtoMessage) {
	into := to.ProtoReflect()
	from.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		into.Set(field, v)
		return true
	})
}

// ownStore copies a store as deep as the fold writes.
func ownStore(from *sessionpb.StoreState) *sessionpb.StoreState {
	s := &sessionpb.StoreState{}
	shallow(from, s)
	s.Writes, s.WrittenIds, s.Snapshots = slices.Clone(s.Writes), slices.Clone(s.WrittenIds), slices.Clone(s.Snapshots)
	s.Peers = slices.Clone(s.Peers)
	for i, p := range s.Peers {
		s.Peers[i] = ownPeer(p)
	}
	return s
}

func ownPeer(from *sessionpb.PeerState) *sessionpb.PeerState {
	p := &sessionpb.PeerState{}
	shallow(from, p)
	p.Entries, p.Keys, p.Progress = slices.Clone(p.Entries), slices.Clone(p.Keys), slices.Clone(p.Progress)
	return p
}

// apply folds an event, which stays everybody's.
func (f *fold) apply(e *sessionpb.Event) {
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_StoreShown:
		f.put(b.StoreShown.GetStore())
	case *sessionpb.Event_StoreAdded:
		f.put(b.StoreAdded.GetStore())
	case *sessionpb.Event_SettingsChanged:
		f.links = b.SettingsChanged.GetLinks()
	case *sessionpb.Event_StoreStarted:
		f.replace(e.GetStoreId(), b.StoreStarted.GetStore(), true)
	case *sessionpb.Event_StoreCrashed:
		f.replace(e.GetStoreId(), b.StoreCrashed.GetStore(), false)
	case *sessionpb.Event_StoreStopped:
		f.replace(e.GetStoreId(), b.StoreStopped.GetStore(), false)
		if s := f.store(e.GetStoreId()); s != nil {
			s.StoppedReason = cmp.Or(s.StoppedReason, b.StoreStopped.GetReason())
		}
	default:
		if s := f.store(e.GetStoreId()); s != nil {
			foldStore(s, e)
		}
	}
}

// replace is for the events that may come without a state.
func (f *fold) replace(storeID uint64, state *sessionpb.StoreState, up bool) {
	if state != nil {
		f.put(state)
	} else if s := f.store(storeID); s != nil {
		s.Up, s.Paused, s.Writes, s.WrittenIds, s.Snapshots = up, false, nil, nil, nil
	}
}

func peerPlace(s *sessionpb.StoreState, regionID uint64) (int, bool) {
	return slices.BinarySearchFunc(s.Peers, regionID, func(p *sessionpb.PeerState, id uint64) int {
		return cmp.Compare(p.GetRegion().GetId(), id)
	})
}

// peerOf is a peer to write. What is said of one that is not known goes nowhere.
func peerOf(s *sessionpb.StoreState, regionID uint64) *sessionpb.PeerState {
	if i, found := peerPlace(s, regionID); found {
		return s.Peers[i]
	}
	return &sessionpb.PeerState{}
}

func setPeer(s *sessionpb.StoreState, given *sessionpb.PeerState) {
	if given == nil {
		return
	}
	i, found := peerPlace(s, given.GetRegion().GetId())
	if !found {
		s.Peers = slices.Insert(s.Peers, i, nil)
	}
	s.Peers[i] = ownPeer(given)
}

package sim

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/core/store"
)

// Where commands go: what a client library that asks every store would know.

// route returns the machine that a command goes to, and fills in its region and epoch as far as the header has none.
//
// The region is the one that holds the command's first key, in the newest shape that any store knows; the first region
// for a command without keys. Store 0 is the one on which that region's leader of the newest term runs, or else the lowest
// one up that holds a peer of it, or else the lowest one up. The epoch is as that store knows it.
func (w *World) route(storeID uint64, request *raftcmdpb.RaftCommandRequest) (*machine, error) {
	h := request.Header
	if h.RegionId == 0 {
		h.RegionId = firstRegionID
		for key := range raftcmdpb.Keys(request) {
			if region := w.regionOf(key); region != nil {
				h.RegionId = region.GetId()
			}
			break // the first one decides
		}
	}
	m, err := w.addressee(storeID, h.RegionId)
	if err != nil || h.RegionEpoch != nil {
		return m, err
	}
	shape := m.shape(h.RegionId)
	if shape == nil {
		shape = w.newest(func(r *metapb.Region) bool { return r.GetId() == h.RegionId })
	}
	h.RegionEpoch = shape.GetRegionEpoch()
	return m, nil
}

// shape returns a region as a store that is up knows it, or nil. A peer that waits for its first snapshot knows none.
func (m *machine) shape(regionID uint64) *metapb.Region {
	if view, ok := m.store.View(regionID); !ok || view.Uninitialized {
		return nil
	}
	return m.store.Region(regionID)
}

// addressee is the machine that a command to a region goes to.
func (w *World) addressee(storeID, regionID uint64) (*machine, error) {
	if storeID != 0 {
		return w.up(storeID)
	}
	if leader := w.LeaderOf(regionID); leader != 0 {
		return w.machines[leader-1], nil
	}
	var lowest *machine
	for _, m := range w.machines {
		switch {
		case m.store == nil:
		case m.store.Region(regionID) != nil:
			return m, nil
		case lowest == nil:
			lowest = m
		}
	}
	if lowest == nil {
		return nil, errors.New("every store is down: restart one first")
	}
	return lowest, nil
}

// regionOf returns the region that holds a key, in the newest shape that any store knows, or nil.
func (w *World) regionOf(key []byte) *metapb.Region {
	return w.newest(func(r *metapb.Region) bool {
		return bytes.Compare(key, r.GetStartKey()) >= 0 &&
			(len(r.GetEndKey()) == 0 || bytes.Compare(key, r.GetEndKey()) < 0)
	})
}

// newest returns the newest shape of those regions that match, as any store that is up knows it, or nil.
func (w *World) newest(match func(*metapb.Region) bool) *metapb.Region {
	var newest *metapb.Region
	for _, m := range w.machines {
		if m.store == nil {
			continue
		}
		for _, id := range m.store.RegionIDs() {
			newer := compareEpochs(m.store.Region(id), newest) > 0
			if newer && match(m.store.Region(id)) && m.shape(id) != nil {
				newest = m.store.Region(id)
			}
		}
	}
	return newest
}

// compareEpochs orders shapes by their age: a split counts before a change of members. No region is the oldest.
func compareEpochs(a, b *metapb.Region) int {
	return cmp.Or(
		cmp.Compare(a.GetRegionEpoch().GetVersion(), b.GetRegionEpoch().GetVersion()),
		cmp.Compare(a.GetRegionEpoch().GetConfVer(), b.GetRegionEpoch().GetConfVer()))
}

// idMax is the largest id that a command may bring and keep from being given again.
const idMax = 1 << 53

// checkPlaces refuses a change of members that names a store which does not exist, and keeps the ids that a command brings
// from being given again.
func (w *World) checkPlaces(admin *raftcmdpb.AdminRequest) error {
	for _, c := range admin.GetChangePeers().GetChanges() {
		if id := c.GetPeer().GetStoreId(); id != 0 {
			if _, err := w.existing(id); err != nil {
				return fmt.Errorf("%w; add it first", err)
			}
		}
	}
	for _, c := range admin.GetChangePeers().GetChanges() {
		w.taken(store.PeerID, c.GetPeer().GetId())
	}
	w.taken(store.RegionID, admin.GetSplit().GetNewRegionId())
	for _, id := range admin.GetSplit().GetNewPeerIds() {
		w.taken(store.PeerID, id)
	}
	return nil
}

func (w *World) taken(kind store.IDKind, id uint64) {
	if id <= idMax {
		w.given[kind] = max(w.given[kind], id)
	}
}

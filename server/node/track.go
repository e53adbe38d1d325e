package node

import (
	"slices"

	"go.etcd.io/raft/v3"

	"raftplay/core/store"
)

// track is what the sight remembers of a peer while somebody watches.
type track struct {
	regionID uint64
	// synced is the last log index that a crash would keep.
	synced uint64
	// progress is what watchers were last told.
	progress []store.PeerProgress
}

// tracks are of the store's peers, by region.
type tracks []track

// begin takes the present as told. under is the write under way.
func (t *tracks) begin(s *store.Store, under *write) {
	*t = (*t)[:0]
	for _, id := range s.RegionIDs() {
		view, _ := s.View(id)
		one := track{regionID: id, synced: view.LastIndex}
		one.lookAtProgress(s, nil)
		*t = append(*t, one)
	}
	if under.busy {
		t.writeStarted(under.ready.Writes)
	}
}

func (t *tracks) place(regionID uint64) (int, bool) {
	return slices.BinarySearchFunc(*t, regionID, func(of track, id uint64) int {
		switch {
		case of.regionID < id:
			return -1
		case of.regionID > id:
			return 1
		}
		return 0
	})
}

// of returns what is remembered of a region's peer, or nil. It holds until peers come or go.
func (t *tracks) of(regionID uint64) *track {
	if i, found := t.place(regionID); found {
		return &(*t)[i]
	}
	return nil
}

func (t *tracks) welcome(regionID uint64) {
	i, found := t.place(regionID)
	if !found {
		*t = slices.Insert(*t, i, track{})
	}
	(*t)[i] = track{regionID: regionID}
}

func (t *tracks) farewell(regionID uint64) {
	if i, found := t.place(regionID); found {
		*t = slices.Delete(*t, i, i+1)
	}
}

// writeStarted notes what a crash would lose from now on.
func (t *tracks) writeStarted(parts []store.PeerWrite) {
	for i := range parts {
		before := parts[i].LastIndex // more than stood there only when a snapshot took the log's place
		if len(parts[i].Entries) > 0 {
			before = parts[i].Entries[0].GetIndex() - 1
		}
		if of := t.of(parts[i].RegionID); of != nil {
			of.synced = min(of.synced, before)
		}
	}
}

func (t *tracks) synced(parts []store.PeerWrite) {
	for i := range parts {
		if of := t.of(parts[i].RegionID); of != nil {
			of.synced = parts[i].LastIndex
		}
	}
}

// lookAtProgress remembers a leader's view of the peers, and adds to changed what differs from the last look.
func (t *track) lookAtProgress(s *store.Store, changed []store.PeerProgress) []store.PeerProgress {
	if role, _, _ := s.Role(t.regionID); role != raft.StateLeader {
		t.progress = t.progress[:0]
		return changed
	}
	known := 0
	s.VisitProgress(t.regionID, func(p store.PeerProgress) {
		for known < len(t.progress) && t.progress[known].PeerID < p.PeerID {
			t.progress = slices.Delete(t.progress, known, known+1)
		}
		switch {
		case known == len(t.progress) || t.progress[known].PeerID != p.PeerID:
			t.progress = slices.Insert(t.progress, known, p)
			changed = append(changed, p)
		case t.progress[known] != p:
			t.progress[known] = p
			changed = append(changed, p)
		}
		known++
	})
	t.progress = t.progress[:known]
	return changed
}

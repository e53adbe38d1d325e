package sim

import (
	"slices"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
	"raftplay/core/store"
)

// What a machine sees of its store's peers coming, changing and going.

// PeerCreated implements store.Observer.
func (m *machine) PeerCreated(c store.PeerCreated) {
	m.welcome(c.RegionID, c.PeerID)
	m.w.emit(m.id, &sessionpb.Event{Body: mirror.PeerCreated(c, m.peerState(c.RegionID))})
}

// PeerDestroyed implements store.Observer.
func (m *machine) PeerDestroyed(regionID, peerID uint64, why string) {
	m.farewell(regionID)
	m.w.emit(m.id, &sessionpb.Event{Body: mirror.PeerDestroyed(regionID, peerID, why)})
}

// RegionChanged implements store.Observer.
func (m *machine) RegionChanged(c store.RegionChanged) {
	m.w.emit(m.id, &sessionpb.Event{Body: mirror.RegionChanged(c)})
}

// LogCompacted implements store.Observer.
func (m *machine) LogCompacted(regionID, firstBefore, first uint64) {
	m.w.emit(m.id, &sessionpb.Event{Body: mirror.LogCompacted(regionID, firstBefore, first)})
}

// SnapshotProgress implements store.Observer.
func (m *machine) SnapshotProgress(p store.SnapshotProgress) {
	m.w.emit(m.id, &sessionpb.Event{Body: &sessionpb.Event_SnapshotProgress{SnapshotProgress: mirror.Snapshot(p)}})
}

// SnapshotRestored implements store.Observer.
func (m *machine) SnapshotRestored(regionID uint64) {
	if t := m.track(regionID); t != nil {
		view, _ := m.store.View(regionID)
		t.synced = min(t.synced, view.LastIndex)
	}
	m.w.emit(m.id, &sessionpb.Event{Body: &sessionpb.Event_SnapshotRestored{SnapshotRestored: &sessionpb.SnapshotRestored{
		Peer: m.peerState(regionID)}}})
}

// TransferStarted implements store.Observer.
func (m *machine) TransferStarted(regionID uint64, to *metapb.Peer) {
	m.w.emit(m.id, &sessionpb.Event{Body: mirror.TransferStarted(regionID, to)})
}

// peerTrack is what the world remembers of a store's peer.
type peerTrack struct {
	regionID, peerID uint64
	// region is as the store had it when followPeers last looked.
	region *metapb.Region
	// synced is the last log index that a crash would keep. It is moved by the syncs of batches that hold a part of the
	// peer's.
	synced uint64
	// progress is what observers were last told, or would have been.
	progress []store.PeerProgress
}

func (m *machine) place(regionID uint64) (i int, found bool) {
	return slices.BinarySearchFunc(m.peers, regionID, func(t peerTrack, id uint64) int {
		return int(int64(t.regionID) - int64(id))
	})
}

// track returns what is remembered of a region's peer, or nil when there is none. It holds until peers come or go.
func (m *machine) track(regionID uint64) *peerTrack {
	if i, found := m.place(regionID); found {
		return &m.peers[i]
	}
	return nil
}

// welcome takes in a new peer, of which nothing is on the disk yet. It may take the place of one that waited for its first
// snapshot.
func (m *machine) welcome(regionID, peerID uint64) {
	i, found := m.place(regionID)
	if !found {
		m.peers = slices.Insert(m.peers, i, peerTrack{})
	}
	m.peers[i] = peerTrack{regionID: regionID, peerID: peerID, region: m.store.Region(regionID)}
}

// farewell forgets a peer, and its part of the batch on the disk: that is nobody's any more, also when the region's next
// peer comes before the batch is synced.
func (m *machine) farewell(regionID uint64) {
	if i, found := m.place(regionID); found {
		m.peers = slices.Delete(m.peers, i, i+1)
	}
	m.write.parts = m.ofPeers(m.write.parts)
}

// ofPeers returns the parts of a batch whose regions the store has a peer of. The given list stays as it is.
func (m *machine) ofPeers(parts []store.PeerWrite) []store.PeerWrite {
	gone := func(p store.PeerWrite) bool { return m.track(p.RegionID) == nil }
	if !slices.ContainsFunc(parts, gone) {
		return parts
	}
	return slices.DeleteFunc(slices.Clone(parts), gone)
}

// followPeers notices what an observer is told: the peers that came and went since the last look. It is for a world that
// nobody observes, so that it is the same as one that is.
func (m *machine) followPeers() {
	if m.w.observed || m.peersStand() {
		return
	}
	before := slices.Clone(m.peers)
	for _, t := range before {
		if view, ok := m.store.View(t.regionID); !ok || view.PeerID != t.peerID {
			m.farewell(t.regionID)
		}
	}
	for _, regionID := range m.store.RegionIDs() {
		if t := m.track(regionID); t == nil {
			view, _ := m.store.View(regionID)
			m.welcome(regionID, view.PeerID)
		} else {
			t.region = m.store.Region(regionID)
		}
	}
}

// peersStand tells whether the store's peers are surely those of the last look: a new peer has a new region in its hands.
func (m *machine) peersStand() bool {
	held := m.store.RegionIDs()
	if len(held) != len(m.peers) {
		return false
	}
	for i, regionID := range held {
		if t := &m.peers[i]; t.regionID != regionID || t.region != m.store.Region(regionID) {
			return false
		}
	}
	return true
}

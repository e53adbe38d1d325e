package node

import (
	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
	"raftplay/core/store"
)

// The sight is told what happens inside the store while somebody watches.
var _ store.Observer = (*sight)(nil)

// RoleChanged implements store.Observer.
func (s *sight) RoleChanged(c store.RoleChange) {
	if s.happens() {
		s.add(&sessionpb.Event{Body: mirror.RoleChanged(c)}, smallBytes)
	}
}

// Committed implements store.Observer.
func (s *sight) Committed(regionID, before, index uint64) {
	if s.happens() {
		s.add(mirror.Committed(regionID, before, index), smallBytes)
	}
}

// Applied implements store.Observer.
func (s *sight) Applied(a store.Apply) {
	if !s.happens() {
		return
	}
	bytes := smallBytes + len(a.Refused)
	for _, c := range a.Changes {
		bytes += len(c.Key) + min(len(c.Value), mirror.ValueBytesMax)
	}
	s.add(mirror.Applied(a, &s.entries), bytes)
}

// PeerCreated implements store.Observer.
func (s *sight) PeerCreated(c store.PeerCreated) {
	s.tracks.welcome(c.RegionID)
	if s.happens() {
		peer := s.peerState(c.RegionID)
		s.add(&sessionpb.Event{Body: mirror.PeerCreated(c, peer)}, smallBytes+proto.Size(peer))
	}
}

// PeerDestroyed implements store.Observer.
func (s *sight) PeerDestroyed(regionID, peerID uint64, why string) {
	s.tracks.farewell(regionID)
	if s.happens() {
		s.add(&sessionpb.Event{Body: mirror.PeerDestroyed(regionID, peerID, why)}, smallBytes+len(why))
	}
}

// RegionChanged implements store.Observer.
func (s *sight) RegionChanged(c store.RegionChanged) {
	if s.happens() {
		s.add(&sessionpb.Event{Body: mirror.RegionChanged(c)}, smallBytes+proto.Size(c.Region)+proto.Size(c.Before))
	}
}

// LogCompacted implements store.Observer.
func (s *sight) LogCompacted(regionID, firstBefore, first uint64) {
	if s.happens() {
		s.add(&sessionpb.Event{Body: mirror.LogCompacted(regionID, firstBefore, first)}, smallBytes)
	}
}

// SnapshotProgress implements store.Observer.
func (s *sight) SnapshotProgress(p store.SnapshotProgress) {
	if s.happens() {
		s.add(&sessionpb.Event{Body: &sessionpb.Event_SnapshotProgress{SnapshotProgress: mirror.Snapshot(p)}}, smallBytes+len(p.Why))
	}
}

// SnapshotRestored implements store.Observer.
func (s *sight) SnapshotRestored(regionID uint64) {
	if t := s.tracks.of(regionID); t != nil {
		view, _ := s.l.store.View(regionID)
		t.synced = min(t.synced, view.LastIndex)
	}
	if s.happens() {
		peer := s.peerState(regionID)
		s.add(&sessionpb.Event{Body: &sessionpb.Event_SnapshotRestored{SnapshotRestored: &sessionpb.SnapshotRestored{
			Peer: peer}}}, smallBytes+proto.Size(peer))
	}
}

// TransferStarted implements store.Observer.
func (s *sight) TransferStarted(regionID uint64, to *metapb.Peer) {
	if s.happens() {
		s.add(&sessionpb.Event{Body: mirror.TransferStarted(regionID, to)}, smallBytes)
	}
}

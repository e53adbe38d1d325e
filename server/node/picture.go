package node

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
)

// How much of the store a picture shows, of all regions together. The loop stands still while it is made.
const (
	pictureEntriesMax     = 4_000
	pictureKeysMax        = 4_000
	pictureBytesMax       = 1 << 20  // of entries, and of keys
	pictureBytesBrief     = 64 << 10 // the same after a gap: a busy store's pictures are most of what watchers are sent
	pictureRegionEntries  = 1_000    // at most, of one region; keys as well
	pictureRegionFew      = 10       // at least, if they fit
	pictureRegionBytesMin = 1 << 10
)

// bounds are a region's share of a picture.
func (s *sight) bounds() mirror.Bounds {
	regions, bytes := max(len(s.regions()), 1), pictureBytesMax
	if s.brief {
		bytes = pictureBytesBrief
	}
	return mirror.Bounds{
		EntriesMax:     min(pictureRegionEntries, max(pictureEntriesMax/regions, pictureRegionFew)),
		KeysMax:        min(pictureRegionEntries, max(pictureKeysMax/regions, pictureRegionFew)),
		KeysCountedMax: max(pictureKeysMax/regions, pictureRegionFew),
		BytesMax:       max(bytes/regions, pictureRegionBytesMin),
	}
}

// picture is the store as it stands at the end of a turn. It shares nothing that is written later.
func (s *sight) picture() *sessionpb.StoreState {
	state := &sessionpb.StoreState{Id: s.l.n.cfg.Store.StoreID, Up: true}
	if s.l.write.busy {
		state.Writes = append(state.Writes, s.showWrite(&s.l.write))
	}
	for _, id := range s.regions() {
		state.Peers = append(state.Peers, s.peerState(id))
	}
	for _, p := range s.l.store.Snapshots() {
		state.Snapshots = append(state.Snapshots, mirror.Snapshot(p))
	}
	return state
}

// peerState is a peer as it stands; its lease ends by the wall clock.
func (s *sight) peerState(regionID uint64) *sessionpb.PeerState {
	p := mirror.PeerStateWithin(s.l.store, regionID, &s.entries, s.bounds())
	if t := s.tracks.of(regionID); t != nil {
		p.SyncedIndex = t.synced
	}
	if p.LeaseUntilMicros != 0 {
		p.LeaseUntilMicros += s.wall() - s.l.n.now()
	}
	return p
}

// partly says what a picture leaves out, or nothing.
func (s *sight) partly() string {
	shown, all := len(s.regions()), len(s.l.store.RegionIDs())
	if shown == all {
		return ""
	}
	return fmt.Sprintf("%d of the store's %d regions are shown", shown, all)
}

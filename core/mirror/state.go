package mirror

import (
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// Bounds are how much of a peer is looked at and shown.
type Bounds struct {
	// EntriesMax of the log's newest, and KeysMax of the region's first, are shown.
	EntriesMax, KeysMax int
	// KeysCountedMax are counted; a region that has more of them shows as many in keys_total. 0: all.
	KeysCountedMax int
	// BytesMax is about how large the entries may be, and the keys. 0: no bound.
	BytesMax int
}

// keyframe is how much of a peer a keyframe shows.
var keyframe = Bounds{EntriesMax: 1_000, KeysMax: 1_000}

// PeerState is a peer as a keyframe holds it, with its log all on the disk: what is not, only the disk knows.
func PeerState(s *store.Store, regionID uint64, entries *Entries) *sessionpb.PeerState {
	return PeerStateWithin(s, regionID, entries, keyframe)
}

// PeerStateWithin is PeerState for a store that must not stand still for long.
func PeerStateWithin(s *store.Store, regionID uint64, entries *Entries, b Bounds) *sessionpb.PeerState {
	v, _ := s.View(regionID)
	p := &sessionpb.PeerState{
		Region: s.Region(regionID), PeerId: v.PeerID, Role: Role(v.Role), Term: v.Term, Vote: v.Vote, Leader: v.Leader,
		Commit: v.Commit, Applied: v.Applied, FirstIndex: v.FirstIndex, LastIndex: v.LastIndex,
		SyncedIndex: v.LastIndex, Timer: Timer(regionID, v.Timer), Votes: v.Votes,
		Uninitialized: v.Uninitialized, LeaseUntilMicros: v.LeaseUntil, SizeBytes: v.SizeBytes,
	}
	s.VisitProgress(regionID, func(of store.PeerProgress) { p.Progress = append(p.Progress, of.Mirror(&raftcmdpb.PeerProgress{})) })
	from := v.FirstIndex
	if most := uint64(b.EntriesMax); v.LastIndex >= from+most {
		from = v.LastIndex - most + 1
	}
	// An entry that cannot be read is the store's trouble, and will be its end; a picture of it leaves the log out.
	if log, err := s.Entries(regionID, from, v.LastIndex+1); err == nil {
		p.Entries = b.newest(entries.All(regionID, log))
	}
	// As far as they can be read.
	bytes := 0
	_ = s.Data(regionID, func(key, value []byte, revision uint64) bool {
		p.KeysTotal++
		if bytes += len(key) + min(len(value), ValueBytesMax) + pairBytes; b.shows(int(p.KeysTotal), bytes) {
			p.Keys = append(p.Keys, Key(key, value, revision, false, &sessionpb.KeyChange{}))
		}
		return b.KeysCountedMax == 0 || int(p.KeysTotal) < b.KeysCountedMax
	})
	return p
}

// entryOverheadBytes and pairBytes are about what is shown of an entry or a pair beside its command, or its key and value.
const (
	entryOverheadBytes = 40
	pairBytes          = 16
)

func (b Bounds) shows(keys, bytes int) bool {
	return keys <= b.KeysMax && (b.BytesMax == 0 || bytes <= b.BytesMax)
}

// newest are the newest entries that fit.
func (b Bounds) newest(entries []*sessionpb.LogEntry) []*sessionpb.LogEntry {
	if b.BytesMax == 0 {
		return entries
	}
	bytes := 0
	for i := len(entries) - 1; i >= 0; i-- {
		if bytes += len(entries[i].Command) + entryOverheadBytes; bytes > b.BytesMax {
			return entries[i+1:]
		}
	}
	return entries
}

package mirror

import (
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// How much of a peer a keyframe shows.
const (
	entriesMax = 1_000
	keysMax    = 1_000
)

// PeerState is a peer as a keyframe holds it, with its log all on the disk: what is not, only the disk knows.
func PeerState(s *store.Store, regionID uint64, entries *Entries) *sessionpb.PeerState {
	v, _ := s.View(regionID)
	p := &sessionpb.PeerState{
		Region: s.Region(regionID), PeerId: v.PeerID, Role: Role(v.Role), Term: v.Term, Vote: v.Vote, Leader: v.Leader,
		Commit: v.Commit, Applied: v.Applied, FirstIndex: v.FirstIndex, LastIndex: v.LastIndex,
		SyncedIndex: v.LastIndex, Timer: Timer(regionID, v.Timer), Votes: v.Votes,
		Uninitialized: v.Uninitialized, LeaseUntilMicros: v.LeaseUntil, SizeBytes: v.SizeBytes,
	}
	s.VisitProgress(regionID, func(of store.PeerProgress) { p.Progress = append(p.Progress, of.Mirror(&raftcmdpb.PeerProgress{})) })
	from := v.FirstIndex
	if v.LastIndex >= from+entriesMax {
		from = v.LastIndex - entriesMax + 1
	}
	// An entry that cannot be read is the store's trouble, and will be its end; a picture of it leaves the log out.
	if log, err := s.Entries(regionID, from, v.LastIndex+1); err == nil {
		p.Entries = entries.All(regionID, log)
	}
	// As far as they can be read.
	_ = s.Data(regionID, func(key, value []byte, revision uint64) bool {
		if p.KeysTotal++; p.KeysTotal <= keysMax {
			p.Keys = append(p.Keys, Key(key, value, revision, false, &sessionpb.KeyChange{}))
		}
		return true
	})
	return p
}

package sim

import (
	"slices"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// How much of a peer a keyframe shows.
const (
	keyframeEntriesMax = 1_000
	keyframeKeysMax    = 1_000
)

// Keyframe is the whole state now, after the last event. It shares nothing that is written later.
func (w *World) Keyframe() *sessionpb.Keyframe {
	k := &sessionpb.Keyframe{
		Seq: w.seq, Step: w.steps, TimeMicros: w.now, Config: w.config, Stores: w.storeStates(),
		ModelLeft: slices.Clone(w.modelLeft),
	}
	for _, f := range w.network.byID() {
		message := &sessionpb.Message{}
		mirrorMessage(f, message)
		k.Messages = append(k.Messages, message)
	}
	for _, op := range w.clients.known() {
		k.Operations = append(k.Operations, op.mirror())
	}
	return k
}

func (w *World) storeStates() []*sessionpb.StoreState {
	states := make([]*sessionpb.StoreState, 0, len(w.machines))
	for _, m := range w.machines {
		states = append(states, m.state())
	}
	return states
}

// state is a store as a keyframe holds it.
func (m *machine) state() *sessionpb.StoreState {
	s := &sessionpb.StoreState{
		Id: m.id, Up: m.store != nil, StoppedReason: m.stoppedReason, Paused: m.paused, LocalMicros: m.localMicros(),
		DiskFault: m.armed.disk, CrashMoment: m.armed.moment, CrashKeeps: m.armed.keeps,
	}
	if m.write.busy {
		s.Writes = append(s.Writes, m.w.mirrorWrite(&m.write, &startedWrite{}))
		if m.write.written {
			s.WrittenIds = append(s.WrittenIds, m.write.id)
		}
	}
	look, err := m.look()
	if err != nil {
		return s
	}
	for _, regionID := range look.RegionIDs() {
		if m.store != nil {
			s.Peers = append(s.Peers, m.peerState(regionID))
		} else {
			s.Peers = append(s.Peers, m.w.peerState(look, regionID))
		}
	}
	for _, p := range look.Snapshots() {
		s.Snapshots = append(s.Snapshots, mirrorSnapshot(p))
	}
	return s
}

// peerState is a peer of a store that is up.
func (m *machine) peerState(regionID uint64) *sessionpb.PeerState {
	p := m.w.peerState(m.store, regionID)
	if t := m.track(regionID); t != nil {
		p.SyncedIndex = t.synced
	}
	return p
}

// peerState is a peer whose log is all on the disk.
func (w *World) peerState(s *store.Store, regionID uint64) *sessionpb.PeerState {
	v, _ := s.View(regionID)
	p := &sessionpb.PeerState{
		Region: s.Region(regionID), PeerId: v.PeerID, Role: mirrorRole(v.Role), Term: v.Term, Vote: v.Vote, Leader: v.Leader,
		Commit: v.Commit, Applied: v.Applied, FirstIndex: v.FirstIndex, LastIndex: v.LastIndex,
		SyncedIndex: v.LastIndex, Timer: mirrorTimer(regionID, v.Timer), Votes: v.Votes,
		Uninitialized: v.Uninitialized, LeaseUntilMicros: v.LeaseUntil, SizeBytes: v.SizeBytes,
	}
	s.VisitProgress(regionID, func(of store.PeerProgress) { p.Progress = append(p.Progress, of.Mirror(&raftcmdpb.PeerProgress{})) })
	from := v.FirstIndex
	if v.LastIndex >= from+keyframeEntriesMax {
		from = v.LastIndex - keyframeEntriesMax + 1
	}
	// An entry that cannot be read is the store's trouble, and will be its end; a picture of it leaves the log out.
	if entries, err := s.Entries(regionID, from, v.LastIndex+1); err == nil {
		p.Entries = w.entries.mirrorAll(regionID, entries)
	}
	// As far as they can be read.
	_ = s.Data(regionID, func(key, value []byte, revision uint64) bool {
		if p.KeysTotal++; p.KeysTotal <= keyframeKeysMax {
			p.Keys = append(p.Keys, mirrorChange(key, value, revision, false, &sessionpb.KeyChange{}))
		}
		return true
	})
	return p
}

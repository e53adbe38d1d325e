package sim

import (
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
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
		s.Writes = append(s.Writes, m.w.mirrorWrite(&m.write, &mirror.Write{}))
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
			s.Peers = append(s.Peers, mirror.PeerState(look, regionID, &m.w.entries))
		}
	}
	for _, p := range look.Snapshots() {
		s.Snapshots = append(s.Snapshots, mirror.Snapshot(p))
	}
	return s
}

// peerState is a peer of a store that is up.
func (m *machine) peerState(regionID uint64) *sessionpb.PeerState {
	p := mirror.PeerState(m.store, regionID, &m.w.entries)
	if t := m.track(regionID); t != nil {
		p.SyncedIndex = t.synced
	}
	return p
}

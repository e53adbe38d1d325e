package sim

import (
	"slices"

	"go.etcd.io/raft/v3"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
	"raftplay/core/store"
)

// A machine watches its store while the world is observed: what happens inside becomes events.
var _ store.Observer = (*machine)(nil)

// RoleChanged implements store.Observer.
func (m *machine) RoleChanged(c store.RoleChange) {
	m.w.emit(m.id, &sessionpb.Event{Body: mirror.RoleChanged(c)})
}

// Committed implements store.Observer.
func (m *machine) Committed(regionID, before, index uint64) {
	m.w.emit(m.id, mirror.Committed(regionID, before, index))
}

// Applied implements store.Observer.
func (m *machine) Applied(a store.Apply) {
	m.w.emit(m.id, mirror.Applied(a, &m.w.entries))
}

// timers are the election timers of all regions, as they stand.
func (m *machine) timers() []*sessionpb.PeerTimer {
	timers := make([]*sessionpb.PeerTimer, 0, len(m.peers))
	for i := range m.peers {
		id := m.peers[i].regionID
		timers = append(timers, mirror.Timer(id, m.store.Timer(id)))
	}
	return timers
}

// reportProgress tells, for each region the store leads, what changed in its view of the peers since the last telling.
// It follows every input, so that who starts to watch later misses nothing: see catchUp.
func (m *machine) reportProgress() {
	for i := range m.peers {
		t := &m.peers[i]
		if role, _, _ := m.store.Role(t.regionID); role != raft.StateLeader {
			t.progress = t.progress[:0]
			continue
		}
		m.changed = m.changed[:0]
		t.lookAtProgress(m.store, func(p store.PeerProgress) { m.changed = append(m.changed, p) })
		if len(m.changed) > 0 {
			m.w.emit(m.id, mirror.ProgressChanged(t.regionID, m.changed))
		}
	}
}

// lookAtProgress remembers a leader's view of the peers, and shows what differs from the last look.
func (t *peerTrack) lookAtProgress(s *store.Store, differs func(store.PeerProgress)) {
	known := 0
	s.VisitProgress(t.regionID, func(p store.PeerProgress) {
		for known < len(t.progress) && t.progress[known].PeerID < p.PeerID {
			t.progress = slices.Delete(t.progress, known, known+1)
		}
		switch {
		case known == len(t.progress) || t.progress[known].PeerID != p.PeerID:
			t.progress = slices.Insert(t.progress, known, p)
			differs(p)
		case t.progress[known] != p:
			t.progress[known] = p
			differs(p)
		}
		known++
	})
	t.progress = t.progress[:known]
}

// catchUp takes the present as told, when observers come.
func (m *machine) catchUp() {
	if m.store != nil {
		if m.w.observed {
			m.store.Observe(m)
		} else {
			m.store.Observe(nil)
		}
	}
	for i := range m.peers {
		m.peers[i].progress = m.peers[i].progress[:0]
		if m.w.observed && m.store != nil {
			m.peers[i].lookAtProgress(m.store, func(store.PeerProgress) {})
		}
	}
}

package mirror

import (
	"go.etcd.io/raft/v3"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// ValueBytesMax is how much of a value an event shows.
const ValueBytesMax = 1 << 10

// Role is a role as viewers see it.
func Role(r raft.StateType) sessionpb.Role {
	switch r {
	case raft.StateFollower:
		return sessionpb.Role_ROLE_FOLLOWER
	case raft.StatePreCandidate:
		return sessionpb.Role_ROLE_PRE_CANDIDATE
	case raft.StateCandidate:
		return sessionpb.Role_ROLE_CANDIDATE
	case raft.StateLeader:
		return sessionpb.Role_ROLE_LEADER
	}
	return sessionpb.Role_ROLE_UNSPECIFIED
}

// Timer is the election timer of a region's peer.
func Timer(regionID uint64, t store.Timer) *sessionpb.PeerTimer {
	return &sessionpb.PeerTimer{RegionId: regionID, ElapsedTicks: uint32(t.Elapsed), TimeoutTicks: uint32(t.Timeout)}
}

// RoleChanged is what became of a peer.
func RoleChanged(c store.RoleChange) *sessionpb.Event_RoleChanged {
	return &sessionpb.Event_RoleChanged{RoleChanged: &sessionpb.RoleChanged{
		RegionId: c.RegionID, Role: Role(c.Role), RoleBefore: Role(c.RoleBefore),
		Term: c.Term, TermBefore: c.TermBefore, Vote: c.Vote, Leader: c.Leader,
		Timer: Timer(c.RegionID, c.Timer), Votes: c.Votes,
	}}
}

// Key fills in a key as the entry at revision left it, and returns it.
func Key(key, value []byte, revision uint64, deleted bool, out *sessionpb.KeyChange) *sessionpb.KeyChange {
	out.Key, out.Deleted, out.Revision = key, deleted, revision
	out.Value, out.ValueSizeBytes = value[:min(len(value), ValueBytesMax)], uint32(len(value))
	return out
}

// Committed is a step of a peer's commit index.
func Committed(regionID, before, index uint64) *sessionpb.Event {
	e := &struct {
		event     sessionpb.Event
		body      sessionpb.Event_Committed
		committed sessionpb.Committed
	}{}
	e.committed.RegionId, e.committed.Index, e.committed.IndexBefore = regionID, index, before
	e.body.Committed = &e.committed
	e.event.Body = &e.body
	return &e.event
}

// Applied is an entry carried out.
func Applied(a store.Apply, entries *Entries) *sessionpb.Event {
	e := &struct {
		event   sessionpb.Event
		body    sessionpb.Event_Applied
		applied sessionpb.Applied
		// Nearly every command changes one key.
		changes [1]*sessionpb.KeyChange
		change  sessionpb.KeyChange
	}{}
	entry := entries.One(a.RegionID, a.Entry)
	e.applied.RegionId, e.applied.Index, e.applied.Term = a.RegionID, entry.Index, entry.Term
	e.applied.Type, e.applied.Digest, e.applied.Refused = entry.Type, entry.Digest, a.Refused
	if len(a.Changes) > 0 {
		e.applied.Changes = e.changes[:0]
	}
	for i, c := range a.Changes {
		change := &e.change
		if i > 0 {
			change = &sessionpb.KeyChange{}
		}
		e.applied.Changes = append(e.applied.Changes, Key(c.Key, c.Value, entry.Index, c.Deleted, change))
	}
	e.body.Applied = &e.applied
	e.event.Body = &e.body
	return &e.event
}

// ProgressChanged tells what changed in a leader's view of peers, in few pieces of memory: a leader's append moves every one
// of them.
func ProgressChanged(regionID uint64, changed []store.PeerProgress) *sessionpb.Event {
	e := &struct {
		event    sessionpb.Event
		body     sessionpb.Event_ProgressChanged
		progress sessionpb.ProgressChanged
	}{}
	peers := make([]raftcmdpb.PeerProgress, len(changed))
	e.progress.RegionId, e.progress.Progress = regionID, make([]*raftcmdpb.PeerProgress, len(changed))
	for i, p := range changed {
		e.progress.Progress[i] = p.Mirror(&peers[i])
	}
	e.body.ProgressChanged = &e.progress
	e.event.Body = &e.body
	return &e.event
}

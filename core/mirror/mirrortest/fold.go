// Package mirrortest folds events as any viewer does, for the tests that what a store tells comes to what it is. Nothing but
// tests imports it.
package mirrortest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Told is a copy of a store without what events do not tell: the timers between ticks, the votes on their way, leases and
// sizes.
func Told(s *sessionpb.StoreState) *sessionpb.StoreState {
	s = proto.Clone(s).(*sessionpb.StoreState)
	for _, p := range s.Peers {
		p.Timer, p.Votes, p.LeaseUntilMicros, p.SizeBytes = nil, nil, 0, 0
	}
	return s
}

// Fold does to a store what an event says. The events must be whole: it panics when one speaks of a peer that is not there.
func Fold(s *sessionpb.StoreState, e *sessionpb.Event) {
	switch b := e.Body.(type) {
	case *sessionpb.Event_RoleChanged:
		p := Peer(s, b.RoleChanged.RegionId)
		p.Role, p.Term, p.Vote, p.Leader = b.RoleChanged.Role, b.RoleChanged.Term, b.RoleChanged.Vote, b.RoleChanged.Leader
		if p.Role != sessionpb.Role_ROLE_LEADER {
			p.Progress = nil
		}
	case *sessionpb.Event_ProgressChanged:
		p := Peer(s, b.ProgressChanged.RegionId)
		for _, changed := range b.ProgressChanged.Progress {
			i, found := slices.BinarySearchFunc(p.Progress, changed.PeerId, func(have *raftcmdpb.PeerProgress, id uint64) int {
				return cmp.Compare(have.PeerId, id)
			})
			if !found {
				p.Progress = slices.Insert(p.Progress, i, nil)
			}
			p.Progress[i] = changed
		}
	case *sessionpb.Event_WriteStarted:
		writeStarted(s, b.WriteStarted)
	case *sessionpb.Event_Written:
		if s.Writes[0].MustSync {
			s.WrittenIds = append(s.WrittenIds, b.Written.WriteId)
		} else {
			s.Writes = s.Writes[1:]
		}
	case *sessionpb.Event_Synced:
		for _, w := range s.Writes[0].Peers {
			Peer(s, w.RegionId).SyncedIndex = w.LastIndex
		}
		s.Writes, s.WrittenIds = s.Writes[1:], s.WrittenIds[1:]
	case *sessionpb.Event_Committed:
		Peer(s, b.Committed.RegionId).Commit = b.Committed.Index
	case *sessionpb.Event_Applied:
		applied(Peer(s, b.Applied.RegionId), b.Applied)
	default:
		inRegions(s, e)
	}
}

func writeStarted(s *sessionpb.StoreState, w *sessionpb.WriteStarted) {
	s.Writes = append(s.Writes, w)
	for _, w := range w.Peers {
		p := Peer(s, w.RegionId)
		if len(w.Entries) == 0 {
			continue
		}
		// A compaction in the same turn may have been told already.
		first := max(w.FirstIndex, p.FirstIndex)
		kept := w.Entries[min(first-w.FirstIndex, uint64(len(w.Entries))):]
		p.Entries = append(p.Entries[:first-p.FirstIndex:first-p.FirstIndex], kept...)
		p.LastIndex, p.SyncedIndex = w.LastIndex, min(p.SyncedIndex, w.FirstIndex-1)
	}
}

func applied(p *sessionpb.PeerState, a *sessionpb.Applied) {
	p.Applied = a.Index
	for _, change := range a.Changes {
		i, found := slices.BinarySearchFunc(p.Keys, change, func(a, b *sessionpb.KeyChange) int { return bytes.Compare(a.Key, b.Key) })
		if found {
			p.Keys = slices.Delete(p.Keys, i, i+1)
		}
		if !change.Deleted {
			p.Keys = slices.Insert(p.Keys, i, change)
		}
	}
	p.KeysTotal = uint64(len(p.Keys))
}

// inRegions follows the peers as they come, change and go.
func inRegions(s *sessionpb.StoreState, e *sessionpb.Event) {
	switch b := e.Body.(type) {
	case *sessionpb.Event_PeerCreated:
		setPeer(s, b.PeerCreated.Peer)
	case *sessionpb.Event_SnapshotRestored:
		setPeer(s, b.SnapshotRestored.Peer)
	case *sessionpb.Event_PeerDestroyed:
		i, _ := placeOf(s, b.PeerDestroyed.RegionId)
		s.Peers = slices.Delete(s.Peers, i, i+1)
		// What is on the disk of it is nobody's any more.
		for i, w := range s.Writes {
			w = proto.Clone(w).(*sessionpb.WriteStarted)
			w.Peers = slices.DeleteFunc(w.Peers, func(p *sessionpb.PeerWrite) bool { return p.RegionId == b.PeerDestroyed.RegionId })
			s.Writes[i] = w
		}
	case *sessionpb.Event_RegionChanged:
		p, region := Peer(s, b.RegionChanged.Region.Id), b.RegionChanged.Region
		p.Region = region
		p.Keys = slices.DeleteFunc(p.Keys, func(k *sessionpb.KeyChange) bool {
			return len(region.EndKey) > 0 && bytes.Compare(k.Key, region.EndKey) >= 0
		})
		p.KeysTotal = uint64(len(p.Keys))
		p.Progress = slices.DeleteFunc(p.Progress, func(of *raftcmdpb.PeerProgress) bool {
			return !slices.ContainsFunc(region.Peers, func(member *metapb.Peer) bool { return member.Id == of.PeerId })
		})
	case *sessionpb.Event_LogCompacted:
		p := Peer(s, b.LogCompacted.RegionId)
		p.Entries = p.Entries[min(b.LogCompacted.FirstIndex-p.FirstIndex, uint64(len(p.Entries))):]
		p.FirstIndex = b.LogCompacted.FirstIndex
	case *sessionpb.Event_SnapshotProgress:
		i := slices.IndexFunc(s.Snapshots, func(have *sessionpb.SnapshotProgress) bool {
			return have.SnapshotId == b.SnapshotProgress.SnapshotId
		})
		if i < 0 {
			i, s.Snapshots = len(s.Snapshots), append(s.Snapshots, nil)
		}
		s.Snapshots[i] = b.SnapshotProgress
		if b.SnapshotProgress.Stage >= sessionpb.SnapshotStage_SNAPSHOT_STAGE_DONE {
			s.Snapshots = slices.Delete(s.Snapshots, i, i+1)
		}
	}
}

func placeOf(s *sessionpb.StoreState, regionID uint64) (int, bool) {
	return slices.BinarySearchFunc(s.Peers, regionID, func(p *sessionpb.PeerState, id uint64) int {
		return cmp.Compare(p.GetRegion().GetId(), id)
	})
}

// Peer is a region's peer, to be changed.
func Peer(s *sessionpb.StoreState, regionID uint64) *sessionpb.PeerState {
	i, found := placeOf(s, regionID)
	if !found {
		panic(fmt.Sprintf("S%d has no peer of region %d", s.Id, regionID))
	}
	return s.Peers[i]
}

// setPeer puts a peer in its place, instead of the region's earlier one if there is one.
func setPeer(s *sessionpb.StoreState, given *sessionpb.PeerState) {
	i, found := placeOf(s, given.GetRegion().GetId())
	if !found {
		s.Peers = slices.Insert(s.Peers, i, nil)
	}
	s.Peers[i] = proto.Clone(given).(*sessionpb.PeerState)
}

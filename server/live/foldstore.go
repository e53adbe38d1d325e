package live

import (
	"bytes"
	"cmp"
	"slices"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// foldStore folds what happens within a store.
func foldStore(s *sessionpb.StoreState, e *sessionpb.Event) {
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_Ticked:
		for _, timer := range b.Ticked.GetTimers() {
			peerOf(s, timer.GetRegionId()).Timer = timer
		}
	case *sessionpb.Event_RoleChanged:
		foldRole(peerOf(s, b.RoleChanged.GetRegionId()), b.RoleChanged)
	case *sessionpb.Event_ProgressChanged:
		foldProgress(peerOf(s, b.ProgressChanged.GetRegionId()), b.ProgressChanged.GetProgress())
	case *sessionpb.Event_WriteStarted:
		s.Writes = append(s.Writes, b.WriteStarted)
		for _, w := range b.WriteStarted.GetPeers() {
			foldEntries(peerOf(s, w.GetRegionId()), w)
		}
	case *sessionpb.Event_Written:
		foldWritten(s, b.Written.GetWriteId())
	case *sessionpb.Event_Synced:
		foldSynced(s, b.Synced.GetWriteId())
	case *sessionpb.Event_Committed:
		peerOf(s, b.Committed.GetRegionId()).Commit = b.Committed.GetIndex()
	case *sessionpb.Event_Applied:
		foldApplied(peerOf(s, b.Applied.GetRegionId()), b.Applied)
	case *sessionpb.Event_ElectionTimeoutSet:
		peerOf(s, b.ElectionTimeoutSet.GetTimer().GetRegionId()).Timer = b.ElectionTimeoutSet.GetTimer()
	default:
		foldRegions(s, e)
	}
}

func foldRole(p *sessionpb.PeerState, c *sessionpb.RoleChanged) {
	p.Role, p.Term, p.Vote, p.Leader = c.GetRole(), c.GetTerm(), c.GetVote(), c.GetLeader()
	p.Votes = c.GetVotes()
	if c.GetTimer() != nil {
		p.Timer = c.GetTimer()
	}
	if p.Role != sessionpb.Role_ROLE_LEADER {
		p.Progress, p.LeaseUntilMicros = nil, 0
	}
}

func foldProgress(p *sessionpb.PeerState, changed []*raftcmdpb.PeerProgress) {
	for _, of := range changed {
		i, found := slices.BinarySearchFunc(p.Progress, of.GetPeerId(), func(have *raftcmdpb.PeerProgress, id uint64) int {
			return cmp.Compare(have.GetPeerId(), id)
		})
		if found {
			p.Progress[i] = of
		} else {
			p.Progress = slices.Insert(p.Progress, i, of)
		}
	}
}

// foldEntries replaces the log from the write's first entry on, and keeps the newest.
func foldEntries(p *sessionpb.PeerState, w *sessionpb.PeerWrite) {
	if len(w.GetEntries()) == 0 {
		return
	}
	from := func(entries []*sessionpb.LogEntry, index uint64) int {
		i, _ := slices.BinarySearchFunc(entries, index, func(e *sessionpb.LogEntry, at uint64) int { return cmp.Compare(e.GetIndex(), at) })
		return i
	}
	p.Entries = p.Entries[:from(p.Entries, w.GetFirstIndex())]
	// A compaction in the same turn may have been told already.
	p.Entries = append(p.Entries, w.GetEntries()[from(w.GetEntries(), p.GetFirstIndex()):]...)
	p.Entries = p.Entries[max(0, len(p.Entries)-entriesMax):]
	p.LastIndex, p.SyncedIndex = w.GetLastIndex(), min(p.GetSyncedIndex(), w.GetFirstIndex()-1)
}

func writeOf(s *sessionpb.StoreState, writeID uint64) (int, *sessionpb.WriteStarted) {
	i := slices.IndexFunc(s.Writes, func(w *sessionpb.WriteStarted) bool { return w.GetWriteId() == writeID })
	if i < 0 {
		return i, nil
	}
	return i, s.Writes[i]
}

func foldWritten(s *sessionpb.StoreState, writeID uint64) {
	switch i, w := writeOf(s, writeID); {
	case w == nil:
	case w.GetMustSync():
		s.WrittenIds = append(s.WrittenIds, writeID)
	default:
		s.Writes = slices.Delete(s.Writes, i, i+1)
	}
}

func foldSynced(s *sessionpb.StoreState, writeID uint64) {
	i, w := writeOf(s, writeID)
	if w == nil {
		return
	}
	for _, part := range w.GetPeers() {
		p := peerOf(s, part.GetRegionId())
		p.SyncedIndex = part.GetLastIndex()
	}
	s.Writes = slices.Delete(s.Writes, i, i+1)
	s.WrittenIds = slices.DeleteFunc(s.WrittenIds, func(id uint64) bool { return id == writeID })
}

func foldApplied(p *sessionpb.PeerState, a *sessionpb.Applied) {
	p.Applied = a.GetIndex()
	for _, change := range a.GetChanges() {
		i, found := keyPlace(p.Keys, change.GetKey())
		switch {
		case found && change.GetDeleted():
			p.Keys = slices.Delete(p.Keys, i, i+1)
			p.KeysTotal--
		case found:
			p.Keys[i] = change
		case i == len(p.Keys) && p.KeysTotal > uint64(i):
			// It lies past those that are held, and may be one of them.
		case !change.GetDeleted():
			p.Keys = slices.Insert(p.Keys, i, change)
			p.KeysTotal++
		}
	}
	p.Keys = p.Keys[:min(len(p.Keys), keysMax)]
}

func keyPlace(keys []*sessionpb.KeyChange, key []byte) (int, bool) {
	return slices.BinarySearchFunc(keys, key, func(k *sessionpb.KeyChange, wanted []byte) int { return bytes.Compare(k.GetKey(), wanted) })
}

// foldRegions follows the peers as they come, change and go.
func foldRegions(s *sessionpb.StoreState, e *sessionpb.Event) {
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_PeerCreated:
		setPeer(s, b.PeerCreated.GetPeer())
	case *sessionpb.Event_SnapshotRestored:
		setPeer(s, b.SnapshotRestored.GetPeer())
	case *sessionpb.Event_PeerDestroyed:
		foldDestroyed(s, b.PeerDestroyed.GetRegionId())
	case *sessionpb.Event_RegionChanged:
		foldRegion(peerOf(s, b.RegionChanged.GetRegion().GetId()), b.RegionChanged.GetRegion())
	case *sessionpb.Event_LogCompacted:
		p, first := peerOf(s, b.LogCompacted.GetRegionId()), b.LogCompacted.GetFirstIndex()
		p.Entries = slices.DeleteFunc(p.Entries, func(e *sessionpb.LogEntry) bool { return e.GetIndex() < first })
		p.FirstIndex = first
	case *sessionpb.Event_SnapshotProgress:
		given := b.SnapshotProgress
		s.Snapshots = slices.DeleteFunc(s.Snapshots, func(have *sessionpb.SnapshotProgress) bool { return have.GetSnapshotId() == given.GetSnapshotId() })
		if given.GetStage() < sessionpb.SnapshotStage_SNAPSHOT_STAGE_DONE {
			s.Snapshots = append(s.Snapshots, given)
			slices.SortFunc(s.Snapshots, func(a, b *sessionpb.SnapshotProgress) int { return cmp.Compare(a.GetSnapshotId(), b.GetSnapshotId()) })
		}
	}
}

// foldDestroyed takes a peer out; what is on the disk of it is nobody's any more.
func foldDestroyed(s *sessionpb.StoreState, regionID uint64) {
	if i, found := peerPlace(s, regionID); found {
		s.Peers = slices.Delete(s.Peers, i, i+1)
	}
	for i, from := range s.Writes {
		if !slices.ContainsFunc(from.GetPeers(), func(p *sessionpb.PeerWrite) bool { return p.GetRegionId() == regionID }) {
			continue
		}
		w := &sessionpb.WriteStarted{}
		shallow(from, w)
		w.Peers = slices.DeleteFunc(slices.Clone(w.Peers), func(p *sessionpb.PeerWrite) bool { return p.GetRegionId() == regionID })
		s.Writes[i] = w
	}
}

func foldRegion(p *sessionpb.PeerState, region *metapb.Region) {
	p.Region = region
	if end := region.GetEndKey(); len(end) > 0 {
		// Keys past those held are counted off when a picture tells.
		if i, _ := keyPlace(p.Keys, end); i < len(p.Keys) || uint64(len(p.Keys)) == p.KeysTotal {
			p.Keys, p.KeysTotal = p.Keys[:i], uint64(i)
		}
	}
	p.Progress = slices.DeleteFunc(p.Progress, func(of *raftcmdpb.PeerProgress) bool {
		return !slices.ContainsFunc(region.GetPeers(), func(member *metapb.Peer) bool { return member.GetId() == of.GetPeerId() })
	})
}

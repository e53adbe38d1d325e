package mirror

import (
	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// PeerCreated is a peer that came, as it stands now.
func PeerCreated(c store.PeerCreated, peer *sessionpb.PeerState) *sessionpb.Event_PeerCreated {
	origin := sessionpb.PeerOrigin_PEER_ORIGIN_MESSAGE
	if c.Parent != 0 {
		origin = sessionpb.PeerOrigin_PEER_ORIGIN_SPLIT
	}
	return &sessionpb.Event_PeerCreated{PeerCreated: &sessionpb.PeerCreated{
		Peer: peer, Origin: origin, ParentRegionId: c.Parent}}
}

// PeerDestroyed is a peer that went.
func PeerDestroyed(regionID, peerID uint64, why string) *sessionpb.Event_PeerDestroyed {
	return &sessionpb.Event_PeerDestroyed{PeerDestroyed: &sessionpb.PeerDestroyed{
		RegionId: regionID, PeerId: peerID, Why: why}}
}

// RegionChanged is a region's new shape.
func RegionChanged(c store.RegionChanged) *sessionpb.Event_RegionChanged {
	reason := sessionpb.RegionChangeReason_REGION_CHANGE_REASON_CONF_CHANGE
	if c.Split {
		reason = sessionpb.RegionChangeReason_REGION_CHANGE_REASON_SPLIT
	}
	return &sessionpb.Event_RegionChanged{RegionChanged: &sessionpb.RegionChanged{
		Region: c.Region, RegionBefore: c.Before, Reason: reason, Index: c.Index}}
}

// LogCompacted is a log that begins later now.
func LogCompacted(regionID, firstBefore, first uint64) *sessionpb.Event_LogCompacted {
	return &sessionpb.Event_LogCompacted{LogCompacted: &sessionpb.LogCompacted{
		RegionId: regionID, FirstIndex: first, FirstIndexBefore: firstBefore}}
}

// TransferStarted is a leader that begins to hand over.
func TransferStarted(regionID uint64, to *metapb.Peer) *sessionpb.Event_TransferStarted {
	return &sessionpb.Event_TransferStarted{TransferStarted: &sessionpb.TransferStarted{
		RegionId: regionID, ToStore: to.GetStoreId(), ToPeer: to.GetId()}}
}

var snapshotStages = [...]sessionpb.SnapshotStage{
	store.SnapshotStarted: sessionpb.SnapshotStage_SNAPSHOT_STAGE_STARTED,
	store.SnapshotSending: sessionpb.SnapshotStage_SNAPSHOT_STAGE_SENDING,
	store.SnapshotDone:    sessionpb.SnapshotStage_SNAPSHOT_STAGE_DONE,
	store.SnapshotFailed:  sessionpb.SnapshotStage_SNAPSHOT_STAGE_FAILED,
}

// Snapshot is a snapshot on its way.
func Snapshot(p store.SnapshotProgress) *sessionpb.SnapshotProgress {
	return &sessionpb.SnapshotProgress{
		SnapshotId: p.ID, RegionId: p.RegionID, ToStore: p.To.GetStoreId(), ToPeer: p.To.GetId(), Index: p.Index, Term: p.Term,
		Stage: snapshotStages[p.Stage], BytesDone: p.BytesDone, BytesTotal: p.BytesTotal, Why: p.Why,
	}
}

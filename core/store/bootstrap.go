package store

import (
	"slices"

	"go.etcd.io/raft/v3/raftpb"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// BootstrapStore returns what the empty engine of a store without any region must hold before its first Open.
func BootstrapStore(storeID, clusterID uint64) *engine.Batch {
	b := &engine.Batch{}
	b.Put(identKey, encode(&raftserverpb.StoreIdent{ClusterId: clusterID, StoreId: storeID, FormatVersion: formatVersion}))
	return b
}

// Bootstrap returns what an empty engine must hold before its first Open: the store's identity and its first region, at
// term 0 with an empty log. Every member writes and syncs its own.
func Bootstrap(storeID, clusterID uint64, region *metapb.Region) *engine.Batch {
	b := BootstrapStore(storeID, clusterID)
	b.Put(regionKey(region.GetId()), encode(normalState(region, memberOn(region, storeID).GetId())))
	b.Put(raftKey(region.GetId(), raftSuffix), encodeRaftState(&raftserverpb.RaftLocalState{}))
	b.Put(raftKey(region.GetId(), applySuffix), encode(applyStateOf(confStateOf(region), 0, 0)))
	return b
}

// Identity is who an engine belongs to, or nil when neither Bootstrap nor BootstrapStore was ever written to it.
func Identity(reader engine.Reader) (*raftserverpb.StoreIdent, error) {
	if _, found, err := reader.Get(identKey); err != nil || !found {
		return nil, err
	}
	ident := &raftserverpb.StoreIdent{}
	return ident, load(reader, identKey, ident)
}

func normalState(region *metapb.Region, peerID uint64) *raftserverpb.RegionLocalState {
	return &raftserverpb.RegionLocalState{
		State: raftserverpb.PeerState_PEER_STATE_NORMAL, Region: region, PeerId: peerID}
}

// applyStateOf is an apply state with nothing applied but what has been truncated.
func applyStateOf(conf *raftpb.ConfState, truncated, truncatedTerm uint64) *raftserverpb.RaftApplyState {
	return &raftserverpb.RaftApplyState{
		AppliedIndex: truncated, TruncatedIndex: truncated, TruncatedTerm: truncatedTerm,
		Voters: conf.GetVoters(), Learners: conf.GetLearners(), VotersOutgoing: conf.GetVotersOutgoing(),
		LearnersNext: conf.GetLearnersNext(), AutoLeave: conf.GetAutoLeave(),
	}
}

// memberOn returns the region's peer on a store, or nil.
func memberOn(region *metapb.Region, storeID uint64) *metapb.Peer {
	for _, member := range region.GetPeers() {
		if member.GetStoreId() == storeID {
			return member
		}
	}
	return nil
}

// confStateOf is raft's configuration of a region's members. Whether a joint configuration is left by itself, a region
// does not tell.
func confStateOf(region *metapb.Region) *raftpb.ConfState {
	conf := &raftpb.ConfState{AutoLeave: new(false)}
	for _, member := range region.GetPeers() {
		id := member.GetId()
		switch member.GetRole() {
		case metapb.PeerRole_PEER_ROLE_LEARNER:
			conf.Learners = append(conf.Learners, id)
		case metapb.PeerRole_PEER_ROLE_INCOMING_VOTER:
			conf.Voters = append(conf.Voters, id)
		case metapb.PeerRole_PEER_ROLE_DEMOTING_VOTER:
			conf.VotersOutgoing = append(conf.VotersOutgoing, id)
			conf.LearnersNext = append(conf.LearnersNext, id)
		case metapb.PeerRole_PEER_ROLE_LEAVING_VOTER:
			conf.VotersOutgoing = append(conf.VotersOutgoing, id)
		default:
			conf.Voters = append(conf.Voters, id)
			if region.GetJoint() {
				conf.VotersOutgoing = append(conf.VotersOutgoing, id)
			}
		}
	}
	for _, ids := range [][]uint64{conf.Voters, conf.Learners, conf.VotersOutgoing, conf.LearnersNext} {
		slices.Sort(ids)
	}
	return conf
}

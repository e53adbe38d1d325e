package store

import (
	"fmt"

	errorpb "raftplay/core/pb/errorpb/v1"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

type (
	response = raftcmdpb.RaftCommandResponse
	outcome  = errorpb.Outcome
)

// failure is an answer that is an error: one reason, one sentence, and whether the command may still apply.
func failure(outcome errorpb.Outcome, e *errorpb.Error, format string, args ...any) *raftcmdpb.RaftCommandResponse {
	e.Outcome = outcome
	e.Message = fmt.Sprintf(format, args...)
	return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{Error: e}}
}

const (
	notApplied = errorpb.Outcome_OUTCOME_NOT_APPLIED
	mayApply   = errorpb.Outcome_OUTCOME_MAY_APPLY
)

func invalid(err error) *raftcmdpb.RaftCommandResponse {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_InvalidRequest{
		InvalidRequest: &errorpb.InvalidRequest{}}}, "%v", err)
}

func regionNotFound(outcome outcome, storeID, regionID uint64) *raftcmdpb.RaftCommandResponse {
	return failure(outcome, &errorpb.Error{Reason: &errorpb.Error_RegionNotFound{
		RegionNotFound: &errorpb.RegionNotFound{RegionId: regionID}}}, "S%d holds no peer of region %d", storeID, regionID)
}

func (p *peer) notLeader(outcome errorpb.Outcome) *raftcmdpb.RaftCommandResponse {
	leader := p.member(p.lead)
	e := &errorpb.Error{Reason: &errorpb.Error_NotLeader{
		NotLeader: &errorpb.NotLeader{RegionId: p.region.GetId(), Leader: leader}}}
	switch {
	case leader == nil:
		return failure(outcome, e, "S%d is not the leader and knows of none", p.s.cfg.StoreID)
	case leader.GetStoreId() == p.s.cfg.StoreID:
		return failure(outcome, e, "S%d was not the leader when the command was there", p.s.cfg.StoreID)
	}
	return failure(outcome, e, "S%d is not the leader; S%d is", p.s.cfg.StoreID, leader.GetStoreId())
}

func staleEpoch(region *metapb.Region, others ...*metapb.Region) *raftcmdpb.RaftCommandResponse {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_StaleEpoch{
		StaleEpoch: &errorpb.StaleEpoch{CurrentRegions: append([]*metapb.Region{region}, others...)}}},
		"region %d has changed since the command was made", region.GetId())
}

func keyNotInRegion(key []byte, region, right *metapb.Region) *raftcmdpb.RaftCommandResponse {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_KeyNotInRegion{KeyNotInRegion: &errorpb.KeyNotInRegion{
		Key: key, RegionId: region.GetId(), StartKey: region.GetStartKey(), EndKey: region.GetEndKey(),
		RightRegion: right}}},
		"key %q is not in region %d%s", key, region.GetId(), but(right))
}

func busy(limit string, value int) *raftcmdpb.RaftCommandResponse {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_ServerIsBusy{
		ServerIsBusy: &errorpb.ServerIsBusy{Limit: limit}}}, "the store is busy: %s is %d", limit, value)
}

func overwritten() *raftcmdpb.RaftCommandResponse {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_StaleCommand{
		StaleCommand: &errorpb.StaleCommand{}}}, "another leader's entry took the place of the command's")
}

// An older or forgotten request is not applied now; whether an earlier attempt was, nobody knows any more. So its outcome
// is the unknown one.

func staleSequence(sequence, applied uint64) *raftcmdpb.RaftCommandResponse {
	return failure(mayApply, &errorpb.Error{Reason: &errorpb.Error_StaleSequence{
		StaleSequence: &errorpb.StaleSequence{Sequence: sequence, SequenceApplied: applied}}},
		"request %d is older than the client's request %d, which was applied; this attempt changed nothing", sequence, applied)
}

func clientForgotten(client, floor uint64) *raftcmdpb.RaftCommandResponse {
	return failure(mayApply, &errorpb.Error{Reason: &errorpb.Error_ClientForgotten{
		ClientForgotten: &errorpb.ClientForgotten{Client: client, Floor: floor}}},
		"client %d is not remembered any more; take a client id above %d. This attempt changed nothing", client, floor)
}

func stopped(outcome errorpb.Outcome, storeID uint64) *raftcmdpb.RaftCommandResponse {
	return failure(outcome, &errorpb.Error{Reason: &errorpb.Error_StoreStopped{
		StoreStopped: &errorpb.StoreStopped{}}}, "S%d has stopped", storeID)
}

// but names the region that a key is in, if it is known.
func but(right *metapb.Region) string {
	if right == nil {
		return ""
	}
	return fmt.Sprintf(" but in region %d", right.GetId())
}

func confChangePending(region *metapb.Region, joint bool) *response {
	why := "is under way; one at a time"
	if joint {
		why = "made the configuration joint, which has to be left first"
	}
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_ConfChangePending{
		ConfChangePending: &errorpb.ConfChangePending{RegionId: region.GetId(), Joint: joint}}},
		"a change of region %d's members %s", region.GetId(), why)
}

func confChangeRefused(peer *metapb.Peer, region *metapb.Region, why string) *response {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_ConfChangeRefused{
		ConfChangeRefused: &errorpb.ConfChangeRefused{Peer: peer, Members: region.GetPeers()}}}, "%s", why)
}

func quorumAtRisk(region *metapb.Region, voters, there int, silent []*metapb.Peer) *response {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_QuorumAtRisk{
		QuorumAtRisk: &errorpb.QuorumAtRisk{Voters: uint32(voters), Silent: silent}}},
		"region %d would have %d voters, of which the leader knows %d to be there and to hold its data: no quorum of %d; "+
			"add a learner first, or force the change", region.GetId(), voters, there, voters/2+1)
}

func leaderTransferring(to *metapb.Peer) *response {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_LeaderTransferring{
		LeaderTransferring: &errorpb.LeaderTransferring{Peer: to}}},
		"the leader is handing over to S%d and takes no commands meanwhile", to.GetStoreId())
}

func transferRefused(to *metapb.Peer, region *metapb.Region, why string) *response {
	refused := &errorpb.TransferRefused{Peer: to}
	for _, member := range region.GetPeers() {
		if isVoter(member) {
			refused.Voters = append(refused.Voters, member)
		}
	}
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_TransferRefused{TransferRefused: refused}}, "%s", why)
}

func splitKeyRefused(key []byte, region *metapb.Region) *response {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_SplitKeyRefused{SplitKeyRefused: &errorpb.SplitKeyRefused{
		SplitKey: key, StartKey: region.GetStartKey(), EndKey: region.GetEndKey()}}},
		"region %d cannot be split at %q: the key must lie inside the region, behind its start", region.GetId(), key)
}

func compactionRefused(index, first, applied uint64) *response {
	refused := &errorpb.Error{Reason: &errorpb.Error_CompactionRefused{CompactionRefused: &errorpb.CompactionRefused{
		CompactIndex: index, FirstIndex: first, AppliedIndex: applied}}}
	switch {
	case index > applied:
		return failure(notApplied, refused, "entry %d is not applied yet: compact up to %d at most", index, applied)
	case first > applied:
		return failure(notApplied, refused, "the log is compacted up to %d already, as far as it is applied", first-1)
	}
	return failure(notApplied, refused, "the log begins at entry %d already", first)
}

func leaseNotOffered() *response {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_LeaseNotOffered{
		LeaseNotOffered: &errorpb.LeaseNotOffered{}}}, "this store gives no lease: lease reads, or CheckQuorum, are switched off")
}

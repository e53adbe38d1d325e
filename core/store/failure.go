package store

import (
	"fmt"

	errorpb "raftplay/core/pb/errorpb/v1"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
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

func regionNotFound(storeID, regionID uint64) *raftcmdpb.RaftCommandResponse {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_RegionNotFound{
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

func staleEpoch(region *metapb.Region) *raftcmdpb.RaftCommandResponse {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_StaleEpoch{
		StaleEpoch: &errorpb.StaleEpoch{CurrentRegions: []*metapb.Region{region}}}},
		"region %d has changed since the command was made", region.GetId())
}

func keyNotInRegion(key []byte, region *metapb.Region) *raftcmdpb.RaftCommandResponse {
	return failure(notApplied, &errorpb.Error{Reason: &errorpb.Error_KeyNotInRegion{KeyNotInRegion: &errorpb.KeyNotInRegion{
		Key: key, RegionId: region.GetId(), StartKey: region.GetStartKey(), EndKey: region.GetEndKey()}}},
		"key %q is not in region %d", key, region.GetId())
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

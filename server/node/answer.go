package node

import (
	"fmt"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

const (
	notApplied = errorpb.Outcome_OUTCOME_NOT_APPLIED
	mayApply   = errorpb.Outcome_OUTCOME_MAY_APPLY
)

// failure answers a command with an error.
func failure(req *raftcmdpb.RaftCommandRequest, e *errorpb.Error) *raftcmdpb.RaftCommandResponse {
	h := req.GetHeader()
	return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{
		Client: h.GetClient(), Sequence: h.GetSequence(), RegionId: h.GetRegionId(), Error: e,
	}}
}

func busyAnswer(req *raftcmdpb.RaftCommandRequest, limit string, value int) *raftcmdpb.RaftCommandResponse {
	return failure(req, &errorpb.Error{
		Message: fmt.Sprintf("the store is busy: %s is %d", limit, value), Outcome: notApplied,
		Reason: &errorpb.Error_ServerIsBusy{ServerIsBusy: &errorpb.ServerIsBusy{Limit: limit}},
	})
}

func stoppedAnswer(req *raftcmdpb.RaftCommandRequest, outcome errorpb.Outcome, why string) *raftcmdpb.RaftCommandResponse {
	return failure(req, &errorpb.Error{
		Message: why, Outcome: outcome, Reason: &errorpb.Error_StoreStopped{StoreStopped: &errorpb.StoreStopped{}},
	})
}

func timeoutAnswer(req *raftcmdpb.RaftCommandRequest, waitedMicros int64) *raftcmdpb.RaftCommandResponse {
	outcome, said := outcomeUnknown(req)
	return failure(req, &errorpb.Error{
		Message: fmt.Sprintf("no answer within %d ms%s", waitedMicros/1_000, said), Outcome: outcome,
		Reason: &errorpb.Error_Timeout{Timeout: &errorpb.Timeout{WaitedMicros: waitedMicros}},
	})
}

// outcomeUnknown is the outcome of a command that was handed to the store and has no answer, and how to say it. One that
// only reads changes nothing.
func outcomeUnknown(req *raftcmdpb.RaftCommandRequest) (errorpb.Outcome, string) {
	if !raftcmdpb.Changes(req) {
		return notApplied, ""
	}
	return mayApply, "; the outcome is unknown"
}

package api

import (
	"fmt"
	"time"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// invalid answers a command that the store is not to see.
func invalid(req *raftcmdpb.RaftCommandRequest, format string, args ...any) *raftcmdpb.RaftCommandResponse {
	return failed(req, &errorpb.Error{
		Message: fmt.Sprintf(format, args...),
		Outcome: errorpb.Outcome_OUTCOME_NOT_APPLIED,
		Reason:  &errorpb.Error_InvalidRequest{InvalidRequest: &errorpb.InvalidRequest{}},
	})
}

// timedOut answers a command whose caller stops waiting. A read changes nothing whatever becomes of it.
func timedOut(req *raftcmdpb.RaftCommandRequest, waited time.Duration) *raftcmdpb.RaftCommandResponse {
	e := &errorpb.Error{
		Message: fmt.Sprintf("no answer within %v", waited.Round(time.Millisecond)),
		Outcome: errorpb.Outcome_OUTCOME_NOT_APPLIED,
		Reason:  &errorpb.Error_Timeout{Timeout: &errorpb.Timeout{WaitedMicros: waited.Microseconds()}},
	}
	if raftcmdpb.Changes(req) {
		e.Outcome = errorpb.Outcome_OUTCOME_MAY_APPLY
		e.Message += "; the outcome is unknown"
	}
	return failed(req, e)
}

func failed(req *raftcmdpb.RaftCommandRequest, e *errorpb.Error) *raftcmdpb.RaftCommandResponse {
	h := req.GetHeader()
	return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{
		Error: e, Client: h.GetClient(), Sequence: h.GetSequence(), RegionId: h.GetRegionId()}}
}

// fitting returns an answer, or in its place the refusal of one that is too large to send.
func (l *Limits) fitting(req *raftcmdpb.RaftCommandRequest, answer *raftcmdpb.RaftCommandResponse) *raftcmdpb.RaftCommandResponse {
	bytes := len(answer.GetCompareFailed().GetValue())
	for _, r := range answer.GetResponses() {
		switch r := r.GetResponse().(type) {
		case *raftcmdpb.Response_Get:
			bytes += len(r.Get.GetValue())
		case *raftcmdpb.Response_Seek:
			bytes += len(r.Seek.GetKey()) + len(r.Seek.GetValue())
		case *raftcmdpb.Response_Scan:
			for _, pair := range r.Scan.GetPairs() {
				bytes += len(pair.GetKey()) + len(pair.GetValue())
			}
		}
	}
	if bytes <= l.AnswerBytesMax {
		return answer
	}
	refusal := invalid(req, "the answer has %d bytes; the most is %d: ask for fewer pairs at a time", bytes, l.AnswerBytesMax)
	if raftcmdpb.Changes(req) {
		refusal.Header.Error.Outcome = errorpb.Outcome_OUTCOME_MAY_APPLY
	}
	return refusal
}

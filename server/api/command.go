package api

import (
	"context"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// The store's own answer that nobody knows the outcome is given a little before the caller's deadline: after it the caller
// would only hear gRPC's.
const answerEarlyMax = 20 * time.Millisecond

// Command implements rpcpb.CommandServiceServer.
func (s *Server) Command(ctx context.Context, in *rpcpb.CommandRequest) (*rpcpb.CommandResponse, error) {
	granted, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	req := in.GetRequest()
	if refusal := s.limits.check(granted, req); refusal != nil {
		return &rpcpb.CommandResponse{Response: refusal}, nil
	}
	patience := s.limits.CommandTimeoutMax
	if deadline, has := ctx.Deadline(); has {
		left := time.Until(deadline)
		patience = min(patience, left-min(left/10, answerEarlyMax))
	}
	began := time.Now()
	answered := make(chan *raftcmdpb.RaftCommandResponse, 1)
	s.store.Propose(req, func(answer *raftcmdpb.RaftCommandResponse) { answered <- answer })
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case answer := <-answered:
		return &rpcpb.CommandResponse{Response: s.limits.fitting(req, answer)}, nil
	case <-timer.C:
		return &rpcpb.CommandResponse{Response: timedOut(req, time.Since(began))}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.closing:
		return &rpcpb.CommandResponse{Response: timedOut(req, time.Since(began))}, nil
	}
}

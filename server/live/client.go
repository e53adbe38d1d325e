package live

import (
	"context"
	"errors"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// Over is a Cluster that a client speaks to, which stays the caller's.
func Over(c *client.Client) Cluster { return remote{c} }

type remote struct{ c *client.Client }

// Stores implements Cluster.
func (r remote) Stores(ctx context.Context) ([]*rpcpb.StoreAddress, error) {
	seen, err := r.c.Stores(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]*rpcpb.StoreAddress, len(seen))
	for i, s := range seen {
		list[i] = &rpcpb.StoreAddress{StoreId: s.ID, Address: s.Address}
	}
	return list, nil
}

// Watch implements Cluster.
func (r remote) Watch(ctx context.Context, storeID uint64) (Stream, error) {
	stream, err := r.c.Watch(ctx, storeID, 0)
	if err != nil {
		return nil, err
	}
	return stream, nil
}

// Do implements Cluster.
func (r remote) Do(ctx context.Context, storeID uint64, request *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
	var answer *raftcmdpb.RaftCommandResponse
	var err error
	if storeID == 0 {
		answer, err = r.c.Do(ctx, request)
	} else {
		answer, err = r.c.DoAt(ctx, storeID, request)
	}
	if refused, ok := errors.AsType[*client.NotApplied](err); ok {
		e := refused.Answer
		if e == nil {
			e = &errorpb.Error{Message: refused.Error(), Outcome: errorpb.Outcome_OUTCOME_NOT_APPLIED}
		}
		return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{Error: e}}, nil
	}
	if unknown, ok := errors.AsType[*client.UnknownOutcome](err); ok {
		return nil, unknown.Cause // That it is unknown is what an error means here.
	}
	return answer, err
}

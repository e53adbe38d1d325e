package live

import (
	"context"
	"errors"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// OfClient is the cluster that a client reaches.
func OfClient(c *client.Client) Cluster { return reached{c} }

type reached struct{ c *client.Client }

func (r reached) Stores(ctx context.Context) ([]*rpcpb.StoreAddress, error) {
	seen, err := r.c.Stores(ctx)
	if err != nil {
		return nil, err
	}
	var stores []*rpcpb.StoreAddress
	for _, s := range seen {
		stores = append(stores, &rpcpb.StoreAddress{StoreId: s.ID, Address: s.Address})
	}
	return stores, nil
}

func (r reached) Watch(ctx context.Context, storeID uint64) (Stream, error) {
	return r.c.Watch(ctx, storeID, 0)
}

// Do carries out a command on the store that is named, as it is; or else finds the leader and tries until there is an answer.
func (r reached) Do(ctx context.Context, storeID uint64, request *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
	if storeID != 0 {
		return r.c.DoOn(ctx, storeID, request)
	}
	answer, err := r.c.Do(ctx, request)
	refused := (*client.NotApplied)(nil)
	if errors.As(err, &refused) {
		e := refused.Answer
		if e == nil {
			e = &errorpb.Error{Message: err.Error(), Outcome: errorpb.Outcome_OUTCOME_NOT_APPLIED}
		}
		return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{Error: e}}, nil
	}
	return answer, err
}

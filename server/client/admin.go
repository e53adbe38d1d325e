package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// Commands that change a region are made for its present shape: one that is repeated after it was applied is refused by the
// epoch, so they are never applied twice.

// Split makes two regions of the one that holds a key, which becomes the right one's first.
func (c *Client) Split(ctx context.Context, key []byte) (left, right *metapb.Region, err error) {
	answer, err := c.administer(ctx, 0, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{
		Split: &raftcmdpb.SplitRequest{SplitKey: key}}})
	left, right = answer.GetSplit().GetLeft(), answer.GetSplit().GetRight()
	if err == nil {
		c.routes.learn(left, 0, 0)
		c.routes.learn(right, 0, 0)
	}
	return left, right, err
}

// ChangePeers changes who replicates a region, and returns the region after it.
func (c *Client) ChangePeers(ctx context.Context, regionID uint64, change *raftcmdpb.ChangePeersRequest) (*metapb.Region, error) {
	answer, err := c.administer(ctx, regionID, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{ChangePeers: change}})
	region := answer.GetChangePeers().GetRegion()
	if err == nil {
		c.routes.learn(region, 0, 0)
	}
	return region, err
}

// TransferLeader has a region's leader hand over to a store's peer, and returns that peer. It has only begun then.
func (c *Client) TransferLeader(ctx context.Context, regionID, storeID uint64) (*metapb.Peer, error) {
	answer, err := c.administer(ctx, regionID, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{
		TransferLeader: &raftcmdpb.TransferLeaderRequest{Peer: &metapb.Peer{StoreId: storeID}}}})
	return answer.GetTransferLeader().GetPeer(), err
}

// CompactLog takes a region's entries up to an index off the front of its log, 0: all that are applied. It returns the index
// of the first entry left.
func (c *Client) CompactLog(ctx context.Context, regionID, index uint64) (firstIndex uint64, err error) {
	answer, err := c.administer(ctx, regionID, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{
		CompactLog: &raftcmdpb.CompactLogRequest{CompactIndex: index}}})
	return answer.GetCompactLog().GetFirstIndex(), err
}

func (c *Client) administer(ctx context.Context, regionID uint64, admin *raftcmdpb.AdminRequest) (*raftcmdpb.AdminResponse, error) {
	if regionID == 0 && admin.GetSplit() == nil {
		return nil, &NotApplied{Cause: errors.New("the command names no region")}
	}
	answer, err := c.Do(ctx, &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{RegionId: regionID}, Admin: admin})
	return answer.GetAdmin(), err
}

// Status returns what the leader of a region knows of it.
func (c *Client) Status(ctx context.Context, regionID uint64) (*raftcmdpb.StatusResponse, error) {
	answer, err := c.Do(ctx, &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: regionID},
		Status: &raftcmdpb.StatusRequest{Type: raftcmdpb.StatusType_STATUS_TYPE_REGION_DETAIL},
	})
	return answer.GetStatus(), err
}

// StoreStats returns what a store is busy with. It is asked once.
func (c *Client) StoreStats(ctx context.Context, storeID uint64) (*raftcmdpb.StoreStats, error) {
	answer, err := c.DoAt(ctx, storeID, &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{},
		Status: &raftcmdpb.StatusRequest{Type: raftcmdpb.StatusType_STATUS_TYPE_STORE_STATS},
	})
	if e := answer.GetHeader().GetError(); err == nil && e != nil {
		err = &NotApplied{Answer: e, Cause: &refusal{e}}
	}
	return answer.GetStatus().GetStats(), err
}

func (c *Client) addressOf(ctx context.Context, storeID uint64) (string, error) {
	if address := c.routes.address(storeID); address != "" {
		return address, nil
	}
	if err := c.Discover(ctx); err != nil {
		return "", err
	}
	address := c.routes.address(storeID)
	if address == "" {
		return "", fmt.Errorf("nobody knows of a store %d", storeID)
	}
	return address, nil
}

// StoreSeen is a store, and whether it answers.
type StoreSeen struct {
	ID      uint64
	Address string
	Version string // of raftplay; empty when it does not answer
	Err     error  // why it does not answer, or nil
}

// RegionSeen is a region as the newest answers tell. The leader is unset when nobody knows one.
type RegionSeen struct {
	Region *metapb.Region
	Leader *metapb.Peer
	Term   uint64
}

// Stores asks every store and returns all that are known, by id. One that nobody has heard an id of is not among them.
func (c *Client) Stores(ctx context.Context) ([]StoreSeen, error) {
	seen, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	byAddress := map[string]described{}
	for _, s := range seen {
		byAddress[s.address] = s
	}
	var stores []StoreSeen
	for id, address := range c.routes.stores() {
		store := StoreSeen{ID: id, Address: address, Err: errNotAsked}
		if s, asked := byAddress[address]; asked {
			store.Version, store.Err = s.answer.GetVersion(), s.err
		}
		stores = append(stores, store)
	}
	slices.SortFunc(stores, func(a, b StoreSeen) int { return cmp.Compare(a.ID, b.ID) })
	return stores, nil
}

var errNotAsked = errors.New("it has not answered yet")

// Regions asks every store and returns the regions, in the order of their keys.
func (c *Client) Regions(ctx context.Context) ([]RegionSeen, error) {
	if err := c.Discover(ctx); err != nil {
		return nil, err
	}
	var regions []RegionSeen
	for _, p := range c.routes.all() {
		regions = append(regions, RegionSeen{Region: p.region, Leader: memberOn(p.region, p.leader), Term: p.term})
	}
	return regions, nil
}

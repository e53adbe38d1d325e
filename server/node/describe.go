package node

import (
	"cmp"
	"slices"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// Describe tells who the store is, whom it knows, and which regions it has, the first 4,096 of them. A store that has
// stopped knows no regions. The answer is read only.
func (n *Node) Describe() *rpcpb.DescribeResponse {
	answer := make(chan *rpcpb.DescribeResponse, 1)
	ordered := n.order(func(l *loop) {
		if l == nil {
			answer <- n.describeAlone()
			return
		}
		answer <- l.describe()
	})
	if !ordered {
		return n.describeAlone()
	}
	return <-answer
}

func (n *Node) describeAlone() *rpcpb.DescribeResponse {
	return &rpcpb.DescribeResponse{
		ClusterId: n.cfg.ClusterID, StoreId: n.cfg.Store.StoreID, Version: n.cfg.Version, Stores: n.addresses(),
	}
}

const (
	// describedMicros is how long a description is good for all who ask, as long as no leader of this store's changes.
	describedMicros = 20_000
	// regionsDescribedMax are told, the lowest ids first.
	regionsDescribedMax = 4_096
)

func (l *loop) describe() *rpcpb.DescribeResponse {
	now := l.n.now()
	if l.described != nil && now-l.describedAt < describedMicros {
		return l.described
	}
	d := l.n.describeAlone()
	ids := l.store.RegionIDs()
	for _, id := range ids[:min(len(ids), regionsDescribedMax)] {
		view, _ := l.store.View(id)
		if view.Uninitialized {
			continue // it knows no more of the region than the id
		}
		region := l.store.Region(id)
		d.Regions = append(d.Regions, &rpcpb.RegionSeen{
			Region: region, Leader: memberOf(region, view.Leader), Term: view.Term,
		})
	}
	l.described, l.describedAt = d, now
	return d
}

// addressList is sorted by store, and holds the store itself.
func addressList(known map[uint64]string, self uint64, address string) []*rpcpb.StoreAddress {
	list := []*rpcpb.StoreAddress{{StoreId: self, Address: address}}
	for id, at := range known {
		if id != self {
			list = append(list, &rpcpb.StoreAddress{StoreId: id, Address: at})
		}
	}
	slices.SortFunc(list, func(a, b *rpcpb.StoreAddress) int { return cmp.Compare(a.StoreId, b.StoreId) })
	return list
}

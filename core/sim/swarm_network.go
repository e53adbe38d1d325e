package sim

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What a swarm does to the network.

// network places a network that is like the run's but for one thing, and the run's again.
func (x *swarm) network(change func(n *sessionpb.Network)) {
	n := cloneConfig(x.config).GetNetwork()
	change(n)
	x.begins(setNetwork(n))
	x.ends(setNetwork(x.config.GetNetwork()))
}

func setNetwork(n *sessionpb.Network) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{Network: n}}}
}

func (x *swarm) lossy() {
	x.network(func(n *sessionpb.Network) { n.LossPpm = uint32(x.draw.between(10_000, 200_000)) })
}

func (x *swarm) slowTail() {
	x.network(func(n *sessionpb.Network) {
		n.SlowPpm, n.SlowMicros = uint32(x.draw.between(10_000, 100_000)), x.draw.between(50_000, 2*x.election)
	})
}

func (x *swarm) twice() {
	x.network(func(n *sessionpb.Network) { n.DuplicatePpm = uint32(x.draw.between(50_000, 300_000)) })
}

func (x *swarm) outOfOrder() {
	x.network(func(n *sessionpb.Network) { n.ReorderPpm = uint32(x.draw.between(50_000, 300_000)) })
}

func (x *swarm) narrow() {
	x.network(func(n *sessionpb.Network) { n.BytesPerSecond = uint64(x.draw.between(2_000, 100_000)) })
}

// links places settings of links, and the links as before.
func (x *swarm) links(links ...*sessionpb.Link) {
	plain := make([]*sessionpb.Link, len(links))
	for i, l := range links {
		plain[i] = &sessionpb.Link{FromStore: l.GetFromStore(), ToStore: l.GetToStore()}
	}
	x.begins(setLinks(links))
	x.ends(setLinks(plain))
}

func setLinks(links []*sessionpb.Link) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetLinks{SetLinks: &sessionpb.SetLinks{Links: links}}}
}

// aLink draws a link.
func (x *swarm) aLink() *sessionpb.Link {
	from := x.anyStore()
	return &sessionpb.Link{FromStore: from, ToStore: 1 + (from+x.draw.below(x.stores-1))%x.stores}
}

// deaf cuts one link in one direction, or makes it a bad one.
func (x *swarm) deaf() {
	link := x.aLink()
	if link.Cut = x.draw.oneIn(2); !link.Cut {
		link.Network = cloneConfig(x.config).GetNetwork()
		link.Network.LatencyMicros = x.draw.between(20_000, min(x.election, latencyMicrosMax))
		link.Network.LossPpm = uint32(x.draw.between(100_000, 600_000))
	}
	x.links(link)
}

func (x *swarm) clog() {
	var links []*sessionpb.Link
	to := x.anyStore()
	for from := uint64(1); from <= x.stores; from++ {
		if from != to && x.draw.oneIn(2) {
			links = append(links, &sessionpb.Link{FromStore: from, ToStore: to, Clogged: true})
		}
	}
	if len(links) > 0 {
		x.links(links...)
	}
}

// partition places one, and the network as one again.
func (x *swarm) partition(kind sessionpb.PartitionKind, sides ...[]uint64) {
	p := &sessionpb.Partition{Kind: kind}
	for _, side := range sides {
		p.Sides = append(p.Sides, &sessionpb.Side{StoreIds: side})
	}
	x.begins(&sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: p}})
	x.ends(&sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: &sessionpb.Partition{}}})
}

func (x *swarm) apart() {
	some, others := x.some()
	x.partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, some, others)
}

func (x *swarm) oneWay() {
	some, others := x.some()
	x.partition(sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY, some, others)
}

func (x *swarm) ring() {
	order := make([]uint64, 0, x.stores)
	for id := uint64(1); id <= x.stores; id++ {
		i := x.draw.below(uint64(len(order)) + 1)
		order = append(order, 0)
		copy(order[i+1:], order[i:])
		order[i] = id
	}
	x.partition(sessionpb.PartitionKind_PARTITION_KIND_RING, order)
}

func (x *swarm) bridge() {
	middle := x.anyStore()
	some, others := x.some()
	without := func(side []uint64) (rest []uint64) {
		for _, id := range side {
			if id != middle {
				rest = append(rest, id)
			}
		}
		return rest
	}
	if some, others = without(some), without(others); len(some) > 0 && len(others) > 0 {
		x.partition(sessionpb.PartitionKind_PARTITION_KIND_BRIDGE, []uint64{middle}, some, others)
	}
}

// filter does something to all messages of a type, from one store or from all.
func (x *swarm) filter() {
	types := []sessionpb.MessageType{
		sessionpb.MessageType_MESSAGE_TYPE_APPEND, sessionpb.MessageType_MESSAGE_TYPE_APPEND_RESPONSE,
		sessionpb.MessageType_MESSAGE_TYPE_VOTE, sessionpb.MessageType_MESSAGE_TYPE_VOTE_RESPONSE,
		sessionpb.MessageType_MESSAGE_TYPE_HEARTBEAT, sessionpb.MessageType_MESSAGE_TYPE_HEARTBEAT_RESPONSE,
		sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT, sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT_ACK,
		sessionpb.MessageType_MESSAGE_TYPE_PEER_GONE, sessionpb.MessageType_MESSAGE_TYPE_TIMEOUT_NOW,
	}
	deeds := []sessionpb.FilterDeed{
		sessionpb.FilterDeed_FILTER_DEED_LOSE, sessionpb.FilterDeed_FILTER_DEED_DELAY,
		sessionpb.FilterDeed_FILTER_DEED_DUPLICATE, sessionpb.FilterDeed_FILTER_DEED_HOLD,
	}
	f := &sessionpb.Filter{Type: types[x.draw.below(uint64(len(types)))], Deed: deeds[x.draw.below(uint64(len(deeds)))]}
	if !x.draw.oneIn(3) {
		f.FromStore = x.anyStore()
	}
	if f.Deed == sessionpb.FilterDeed_FILTER_DEED_DELAY {
		f.DelayMicros = x.draw.between(20_000, x.election)
	}
	x.begins(setFilters(f))
	x.ends(setFilters())
}

func setFilters(filters ...*sessionpb.Filter) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetFilters{SetFilters: &sessionpb.SetFilters{Filters: filters}}}
}

package client

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// misfit is why a command fits no region.
type misfit struct{ words string }

func (m *misfit) Error() string { return m.words }

// target is the region that the command is for, and the store to ask.
func (t *trip) target(ctx context.Context) (place, uint64, error) {
	p, found := t.place()
	if members := len(p.region.GetPeers()); !found || t.tries > members || t.c.mixed.Load() {
		t.tries = 0
		seen, err := t.c.discover(ctx)
		if err != nil {
			return place{}, 0, err
		}
		if p, found = t.place(); !found {
			return place{}, 0, t.nowhere(seen)
		}
	}
	if t.planned != nil && p.region.GetRegionEpoch().GetVersion() != t.planned.GetRegionEpoch().GetVersion() {
		return place{}, 0, errReshaped
	}
	if err := t.fits(p.region); err != nil {
		return place{}, 0, err
	}
	return p, t.choose(p), nil
}

func (t *trip) place() (place, bool) {
	if id := t.regionID(); id != 0 {
		return t.c.routes.byID(id)
	}
	return t.c.routes.at(raftcmdpb.RoutingKey(t.req))
}

func (t *trip) regionID() uint64 {
	if t.planned != nil {
		return t.planned.GetId()
	}
	return t.req.GetHeader().GetRegionId()
}

// nowhere says that the command's region is not known to anybody.
func (t *trip) nowhere(seen []described) error {
	id := t.regionID()
	if id == 0 {
		return fmt.Errorf("no store that answers knows the region of key %q", raftcmdpb.RoutingKey(t.req))
	}
	for _, s := range seen {
		if s.err != nil {
			return fmt.Errorf("no store that answers knows region %d", id)
		}
	}
	return &misfit{fmt.Sprintf("there is no region %d", id)}
}

// fits checks that a region holds all of a command's keys. Regions only ever become smaller: what does not fit now never
// will.
func (t *trip) fits(region *metapb.Region) error {
	first := raftcmdpb.RoutingKey(t.req)
	for key := range raftcmdpb.Keys(t.req) {
		if !holds(region, key) && !bytes.Equal(key, first) {
			return &misfit{fmt.Sprintf("the keys %q and %q lie in different regions: a command stays within one", first, key)}
		}
	}
	return nil
}

// choose is the store to ask: the leader if one is known, or else the members in turn. An old read may be anybody's.
func (t *trip) choose(p place) uint64 {
	members := p.region.GetPeers()
	stale := t.req.GetHeader().GetReadMode() == raftcmdpb.ReadMode_READ_MODE_STALE && !raftcmdpb.Changes(t.req)
	if p.leader != 0 && p.leader != t.failed && !stale {
		return p.leader
	}
	if len(members) == 0 {
		return p.leader
	}
	t.tries++
	at := rand.IntN(len(members))
	if members[at].GetStoreId() == t.failed {
		at = (at + 1) % len(members)
	}
	return members[at].GetStoreId()
}

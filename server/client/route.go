package client

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"

	metapb "raftplay/core/pb/metapb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// routes is what is known of the cluster: the regions by their ranges, who leads them, and where the stores are. All of it
// may be old; answers put it right.
type routes struct {
	mu sync.RWMutex
	// places never overlap; they are in the order of their regions' start keys. There may be gaps.
	places []place
	// listed are the stores' addresses as stores tell them; reached those at which a store has answered itself, which
	// count for more: a store may be known by another name from here.
	listed, reached map[uint64]string
}

// place is a region and the store that leads it, 0 when nobody is known to. The region is never written.
type place struct {
	region *metapb.Region
	leader uint64
	term   uint64
}

func newRoutes() *routes {
	return &routes{listed: map[uint64]string{}, reached: map[uint64]string{}}
}

// age orders shapes of regions: a split counts before a change of members.
func age(a, b *metapb.Region) int {
	return cmp.Or(
		cmp.Compare(a.GetRegionEpoch().GetVersion(), b.GetRegionEpoch().GetVersion()),
		cmp.Compare(a.GetRegionEpoch().GetConfVer(), b.GetRegionEpoch().GetConfVer()))
}

func overlap(a, b *metapb.Region) bool {
	return (len(b.GetEndKey()) == 0 || bytes.Compare(a.GetStartKey(), b.GetEndKey()) < 0) &&
		(len(a.GetEndKey()) == 0 || bytes.Compare(b.GetStartKey(), a.GetEndKey()) < 0)
}

func holds(region *metapb.Region, key []byte) bool {
	return bytes.Compare(key, region.GetStartKey()) >= 0 &&
		(len(region.GetEndKey()) == 0 || bytes.Compare(key, region.GetEndKey()) < 0)
}

func memberOn(region *metapb.Region, storeID uint64) *metapb.Peer {
	for _, p := range region.GetPeers() {
		if p.GetStoreId() == storeID {
			return p
		}
	}
	return nil
}

// learn takes in a region, unless what is known is newer. A leader of 0 says nothing about who leads.
func (r *routes) learn(region *metapb.Region, leader, term uint64) {
	if region.GetId() == 0 || region.GetRegionEpoch() == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learnLocked(region, leader, term)
}

func (r *routes) learnLocked(region *metapb.Region, leader, term uint64) {
	learned := place{region: region, leader: leader, term: term}
	for i := range r.places {
		p := &r.places[i]
		if p.region.GetId() != region.GetId() && !overlap(p.region, region) {
			continue
		}
		order := age(p.region, region)
		if p.region.GetId() == region.GetId() {
			if p.term > term || p.term == term && leader == 0 {
				learned.leader, learned.term = p.leader, p.term
			}
			if order >= 0 {
				p.leader, p.term = learned.leader, learned.term
				return
			}
		} else if p.region.GetRegionEpoch().GetVersion() > region.GetRegionEpoch().GetVersion() {
			return
		}
	}
	r.places = slices.DeleteFunc(r.places, func(p place) bool {
		return p.region.GetId() == region.GetId() || overlap(p.region, region)
	})
	at, _ := slices.BinarySearchFunc(r.places, region.GetStartKey(), byStart)
	r.places = slices.Insert(r.places, at, learned)
}

func byStart(p place, key []byte) int { return bytes.Compare(p.region.GetStartKey(), key) }

// described takes in what a store says of itself and of what it knows.
func (r *routes) described(address string, d *rpcpb.DescribeResponse) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, at := range r.reached {
		if at == address && id != d.GetStoreId() {
			delete(r.reached, id) // another store serves there now
		}
	}
	r.reached[d.GetStoreId()] = address
	for _, s := range d.GetStores() {
		if s.GetStoreId() != 0 && s.GetAddress() != "" && len(r.listed) < endpointsMax {
			r.listed[s.GetStoreId()] = s.GetAddress()
		}
	}
	for _, seen := range d.GetRegions() {
		if region := seen.GetRegion(); region.GetId() != 0 && region.GetRegionEpoch() != nil {
			r.learnLocked(region, seen.GetLeader().GetStoreId(), seen.GetTerm())
		}
	}
}

// at returns the place that holds a key.
func (r *routes) at(key []byte) (place, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i, exact := slices.BinarySearchFunc(r.places, key, byStart)
	if !exact {
		i--
	}
	if i < 0 || !holds(r.places[i].region, key) {
		return place{}, false
	}
	return r.places[i], true
}

// before returns the place that holds the last keys before an end; an empty end is behind all keys.
func (r *routes) before(end []byte) (place, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i := len(r.places)
	if len(end) > 0 {
		i, _ = slices.BinarySearchFunc(r.places, end, byStart)
	}
	if i == 0 {
		return place{}, false
	}
	p := r.places[i-1]
	reaches := len(p.region.GetEndKey()) == 0 || len(end) > 0 && bytes.Compare(p.region.GetEndKey(), end) >= 0
	return p, reaches
}

func (r *routes) byID(regionID uint64) (place, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, p := range r.places {
		if p.region.GetId() == regionID {
			return p, true
		}
	}
	return place{}, false
}

// setLeader notes who leads a region; 0: nobody is known to.
func (r *routes) setLeader(regionID, storeID uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.places {
		if r.places[i].region.GetId() == regionID {
			r.places[i].leader = storeID
			return
		}
	}
}

// forget drops what is known of a region.
func (r *routes) forget(regionID uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.places = slices.DeleteFunc(r.places, func(p place) bool { return p.region.GetId() == regionID })
}

// address is where a store is spoken to; empty when nobody has said.
func (r *routes) address(storeID uint64) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if address := r.reached[storeID]; address != "" {
		return address
	}
	return r.listed[storeID]
}

// unreached notes that nobody answers at an address any more: a store that was there may have moved to where it is listed.
func (r *routes) unreached(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.reached, func(id uint64, at string) bool { return at == address && r.listed[id] != "" })
}

// addresses are where stores may answer, each once, in order.
func (r *routes) addresses(endpoints []string) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := slices.Clone(endpoints)
	for id, address := range r.listed {
		if reached := r.reached[id]; reached != "" {
			address = reached
		}
		all = append(all, address)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *routes) all() []place {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.places)
}

// stores are the known stores' addresses.
func (r *routes) stores() map[uint64]string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := maps.Clone(r.listed)
	maps.Copy(all, r.reached)
	return all
}

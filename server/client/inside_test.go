package client

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metapb "raftplay/core/pb/metapb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func TestCommandsGivenUpDoNotPileUpBeforeAStoreThatDoesNotRead(t *testing.T) {
	w := newWire(nil, func() {}) // and nobody writes
	defer w.due.Stop()
	for id := range uint64(3 * queueMax) {
		c := &call{due: time.Now().Add(time.Hour), done: make(chan struct{}, 1)}
		if err := w.submit(id, c); err != nil {
			t.Fatal(err)
		}
		if !w.giveUp(id, c) {
			t.Fatalf("command %d was not there", id)
		}
	}
	if len(w.queue) > queueMax || len(w.waiting) > 0 {
		t.Errorf("%d commands are queued, %d wait", len(w.queue), len(w.waiting))
	}
}

func TestClientIDsGrowWithTimeAndAboveAFloor(t *testing.T) {
	var one, other ids
	first := one.next(0)
	if moment := time.Now().UnixNano() / int64(clockStep); first>>randomBits < uint64(moment)-32 || first>>randomBits > uint64(moment) {
		t.Errorf("id %x is not of now", first)
	}
	for before := first; ; {
		next := one.next(0)
		if next <= before {
			t.Fatalf("%x follows %x", next, before)
		}
		if before = next; next>>randomBits > first>>randomBits+1 {
			break // the clock has moved on
		}
	}
	// Those whose clocks are behind the floor do not take the same id above it.
	floor := uint64(1) << 63
	if a, b := one.next(floor), other.next(floor); a <= floor || b <= floor || a == b {
		t.Errorf("%x and %x above %x", a, b, floor)
	}
}

// seen is a region as a test writes it: id, start, end, version and the store that leads.
func seen(id uint64, start, end string, version, leader uint64) (*metapb.Region, uint64, uint64) {
	return &metapb.Region{
		Id: id, StartKey: []byte(start), EndKey: []byte(end), RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: version},
	}, leader, version
}

func (r *routes) String() string {
	var all []string
	for _, p := range r.all() {
		all = append(all, fmt.Sprintf("%d[%s,%s)v%d@S%d", p.region.GetId(), p.region.GetStartKey(), p.region.GetEndKey(),
			p.region.GetRegionEpoch().GetVersion(), p.leader))
	}
	return strings.Join(all, " ")
}

func TestNewerShapesOfRegionsTakeThePlaceOfOlderOnes(t *testing.T) {
	r := newRoutes()
	want := func(what, all string) {
		t.Helper()
		if r.String() != all {
			t.Errorf("%s: %s, want %s", what, r, all)
		}
	}
	r.learn(seen(1, "", "", 1, 3))
	want("the whole", "1[,)v1@S3")
	r.learn(seen(2, "m", "", 2, 1))
	want("a half of it", "2[m,)v2@S1")
	r.learn(seen(1, "", "", 1, 2))
	want("the whole as it was", "2[m,)v2@S1")
	r.learn(seen(1, "", "m", 2, 3))
	want("the other half", "1[,m)v2@S3 2[m,)v2@S1")
	left, _, _ := seen(1, "", "m", 2, 0)
	r.learn(left, 0, 0)
	want("the same, by one who knows no leader", "1[,m)v2@S3 2[m,)v2@S1")
	r.learn(left, 2, 9)
	want("a leader of a newer term", "1[,m)v2@S2 2[m,)v2@S1")
	r.setLeader(2, 0)
	want("a leader lost", "1[,m)v2@S2 2[m,)v2@S0")

	for key, id := range map[string]uint64{"": 1, "a": 1, "m": 2, "z": 2} {
		if p, found := r.at([]byte(key)); !found || p.region.GetId() != id {
			t.Errorf("key %q is in %v, %v", key, p.region, found)
		}
	}
	for end, id := range map[string]uint64{"": 2, "m": 1, "n": 2, "b": 1} {
		if p, found := r.before([]byte(end)); !found || p.region.GetId() != id {
			t.Errorf("before %q is %v, %v", end, p.region, found)
		}
	}
	r.forget(1)
	if p, found := r.at([]byte("a")); found {
		t.Errorf("a forgotten region is found: %v", p)
	}
	if p, found := r.before([]byte("m")); found {
		t.Errorf("a forgotten region is found before its end: %v", p)
	}
	if got := r.addresses([]string{"b:1", "a:1"}); !slices.Equal(got, []string{"a:1", "b:1"}) {
		t.Errorf("addresses %v", got)
	}
}

func TestAStoreThatHasMovedIsLookedForWhereItIsListed(t *testing.T) {
	r := newRoutes()
	is := func(id uint64, second string) *rpcpb.DescribeResponse {
		return &rpcpb.DescribeResponse{StoreId: id, Stores: []*rpcpb.StoreAddress{
			{StoreId: 1, Address: "inside:1"}, {StoreId: 2, Address: second}}}
	}
	r.described("outside:1", is(1, "old:2"))
	r.described("old:2", is(2, "old:2"))
	r.described("outside:1", is(1, "new:2")) // S1 has heard of it
	if got := r.address(2); got != "old:2" {
		t.Errorf("as long as it answers there, S2 is at %s, want old:2", got)
	}
	r.unreached("old:2")
	if got := r.addresses(nil); r.address(2) != "new:2" || !slices.Equal(got, []string{"new:2", "outside:1"}) {
		t.Errorf("S2 is at %s, and %v are asked", r.address(2), got)
	}
	r.described("new:2", is(2, "new:2"))
	if got := r.stores(); got[1] != "outside:1" || got[2] != "new:2" {
		t.Errorf("the stores are at %v", got)
	}
}

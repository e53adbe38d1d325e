//go:build unix

package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/core/store"
	"raftplay/server/client"
	"raftplay/server/cluster"
	"raftplay/server/disk"
)

// The behaviours of TiKV's integration tests that are about more than one store, on live ones: processes where a process or
// its disk matters, or else stores in this process.

// embedded runs stores in this process.
func embedded(t testing.TB, stores int) (*cluster.Embedded, *client.Client) {
	t.Helper()
	e, err := cluster.OpenEmbedded(cluster.EmbeddedConfig{Stores: stores, DataDir: t.TempDir(), Timing: quick})
	must(t, err)
	t.Cleanup(func() { must(t, e.Close()) })
	return e, open(t, e.Endpoints())
}

const readIndex = raftcmdpb.ReadMode_READ_MODE_READ_INDEX

func mustPut(t testing.TB, c *client.Client, key, value string) {
	t.Helper()
	if err := c.Put(within(t), []byte(key), []byte(value)); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

// mustGet wants a value; empty: that there is none.
func mustGet(t testing.TB, c *client.Client, key, want string) {
	t.Helper()
	value, found, err := c.Get(within(t), []byte(key), readIndex)
	if err != nil || string(value) != want || found != (want != "") {
		t.Fatalf("get %s: %q, %v, %v; want %q", key, value, found, err, want)
	}
}

// eachKey does something to the keys from 1 to n, some at a time.
func eachKey(t testing.TB, n int, do func(ctx context.Context, key string) error) {
	t.Helper()
	const atATime = 32
	ctx := within(t)
	failed := make([]error, atATime)
	var work sync.WaitGroup
	for first := range atATime {
		work.Go(func() {
			for i := first + 1; i <= n && failed[first] == nil; i += atATime {
				failed[first] = do(ctx, fmt.Sprint("key", i))
			}
		})
	}
	work.Wait()
	must(t, errors.Join(failed...))
}

// notRefused is nil when a command was refused for certain.
func notRefused(err error) error {
	if errors.As(err, new(*client.NotApplied)) {
		return nil
	}
	return fmt.Errorf("it should be refused, and gets %v", err)
}

const manyKeys = 999

func TestTiKVPutAndDeleteLive(t *testing.T) {
	t.Parallel()
	e, c := embedded(t, 3)
	for _, value := range []string{"first ", "second "} {
		eachKey(t, manyKeys, func(ctx context.Context, key string) error { return c.Put(ctx, []byte(key), []byte(value+key)) })
		eachKey(t, manyKeys, func(ctx context.Context, key string) error {
			got, found, err := c.Get(ctx, []byte(key), readIndex)
			if err == nil && (!found || string(got) != value+key) {
				err = fmt.Errorf("%s is %q, %v", key, got, found)
			}
			return err
		})
	}
	must(t, notRefused(c.Put(within(t), nil, []byte("value"))))
	must(t, notRefused(c.Put(within(t), make([]byte, 4097), []byte("value"))))
	must(t, notRefused(c.Put(within(t), []byte("key1"), make([]byte, 1<<20+1))))
	_, err := c.Delete(within(t), nil)
	must(t, notRefused(err))
	pairs, more, err := c.Scan(within(t), client.Range{Limit: manyKeys + 1}, readIndex)
	if err != nil || more || len(pairs) != manyKeys {
		t.Fatalf("there are %d pairs (%v, %v), want %d", len(pairs), more, err, manyKeys)
	}
	eachKey(t, manyKeys, func(ctx context.Context, key string) error {
		found, err := c.Delete(ctx, []byte(key))
		if err == nil && !found {
			err = fmt.Errorf("%s was not there to be deleted", key)
		}
		return err
	})
	if pairs, _, err := c.Scan(within(t), client.Range{Limit: 1}, readIndex); err != nil || len(pairs) != 0 {
		t.Errorf("after all was deleted there is %v, %v", pairs, err)
	}
	if found, err := c.Delete(within(t), []byte("key1")); err != nil || found {
		t.Errorf("a deleted key was deleted again: %v, %v", found, err)
	}
	for id := range e.Endpoints() {
		lacks(t, c, uint64(id+1), "key999")
	}
}

// lacks waits until a store itself has applied that a key is gone.
func lacks(t testing.TB, c *client.Client, store uint64, key string) {
	t.Helper()
	eventually(t, fmt.Sprintf("S%d has no %s", store, key), func() bool {
		answer, err := c.DoAt(within(t), store, get(key, raftcmdpb.ReadMode_READ_MODE_STALE))
		return err == nil && answer.GetHeader().GetError() == nil && !answer.GetResponses()[0].GetGet().GetFound()
	})
}

func TestTiKVSeekLive(t *testing.T) {
	t.Parallel()
	_, c := embedded(t, 3)
	seek := func(from, want, value string) {
		t.Helper()
		pair, err := c.Seek(within(t), []byte(from), readIndex)
		if err != nil || string(pair.GetKey()) != want || string(pair.GetValue()) != value || (pair != nil) != (want != "") {
			t.Errorf("seek %q: %v, %v; want %q", from, pair, err, want)
		}
	}
	seek("a", "", "")
	pairs := map[string]string{"a": "1", "b": "2", "b\x00": "3", "b\xff": "4", "k10": "5", "k2": "6", "\xff": "7"}
	for key, value := range pairs {
		mustPut(t, c, key, value)
	}
	_, _, err := c.Split(within(t), []byte("k"))
	must(t, err) // a seek goes on into the next region
	for _, s := range []struct{ from, want string }{
		{"\x00", "a"}, {"a", "a"}, {"a\x00", "b"}, {"b", "b"}, {"b\x00", "b\x00"}, {"b\x01", "b\xff"}, {"c", "k10"},
		{"k10", "k10"}, {"k11", "k2"}, {"k2\x00", "\xff"}, {"\xff", "\xff"}, {"\xff\x00", ""},
	} {
		seek(s.from, s.want, pairs[s.want])
	}
	_, err = c.Delete(within(t), []byte("b\x00"))
	must(t, err)
	seek("b\x00", "b\xff", "4")
}

// opened opens the engine of a store that does not run.
func (g *group) opened(id, clusterID uint64) *disk.Engine {
	g.t.Helper()
	e, err := disk.Open(disk.Options{Dir: g.folder(id), StoreID: id, ClusterID: clusterID})
	must(g.t, err)
	return e
}

// applied is what an engine holds of the first region.
func (g *group) applied(e *disk.Engine, id uint64) map[string]string {
	g.t.Helper()
	cfg := store.DefaultConfig()
	cfg.StoreID, cfg.Engine, cfg.Incarnation = id, e, e.Incarnation()
	cfg.Now = func() int64 { return 0 }
	cfg.NewID = func(store.IDKind) uint64 { return 0 }
	s, err := store.Open(cfg)
	must(g.t, err)
	defer s.Quit()
	pairs := map[string]string{}
	must(g.t, s.Data(1, func(key, value []byte, _ uint64) bool {
		pairs[string(key)] = string(value)
		return true
	}))
	return pairs
}

// The moment a write is answered its entry is on a quorum's disks; soon after, its effect is on every one.
func TestTiKVMultiBaseLive(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	c := open(t, g.endpoints())
	const value = "a value that is found wherever it is"
	mustPut(t, c, "a1", value)
	must(t, g.each(g.peers.IDs(), g.kill))
	logged := 0
	for id := range g.peers {
		e := g.opened(id, c.ClusterID())
		must(t, e.Ascend(nil, nil, func(_, entry []byte) bool {
			if bytes.Contains(entry, []byte(value)) {
				logged++
				return false
			}
			return true
		}))
		must(t, e.Close())
	}
	if logged < 2 {
		t.Errorf("a put is answered, and it is on %d disks of 3", logged)
	}
	g.startAll()
	mustPut(t, c, "a2", value)
	found, err := c.Delete(within(t), []byte("a2"))
	if err != nil || !found {
		t.Fatalf("delete: %v, %v", found, err)
	}
	for id := range g.peers {
		holds(t, c, id, "a1", value)
		lacks(t, c, id, "a2")
	}
	if testing.Short() { // a leader that stops waits for one that would take over
		return
	}
	must(t, g.each(g.peers.IDs(), g.stop))
	for id := range g.peers {
		e := g.opened(id, c.ClusterID())
		got := g.applied(e, id)
		if a2, found := got["a2"]; got["a1"] != value || found {
			t.Errorf("S%d's disk holds a1 = %q and a2 = %q", id, got["a1"], a2)
		}
		must(t, e.Close())
	}
}

// reelectionMax is two election timeouts of up to 30 ticks, and as much again for a machine that others use too.
const reelectionMax = 5 * time.Second

func TestTiKVLeaderCrashLive(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 5)
	c := open(t, g.endpoints())
	mustPut(t, c, "before", "1")
	old := leaderOf(t, c)
	must(t, g.kill(old))
	began := time.Now()
	mustPut(t, c, "after", "1")
	if took := time.Since(began); took > reelectionMax {
		t.Errorf("it took %v to go on without the leader", took)
	}
	if leader := leaderOf(t, c); leader == old {
		t.Errorf("S%d leads, and is down", old)
	}
	for i := range 20 {
		mustPut(t, c, fmt.Sprint("after", i), "2")
	}
	mustGet(t, c, "before", "1")
	must(t, g.start(old))
	holds(t, c, old, "after19", "2")
	mustPut(t, c, "later", "3")
	holds(t, c, old, "later", "3")
}

func TestTiKVClusterRestartLive(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	c := open(t, g.endpoints())
	eachKey(t, 100, func(ctx context.Context, key string) error { return c.Put(ctx, []byte(key), []byte("kept "+key)) })
	_, err := c.Delete(within(t), []byte("key100"))
	must(t, err)
	ends := []func(uint64) error{g.kill, g.stop}
	if testing.Short() { // as above
		ends = ends[:1]
	}
	for round, end := range ends {
		must(t, g.each(g.peers.IDs(), end))
		g.startAll()
		eachKey(t, 99, func(ctx context.Context, key string) error {
			got, _, err := c.Get(ctx, []byte(key), readIndex)
			if err == nil && string(got) != "kept "+key {
				err = fmt.Errorf("%s is %q", key, got)
			}
			return err
		})
		mustGet(t, c, "key100", "")
		mustPut(t, c, "again", fmt.Sprint(round))
		mustGet(t, c, "again", fmt.Sprint(round))
	}
}

func TestTiKVLostMajorityLive(t *testing.T) {
	t.Parallel()
	for _, stores := range []int{4, 5} {
		t.Run(fmt.Sprintf("stores=%d", stores), func(t *testing.T) {
			t.Parallel()
			g := startGroup(t, stores)
			c := open(t, g.endpoints())
			mustPut(t, c, "before", "1")
			leader := leaderOf(t, c)
			var down, up []uint64
			for id := uint64(1); id <= uint64(stores); id++ {
				holds(t, c, id, "before", "1")
				if id != leader && len(down) < (stores+1)/2 {
					down = append(down, id)
				} else {
					up = append(up, id)
				}
			}
			must(t, g.each(down, g.kill))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := c.Put(ctx, []byte("during"), []byte("1")); err == nil {
				t.Error("a write was acknowledged without a majority")
			}
			for _, id := range up {
				eventually(t, fmt.Sprintf("S%d knows of no leader", id), func() bool {
					answer, err := c.DoAt(within(t), id, put("during", "1"))
					e := answer.GetHeader().GetError().GetNotLeader()
					return err == nil && e != nil && e.GetLeader() == nil
				})
				lacks(t, c, id, "during")
			}
			must(t, g.start(down[0]))
			mustPut(t, c, "after", "1")
			mustGet(t, c, "after", "1")
			mustGet(t, c, "before", "1")
			must(t, g.alive())
		})
	}
}

func TestTiKVRandomRestartLive(t *testing.T) {
	t.Parallel()
	replays(t)
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	g := startGroup(t, 3)
	c := open(t, g.endpoints())
	draw := rand.New(rand.NewPCG(*seedFlag, 0))
	for round := range rounds {
		id := 1 + draw.Uint64N(3)
		during := make(chan error, 1)
		go func() { during <- c.Put(within(t), []byte("during"), []byte("x")) }()
		time.Sleep(time.Duration(draw.Int64N(int64(20 * time.Millisecond))))
		must(t, g.kill(id))
		must(t, <-during)
		for i := range 5 {
			mustPut(t, c, fmt.Sprint("key", i), fmt.Sprint(round))
		}
		must(t, g.start(id))
		holds(t, c, id, "key4", fmt.Sprint(round))
		holds(t, c, id, "during", "x")
	}
}

func TestTiKVConfChangeLive(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	c := open(t, g.endpoints())
	mustPut(t, c, "k1", "v1")
	g.join(4)
	change := func(kind raftcmdpb.PeerChangeType, id uint64) *metapb.Region {
		t.Helper()
		region, err := c.ChangePeers(within(t), 1, &raftcmdpb.ChangePeersRequest{
			Changes: []*raftcmdpb.PeerChange{{Type: kind, Peer: &metapb.Peer{StoreId: id}}}})
		must(t, err)
		return region
	}
	added := change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, 4)
	if len(added.GetPeers()) != 4 || added.GetRegionEpoch().GetConfVer() != 2 {
		t.Errorf("with S4 the region is %v", added)
	}
	holds(t, c, 4, "k1", "v1")
	removed := change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE, 1)
	if len(removed.GetPeers()) != 3 || removed.GetRegionEpoch().GetConfVer() != 3 {
		t.Errorf("without S1 the region is %v", removed)
	}
	mustPut(t, c, "k2", "v2")
	holds(t, c, 4, "k2", "v2")
	gone := func() bool {
		stats, err := c.StoreStats(within(t), 1)
		return err == nil && stats.GetRegions() == 0
	}
	eventually(t, "S1 has no region", gone)
	must(t, g.kill(1)) // nobody needs it any more
	must(t, g.start(1))
	// What it knew of its removal may not have been on the disk; the others tell it again.
	eventually(t, "S1 has no region after its restart", gone)
	back := change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, 1)
	for _, p := range back.GetPeers() {
		if p.GetStoreId() == 1 && p.GetId() == 1 {
			t.Errorf("the peer on S1 comes back under its old id: %v", back)
		}
	}
	holds(t, c, 1, "k2", "v2")
	must(t, g.kill(2))
	mustPut(t, c, "k3", "v3") // three of four
}

// join starts a store that the cluster did not begin with.
func (g *group) join(id uint64) {
	g.t.Helper()
	address := freeAddresses(g.t, 1)[1]
	g.args = func(of uint64) []string {
		if of == id {
			return []string{"--join", "--peers", g.peers.String() + fmt.Sprintf(",%d=%s", id, address)}
		}
		return nil
	}
	must(g.t, g.start(id))
}

func TestTiKVSplitLive(t *testing.T) {
	t.Parallel()
	e, c := embedded(t, 3)
	mustPut(t, c, "a", "1")
	mustPut(t, c, "z", "2")
	whole, err := c.Regions(within(t))
	must(t, err)
	left, right, err := c.Split(within(t), []byte("m"))
	must(t, err)
	version := whole[0].Region.GetRegionEpoch().GetVersion() + 1
	if left.GetId() != 1 || string(left.GetEndKey()) != "m" || string(right.GetStartKey()) != "m" || len(right.GetEndKey()) != 0 ||
		left.GetRegionEpoch().GetVersion() != version || right.GetRegionEpoch().GetVersion() != version || len(right.GetPeers()) != 3 {
		t.Fatalf("the halves are %v and %v", left, right)
	}
	mustGet(t, c, "a", "1")
	mustGet(t, c, "z", "2")
	mustPut(t, c, "n", "3")
	mustPut(t, c, "l", "4")
	for id := range e.Endpoints() {
		holds(t, c, uint64(id+1), "n", "3")
		holds(t, c, uint64(id+1), "l", "4")
	}
	// A key on the wrong side: the left region's leader names the right one.
	wrong := get("z", readIndex)
	wrong.Header.RegionId, wrong.Header.RegionEpoch = left.GetId(), left.GetRegionEpoch()
	eventually(t, "the left region refuses a key of the right one", func() bool {
		for id := range e.Endpoints() {
			answer, err := c.DoAt(within(t), uint64(id+1), wrong)
			if named := answer.GetHeader().GetError().GetKeyNotInRegion().GetRightRegion(); err == nil && named.GetId() == right.GetId() {
				return true
			}
		}
		return false
	})
	regions, err := c.Regions(within(t))
	if err != nil || len(regions) != 2 {
		t.Errorf("the regions are %v, %v", regions, err)
	}
}

func TestTiKVTransferLeaderLive(t *testing.T) {
	t.Parallel()
	_, c := embedded(t, 3)
	mustPut(t, c, "a", "1")
	for range 3 {
		old := leaderOf(t, c)
		next := old%3 + 1
		eventually(t, fmt.Sprintf("S%d leads", next), func() bool {
			_, _ = c.TransferLeader(within(t), 1, next) // advice, which may come to nothing, or be refused when it is done
			return leaderOf(t, c) == next
		})
		answer, err := c.DoAt(within(t), old, put("a", "of the old leader"))
		if err != nil || answer.GetHeader().GetError().GetNotLeader().GetLeader().GetStoreId() != next {
			t.Errorf("S%d has handed over to S%d and answers %v, %v", old, next, answer, err)
		}
		mustPut(t, c, "a", fmt.Sprint("by ", next))
		mustGet(t, c, "a", fmt.Sprint("by ", next))
	}
}

func TestTiKVPartitionWriteLive(t *testing.T) {
	t.Parallel()
	g, x := startLinked(t)
	c := open(t, x.reached())
	mustPut(t, c, "a", "0")
	leader := leaderOf(t, c)
	follower := leader%3 + 1
	x.around(follower, treatment{kind: swallowed}) // the majority does not even notice
	mustPut(t, c, "a", "1")
	x.heal()
	holds(t, c, follower, "a", "1")
	leader = leaderOf(t, c)
	x.around(leader, treatment{kind: swallowed}) // another leader has to be found
	mustPut(t, c, "a", "2")
	answer, err := c.DoAt(within(t), leader, get("a", raftcmdpb.ReadMode_READ_MODE_STALE))
	if err != nil || string(answer.GetResponses()[0].GetGet().GetValue()) != "1" {
		t.Errorf("S%d is alone and holds %v, %v", leader, answer, err)
	}
	x.heal()
	holds(t, c, leader, "a", "2")
	must(t, g.alive())
}

//go:build unix

package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

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
	mustSplit(t, c, "k") // a seek goes on into the next region
	for _, s := range []struct{ from, want string }{
		{"\x00", "a"}, {"a", "a"}, {"a\x00", "b"}, {"b", "b"}, {"b\x00", "b\x00"}, {"b\x01", "b\xff"}, {"c", "k10"},
		{"k10", "k10"}, {"k11", "k2"}, {"k2\x00", "\xff"}, {"\xff", "\xff"}, {"\xff\x00", ""},
	} {
		seek(s.from, s.want, pairs[s.want])
	}
	_, err := c.Delete(within(t), []byte("b\x00"))
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

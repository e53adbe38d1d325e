package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/api"
	"raftplay/server/client"
	"raftplay/server/client/clienttest"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// TestMain fails when goroutines of clients or clusters are left.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftOver(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

func leftOver() string {
	var left string
	for range 200 {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = ""
		for _, stack := range strings.Split(string(stacks), "\n\n")[1:] {
			if strings.Contains(stack, "raftplay/server/") || strings.Contains(stack, "google.golang.org/grpc") {
				left = stack
			}
		}
		if left == "" {
			return ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	return left
}

const within = 15 * time.Second

func open(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// read is a key's value, or "-".
func read(t *testing.T, c *client.Client, key string) string {
	t.Helper()
	value, found, err := c.Get(patience(t), []byte(key), 0)
	must(t, err)
	if !found {
		return "-"
	}
	return string(value)
}

func TestOneEndpointIsEnoughToFindTheLeader(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: []string{cluster.Address(3)}})
	ctx := patience(t)
	must(t, c.Put(ctx, []byte("a"), []byte("1")))
	if got := read(t, c, "a"); got != "1" {
		t.Errorf("read %q", got)
	}
	found, err := c.Delete(ctx, []byte("a"))
	if err != nil || !found || read(t, c, "a") != "-" {
		t.Errorf("deleted: %v, %v", found, err)
	}
	failed, err := c.PutIf(ctx, []byte("b"), []byte("1"), nil)
	if err != nil || failed != nil {
		t.Errorf("put if absent: %v, %v", failed, err)
	}
	failed, err = c.PutIf(ctx, []byte("b"), []byte("2"), []byte("0"))
	if err != nil || string(failed.GetValue()) != "1" || read(t, c, "b") != "1" {
		t.Errorf("put if 0: %v, %v", failed, err)
	}
	stores, err := c.Stores(ctx)
	if err != nil || len(stores) != 3 || stores[0].Address != cluster.Address(1) || stores[0].Err != nil || stores[0].Version != "test" {
		t.Errorf("stores: %v, %v", stores, err)
	}
	regions, err := c.Regions(ctx)
	if err != nil || len(regions) != 1 || regions[0].Leader.GetStoreId() != cluster.Leader(1) {
		t.Errorf("regions: %v, %v", regions, err)
	}
	if c.ClusterID() != 7 {
		t.Errorf("cluster %d", c.ClusterID())
	}
}

// Each write appends its number to a key, by a compare with what stood there. One that were applied twice would stand there
// twice, or fail its own compare.
func TestEachWriteIsAppliedOnceWhileLeadersChange(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints(), AttemptTimeout: 300 * time.Millisecond})
	ctx := patience(t)
	const writers, shakes = 8, 12
	var logs [writers]string
	var shaken atomic.Bool
	var written atomic.Int64
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			key := fmt.Appendf(nil, "log%d", w)
			for i := 0; !shaken.Load(); i++ {
				next := logs[w] + fmt.Sprintf("%d,", i)
				expected := []byte(logs[w])
				if i == 0 {
					expected = nil
				}
				failed, err := c.PutIf(ctx, key, []byte(next), expected)
				if err != nil || failed != nil {
					t.Errorf("write %d of %s: %v, found %q instead of %q", i, key, err, failed.GetValue(), logs[w])
					return
				}
				logs[w] = next
				written.Add(1)
			}
		})
	}
	for i := range uint64(shakes) {
		if lost := cluster.Leader(1); i%4 == 3 && lost != 0 {
			cluster.Crash(lost)
			cluster.Restart(lost)
		} else {
			cluster.Transfer(1, i%3+1)
		}
		before := written.Load()
		cluster.Eventually("writes go on", func() bool { return written.Load() > before+40 })
	}
	shaken.Store(true)
	writing.Wait()
	for w := range writers {
		if got := read(t, c, fmt.Sprintf("log%d", w)); got != logs[w] || strings.Count(got, ",") < shakes {
			t.Errorf("log%d is\n%s\nand should be\n%s", w, got, logs[w])
		}
	}
}

func TestCommandsFollowASplit(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	other := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	for _, key := range []string{"b", "d", "f", "h"} {
		must(t, c.Put(ctx, []byte(key), []byte(key+"1")))
	}
	for _, at := range []string{"e", "g"} {
		left, right, err := other.Split(ctx, []byte(at))
		if err != nil || string(left.GetEndKey()) != at || string(right.GetStartKey()) != at {
			t.Fatalf("split at %s: %v, %v, %v", at, left, right, err)
		}
	}
	// The first client still takes it for one region.
	must(t, c.Put(ctx, []byte("h"), []byte("h2")))
	must(t, c.Put(ctx, []byte("b"), []byte("b2")))
	if b, f, h := read(t, c, "b"), read(t, c, "f"), read(t, c, "h"); b != "b2" || f != "f1" || h != "h2" {
		t.Errorf("read %s, %s, %s", b, f, h)
	}
	pair, err := c.Seek(ctx, []byte("e"), 0)
	if err != nil || string(pair.GetKey()) != "f" {
		t.Errorf("seek: %v, %v", pair, err)
	}
	if pair, err = c.Seek(ctx, []byte("i"), 0); err != nil || pair != nil {
		t.Errorf("seek past the end: %v, %v", pair, err)
	}
	for _, s := range []struct {
		r    client.Range
		want string
		more bool
	}{
		{client.Range{Limit: 10}, "b d f h", false},
		{client.Range{Limit: 3}, "b d f", true},
		{client.Range{Limit: 4}, "b d f h", false},
		{client.Range{Start: []byte("c"), End: []byte("h"), Limit: 10}, "d f", false},
		{client.Range{Limit: 10, Reverse: true}, "h f d b", false},
		{client.Range{Limit: 2, Reverse: true}, "h f", true},
		{client.Range{Start: []byte("c"), End: []byte("h"), Limit: 10, Reverse: true}, "f d", false},
	} {
		pairs, more, err := c.Scan(ctx, s.r, 0)
		var keys []string
		for _, p := range pairs {
			keys = append(keys, string(p.GetKey()))
		}
		if got := strings.Join(keys, " "); err != nil || got != s.want || more != s.more {
			t.Errorf("scan %+v: %q, more %v, %v", s.r, got, more, err)
		}
	}
	_, err = c.Do(ctx, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{get("b"), get("h")}})
	var refused *client.NotApplied
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), `"b" and "h" lie in different regions`) {
		t.Errorf("a command over two regions: %v", err)
	}
}

func get(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}
}

// A scan whose client learned of the regions before a split still misses nothing.
func TestAReverseScanSurvivesASplitItDoesNotKnowOf(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	for _, key := range []string{"b", "d", "f"} {
		must(t, c.Put(ctx, []byte(key), []byte(key)))
	}
	other := open(t, client.Config{Endpoints: cluster.Endpoints()})
	_, _, err := other.Split(ctx, []byte("c"))
	must(t, err)
	pairs, more, err := c.Scan(ctx, client.Range{Limit: 10, Reverse: true}, 0)
	if err != nil || more || len(pairs) != 3 || string(pairs[0].GetKey()) != "f" {
		t.Errorf("%v, %v, %v", pairs, more, err)
	}
}

func TestAWriteThatNobodyAnswersHasAnUnknownOutcome(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	must(t, c.Put(patience(t), []byte("a"), []byte("1")))
	for id := uint64(1); id <= 3; id++ {
		cluster.Cut(id, true)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 80*time.Millisecond)
	defer cancel()
	err := c.Put(ctx, []byte("a"), []byte("2"))
	var unknown *client.UnknownOutcome
	if !errors.As(err, &unknown) || unknown.Client == 0 || unknown.Sequence == 0 || !strings.Contains(err.Error(), "outcome is unknown") {
		t.Fatalf("a write that is in the log of a leader without followers: %v", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not the deadline's", err)
	}
	// A read changes nothing, so there is nothing unknown about it.
	ctx, cancel = context.WithTimeout(t.Context(), 80*time.Millisecond)
	defer cancel()
	_, _, err = c.Get(ctx, []byte("a"), 0)
	var refused *client.NotApplied
	if !errors.As(err, &refused) || errors.As(err, &unknown) && err == error(unknown) {
		t.Errorf("a read: %v", err)
	}
	for id := uint64(1); id <= 3; id++ {
		cluster.Cut(id, false)
	}
	// The same session goes on, and what it says last stands.
	must(t, c.Put(patience(t), []byte("a"), []byte("3")))
	if got := read(t, c, "a"); got != "3" {
		t.Errorf("read %s", got)
	}
}

func TestCommandsWaitForAClusterThatIsDown(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	must(t, c.Put(patience(t), []byte("a"), []byte("1")))
	for id := uint64(1); id <= 3; id++ {
		cluster.Crash(id)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := c.Get(ctx, []byte("a"), 0); err == nil {
		t.Error("a cluster that is down was read")
	}
	// The client has heard that its connection broke, so that nothing was sent to anybody.
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.Put(ctx, []byte("a"), []byte("2"))
	var refused *client.NotApplied
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "gave up after") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write to nobody surely was not applied: %v", err)
	}
	wrote := make(chan error, 1)
	go func() { wrote <- c.Put(patience(t), []byte("a"), []byte("3")) }()
	for id := uint64(1); id <= 3; id++ {
		cluster.Restart(id)
	}
	must(t, <-wrote)
	if got := read(t, c, "a"); got != "3" {
		t.Errorf("read %s", got)
	}
}

func TestEndpointsOfTwoClustersAreRefused(t *testing.T) {
	one := clienttest.Start(t, clienttest.Options{Stores: 1, ClusterID: 7})
	two := clienttest.Start(t, clienttest.Options{Stores: 1, ClusterID: 8})
	c := open(t, client.Config{Endpoints: []string{one.Address(1), two.Address(1)}})
	ctx := patience(t)
	var foreign *client.ForeignCluster
	if err := c.Discover(ctx); !errors.As(err, &foreign) || !strings.Contains(err.Error(), "name endpoints of one cluster") {
		t.Errorf("discover: %v", err)
	}
	if err := c.Put(ctx, []byte("a"), nil); !errors.As(err, &foreign) {
		t.Errorf("put: %v", err)
	}
}

func TestEndpointsThatAreNoStoreAreToldAbout(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody := listener.Addr().String()
	must(t, listener.Close())
	c := open(t, client.Config{Endpoints: []string{nobody}})
	if err := c.Discover(patience(t)); err == nil || !strings.Contains(err.Error(), "no store answers: "+nobody) {
		t.Errorf("%v", err)
	}
	cluster := clienttest.Start(t, clienttest.Options{})
	c = open(t, client.Config{Endpoints: []string{nobody, cluster.Address(2)}})
	must(t, c.Put(patience(t), []byte("a"), nil))
	for _, bad := range [][]string{nil, {"nowhere"}, {"a:1", "a:1"}, {":1"}} {
		if c, err := client.Open(client.Config{Endpoints: bad}); err == nil {
			_ = c.Close()
			t.Errorf("endpoints %q are taken", bad)
		}
	}
}

func TestAWrongTokenIsRefusedAtOnce(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1, Tokens: api.Tokens{Viewer: "looking-on", Operator: "at-the-wheel"}})
	ctx := patience(t)
	for _, token := range []string{"", "another one"} {
		c := open(t, client.Config{Endpoints: cluster.Endpoints(), Token: token})
		err := c.Put(ctx, []byte("a"), nil)
		var refused *client.NotApplied
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "token") {
			t.Errorf("token %q: %v", token, err)
		}
		w, err := c.WatchAddress(ctx, cluster.Address(1), 0)
		if err == nil {
			_, err = w.Recv()
			w.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "token") {
			t.Errorf("token %q watches: %v", token, err)
		}
	}
	operator := open(t, client.Config{Endpoints: cluster.Endpoints(), Token: "at-the-wheel"})
	must(t, operator.Put(ctx, []byte("a"), []byte("1")))
	viewer := open(t, client.Config{Endpoints: cluster.Endpoints(), Token: "looking-on"})
	if got := read(t, viewer, "a"); got != "1" {
		t.Errorf("a viewer reads %s", got)
	}
	if err := viewer.Put(ctx, []byte("a"), []byte("2")); err == nil || !strings.Contains(err.Error(), "viewer") {
		t.Errorf("a viewer writes: %v", err)
	}
	if _, _, err := viewer.Split(ctx, []byte("b")); err == nil || !strings.Contains(err.Error(), "viewer") {
		t.Errorf("a viewer splits: %v", err)
	}
}

// A region remembers three clients; five write in turn. Who was forgotten goes on under a new id.
func TestAForgottenSessionGoesOnUnderANewID(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1, ClientsRememberedMax: 3})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	var sessions []*client.Session
	for range 5 {
		sessions = append(sessions, c.NewSession())
	}
	for round := range 3 {
		for i, s := range sessions {
			if _, err := s.Do(ctx, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{put("a", fmt.Sprint(round, i))}}); err != nil {
				t.Fatalf("session %d in round %d: %v", i, round, err)
			}
		}
	}
	if got := read(t, c, "a"); got != "2 4" {
		t.Errorf("read %s", got)
	}
}

func put(key, value string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}
}

func TestManyCommandsShareAStream(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints(), InFlightMax: 300, SessionsMax: 200})
	ctx := patience(t)
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			if err := c.Put(ctx, fmt.Appendf(nil, "k%04d", i), []byte("v")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	pairs, more, err := c.Scan(ctx, client.Range{Limit: 2000}, 0)
	if err != nil || more || len(pairs) != 1000 {
		t.Errorf("%d pairs, more %v, %v", len(pairs), more, err)
	}
}

func TestMembersAndLeadersAreChanged(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Spare: 1})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	must(t, c.Put(ctx, []byte("a"), []byte("1")))
	change := func(kind raftcmdpb.PeerChangeType, storeID uint64) error {
		_, err := c.ChangePeers(ctx, 1, clienttest.Change(kind, storeID))
		return err
	}
	must(t, change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER, 4))
	cluster.Eventually("S4 has the data", func() bool { return cluster.Data(4, 1)["a"] == "1" })
	must(t, change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, 4))
	cluster.Eventually("S4 leads", func() bool {
		_, err := c.TransferLeader(ctx, 1, 4)
		return err == nil && cluster.Leader(1) == 4
	})
	must(t, change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE, 1))
	status, err := c.Status(ctx, 1)
	if err != nil || len(status.GetDetail().GetRegion().GetPeers()) != 3 || status.GetLeader().GetStoreId() != 4 {
		t.Errorf("status: %v, %v", status, err)
	}
	first, err := c.CompactLog(ctx, 1, 0)
	if err != nil || first < 3 {
		t.Errorf("compacted: %d, %v", first, err)
	}
	stats, err := c.StoreStats(ctx, 4)
	if err != nil || stats.GetLeaders() != 1 || stats.GetStoreId() != 4 {
		t.Errorf("stats: %v, %v", stats, err)
	}
	var refused *client.NotApplied
	if err := change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE, 1); !errors.As(err, &refused) || refused.Answer.GetConfChangeRefused() == nil {
		t.Errorf("a store that is no member is removed: %v", err)
	}
	if _, err := c.TransferLeader(ctx, 9, 4); !errors.As(err, &refused) || !strings.Contains(err.Error(), "there is no region 9") {
		t.Errorf("a region that does not exist: %v", err)
	}
	if _, _, err := c.Split(ctx, nil); !errors.As(err, &refused) {
		t.Errorf("a split without a key: %v", err)
	}
}

func TestAWatcherIsShownWhatItAsksFor(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	w, err := c.Watch(patience(t), 1, 50)
	must(t, err)
	first, err := w.Recv()
	if err != nil || first.GetHello().GetStoreId() != 1 {
		t.Fatalf("%v, %v", first, err)
	}
	must(t, w.Show(42))
	must(t, w.Limit(20))
	for shown := false; !shown; {
		response, err := w.Recv()
		must(t, err)
		shown = slices.ContainsFunc(response.GetSeen(), func(s *rpcpb.Seen) bool { return s.GetShow() == 42 })
	}
	cluster.Eventually("the new limit is heard", func() bool { return slices.Equal(cluster.WatchersLimits(1), []uint32{20}) })
	cluster.Crash(1)
	for err == nil {
		_, err = w.Recv()
	}
	if err == io.EOF {
		t.Error("a store that crashed has ended its stream in order")
	}
	w.Close()
}

// The slow watcher reads nothing for as long as the store takes to move on; it costs commands nothing, and the store a
// bounded queue.
func TestASlowWatcherIsNotWaitedFor(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	w, err := c.Watch(ctx, 1, 0)
	must(t, err)
	cluster.Eventually("it watches", func() bool { return cluster.Watchers(1) == 1 })
	cluster.Flood(1, 64<<10, 400) // far more than windows and buffers hold
	for i := range 100 {
		must(t, c.Put(ctx, fmt.Appendf(nil, "k%d", i), bytes.Repeat([]byte("v"), 100)))
	}
	must(t, w.Show(1))
	flooded := 0
	for shown := false; !shown; {
		response, err := w.Recv()
		must(t, err)
		for _, s := range response.GetSeen() {
			shown = shown || s.GetShow() == 1
			if s.GetEvent().GetMessageLost() != nil {
				flooded++
			}
		}
	}
	if flooded == 0 || flooded >= 400 {
		t.Errorf("a watcher that did not read was shown %d of 400 events", flooded)
	}
	w.Close()
	cluster.Eventually("nobody watches", func() bool { return cluster.Watchers(1) == 0 })
}

func TestAClosedClientSaysSo(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	must(t, c.Put(patience(t), []byte("a"), nil))
	cluster.Cut(1, true)
	must(t, c.Close())
	if err := c.Put(patience(t), []byte("a"), nil); err == nil || !strings.Contains(err.Error(), "the client is closed") {
		t.Errorf("%v", err)
	}
}

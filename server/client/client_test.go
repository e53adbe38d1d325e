package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/api"
	"raftplay/server/client"
	"raftplay/server/client/clienttest"
	"raftplay/server/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

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
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	c = open(t, client.Config{Endpoints: []string{strings.TrimPrefix(page.URL, "http://")}})
	if err := c.Discover(patience(t)); err == nil || !strings.Contains(err.Error(), "does not speak gRPC") {
		t.Errorf("a web server: %v", err)
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
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1, Tokens: api.Tokens{Viewer: "looking-on-0123456", Operator: "at-the-wheel-01234"}})
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
	operator := open(t, client.Config{Endpoints: cluster.Endpoints(), Token: "at-the-wheel-01234"})
	must(t, operator.Put(ctx, []byte("a"), []byte("1")))
	viewer := open(t, client.Config{Endpoints: cluster.Endpoints(), Token: "looking-on-0123456"})
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

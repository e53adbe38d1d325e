package client_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"raftplay/server/client"
	"raftplay/server/client/clienttest"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

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

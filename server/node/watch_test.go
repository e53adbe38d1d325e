package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func TestEventsFoldToTheStoreAsItIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, func(cfg *Config) {
			unlimited(cfg)
			cfg.Disk.(*memoryDisk).syncTakes = time.Millisecond
			cfg.Store.LogEntriesMax, cfg.Store.LogEntriesKept = 60, 20
			cfg.Store.Limits.SnapshotChunkBytes = 1_000
		})
		defer c.close()
		var all []*onlooker
		for id := uint64(1); id <= 3; id++ {
			all = append(all, look(t, c.nodes[id], 0))
		}
		number := uint64(0)
		compare := func() {
			t.Helper()
			number++
			for _, o := range all {
				o.compare(number)
			}
		}
		leader := c.leader()
		compare()
		putMany(c, "a", 30)
		compare()
		split(t, c, leader)
		time.Sleep(500 * time.Millisecond)
		compare()

		// A follower falls so far behind that it needs snapshots.
		behind := leader%3 + 1
		c.wires.mu.Lock()
		c.wires.cut = func(from, to uint64) bool { return from == behind || to == behind }
		c.wires.mu.Unlock()
		putMany(c, "b", 300)
		compare()
		c.wires.mu.Lock()
		c.wires.cut = nil
		c.wires.mu.Unlock()
		time.Sleep(10 * time.Second)
		compare()
		if err := c.nodes[c.leader()].Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			o.see()
			if o.f.wrong != "" {
				t.Fatal(o.f.wrong)
			}
		}
		told := map[string]int{}
		for _, o := range all {
			for body, times := range o.f.told {
				told[body] += times
			}
		}
		for _, body := range []any{
			&sessionpb.Event_MessageSent{}, &sessionpb.Event_MessageDelivered{}, &sessionpb.Event_MessageLost{},
			&sessionpb.Event_WriteStarted{}, &sessionpb.Event_Written{}, &sessionpb.Event_Synced{},
			&sessionpb.Event_RoleChanged{}, &sessionpb.Event_Committed{}, &sessionpb.Event_Applied{},
			&sessionpb.Event_ProgressChanged{}, &sessionpb.Event_Ticked{}, &sessionpb.Event_OperationStarted{},
			&sessionpb.Event_OperationEnded{}, &sessionpb.Event_PeerCreated{}, &sessionpb.Event_RegionChanged{},
			&sessionpb.Event_LogCompacted{}, &sessionpb.Event_SnapshotProgress{}, &sessionpb.Event_SnapshotRestored{},
			&sessionpb.Event_TransferStarted{},
		} {
			if told[fmt.Sprintf("%T", body)] == 0 {
				t.Errorf("nobody was told a %T", body)
			}
		}
		pairs(t, all)
	})
}

func TestAWatcherIsGreetedAndShownTheStoreFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		leader := c.leader()
		c.mustPut("a", "1")
		o := look(t, c.nodes[leader], 0)
		r, err := o.w.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		h := r.GetHello()
		if h.GetStoreId() != leader || h.GetClusterId() != 7 || h.GetIncarnation() != 1 || h.GetTiming().GetBaseTickMicros() != 100_000 ||
			h.GetTiming().GetElectionTicksMin() != 15 || !h.GetTiming().GetPreVote() || len(h.GetStores()) != 1 {
			t.Errorf("the greeting is %v", h)
		}
		for o.take(r); o.f.shown == 0; o.take(r) {
			if r, err = o.w.Next(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		p := o.f.store.GetPeers()[0]
		if o.f.wrong != "" || p.GetRole() != sessionpb.Role_ROLE_LEADER || len(p.GetKeys()) != 1 || p.GetCommit() == 0 {
			t.Errorf("%s; it is shown %v", o.f.wrong, o.f.store)
		}
		if wall := time.Now().UnixMicro(); p.GetLeaseUntilMicros() != 0 && (p.GetLeaseUntilMicros() < wall-10_000_000 || p.GetLeaseUntilMicros() > wall+10_000_000) {
			t.Errorf("the lease ends at %d, now is %d", p.GetLeaseUntilMicros(), wall)
		}
		time.Sleep(3500 * time.Millisecond)
		drain(t, o.w, func(r *rpcpb.WatchResponse) bool { o.take(r); return len(o.metrics) > 0 })
		if m := o.metrics[0]; m.GetApplied() == 0 || m.GetAnswered() == 0 || m.GetSyncs() == 0 || m.GetWatchers() != 1 || len(m.GetLatencyBuckets()) == 0 {
			t.Errorf("the figures are %v", m)
		}
	})
}

func TestWhoComesLaterMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, unlimited)
		defer c.close()
		n := c.nodes[c.leader()]
		first := look(t, n, 0)
		putMany(c, "a", 40)
		second := look(t, n, 0) // the picture for it may have to wait
		putMany(c, "b", 40)
		compareAll(n, 1, first, second)
		if first.f.leftOut != 0 || second.f.leftOut != 0 {
			t.Errorf("%d and %d events were left out", first.f.leftOut, second.f.leftOut)
		}
		if p := second.f.store.GetPeers()[0]; len(p.GetKeys()) != 80 {
			t.Errorf("who came later knows %d keys, want 80", len(p.GetKeys()))
		}
	})
}

func TestOnlySoManyWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, func(cfg *Config) { cfg.Limits.WatchersMax = 2 })
		defer c.close()
		n := c.nodes[1]
		a, b := look(t, n, 0), look(t, n, 0)
		if _, err := n.Watch(0); !errors.Is(err, ErrWatchersMax) {
			t.Errorf("a third watcher: %v", err)
		}
		a.w.Close()
		synctest.Wait()
		again := look(t, n, 0)
		n.Kill()
		ended := ""
		for _, o := range []*onlooker{b, again} {
			drain(t, o.w, func(r *rpcpb.WatchResponse) bool { ended = r.GetEnded(); return ended != "" })
			if _, err := o.w.Next(context.Background()); !errors.Is(err, io.EOF) || ended != "it was killed" {
				t.Errorf("the watching ended with %q, %v", ended, err)
			}
		}
		if _, err := n.Watch(0); !errors.Is(err, ErrStopped) {
			t.Errorf("a stopped store can be watched: %v", err)
		}
	})
}

func TestAWatcherWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, func(cfg *Config) { cfg.Store.TickMicros = 3_600_000_000 })
		defer c.close()
		o := look(t, c.nodes[1], 0)
		synctest.Wait()
		o.see()
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		for {
			if _, err := o.w.Next(ctx); err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("it says %v", err)
				}
				return
			}
		}
	})
}

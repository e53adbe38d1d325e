package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/store"
)

// onlooker is a watcher and what it makes of what it sees.
type onlooker struct {
	t *testing.T
	w *Watcher
	f *fold
	// parcels are the messages sent, by id, and arrived those that came, by sender.
	sent    map[uint64]bool
	arrived map[uint64][]uint64
	hellos  []*rpcpb.WatchHello
	metrics []*rpcpb.StoreMetrics
	first   *rpcpb.WatchResponse
}

func look(t *testing.T, n *Node, perSecond uint32) *onlooker {
	t.Helper()
	w, err := n.Watch(perSecond)
	if err != nil {
		t.Fatal(err)
	}
	return &onlooker{t: t, w: w, f: newFold(), sent: map[uint64]bool{}, arrived: map[uint64][]uint64{}}
}

// see takes what waits.
func (o *onlooker) see() {
	for r := o.w.take(); r != nil; r = o.w.take() {
		o.take(r)
	}
}

func (o *onlooker) take(r *rpcpb.WatchResponse) {
	if o.first == nil {
		o.first = r
	}
	if r.GetHello() != nil {
		o.hellos = append(o.hellos, r.GetHello())
	}
	if r.GetMetrics() != nil {
		o.metrics = append(o.metrics, r.GetMetrics())
	}
	o.f.see(r)
	for _, s := range r.GetSeen() {
		switch b := s.GetEvent().GetBody().(type) {
		case *sessionpb.Event_MessageSent:
			o.sent[b.MessageSent.GetMessage().GetId()] = true
		case *sessionpb.Event_MessageDelivered:
			o.arrived[s.GetFromStore()] = append(o.arrived[s.GetFromStore()], b.MessageDelivered.GetId())
			if s.GetFromIncarnation() != 1 {
				o.t.Errorf("a message of S%d's life %d", s.GetFromStore(), s.GetFromIncarnation())
			}
		}
	}
}

// compare has the store shown, and says what the events did not come to.
func (o *onlooker) compare(number uint64) {
	o.t.Helper()
	o.w.Show(number)
	o.until(number)
}

func (o *onlooker) until(number uint64) {
	o.t.Helper()
	for o.f.last != number {
		r, err := o.w.Next(context.Background())
		if err != nil {
			o.t.Fatal(err)
		}
		o.take(r)
	}
	if o.f.wrong != "" {
		o.t.Fatal(o.f.wrong)
	}
}

// compareAll has all of a store's onlookers shown the same picture.
func compareAll(n *Node, number uint64, all ...*onlooker) {
	n.order(func(*loop) {
		for _, o := range all {
			o.w.asked.Store(number)
		}
	})
	for _, o := range all {
		o.until(number)
	}
}

// unlimited shows every event.
func unlimited(cfg *Config) {
	cfg.Limits.EventsPerSecond, cfg.Limits.WatcherEventsMax, cfg.Limits.WatcherBytesMax = 10_000_000, 1_000_000, 1<<30
}

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

// pairs checks that what arrived was sent, once.
func pairs(t *testing.T, all []*onlooker) {
	t.Helper()
	arrived := 0
	for i, o := range all {
		for from, ids := range o.arrived {
			came := map[uint64]bool{}
			for _, id := range ids {
				if !all[from-1].sent[id] {
					// Of before the watching began.
					if len(all[from-1].sent) == 0 {
						t.Errorf("S%d hears message %d of S%d, which nobody saw sent", i+1, id, from)
					}
				} else {
					arrived++
				}
				if came[id] {
					t.Errorf("S%d hears message %d of S%d twice", i+1, id, from)
				}
				came[id] = true
			}
		}
	}
	if arrived < 100 {
		t.Errorf("only %d messages arrived that were seen sent", arrived)
	}
}

// putMany puts keys whose values fill their places, many at a time.
func putMany(c *cluster, prefix string, keys int) {
	n := c.nodes[c.leader()]
	answers := make(chan *raftcmdpb.RaftCommandResponse, keys)
	for i := range keys {
		n.Propose(put(fmt.Sprintf("%s%03d", prefix, i), strings.Repeat("v", 50)), func(r *raftcmdpb.RaftCommandResponse) { answers <- r })
		if i%20 == 19 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	for range keys {
		if e := (<-answers).GetHeader().GetError(); e != nil {
			c.t.Fatal(e)
		}
	}
}

func split(t *testing.T, c *cluster, leader uint64) {
	t.Helper()
	region := c.nodes[leader].Describe().GetRegions()[0].GetRegion()
	req := &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: region.GetRegionEpoch()},
		Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{
			SplitKey: []byte("a015"), NewRegionId: 2, NewPeerIds: []uint64{201, 202, 203}}}},
	}
	if e := ask(c.nodes[leader], req).GetHeader().GetError(); e != nil {
		t.Fatal(e)
	}
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

func TestAWatcherThatNeverReadsMissesEventsAndLearnsHowMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, func(cfg *Config) {
			cfg.Limits.WatcherEventsMax, cfg.Limits.EventsPerSecond = 500, 10_000_000
		})
		defer c.close()
		leader := c.leader()
		quick, idle := look(t, c.nodes[leader], 0), look(t, c.nodes[leader], 0)
		synctest.Wait()
		for range 50 {
			putMany(c, "a", 5)
			quick.see()
		}
		synctest.Wait()
		quick.see()
		if waits := len(idle.w.queue); waits > 501 {
			t.Errorf("%d events wait for who does not read; the most is 500 and a picture", waits)
		}
		idle.see()
		time.Sleep(time.Second)
		synctest.Wait()
		compareAll(c.nodes[leader], 1, idle, quick)
		if quick.f.leftOut != 0 {
			t.Errorf("%d events were left out for who reads", quick.f.leftOut)
		}
		if idle.f.leftOut == 0 || idle.f.events+idle.f.leftOut != quick.f.events {
			t.Errorf("who did not read got %d events and missed %d; there were %d", idle.f.events, idle.f.leftOut, quick.f.events)
		}
		if s := c.nodes[leader].Stats(); s.EventsLeftOut != uint64(idle.f.leftOut) {
			t.Errorf("%d events are counted as left out, want %d", s.EventsLeftOut, idle.f.leftOut)
		}
	})
}

func TestALimitOnEventsIsKeptAndWhatGoesBeyondIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, func(cfg *Config) { cfg.Limits.EventsPerSecond = 10_000_000; cfg.Limits.WatcherEventsMax = 1_000_000 })
		defer c.close()
		n := c.nodes[c.leader()]
		all, few := look(t, n, 0), look(t, n, 0)
		few.w.Limit(200)
		synctest.Wait()
		began := time.Now()
		for range 100 {
			putMany(c, "a", 5)
			time.Sleep(20 * time.Millisecond)
			all.see()
			few.see()
		}
		seconds := time.Since(began).Seconds()
		time.Sleep(time.Second)
		compareAll(n, 1, few, all)
		if rate := float64(few.f.events) / seconds; rate > 300 {
			t.Errorf("who wants 200 events a second gets %.0f", rate)
		}
		if few.f.leftOut == 0 || few.f.events+few.f.leftOut != all.f.events {
			t.Errorf("%d events shown and %d left out, of %d", few.f.events, few.f.leftOut, all.f.events)
		}
		if most := int(seconds+1)*4 + 2; few.f.shown > most {
			t.Errorf("%d pictures in %.1f s, more than %d", few.f.shown, seconds, most)
		}
	})
}

func TestEventsThatNobodyIsShownAreCountedWithoutBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, func(cfg *Config) { cfg.Limits.EventsPerSecond = 10 })
		defer c.close()
		n := c.nodes[c.leader()]
		o := look(t, n, 0)
		synctest.Wait()
		putMany(c, "a", 200)
		synctest.Wait()
		o.see()
		if o.f.events > 10 {
			t.Errorf("%d events were shown within one window", o.f.events)
		}
		time.Sleep(time.Second)
		o.compare(1)
		if s := n.Stats(); s.Events < 500 || int(s.Events) != o.f.events+o.f.leftOut {
			t.Errorf("%d events happened, %d were shown and %d left out", s.Events, o.f.events, o.f.leftOut)
		}
	})
}

func TestWithoutAWatcherNoEventIsCountedOrMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		n := c.nodes[c.leader()]
		putMany(c, "a", 50)
		if s := n.Stats(); s.Events != 0 {
			t.Errorf("%d events without a watcher", s.Events)
		}
		o := look(t, n, 0)
		synctest.Wait()
		putMany(c, "a", 50)
		o.see()
		o.w.Close()
		if _, err := o.w.Next(context.Background()); !errors.Is(err, io.EOF) {
			t.Errorf("a watching that was closed says %v", err)
		}
		synctest.Wait()
		before := n.Stats()
		if before.Events == 0 || before.Watchers != 0 {
			t.Fatalf("%d events, %d watchers", before.Events, before.Watchers)
		}
		putMany(c, "a", 50)
		if s := n.Stats(); s.Events != before.Events {
			t.Errorf("%d events after the last watcher went", s.Events-before.Events)
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

func TestALargeCommandIsShownInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, nil)
		defer c.close()
		n := c.nodes[c.leader()]
		o := look(t, n, 0)
		synctest.Wait()
		c.mustPut("large", strings.Repeat("x", 1<<20))
		c.mustGet("large")
		synctest.Wait()
		ops := 0
		for r := o.w.take(); r != nil; r = o.w.take() {
			for _, s := range r.GetSeen() {
				if started := s.GetEvent().GetOperationStarted(); started != nil {
					ops++
					for _, one := range started.GetOperation().GetRequest().GetRequests() {
						if shown := len(one.GetPut().GetValue()); shown > 1<<10 {
							t.Errorf("%d bytes of the value are shown", shown)
						}
					}
				}
				if ended := s.GetEvent().GetOperationEnded(); ended != nil {
					for _, one := range ended.GetResponse().GetResponses() {
						if shown := len(one.GetGet().GetValue()); shown > 1<<10 {
							t.Errorf("%d bytes of the value read are shown", shown)
						}
					}
				}
			}
		}
		if ops != 2 {
			t.Errorf("%d operations were shown", ops)
		}
	})
}

func TestAPictureOfManyRegionsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := uint64(1_000)
		c := newCluster(t, 1, func(cfg *Config) {
			cfg.Limits.PictureRegionsMax = 3
			cfg.Store.NewID = func(store.IDKind) uint64 { next++; return next }
		})
		defer c.close()
		n := c.nodes[c.leader()]
		putMany(c, "a", 10)
		for i := range 5 {
			regions := n.Describe().GetRegions()
			last := regions[len(regions)-1].GetRegion()
			e := ask(n, &raftcmdpb.RaftCommandRequest{
				Header: &raftcmdpb.RequestHeader{RegionId: last.GetId(), RegionEpoch: last.GetRegionEpoch()},
				Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{
					SplitKey: fmt.Appendf(nil, "a%03d", i+1)}}},
			}).GetHeader().GetError()
			if e != nil {
				t.Fatal(e)
			}
			time.Sleep(5 * time.Second) // the new region elects its leader
		}
		o := look(t, n, 0)
		r, err := o.w.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for ; len(r.GetSeen()) == 0; r, err = o.w.Next(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		shown := r.GetSeen()[0].GetEvent().GetStoreShown()
		if len(shown.GetStore().GetPeers()) != 3 || !strings.Contains(shown.GetWhy(), "3 of the store's 6 regions are shown") {
			t.Errorf("%d regions are shown: %s", len(shown.GetStore().GetPeers()), shown.GetWhy())
		}
	})
}

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

	"raftplay/core/store"
)

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

func TestAWatcherThatRestsIsToldNothingUntilItAsksOrHasRested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, nil)
		defer c.close()
		n := c.nodes[c.leader()]
		o := look(t, n, 0)
		o.w.Pace(50, 10*time.Second)
		work := func(d time.Duration) (events, shown int) {
			events, shown = o.f.events, o.f.shown
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				putMany(c, "a", 2)
				o.see()
			}
			return o.f.events - events, o.f.shown - shown
		}
		work(5 * time.Second)
		if o.f.events != 50 || o.f.shown != 1 {
			t.Errorf("%d events and %d pictures before it asked", o.f.events, o.f.shown)
		}
		o.w.Show(1)
		if events, shown := work(5 * time.Second); events != 50 || shown != 1 || o.f.leftOut == 0 {
			t.Errorf("%d events and %d pictures after it had asked, %d left out", events, shown, o.f.leftOut)
		}
		if events, shown := work(6 * time.Second); events != 50 || shown != 1 {
			t.Errorf("%d events and %d pictures when it had rested", events, shown)
		}
		time.Sleep(10 * time.Second)
		o.compare(2)
		if s := n.Stats(); int(s.Events) != o.f.events+o.f.leftOut {
			t.Errorf("%d events happened, %d were shown and %d left out", s.Events, o.f.events, o.f.leftOut)
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

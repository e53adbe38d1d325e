package live

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

const (
	crowd     = 200
	crowdMute = 50
)

// Two hundred viewers, of whom fifty never ask: the others are told everything, and the memory that all of them take is
// that of the one log.
func TestACrowdOfWhomSomeNeverAskIsServed(t *testing.T) {
	c := newScripted(1, 2, 3)
	limits := Limits{LogEventsMax: 5_000, IdleMax: 10 * time.Minute}
	inTime(t, c, limits, func(t *testing.T, g *Gateway) {
		var mute []*watcher
		for range crowdMute {
			v := attach(t, g, viewer, nil)
			v.ask()
			mute = append(mute, v)
		}
		before := heapBytes()
		var asking sync.WaitGroup
		viewers := make([]*watcher, crowd-crowdMute)
		ctx, stop := context.WithCancel(t.Context())
		for i := range viewers {
			v := attach(t, g, viewer, nil)
			viewers[i] = v
			asking.Go(func() {
				for ctx.Err() == nil {
					v.take(v.s.Handle(ctx, nil))
				}
				v.take(v.s.Handle(t.Context(), nil))
			})
		}
		time.Sleep(2 * time.Second)
		const seconds, perSecond = 6, 1_500
		for i := range uint64(3) {
			c.pour(i+1, perSecond/3, seconds*time.Second)
		}
		time.Sleep((seconds + 1) * time.Second)
		stop()
		asking.Wait()
		for i, v := range viewers {
			if v.seq != seconds*perSecond || v.missed != 0 || v.closed != "" {
				t.Fatalf("viewer %d was told %d of %d events, missed %d, closed %q", i, v.seq, seconds*perSecond, v.missed, v.closed)
			}
			v.said = nil
		}
		grown := heapBytes() - before
		t.Logf("%d viewers, %d events in the log: %d KiB more", crowd, g.watch.log.next-g.watch.log.first, grown>>10)
		if grown > 16<<20 {
			t.Errorf("the heap grew by %d MiB", grown>>20)
		}
		for _, v := range mute {
			v.ask()
		}
		time.Sleep(time.Second)
		for _, v := range mute {
			if v.ask(); v.missed < seconds*perSecond-1_000 || v.closed != "" {
				t.Errorf("who did not ask missed %d, closed %q", v.missed, v.closed)
			}
		}
	})
}

func TestAllViewersHaveTheSameSlices(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{EventsPerSecondMax: 500, LogEventsMax: 10_000}, func(t *testing.T, g *Gateway) {
		const viewers, seconds, perSecond = 15, 10, 2_000
		var asking sync.WaitGroup
		all := make([]*watcher, viewers)
		ctx, stop := context.WithCancel(t.Context())
		for i := range all {
			v := attach(t, g, viewer, nil)
			all[i] = v
			asking.Go(func() {
				for ctx.Err() == nil {
					v.take(v.s.Handle(ctx, nil))
				}
				v.take(v.s.Handle(t.Context(), nil))
			})
			time.Sleep(70 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		shows := c.showsAsked()
		c.pour(1, perSecond, seconds*time.Second)
		time.Sleep((seconds + 3) * time.Second)
		stop()
		asking.Wait()
		if rounds := c.showsAsked() - shows; rounds < seconds-2 || rounds > seconds+1 {
			t.Errorf("%d rounds in %d slices of %d viewers", rounds, seconds, viewers)
		}
		for i, v := range all {
			if shown := v.seq + v.missed; shown != seconds*perSecond || v.closed != "" {
				t.Errorf("viewer %d: %d events shown and %d missed are not the %d there were, closed %q", i, v.seq, v.missed, seconds*perSecond, v.closed)
			}
			if v.keys != all[0].keys {
				t.Errorf("viewer %d was given %d keyframes, the first one %d", i, v.keys, all[0].keys)
			}
		}
	})
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A frame of 170 events, which is 5,000 a second, for each of many viewers: what one of them costs.
func BenchmarkFrame(b *testing.B) {
	for _, encoded := range []bool{false, true} {
		b.Run(fmt.Sprintf("encoded=%t", encoded), func(b *testing.B) {
			limits := Limits{FrameInterval: time.Nanosecond, FrameWait: time.Nanosecond, EventsPerSecondMax: 1 << 30}.filled()
			g := &Gateway{cfg: Config{Now: time.Now}, limits: limits, opened: time.Now(), sessions: map[*Session]struct{}{}}
			w := &watch{g: g, log: newEventLog(1<<10, 1<<20), merger: newMerger(&g.limits, &g.numbers), hello: &sessionpb.Hello{}, noted: make(chan struct{}), told: make(chan struct{})}
			for i := range 170 {
				w.merger.add(1)
				w.publish(frequent(i), subject{}, 0)
			}
			s := newSession(g, w, viewer, nil)
			s.blank, s.greeted = false, 1
			b.ReportAllocs()
			for b.Loop() {
				s.position = 0
				if encoded {
					s.Draw(b.Context(), nil).Append(nil)
				} else {
					appendProto(nil, s.Handle(b.Context(), nil))
				}
			}
		})
	}
}

// frequent is one of the events of which there are most.
func frequent(i int) *sessionpb.Event {
	var seen *rpcpb.Seen
	switch i % 3 {
	case 0:
		seen = sending(int64(i), 2, uint64(i+1))
	case 1:
		seen = arriving(int64(i), 1, 1, uint64(i))
	default:
		seen = seenAt(int64(i), &sessionpb.Event{Body: &sessionpb.Event_Committed{Committed: &sessionpb.Committed{RegionId: 1, Index: 9, IndexBefore: 8}}})
	}
	return seen.Event
}

// What an event costs from a store's stream to the log, in batches of a hundred from each of three stores.
func BenchmarkMerge(b *testing.B) {
	limits := DefaultLimits()
	g := &Gateway{cfg: Config{Now: time.Now}, limits: limits, opened: time.Now()}
	w := &watch{g: g, log: newEventLog(limits.LogEventsMax, limits.LogBytesMax), merger: newMerger(&g.limits, &g.numbers)}
	w.merger.publish = w.publish
	for id := range uint64(3) {
		w.merger.add(id + 1)
		w.merger.found(id+1, &rpcpb.WatchHello{StoreId: id + 1, Incarnation: 1}, 0)
		w.merger.tell(id+1, showing(id+1, 0, 0), 0)
	}
	b.ReportAllocs()
	now, events, next := int64(0), 0, uint64(0)
	for b.Loop() {
		b.StopTimer()
		now += 10_000
		batch := [3][]*rpcpb.Seen{}
		for i := range 50 {
			next++
			from := i % 3
			to := (from + 1) % 3
			batch[from] = append(batch[from], sending(now+int64(i), uint64(to+1), next))
			batch[to] = append(batch[to], arriving(now+int64(i), uint64(from+1), 1, next))
		}
		b.StartTimer()
		for from := range batch {
			for _, seen := range batch[from] {
				w.merger.tell(uint64(from+1), seen, now)
				events++
			}
			w.merger.drain(now)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

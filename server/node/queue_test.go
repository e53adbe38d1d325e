package node

import (
	"slices"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func TestWhoIsAlwaysALittleBehindCostsNoMoreMemory(t *testing.T) {
	n := &Node{}
	n.cfg.Limits = DefaultLimits()
	w := &Watcher{n: n, ready: make(chan struct{}, 1)}
	event := sighted{&rpcpb.Seen{Event: &sessionpb.Event{}}, smallBytes}
	came := 0
	for range 300 {
		fit, _ := w.enqueue(slices.Repeat([]sighted{event}, responseEventsMax+3), 1<<30)
		came += fit
		if len(w.queue)-w.head <= responseEventsMax {
			continue // so that the queue is never empty
		}
		came -= len(w.take().GetSeen())
	}
	if waits := len(w.queue) - w.head; waits != came || waits == 0 || w.bytes != waits*smallBytes {
		t.Errorf("%d events of %d bytes wait, want %d", waits, w.bytes, came)
	}
	if most := 4 * n.cfg.Limits.WatcherEventsMax; cap(w.queue) > most {
		t.Errorf("the queue has room for %d events, more than %d", cap(w.queue), most)
	}
}

func TestAQueueIsBoundedInItemsAndBytes(t *testing.T) {
	q := &queue[int]{itemsMax: 3, bytesMax: 10}
	for i, c := range []struct {
		bytes int
		want  entrance
	}{{20, entered}, {1, full}} { // what is too large for the queue enters when it is empty, and alone
		if got := q.enter(i, c.bytes); got != c.want {
			t.Errorf("item %d of %d bytes: %d, want %d", i, c.bytes, got, c.want)
		}
	}
	if got, more := q.take(nil, 10); !slices.Equal(got, []int{0}) || more {
		t.Errorf("it held %v, and more: %v", got, more)
	}
	for i := range 4 {
		want := entered
		if i == 3 {
			want = full
		}
		if got := q.enter(i, 2); got != want {
			t.Errorf("item %d: %d, want %d", i, got, want)
		}
	}
	if got, more := q.take(nil, 2); !slices.Equal(got, []int{0, 1}) || !more {
		t.Errorf("it gave %v, and more: %v", got, more)
	}
	for i := 10; i < 40; i++ { // what was taken makes room
		if got := q.enter(i, 2); got != entered {
			t.Fatalf("item %d does not enter", i)
		}
		q.take(nil, 1)
	}
	if got := q.close(); !slices.Equal(got, []int{39}) || q.enter(1, 1) != closed || q.len() != 0 {
		t.Errorf("closed, it held %v", got)
	}
}

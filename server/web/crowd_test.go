package web

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"raftplay/core/pb/sessionpb/v1"
)

// Of 200 viewers, 50 never read what they ask for. The others do not notice, the 50 are cut off, and what they cost
// meanwhile is bounded.
func TestFiftyOfTwoHundredViewersNeverRead(t *testing.T) {
	const (
		readers, silent = 150, 50
		rounds          = 10
		heapBytesMax    = 64 << 20
	)
	text := strings.Repeat("x", 256<<10)
	h := build(t, Options{
		Limits: Limits{WriteTimeout: time.Second},
		Sessions: &tally{answer: func(_ context.Context, r *sessionpb.Request) *sessionpb.Frame {
			if r.GetBudgetMicros() > 0 { // asked by those who do not read
				return &sessionpb.Frame{Replies: []*sessionpb.Reply{{Failure: text}}}
			}
			return &sessionpb.Frame{}
		}},
	}, ServerOptions{})
	before := heapBytes()
	for range silent {
		conn := h.dial(t)
		_ = conn.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10)
		tell(t, conn, attach(""))
		for range 12 {
			tell(t, conn, &sessionpb.Request{BudgetMicros: 1})
		}
	}
	conns := make([]*websocket.Conn, readers)
	for i := range conns {
		conns[i] = h.attached(t, "")
	}
	var all sync.WaitGroup
	for _, conn := range conns {
		all.Go(func() {
			for range rounds {
				if err := conn.WriteMessage(websocket.BinaryMessage, nil); err != nil {
					t.Error(err)
					return
				}
				if f, err := hear(conn); err != nil || f.GetClosed() != "" {
					t.Errorf("a viewer that reads heard %v, error %v", f, err)
					return
				}
			}
		})
	}
	all.Wait()
	grown := int64(heapBytes()) - int64(before)
	if grown > heapBytesMax {
		t.Errorf("200 viewers, 50 of them silent, took %d bytes, want at most %d", grown, heapBytesMax)
	}
	t.Logf("200 viewers, 50 of them silent: %d KiB of heap", grown>>10)
	h.log.await(t, "too slow: a frame was not taken within 1s", silent)
	waitForViewers(t, h, readers)
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

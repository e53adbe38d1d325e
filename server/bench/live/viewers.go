package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// viewerCounts are how many look on; viewersSilent of a hundred never ask for a second frame.
var viewerCounts = []int{0, 1, 200}

const (
	viewersSilent   = 25
	viewersClients  = "64"
	protocolVersion = 1
)

// watchCosts measures puts with nobody looking on, with one viewer, and with many.
func watchCosts(ctx context.Context, p plan) error {
	s, err := openStores(ctx, p.raftplay)
	if err != nil {
		return err
	}
	defer s.close()
	page, err := start(p.raftplay, "serve", "--listen", "127.0.0.1:0", "--attach", strings.Join(s.endpoints, ","))
	if err != nil {
		return err
	}
	defer page.end()
	address, err := page.line("raftplay is at ")
	if err != nil {
		return err
	}
	results := map[int][]figure{}
	frames := map[int]uint64{}
	for range p.rounds {
		for _, n := range viewerCounts {
			crowd, err := gather(ctx, address, n)
			if err != nil {
				return err
			}
			figures, err := p.load(ctx, s.endpoints, viewersClients, "0")
			frames[n] += crowd.leave()
			if err != nil {
				return err
			}
			results[n] = append(results[n], figures...)
		}
	}
	kib, err := page.residentKiB()
	if err != nil {
		return err
	}
	alone := medians(results[0])
	fmt.Printf("\nPuts of %s clients while viewers look on, %d of 100 of whom never read (wanted: one costs at most 5 %%, 200 at most 10 %% of p99).\n\n", viewersClients, viewersSilent)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "viewers\tputs/s\tp50\tp99\tputs\tp99\tframes\t")
	for _, n := range viewerCounts {
		m := medians(results[n])
		fmt.Fprintf(table, "%d\t%.0f\t%s\t%s\t%+.1f %%\t%+.1f %%\t%d\t\n", n, m.PerSecond, millis(m.P50Micros), millis(m.P99Micros),
			100*(m.PerSecond/alone.PerSecond-1), 100*(float64(m.P99Micros)/float64(alone.P99Micros)-1), frames[n])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Printf("\nThe process that serves the viewers has %.1f MiB.\n", float64(kib)/1024)
	return nil
}

// crowd is viewers on websockets.
type crowd struct {
	conns  []*websocket.Conn
	work   sync.WaitGroup
	frames atomic.Uint64
}

func gather(ctx context.Context, address string, n int) (*crowd, error) {
	c := &crowd{}
	dialer := websocket.Dialer{Subprotocols: []string{"raftplay.v1"}}
	first, err := proto.Marshal(&sessionpb.Request{Attach: &sessionpb.Attach{ProtocolVersion: protocolVersion}})
	if err != nil {
		return nil, err
	}
	for i := range n {
		conn, _, err := dialer.DialContext(ctx, strings.Replace(address, "http", "ws", 1)+"api/live", nil)
		if err != nil {
			c.leave()
			return nil, fmt.Errorf("viewer %d: %w", i+1, err)
		}
		c.conns = append(c.conns, conn)
		if err := conn.WriteMessage(websocket.BinaryMessage, first); err != nil {
			c.leave()
			return nil, err
		}
		if n > 1 && i%100 < viewersSilent {
			continue
		}
		c.work.Go(func() { c.look(conn) })
	}
	return c, nil
}

// look asks for frame after frame, as the page does.
func (c *crowd) look(conn *websocket.Conn) {
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
		c.frames.Add(1)
		if err := conn.WriteMessage(websocket.BinaryMessage, nil); err != nil {
			return
		}
	}
}

func (c *crowd) leave() (frames uint64) {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.work.Wait()
	return c.frames.Load()
}

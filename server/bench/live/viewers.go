package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// viewersSilent of a hundred never read, nor ask for a second frame.
const (
	viewersSilent = 25
	// settleTime is how long nothing is measured after viewers came, or went: the server goes on watching for some seconds.
	settleTime      = 6 * time.Second
	viewersClients  = "64"
	protocolVersion = 1
)

// watchCosts measures puts with nobody looking on, with one viewer, and with many, and what of the processor they take.
func watchCosts(ctx context.Context, p plan) error {
	s, err := openStores(ctx, p.raftplay)
	if err != nil {
		return err
	}
	defer s.close()
	args := []string{"serve", "--listen", "127.0.0.1:0", "--attach", strings.Join(s.endpoints, ",")}
	if p.pprof {
		args = append(args, "--pprof")
	}
	page, err := start(p.raftplay, args...)
	if err != nil {
		return err
	}
	defer page.end()
	address, err := page.line("raftplay is at ")
	if err != nil {
		return err
	}
	if p.pprof {
		fmt.Printf("profiles of the process that serves the viewers: %sdebug/pprof/\n", address)
	}
	costs := map[int]*watched{}
	for range p.rounds {
		for _, n := range p.viewers {
			if costs[n] == nil {
				costs[n] = &watched{}
			}
			if err := costs[n].measure(ctx, p, s, page, address, n); err != nil {
				return err
			}
		}
	}
	return printCosts(p, costs)
}

// watched is what was measured while some viewers looked on.
type watched struct {
	figures       []figure
	puts          float64
	frames, bytes uint64
	stores, page  time.Duration // of the processor
	self          time.Duration
	pageKiB       int // at the most
	length        time.Duration
}

func (w *watched) measure(ctx context.Context, p plan, s *stores, page *process, address string, n int) error {
	crowd, err := gather(ctx, address, n)
	if err != nil {
		return err
	}
	defer crowd.leave()
	time.Sleep(settleTime)
	processor := func() (stores, one, self time.Duration) {
		for _, each := range s.processes {
			stores += each.processor()
		}
		return stores, page.processor(), processorOf("self")
	}
	frames, bytes := crowd.frames.Load(), crowd.bytes.Load()
	stores, one, self := processor()
	began := time.Now()
	figures, err := p.put(ctx, s.endpoints)
	if err != nil {
		return err
	}
	w.length += time.Since(began)
	storesAfter, oneAfter, selfAfter := processor()
	w.stores, w.page, w.self = w.stores+storesAfter-stores, w.page+oneAfter-one, w.self+selfAfter-self
	kib, err := page.residentKiB()
	if err != nil {
		return err
	}
	w.pageKiB = max(w.pageKiB, kib)
	for _, f := range figures {
		w.puts += f.PerSecond * p.length.Seconds()
	}
	w.figures = append(w.figures, figures...)
	w.frames, w.bytes = w.frames+crowd.frames.Load()-frames, w.bytes+crowd.bytes.Load()-bytes
	return nil
}

// put measures the puts that viewers look on at.
func (p plan) put(ctx context.Context, endpoints []string) ([]figure, error) {
	if p.rate > 0 {
		return paced(ctx, endpoints, p.rate, p.length)
	}
	return p.load(ctx, endpoints, viewersClients, "0")
}

func printCosts(p plan, costs map[int]*watched) error {
	alone := medians(costs[p.viewers[0]].figures)
	fmt.Printf("\nPuts of %s clients while viewers look on, %d of 100 of whom never read (wanted: one costs at most 5 %%, 200 at most 10 %% of p99).\n\n", viewersClients, viewersSilent)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "viewers\tputs/s\tp50\tp99\tputs\tp99\tframes/s\tMiB/s\tserver\t")
	for _, n := range p.viewers {
		w := costs[n]
		m := medians(w.figures)
		fmt.Fprintf(table, "%d\t%.0f\t%s\t%s\t%+.1f %%\t%+.1f %%\t%.0f\t%.1f\t%.0f MiB\t\n", n, m.PerSecond, millis(m.P50Micros), millis(m.P99Micros),
			100*(m.PerSecond/alone.PerSecond-1), 100*(float64(m.P99Micros)/float64(alone.P99Micros)-1),
			float64(w.frames)/w.length.Seconds(), float64(w.bytes)/(1<<20)/w.length.Seconds(), float64(w.pageKiB)/1024)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Printf("\nTime of the processor for 1,000 puts, and for each second, of the stores, of the process that serves the viewers, and of the viewers.\n\n")
	fmt.Fprintln(table, "viewers\tstores\tserver\tviewers\tstores\tserver\tviewers\t")
	for _, n := range p.viewers {
		w := costs[n]
		per := func(d time.Duration, of float64) float64 { return float64(d.Milliseconds()) / max(of, 1e-9) }
		thousands, seconds := w.puts/1000, w.length.Seconds()
		fmt.Fprintf(table, "%d\t%.1f ms\t%.1f ms\t%.1f ms\t%.0f ms/s\t%.0f ms/s\t%.0f ms/s\t\n", n, per(w.stores, thousands), per(w.page, thousands), per(w.self, thousands),
			per(w.stores, seconds), per(w.page, seconds), per(w.self, seconds))
	}
	return table.Flush()
}

// crowd is viewers on websockets.
type crowd struct {
	conns         []*websocket.Conn
	work          sync.WaitGroup
	frames, bytes atomic.Uint64
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
	buffer := make([]byte, 64<<10)
	for {
		_, frame, err := conn.NextReader()
		if err != nil {
			return
		}
		n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{frame}, buffer)
		if err != nil {
			return
		}
		c.frames.Add(1)
		c.bytes.Add(uint64(n))
		if err := conn.WriteMessage(websocket.BinaryMessage, nil); err != nil {
			return
		}
	}
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.work.Wait()
}

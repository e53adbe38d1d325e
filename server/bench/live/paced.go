package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"raftplay/server/client"
)

const (
	pacedKeys       = 10_000
	pacedValueBytes = 128
)

// paced offers so many puts a second of 64 clients, for so long: what a put costs can then be compared on a machine that is
// not idle.
func paced(ctx context.Context, endpoints []string, rate int, length time.Duration) ([]figure, error) {
	clients, err := strconv.Atoi(viewersClients)
	if err != nil {
		return nil, err
	}
	c, err := client.Open(client.Config{Endpoints: endpoints})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var work sync.WaitGroup
	var failures atomic.Uint64
	latencies := make([][]int64, clients)
	began := time.Now()
	pause := time.Second * time.Duration(clients) / time.Duration(rate)
	for i := range clients {
		work.Go(func() {
			value := make([]byte, pacedValueBytes)
			// A client that is late does not wait, until it has caught up.
			for due := began.Add(pause * time.Duration(i) / time.Duration(clients)); due.Before(began.Add(length)); due = due.Add(pause) {
				time.Sleep(time.Until(due))
				sent := time.Now()
				if err := c.Put(ctx, fmt.Appendf(nil, "bench-%05d", rand.IntN(pacedKeys)), value); err != nil {
					failures.Add(1)
					if ctx.Err() != nil {
						return
					}
					continue
				}
				latencies[i] = append(latencies[i], time.Since(sent).Microseconds())
			}
		})
	}
	work.Wait()
	took := time.Since(began)
	all := slices.Sorted(slices.Values(slices.Concat(latencies...)))
	if len(all) == 0 {
		return nil, fmt.Errorf("none of %d puts was answered", failures.Load())
	}
	return []figure{{
		System: "raftplay", Op: "put", Clients: clients, PerSecond: float64(len(all)) / took.Seconds(),
		P50Micros: all[len(all)/2], P99Micros: all[len(all)*99/100], Errors: failures.Load(),
	}}, nil
}

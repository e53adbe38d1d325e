package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"raftplay/server/client"
)

const (
	idleTime     = 5 * time.Second
	gigabyte     = 1 << 30
	bigValue     = 256 << 10
	fillers      = 16
	fillTimeout  = 10 * time.Minute
	startsOfData = 3
)

// idleAndStart measures what an idle cluster takes, and how fast a store with much data starts.
func idleAndStart(ctx context.Context, p plan) error {
	idle, err := start(p.raftplay, "serve", "--listen", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer idle.end()
	if _, err := idle.line("endpoints "); err != nil {
		return err
	}
	time.Sleep(idleTime)
	kib, err := idle.residentKiB()
	if err != nil {
		return err
	}
	fmt.Printf("\nAn idle `raftplay serve` with three stores has %.1f MiB (wanted: less than 150).\n", float64(kib)/1024)
	if !p.gigabyte {
		return nil
	}
	return startWithData(ctx, p)
}

// startWithData fills a cluster with 1 GiB and measures how long a store takes from its start until it serves.
func startWithData(ctx context.Context, p plan) error {
	s, err := openStores(ctx, p.raftplay)
	if err != nil {
		return err
	}
	defer s.close()
	if err := fill(ctx, s.endpoints); err != nil {
		return err
	}
	for _, how := range []string{"in order", "by kill -9"} {
		var slowest time.Duration
		for range startsOfData {
			if how == "in order" {
				s.processes[2].end()
			} else {
				_ = s.processes[2].command.Process.Kill()
				<-s.processes[2].ended
			}
			began := time.Now()
			if s.processes[2], err = s.startStore(p.raftplay, 3); err != nil {
				return err
			}
			slowest = max(slowest, time.Since(began))
		}
		fmt.Printf("A store with 1 GiB of data that was ended %s serves after %.2f s, the slowest of %d (wanted: less than 3).\n",
			how, slowest.Seconds(), startsOfData)
	}
	return nil
}

func fill(ctx context.Context, endpoints []string) error {
	ctx, cancel := context.WithTimeout(ctx, fillTimeout)
	defer cancel()
	c, err := client.Open(client.Config{Endpoints: endpoints, AttemptTimeout: 30 * time.Second})
	if err != nil {
		return err
	}
	defer c.Close()
	var work sync.WaitGroup
	failed := make(chan error, fillers)
	next := make(chan int)
	for range fillers {
		work.Go(func() {
			value := []byte(strings.Repeat(fmt.Sprint(os.Getpid()), bigValue)[:bigValue])
			for i := range next {
				copy(value, fmt.Sprintf("%020d", i))
				if err := c.Put(ctx, fmt.Appendf(nil, "data-%06d", i), value); err != nil {
					failed <- err
					cancel()
					return
				}
			}
		})
	}
	for i := range gigabyte / bigValue {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	work.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

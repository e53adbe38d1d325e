package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
)

// load is what came of one measurement.
type load struct {
	latencies *latencies
	errors    uint64
	failure   error // one of them
	took      time.Duration
}

// benchConnectionClients is how many clients share one connection to each store.
const benchConnectionClients = 500

// measure runs so many clients for a while. It is an error when the cluster does not answer at all.
func (o *bench) measure(ctx context.Context, clients int, shown *progress) (*load, error) {
	var connections []*client.Client
	defer func() {
		for _, c := range connections {
			_ = c.Close()
		}
	}()
	for range 1 + (clients-1)/benchConnectionClients {
		c, err := o.connect(ctx)
		if err != nil {
			return nil, err
		}
		connections = append(connections, c)
	}
	// Commands under way at the end are waited for.
	running, cancel := context.WithTimeout(ctx, o.duration+o.timeout)
	defer cancel()
	var over atomic.Bool
	workers := make([]*benchClient, clients)
	var work sync.WaitGroup
	began := time.Now()
	for i := range workers {
		workers[i] = o.client(connections[i%len(connections)])
		work.Go(func() { workers[i].run(running, &over) })
	}
	o.wait(ctx, began, shown)
	over.Store(true)
	work.Wait()
	took := time.Since(began)
	shown.clear()
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	l := &load{latencies: &latencies{}, took: took}
	for _, w := range workers {
		l.latencies.add(&w.latencies)
		l.errors += w.errors
		if w.failure != nil {
			l.failure = w.failure
		}
	}
	return l, nil
}

// connect returns a client that has found the leader of at least one region.
func (o *bench) connect(ctx context.Context) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	c, err := o.open(ctx, io.Discard) // each connection would warn of the same
	if err != nil {
		return nil, err
	}
	if _, _, err := c.Get(ctx, []byte(benchKey(0)), 0); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// wait shows how far the measurement is until its time is over.
func (o *bench) wait(ctx context.Context, began time.Time, shown *progress) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	over := time.NewTimer(o.duration)
	defer over.Stop()
	for {
		select {
		case <-ticker.C:
			shown.show(time.Since(began).Microseconds(), o.duration.Microseconds())
		case <-over.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func benchKey(i int) string { return fmt.Sprintf("bench-%05d", i) }

// benchClient sends one command after the other. It uses one request again and again.
type benchClient struct {
	c          *client.Client
	reads      int
	read       *raftcmdpb.RaftCommandRequest
	write      *raftcmdpb.RaftCommandRequest
	get        *raftcmdpb.GetRequest
	put        *raftcmdpb.PutRequest
	latencies  latencies
	errors     uint64
	failure    error
	keyNumbers *rand.Rand
}

func (o *bench) client(c *client.Client) *benchClient {
	b := &benchClient{
		c: c, reads: o.reads, get: &raftcmdpb.GetRequest{}, put: &raftcmdpb.PutRequest{Value: make([]byte, o.valueBytes)},
		keyNumbers: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
	for i := range b.put.Value {
		b.put.Value[i] = 'a' + byte(i%26)
	}
	one := func(r *raftcmdpb.Request) *raftcmdpb.RaftCommandRequest {
		return &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{r}}
	}
	b.read = one(&raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: b.get}})
	b.write = one(&raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: b.put}})
	return b
}

func (b *benchClient) run(ctx context.Context, over *atomic.Bool) {
	key := []byte(benchKey(0))
	b.get.Key, b.put.Key = key, key
	for !over.Load() {
		n := b.keyNumbers.IntN(benchKeys)
		for i := len(key) - 1; n > 0 || key[i] != '-'; i-- {
			key[i] = '0' + byte(n%10)
			n /= 10
		}
		request := b.write
		if b.reads > 0 && b.keyNumbers.IntN(100) < b.reads {
			request = b.read
		}
		began := time.Now()
		if _, err := b.c.Do(ctx, request); err != nil {
			b.errors++
			b.failure = err
			if ctx.Err() != nil {
				return
			}
			continue
		}
		b.latencies.note(time.Since(began).Microseconds())
	}
}

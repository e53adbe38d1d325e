package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	// keys is how many there are; each request draws one, all alike.
	keys = 10_000
	// requestMax is how long a request may take before it counts as an error.
	requestMax = 5 * time.Second
	fillers    = 64
)

type operation string

const (
	put operation = "put"
	get operation = "get"
)

// request does one operation. A get is linearizable, which is etcd's default.
func (o operation) request(ctx context.Context, client *clientv3.Client, key, value string) error {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	if o == put {
		_, err := client.Put(ctx, key, value)
		return err
	}
	answer, err := client.Get(ctx, key)
	if err == nil && len(answer.Kvs) != 1 {
		err = fmt.Errorf("%s is not there", key)
	}
	return err
}

func keyName(n int) string { return fmt.Sprintf("key-%05d", n) }

// anyValue is of the size wanted and does not compress.
func anyValue(bytes int, draw *rand.Rand) string {
	value := make([]byte, bytes)
	for i := range value {
		value[i] = byte(draw.Uint32())
	}
	return string(value)
}

// dial makes a connection. The client's log would tell of each retry; what becomes of a request is counted.
func dial(endpoints []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()})
}

// connect opens the connections that some clients share, and waits for each to answer.
func connect(ctx context.Context, endpoints []string, clients, perConnection int) (connections []*clientv3.Client, err error) {
	for range (clients + perConnection - 1) / perConnection {
		connection, err := dial(endpoints)
		if err == nil {
			connections = append(connections, connection)
			_, err = connection.Get(ctx, "connected")
		}
		if err != nil {
			return nil, errors.Join(err, disconnect(connections))
		}
	}
	return connections, nil
}

func disconnect(connections []*clientv3.Client) error {
	var errs []error
	for _, connection := range connections {
		errs = append(errs, connection.Close())
	}
	return errors.Join(errs...)
}

// fill writes every key once, so that a get finds what it asks for, and the members are warm.
func fill(ctx context.Context, endpoints []string, p plan) error {
	connections, err := connect(ctx, endpoints, fillers, p.clientsPerConnection)
	if err != nil {
		return err
	}
	errs := make([]error, fillers)
	var fill sync.WaitGroup
	for i := range fillers {
		fill.Go(func() {
			value := anyValue(p.valueBytes, rand.New(rand.NewPCG(uint64(i), 1)))
			for key := i; key < keys && errs[i] == nil; key += fillers {
				errs[i] = put.request(ctx, connections[i%len(connections)], keyName(key), value)
			}
		})
	}
	fill.Wait()
	return errors.Join(append(errs, disconnect(connections))...)
}

// tally is what one client saw.
type tally struct {
	// latenciesMicros are those of the requests that succeeded.
	latenciesMicros []int64
	errors          int
}

// measure lets clients make requests, one after the other each, until the time is up. What was begun is finished and
// counted, and its time too.
func measure(ctx context.Context, endpoints []string, p plan, clients int, op operation) (result, error) {
	connections, err := connect(ctx, endpoints, clients, p.clientsPerConnection)
	if err != nil {
		return result{}, err
	}
	tallies := make([]tally, clients)
	var load sync.WaitGroup
	began := time.Now()
	for i := range tallies {
		load.Go(func() {
			draw := rand.New(rand.NewPCG(uint64(i), 2))
			tallies[i] = demand(ctx, connections[i%len(connections)], op, anyValue(p.valueBytes, draw), draw, began.Add(p.length))
		})
	}
	load.Wait()
	took := time.Since(began)
	if err := errors.Join(ctx.Err(), disconnect(connections)); err != nil {
		return result{}, err
	}
	r := summary(tallies, took)
	r.Op, r.Clients, r.ValueBytes = string(op), clients, p.valueBytes
	return r, nil
}

func demand(ctx context.Context, connection *clientv3.Client, op operation, value string, draw *rand.Rand, until time.Time) (t tally) {
	for at := time.Now(); at.Before(until) && ctx.Err() == nil; {
		err := op.request(ctx, connection, keyName(draw.IntN(keys)), value)
		now := time.Now()
		if err != nil {
			t.errors++
		} else {
			t.latenciesMicros = append(t.latenciesMicros, now.Sub(at).Microseconds())
		}
		at = now
	}
	return t
}

// summary puts the clients' tallies together.
func summary(tallies []tally, took time.Duration) (r result) {
	var all []int64
	for _, t := range tallies {
		all = append(all, t.latenciesMicros...)
		r.Errors += t.errors
	}
	slices.Sort(all)
	r.PerSecond = float64(int(10*float64(len(all))/took.Seconds())) / 10
	r.P50Micros, r.P99Micros = quantile(all, 50), quantile(all, 99)
	return r
}

// quantile is the smallest value that at least so many percent of all are not above; 0 of none.
func quantile(sorted []int64, percent int) int64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}

// Command live measures a live cluster of real processes on this machine, as its users meet it: puts and gets beside etcd's,
// what viewers cost, how fast a store with much data starts, and what an idle cluster takes of the memory. It starts and
// ends every process itself and prints tables.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// plan is what is measured, and with what.
type plan struct {
	raftplay, etcd string
	clients        string
	length         time.Duration
	rounds         int
	gigabyte       bool
}

func main() {
	var p plan
	flag.StringVar(&p.raftplay, "raftplay", "bin/raftplay", "the binary to measure")
	flag.StringVar(&p.etcd, "etcd", "", "the program that measures etcd; without it raftplay is measured alone")
	flag.StringVar(&p.clients, "clients", "1,64,256", "how many clients, one measurement each")
	flag.DurationVar(&p.length, "for", 5*time.Second, "how long one measurement takes")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds, each of which measures everything in turn; medians are printed")
	flag.BoolVar(&p.gigabyte, "gigabyte", true, "also measure the start of a store with 1 GiB of data")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) error {
	if err := compare(ctx, p); err != nil {
		return err
	}
	if err := watchCosts(ctx, p); err != nil {
		return err
	}
	return idleAndStart(ctx, p)
}

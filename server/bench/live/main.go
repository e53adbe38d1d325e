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
	"strconv"
	"strings"
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
	// only names the one part to measure; empty for all. rate is how many puts a second viewers' costs are measured at; 0 for as
	// many as there can be.
	only    string
	rate    int
	viewers []int
	pprof   bool
}

func main() {
	var p plan
	flag.StringVar(&p.raftplay, "raftplay", "bin/raftplay", "the binary to measure")
	flag.StringVar(&p.etcd, "etcd", "", "the program that measures etcd; without it raftplay is measured alone")
	flag.StringVar(&p.clients, "clients", "1,64,256", "how many clients, one measurement each")
	flag.DurationVar(&p.length, "for", 5*time.Second, "how long one measurement takes")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds, each of which measures everything in turn; medians are printed")
	flag.BoolVar(&p.gigabyte, "gigabyte", true, "also measure the start of a store with 1 GiB of data")
	flag.StringVar(&p.only, "only", "", "measure only this part: load, viewers or idle")
	flag.BoolVar(&p.pprof, "pprof", false, "have the process that serves the viewers serve its profiles too")
	counts := flag.String("viewers", "0,1,200", "how many viewers look on, one measurement each; the first is what the others are compared with")
	flag.IntVar(&p.rate, "rate", 0, "while viewers look on, offer so many puts a second, and not as many as there can be")
	flag.Parse()
	for count := range strings.SplitSeq(*counts, ",") {
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 {
			fmt.Fprintf(os.Stderr, "bench: %q is no number of viewers\n", count)
			os.Exit(2)
		}
		p.viewers = append(p.viewers, n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) error {
	parts := []struct {
		name    string
		measure func(context.Context, plan) error
	}{{"load", compare}, {"viewers", watchCosts}, {"idle", idleAndStart}}
	known := p.only == ""
	for _, part := range parts {
		if p.only != "" && p.only != part.name {
			continue
		}
		known = true
		if err := part.measure(ctx, p); err != nil {
			return err
		}
	}
	if !known {
		return fmt.Errorf("there is no part %q to measure", p.only)
	}
	return nil
}

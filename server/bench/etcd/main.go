// Command etcd puts load on a cluster of three etcd members, to have something to hold raftplay's figures against. The
// members are processes of their own on this machine, with etcd's defaults: every write is synced.
//
// It is a module of its own, so that nothing else here depends on etcd:
//
//	cd server/bench/etcd && go build -o bench-etcd && ./bench-etcd --clients 1,64,256 --seconds 5
//
// For each number of clients it measures puts and then linearizable gets, and prints a line of JSON for either.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/api/v3/version"
)

// Limits of what can be asked for.
const (
	clientsMax    = 10_000
	secondsMax    = 600
	valueBytesMax = 1 << 20
)

func main() {
	// The program starts itself as each of the members.
	if len(os.Args) > 1 && os.Args[1] == memberArgument {
		exit(runMember(os.Args[2:], os.Stdin))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, os.Args[1:], os.Stdout))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench-etcd: %v\n", err)
		os.Exit(1)
	}
}

// plan is what is measured.
type plan struct {
	clients              []int
	length               time.Duration
	valueBytes           int
	clientsPerConnection int
	// allMembers: clients talk to all of the members in turn, and not to the leader only.
	allMembers bool
}

func parsePlan(args []string) (plan, error) {
	var p plan
	flags := flag.NewFlagSet("bench-etcd", flag.ContinueOnError)
	clients := flags.String("clients", "1,64,256", "how many clients, each with one request at a time; several numbers are measured in turn")
	seconds := flags.Float64("seconds", 5, "how long each measurement takes")
	flags.IntVar(&p.valueBytes, "value-bytes", 128, "size of a value")
	flags.IntVar(&p.clientsPerConnection, "clients-per-connection", 16, "how many clients share a connection")
	flags.BoolVar(&p.allMembers, "all-members", false, "talk to all members in turn; else to the leader, which is the faster way")
	if err := flags.Parse(args); err != nil {
		return plan{}, err
	}
	for _, number := range strings.Split(*clients, ",") {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > clientsMax {
			return plan{}, fmt.Errorf("%q is no number of clients: 1 to %d are possible", number, clientsMax)
		}
		p.clients = append(p.clients, n)
	}
	if *seconds <= 0 || *seconds > secondsMax {
		return plan{}, fmt.Errorf("a measurement cannot take %v seconds: at most %d", *seconds, secondsMax)
	}
	p.length = time.Duration(*seconds * float64(time.Second))
	if p.valueBytes < 0 || p.valueBytes > valueBytesMax {
		return plan{}, fmt.Errorf("a value cannot have %d bytes: at most %d", p.valueBytes, valueBytesMax)
	}
	if p.clientsPerConnection < 1 {
		return plan{}, fmt.Errorf("%d clients cannot share a connection: at least 1", p.clientsPerConnection)
	}
	return p, nil
}

// result is one measurement, as it is printed. The latencies are of the requests that succeeded.
type result struct {
	System     string  `json:"system"`
	Version    string  `json:"version"`
	Op         string  `json:"op"`
	Clients    int     `json:"clients"`
	ValueBytes int     `json:"value_bytes"`
	PerSecond  float64 `json:"per_second"`
	P50Micros  int64   `json:"p50_micros"`
	P99Micros  int64   `json:"p99_micros"`
	Errors     int     `json:"errors"`
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	p, err := parsePlan(args)
	if err != nil {
		return err
	}
	c, err := startCluster(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := c.stop(); err == nil {
			err = stopErr
		}
	}()
	endpoints := c.endpoints()
	if !p.allMembers {
		leader, err := c.leader(ctx)
		if err != nil {
			return err
		}
		endpoints = []string{leader}
	}
	if err := fill(ctx, endpoints, p); err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	for _, clients := range p.clients {
		for _, op := range []operation{put, get} {
			r, err := measure(ctx, endpoints, p, clients, op)
			if err != nil {
				return err
			}
			r.System, r.Version = "etcd", version.Version
			if err := lines.Encode(r); err != nil {
				return err
			}
		}
	}
	return nil
}

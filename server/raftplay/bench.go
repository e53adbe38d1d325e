package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// bench is one `bench`: which load, for how long, and how to print what it came to.
type bench struct {
	reach
	clients    []int
	duration   time.Duration
	valueBytes int
	reads      int
	json       bool
}

const (
	benchClientsMax  = 1000 // a region remembers 1,024
	benchDurationMax = time.Hour
	benchKeys        = 10_000
)

func (p *Program) benchCommand() *cobra.Command {
	o := &bench{}
	command := &cobra.Command{
		Use:   "bench",
		Short: "Put load on a live cluster and print what it carries",
		Long: "bench runs so many clients at a time, each of which sends its next command when the last one is answered: puts, or\n" +
			"gets, of keys drawn evenly from 10,000. It writes over the keys bench-00000 to bench-09999.\n\n" +
			"It ends with exit code 1 when a command failed, or when its outcome is unknown.",
		Example: "  raftplay bench\n" +
			"  raftplay bench --clients 256 --for 30s --value-bytes 1024\n" +
			"  raftplay bench --reads 90 --json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.check(); err != nil {
				return err
			}
			p.job = func(ctx context.Context) error { return p.bench(ctx, o) }
			return nil
		},
	}
	flags := command.Flags()
	o.addFlags(command)
	flags.IntSliceVar(&o.clients, "clients", []int{1, 64, 256}, "how many clients at a time; one measurement for each number")
	flags.DurationVar(&o.duration, "for", 5*time.Second, "how long each measurement takes")
	flags.IntVar(&o.valueBytes, "value-bytes", 128, "how large a value is")
	flags.IntVar(&o.reads, "reads", 0, "how many of 100 commands are gets")
	flags.BoolVar(&o.json, "json", false, "print each measurement as one line of JSON")
	return command
}

func (o *bench) check() error {
	for _, n := range o.clients {
		if n < 1 || n > benchClientsMax {
			return fmt.Errorf("--clients must be 1 to %d, not %d", benchClientsMax, n)
		}
	}
	switch {
	case len(o.clients) == 0:
		return errors.New("--clients names no number")
	case o.duration <= 0 || o.duration > benchDurationMax:
		return fmt.Errorf("--for must be more than 0s and at most %v, not %v", benchDurationMax, o.duration)
	case o.valueBytes < 0 || o.valueBytes > valueBytesMax:
		return fmt.Errorf("--value-bytes must be 0 to %d, not %d", valueBytesMax, o.valueBytes)
	case o.reads < 0 || o.reads > 100:
		return fmt.Errorf("--reads must be 0 to 100, not %d", o.reads)
	}
	return o.reach.check()
}

// benchLine is what one measurement came to, as --json prints it.
type benchLine struct {
	System    string `json:"system"`
	Op        string `json:"op"` // put, get or mixed
	Clients   int    `json:"clients"`
	PerSecond int    `json:"per_second"`
	P50Micros int64  `json:"p50_micros"`
	P99Micros int64  `json:"p99_micros"`
	Errors    uint64 `json:"errors"`
}

func (o *bench) op() string {
	switch o.reads {
	case 0:
		return "put"
	case 100:
		return "get"
	}
	return "mixed"
}

// benchGCPercent lets garbage lie for longer: it is what one command leaves behind, and there are many.
const benchGCPercent = 400

func (p *Program) bench(ctx context.Context, o *bench) error {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(benchGCPercent))
	}
	var table *tabwriter.Writer
	if !o.json {
		table = tabwriter.NewWriter(p.Stdout, 9, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(table, "op\tclients\tper second\tp50\tp99\terrors\t\n")
	}
	var failed uint64
	var first error
	for _, n := range o.clients {
		load, err := o.measure(ctx, n, newProgress(p.Stderr))
		if err != nil {
			return err
		}
		line := o.line(n, load)
		if err := line.print(p.Stdout, table); err != nil {
			return err
		}
		failed += line.Errors
		first = errors.Join(first, load.failure)
	}
	if failed > 0 {
		return fmt.Errorf("%d commands failed, one of them: %w", failed, first)
	}
	return nil
}

func (o *bench) line(clients int, l *load) *benchLine {
	return &benchLine{
		System: "raftplay", Op: o.op(), Clients: clients, Errors: l.errors,
		PerSecond: int(float64(l.latencies.count) / l.took.Seconds()),
		P50Micros: l.latencies.percentile(50), P99Micros: l.latencies.percentile(99),
	}
}

func (l *benchLine) print(out io.Writer, table *tabwriter.Writer) error {
	if table == nil {
		return json.NewEncoder(out).Encode(l)
	}
	fmt.Fprintf(table, "%s\t%d\t%d\t%v\t%v\t%d\t\n", l.Op, l.Clients, l.PerSecond,
		time.Duration(l.P50Micros)*time.Microsecond, time.Duration(l.P99Micros)*time.Microsecond, l.Errors)
	return table.Flush()
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
)

// figure is what one measurement came to, as `raftplay bench` and the program for etcd print it.
type figure struct {
	System    string  `json:"system"`
	Op        string  `json:"op"`
	Clients   int     `json:"clients"`
	PerSecond float64 `json:"per_second"`
	P50Micros int64   `json:"p50_micros"`
	P99Micros int64   `json:"p99_micros"`
	Errors    uint64  `json:"errors"`
}

func (f figure) what() string { return fmt.Sprintf("%s %d", f.Op, f.Clients) }

// measure runs a program that prints figures.
func measure(ctx context.Context, name string, args ...string) ([]figure, error) {
	command := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said.String())
	}
	var figures []figure
	for line := range bytes.Lines(out) {
		var f figure
		if err := json.Unmarshal(line, &f); err != nil {
			return nil, fmt.Errorf("%s printed %q: %w", name, line, err)
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// load measures puts and then gets on a cluster of raftplay's.
func (p plan) load(ctx context.Context, endpoints []string, clients string, reads ...string) ([]figure, error) {
	var all []figure
	for _, percent := range reads {
		figures, err := measure(ctx, p.raftplay, "bench", "--json", "--endpoints", strings.Join(endpoints, ","),
			"--clients", clients, "--for", p.length.String(), "--reads", percent)
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

// compare measures raftplay and etcd in turn, each alone on the machine.
func compare(ctx context.Context, p plan) error {
	ours, theirs := map[string][]figure{}, map[string][]figure{}
	var order []figure
	for round := range p.rounds {
		s, err := openStores(ctx, p.raftplay)
		if err != nil {
			return err
		}
		figures, err := p.load(ctx, s.endpoints, p.clients, "0", "100")
		s.close()
		if err != nil {
			return err
		}
		for _, f := range figures {
			ours[f.what()] = append(ours[f.what()], f)
		}
		if round == 0 {
			order = figures
		}
		if p.etcd == "" {
			continue
		}
		figures, err = measure(ctx, p.etcd, "--clients", p.clients, "--seconds", fmt.Sprint(p.length.Seconds()))
		if err != nil {
			return err
		}
		for _, f := range figures {
			theirs[f.what()] = append(theirs[f.what()], f)
		}
	}
	fmt.Printf("Three stores and the load on this machine, 128-byte values, synced; medians of %d rounds.\n\n", p.rounds)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "op\tclients\traftplay/s\tp50\tp99\tetcd/s\tp50\tp99\tratio\t")
	for _, f := range order {
		a := medians(ours[f.what()])
		if p.etcd == "" {
			fmt.Fprintf(table, "%s\t%d\t%.0f\t%s\t%s\t\t\t\t\t\n", f.Op, f.Clients, a.PerSecond, millis(a.P50Micros), millis(a.P99Micros))
			continue
		}
		b := medians(theirs[f.what()])
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%s\t%s\t%.0f\t%s\t%s\t%.2f\t\n", f.Op, f.Clients, a.PerSecond, millis(a.P50Micros),
			millis(a.P99Micros), b.PerSecond, millis(b.P50Micros), millis(b.P99Micros), a.PerSecond/max(b.PerSecond, 1))
	}
	return table.Flush()
}

// medians are of each figure on its own.
func medians(of []figure) figure {
	if len(of) == 0 {
		return figure{}
	}
	m := of[0]
	m.PerSecond = float64(median(of, func(f figure) int { return int(f.PerSecond) }))
	m.P50Micros = int64(median(of, func(f figure) int { return int(f.P50Micros) }))
	m.P99Micros = int64(median(of, func(f figure) int { return int(f.P99Micros) }))
	return m
}

func median(of []figure, value func(figure) int) int {
	var values []int
	for _, f := range of {
		values = append(values, value(f))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func millis(micros int64) string { return fmt.Sprintf("%.1f ms", float64(micros)/1000) }

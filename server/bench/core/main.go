// Command core measures the core without a page, natively or, built for js/wasm, under Node: messages a second of the
// whole store against a bare loop of RawNodes in the same run, what an idle minute costs and, natively, what many regions
// and what the judges cost. It prints the medians.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "measurements of each kind, one after the other in turn")
	length := flag.Duration("length", 700*time.Millisecond, "how long one measurement of messages takes")
	flag.Parse()
	if runtime.GOOS == "js" {
		// As wasm/main_js.go has it.
		debug.SetGCPercent(400)
	}
	if err := run(*rounds, *length); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// results hold every round's figure.
type results struct {
	bare, alone, watched []float64 // messages a second
	idle                 []float64 // milliseconds
}

func run(rounds int, length time.Duration) error {
	var r results
	for range max(rounds, 1) {
		if err := r.round(length); err != nil {
			return err
		}
	}
	r.print()
	if runtime.GOOS == "js" {
		return nil
	}
	if err := printRegions(rounds, length); err != nil {
		return err
	}
	return printFaults(min(rounds, 3))
}

// round measures everything once, so that what slows the machine for a while slows all of it.
func (r *results) round(length time.Duration) error {
	b, err := newBare()
	if err != nil {
		return err
	}
	command := commandBytes()
	speed, err := perSecond(length, func() error { return b.propose(command) }, func() uint64 { return b.messages })
	if err != nil {
		return err
	}
	r.bare = append(r.bare, speed)
	for _, kind := range []struct {
		watched bool
		speeds  *[]float64
	}{{false, &r.alone}, {true, &r.watched}} {
		w, err := newWhole(kind.watched)
		if err != nil {
			return err
		}
		speed, err := perSecond(length, w.propose, func() uint64 { return w.world.Counts().MessagesSent })
		if err == nil {
			err = w.verify()
		}
		if err != nil {
			return err
		}
		*kind.speeds = append(*kind.speeds, speed)
	}
	idle, err := newWhole(false)
	if err != nil {
		return err
	}
	runtime.GC()
	began := time.Now()
	idle.idleMinute()
	r.idle = append(r.idle, float64(time.Since(began).Microseconds())/1000)
	return nil
}

// perSecond repeats propose for a while and returns how many messages a second that moved.
func perSecond(length time.Duration, propose func() error, messages func() uint64) (float64, error) {
	const warmUp, between = 200, 50
	for range warmUp {
		if err := propose(); err != nil {
			return 0, err
		}
	}
	runtime.GC()
	before, began := messages(), time.Now()
	for time.Since(began) < length {
		for range between {
			if err := propose(); err != nil {
				return 0, err
			}
		}
	}
	return float64(messages()-before) / time.Since(began).Seconds(), nil
}

func (r *results) print() {
	bare := median(r.bare)
	fmt.Printf("%-66s %12s %14s %8s\n", "core, "+platform(), "median", "share of bare", "wanted")
	line := func(what string, value float64, wanted float64) {
		share, target := "", ""
		if wanted > 0 {
			share, target = fmt.Sprintf("%.2f", value/bare), fmt.Sprintf("%.2f", wanted)
			if value/bare < wanted {
				target += "  not met, see docs/benchmarks.md"
			}
		}
		fmt.Printf("%-66s %12.0f %14s %8s\n", what, value, share, target)
	}
	line("bare loop of five RawNodes, messages cloned by hand (messages/s)", bare, 0)
	line("whole store, five stores, nobody watching (messages/s)", median(r.alone), 0.5)
	line("whole store, judged and every event recorded (messages/s)", median(r.watched), 0.2)
	fmt.Printf("%-66s %12.1f %14s %8s\n", "a minute of an idle five-store cluster (ms)", median(r.idle), "", idleWanted())
}

func platform() string {
	if runtime.GOOS == "js" {
		return "wasm under Node"
	}
	return "native " + runtime.GOOS + "/" + runtime.GOARCH
}

// idleWanted is the wanted figure of an idle minute, which is for wasm.
func idleWanted() string {
	if runtime.GOOS == "js" {
		return "50"
	}
	return ""
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

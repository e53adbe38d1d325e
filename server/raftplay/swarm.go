package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/server/swarm"
)

// seedsMax bounds --seeds: a few days of work.
const seedsMax = 10_000_000

// simSwarm is one `sim swarm`: which runs, and what to tell of them.
type simSwarm struct {
	swarm.Options
	bugs     []string
	coverage bool
	minimize bool
	folder   string
	json     bool
}

func (p *Program) simSwarmCommand() *cobra.Command {
	o := simSwarm{Options: swarm.Options{Seeds: 100, Start: 1}}
	command := &cobra.Command{
		Use:   "swarm",
		Short: "Run many simulated clusters under random faults and judge each",
		Long: "swarm plays one run for each seed: a minute of virtual time in which clients work while a random part of all\n" +
			"faults happens: to the network, disks, processes and clocks. Judges check Raft's promises after every step; then\n" +
			"a random quorum is healed and the cluster must serve again; then what clients saw must be linearizable.\n\n" +
			"A run that fails is one line with the command that replays it. It ends with exit code 1 when a run failed.",
		Example: "  raftplay sim swarm --seeds 1000\n" +
			"  raftplay sim swarm --seeds 300 --start 5000 --coverage\n" +
			"  raftplay sim swarm --seeds 50 --minimize            # writes a short run for each that failed\n" +
			"  raftplay sim swarm --seeds 50 --bug no-fsync        # with a store that is broken on purpose\n" +
			"  raftplay sim run --swarm --seed 5007 --events       # one of them, in full",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.check(); err != nil {
				return err
			}
			p.job = func(ctx context.Context) error { return p.simSwarm(ctx, &o) }
			return nil
		},
	}
	flags := command.Flags()
	flags.Uint64Var(&o.Seeds, "seeds", o.Seeds, "how many runs")
	flags.Uint64Var(&o.Start, "start", o.Start, "the first seed")
	flags.IntVar(&o.Workers, "workers", 0, "how many runs at a time; 0 is one for each core")
	flags.BoolVar(&o.Unsafe, "unsafe", false, "also faults that Raft does not promise to survive")
	flags.StringSliceVar(&o.bugs, "bug", nil, "break every store in this way; may be given several times: "+strings.Join(bugNames(), ", "))
	flags.BoolVar(&o.coverage, "coverage", false, "print how often each fault and each judge's case occurred; a zero is a failure")
	flags.BoolVar(&o.minimize, "minimize", false, "shorten each failing run and write it to a file")
	flags.StringVar(&o.folder, "out", ".", "the folder for those files")
	flags.BoolVar(&o.json, "json", false, "print each failing run and the summary as lines of JSON")
	return command
}

func (o *simSwarm) check() (err error) {
	switch {
	case o.Seeds < 1 || o.Seeds > seedsMax:
		return fmt.Errorf("--seeds must be 1 to %d, not %d", seedsMax, o.Seeds)
	case o.Start > ^uint64(0)-o.Seeds:
		return fmt.Errorf("--start %d leaves no room for %d seeds", o.Start, o.Seeds)
	case o.Workers < 0 || o.Workers > 1024:
		return fmt.Errorf("--workers must be 0 to 1024, not %d", o.Workers)
	}
	o.Bugs, err = parseBugs(o.bugs)
	return err
}

// swarmLine is a failing run, as --json prints it.
type swarmLine struct {
	Seed     uint64   `json:"seed"`
	Failures []string `json:"failures"`
	Replay   string   `json:"replay"`
	// Minimized is the file that holds the short run, if one was asked for.
	Minimized string `json:"minimized,omitempty"`
}

// swarmSummary is the last line of --json.
type swarmSummary struct {
	Passed        int          `json:"passed"`
	Failed        int          `json:"failed"`
	Undecided     int          `json:"undecided"`
	Acknowledged  int          `json:"acknowledgedMedian"`
	Faults        int          `json:"faultsMedian"`
	LeaderChanges int          `json:"leaderChangesMedian"`
	TimeMicros    int64        `json:"timeMicros"`
	Events        uint64       `json:"events"`
	Coverage      []swarm.Line `json:"coverage,omitempty"`
}

// swarmGCPercent lets a run's garbage lie for longer: runs are short, and small.
const swarmGCPercent = 400

func (p *Program) simSwarm(ctx context.Context, o *simSwarm) error {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(swarmGCPercent))
	}
	out := bufio.NewWriter(p.Stdout)
	shown := newProgress(p.Stderr)
	var done, failed uint64
	var trouble error
	s, err := swarm.Run(ctx, o.Options, func(r *swarm.Result) bool {
		done++
		if len(r.Failures) > 0 {
			failed++
			shown.clear()
			trouble = errors.Join(p.tellFailure(ctx, out, o, r), out.Flush())
		}
		shown.count(done, o.Seeds, fmt.Sprintf("seeds, %d failed", failed))
		return trouble == nil
	})
	shown.clear()
	switch {
	case trouble != nil:
		return errors.Join(trouble, out.Flush())
	case err != nil:
		return errors.Join(fmt.Errorf("interrupted after %d of %d seeds", done, o.Seeds), out.Flush())
	}
	missing, err := printSwarm(out, o, s)
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	switch {
	case s.Failed > 0:
		return fmt.Errorf("%d of %d runs failed", s.Failed, o.Seeds)
	case len(missing) > 0:
		return fmt.Errorf("never happened: %s", strings.Join(missing, ", "))
	}
	return nil
}

// replay is the command that shows a seed's run again.
func (o *simSwarm) replay(seed uint64) string {
	command := fmt.Sprintf("raftplay sim run --swarm --seed %d", seed)
	if o.Unsafe {
		command += " --unsafe"
	}
	for _, name := range o.bugs {
		command += " --bug " + name
	}
	return command
}

func (p *Program) tellFailure(ctx context.Context, out *bufio.Writer, o *simSwarm, r *swarm.Result) error {
	line := swarmLine{Seed: r.Seed, Replay: o.replay(r.Seed)}
	for _, f := range r.Failures {
		line.Failures = append(line.Failures, f.String())
	}
	if o.minimize {
		name, err := p.minimize(ctx, o, r.Seed)
		if err != nil {
			return err
		}
		line.Minimized = name
	}
	if o.json {
		return json.NewEncoder(out).Encode(&line)
	}
	more := ""
	if n := len(line.Failures) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	if line.Minimized != "" {
		more += "; short: raftplay sim run --recover --actions " + line.Minimized
	}
	_, err := fmt.Fprintf(out, "seed %d failed: %s%s; replay: %s\n", r.Seed, line.Failures[0], more, line.Replay)
	return err
}

// minimize writes the shortest run it can find that fails as the seed's does, and returns the file's name.
func (p *Program) minimize(ctx context.Context, o *simSwarm, seed uint64) (string, error) {
	shown := newProgress(p.Stderr)
	run, _ := swarm.Shrink(ctx, o.Plan(seed), func(tries, actions int) {
		shown.count(uint64(tries), swarm.ShrinkTriesMax, fmt.Sprintf("tries to shorten seed %d, %d actions left", seed, actions))
	})
	shown.clear()
	text, err := protojson.MarshalOptions{Multiline: true}.Marshal(run)
	if err != nil {
		return "", err
	}
	name := filepath.Join(o.folder, fmt.Sprintf("raftplay-seed-%d.json", seed))
	return name, os.WriteFile(name, append(text, '\n'), 0o600)
}

// printSwarm prints the summary, and returns what never happened although coverage was asked for.
func printSwarm(out *bufio.Writer, o *simSwarm, s *swarm.Summary) (missing []string, err error) {
	var lines []swarm.Line
	if o.coverage {
		lines = s.Coverage.Lines(o.Unsafe)
		for _, l := range lines {
			if l.Count == 0 {
				missing = append(missing, l.Name)
			}
		}
	}
	if o.json {
		return missing, json.NewEncoder(out).Encode(&swarmSummary{
			Passed: s.Passed, Failed: s.Failed, Undecided: s.Undecided, Acknowledged: s.Acknowledged, Faults: s.Faults,
			LeaderChanges: s.LeaderChanges, TimeMicros: s.Micros, Events: s.Events, Coverage: lines,
		})
	}
	for _, l := range lines {
		fmt.Fprintf(out, "%10d  %s\n", l.Count, l.Name)
	}
	fmt.Fprintf(out, "median run: %d operations answered, %d faults, %d changes of leader\n", s.Acknowledged, s.Faults, s.LeaderChanges)
	if s.Undecided > 0 {
		fmt.Fprintf(out, "%d histories were too much for their judge\n", s.Undecided)
	}
	_, err = fmt.Fprintf(out, "%d passed, %d failed\n", s.Passed, s.Failed)
	return missing, err
}

const bugPrefix = "BUG_"

// bugNames are the bugs as the command line calls them: "no-fsync".
func bugNames() []string {
	var names []string
	for number, name := range sessionpb.Bug_name {
		if number != 0 {
			names = append(names, strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, bugPrefix), "_", "-")))
		}
	}
	slices.Sort(names)
	return names
}

func parseBugs(names []string) ([]sessionpb.Bug, error) {
	var bugs []sessionpb.Bug
	for _, name := range names {
		number, known := sessionpb.Bug_value[bugPrefix+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))]
		if !known || number == 0 {
			return nil, fmt.Errorf("there is no bug %q: `raftplay sim swarm --help` lists them", name)
		}
		if !slices.Contains(bugs, sessionpb.Bug(number)) {
			bugs = append(bugs, sessionpb.Bug(number))
		}
	}
	return bugs, nil
}

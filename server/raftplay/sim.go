package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"raftplay/core"
	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// durationMax bounds --for: virtual time is kept in microseconds, and a run this long takes hours.
const durationMax = 1000 * time.Hour

func (p *Program) simCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "sim",
		Short:   "Run simulated clusters without a page",
		Example: "  raftplay sim run --seed 7",
		Args:    cobra.NoArgs,
		RunE:    showHelp,
	}
	command.AddCommand(p.simRunCommand(), p.simSwarmCommand())
	return command
}

// simRun is one `sim run`: which run, and how to print it.
type simRun struct {
	seed     uint64
	stores   uint32
	duration time.Duration
	actions  string
	exercise bool
	regions  bool
	swarm    bool
	recover  bool
	unsafe   bool
	bugs     []string
	workload []string
	events   bool
	json     bool
}

func (p *Program) simRunCommand() *cobra.Command {
	var o simRun
	defaults := sim.DefaultConfig()
	command := &cobra.Command{
		Use:   "run",
		Short: "Run a simulated cluster and print what happened, and the run's hash",
		Long: "run lets a simulated cluster live for some virtual time, as fast as this machine can, while judges check\n" +
			"Raft's promises after every step. At the end a judge says whether what clients heard is linearizable. The same\n" +
			"run has the same hash everywhere, in the page too.\n\n" +
			"It ends with exit code 1 when a promise was broken, and with 2 when there is something wrong with the input.",
		Example: "  raftplay sim run --seed 7 --for 60s\n" +
			"  raftplay sim run --seed 7 --events --json    # every line is a JSON object, the last one the summary\n" +
			"  raftplay sim run --exercise --seed 7         # crashes, losses, elections and traffic\n" +
			"  raftplay sim run --regions --seed 7          # splits, changes of members, snapshots\n" +
			"  raftplay sim run --workload registers,bank:8 # clients that work by themselves: 4 and 8 of them\n" +
			"  raftplay sim run --actions run.json          # what the page exported",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if o.duration < 0 || o.duration > durationMax {
				return fmt.Errorf("--for must be 0s to %v, not %v", durationMax, o.duration)
			}
			if o.unsafe && !o.swarm {
				return errors.New("--unsafe goes with --swarm: it is about what is drawn")
			}
			p.job = func(ctx context.Context) error { return p.simRun(ctx, o) }
			return nil
		},
	}
	flags := command.Flags()
	flags.Uint64Var(&o.seed, "seed", defaults.GetSeed(), "everything by chance follows from it")
	flags.Uint32Var(&o.stores, "stores", defaults.GetStores(), "number of stores")
	flags.DurationVar(&o.duration, "for", time.Minute, "virtual time to run for")
	flags.StringVar(&o.actions, "actions", "", "play the run in this file, exported by the page; - is standard input")
	flags.BoolVar(&o.exercise, "exercise", false, "play the busy run of the seed")
	flags.BoolVar(&o.regions, "regions", false, "play the busy run of the seed that is about regions")
	flags.BoolVar(&o.swarm, "swarm", false, "play the run of the seed that a swarm plays, and ask whether it recovers")
	flags.BoolVar(&o.recover, "recover", false, "in the end heal a random quorum and ask whether every region serves again; --swarm does")
	flags.BoolVar(&o.unsafe, "unsafe", false, "with --swarm: also faults that Raft does not promise to survive")
	flags.StringSliceVar(&o.bugs, "bug", nil, "break every store in this way; see `raftplay sim swarm --help`")
	flags.StringSliceVar(&o.workload, "workload", nil,
		"clients that work by themselves: registers, sets, counters or bank, and how many after a colon")
	flags.BoolVar(&o.events, "events", false, "print every event, as one line of JSON")
	flags.BoolVar(&o.json, "json", false, "print the summary as one line of JSON")
	command.MarkFlagsMutuallyExclusive("actions", "seed")
	command.MarkFlagsMutuallyExclusive("actions", "exercise", "regions", "swarm")
	command.MarkFlagsMutuallyExclusive("actions", "swarm", "workload")
	for _, own := range []string{"stores", "for"} {
		for _, whole := range []string{"actions", "exercise", "regions", "swarm"} {
			command.MarkFlagsMutuallyExclusive(whole, own)
		}
	}
	return command
}

// run is what is to be played.
func (o *simRun) run(stdin io.Reader) (*sessionpb.Run, error) {
	if o.actions != "" {
		return readRun(o.actions, stdin)
	}
	workloads, err := workloadsOf(o.workload)
	if err != nil {
		return nil, err
	}
	var run *sessionpb.Run
	switch {
	case o.exercise:
		run = sim.Exercise(o.seed)
	case o.regions:
		run = sim.ExerciseRegions(o.seed)
	case o.swarm:
		return sim.Swarm(o.seed, o.unsafe), nil
	default:
		run = &sessionpb.Run{Config: sim.DefaultConfig(), NowMicros: o.duration.Microseconds(), ByTime: true}
		run.Config.Seed, run.Config.Stores = o.seed, o.stores
	}
	run.Config.Workloads = workloads
	return run, nil
}

func (p *Program) simRun(ctx context.Context, o simRun) error {
	run, err := o.run(p.Stdin)
	if err != nil {
		return &usageError{err}
	}
	bugs, err := parseBugs(o.bugs)
	if err != nil {
		return &usageError{err}
	}
	if run.GetConfig() != nil {
		run.Config.Bugs = append(run.Config.Bugs, bugs...)
	}
	if v := run.GetVersion(); v != "" && v != core.Version {
		fmt.Fprintf(p.Stderr, "raftplay: the run was made by version %s, this is %s: it may not repeat exactly\n", v, core.Version)
	}
	var player *sim.Player // the judges have nothing to report before it stands
	judges := check.New(func(v *sessionpb.Violation) { player.World.Report(v) })
	out := bufio.NewWriter(p.Stdout)
	t, hasher, history := newTally(), sim.NewHasher(), check.NewHistory()
	observers := []sim.Observer{judges, hasher, t, history}
	if o.events {
		observers = append(observers, &eventPrinter{out: out})
	}
	if player, err = sim.NewPlayer(run, observers...); err != nil {
		return &usageError{err}
	}
	if err := play(ctx, player, run, t, newProgress(p.Stderr)); err != nil {
		return errors.Join(err, out.Flush())
	}
	s := t.summary(run, player, hasher.Sum(player.World))
	if o.recover || o.swarm {
		if err := s.recover(player.World, run.GetConfig().GetSeed()); err != nil {
			return errors.Join(err, out.Flush())
		}
		s.Violations = t.violations
	}
	s.judge(check.JudgeHistory(history.Taken(player.World.Now())))
	if err := errors.Join(s.print(out, o.json), out.Flush()); err != nil {
		return err
	}
	return s.verdict()
}

// play plays the run to its end, or to its first violation where it asks for that.
func play(ctx context.Context, player *sim.Player, run *sessionpb.Run, t *tally, shown *progress) error {
	defer shown.clear()
	for i := 1; ; i++ {
		more, err := player.Next()
		if err != nil {
			return &usageError{err}
		}
		if !more || run.GetConfig().GetStopAtViolation() && len(t.violations) > 0 {
			return nil
		}
		if i%1024 == 0 {
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted after %d steps", player.World.Steps())
			}
			shown.show(player.World.Now(), run.GetNowMicros())
		}
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"raftplay/server/client"
)

// ctl is one command to a live cluster: where it is, and how to read and print.
type ctl struct {
	reach
	json   bool
	hex    bool
	base64 bool
}

func (p *Program) ctlCommand() *cobra.Command {
	o := &ctl{}
	command := &cobra.Command{
		Use:   "ctl",
		Short: "Read, write and change a live cluster",
		Long: "ctl sends one command to a live cluster: it finds the region and its leader, and tries again until --timeout. A write\n" +
			"is applied once, however often it was tried.\n\n" +
			"It ends with exit code 0 when the command was carried out; with 1 when it was not, or when its outcome is unknown,\n" +
			"which it says; with 2 when there is something wrong with the input.",
		Example: "  raftplay ctl put greeting hello\n" +
			"  raftplay ctl get greeting\n" +
			"  raftplay ctl scan --limit 10\n" +
			"  raftplay ctl split m                  # two regions\n" +
			"  raftplay ctl transfer 2               # store 2 leads\n" +
			"  raftplay ctl status --endpoints 10.0.0.1:7000,10.0.0.2:7000",
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	flags := command.PersistentFlags()
	o.addFlags(command)
	flags.BoolVar(&o.json, "json", false, "print one line of JSON")
	flags.BoolVar(&o.hex, "hex", false, "keys and values are hexadecimal, in and out")
	flags.BoolVar(&o.base64, "base64", false, "keys and values are base64, in and out")
	command.MarkFlagsMutuallyExclusive("hex", "base64")
	command.AddCommand(
		p.ctlGet(o), p.ctlPut(o), p.ctlDelete(o), p.ctlSeek(o), p.ctlScan(o),
		p.ctlSplit(o), p.ctlPeer(o), p.ctlTransfer(o), p.ctlCompact(o), p.ctlStatus(o))
	return command
}

// ctlJob is what a command does with a cluster that answers.
type ctlJob func(ctx context.Context, c *client.Client) error

// later has the program do a job once the command line is read.
func (p *Program) later(o *ctl, job ctlJob) error {
	if err := o.check(); err != nil {
		return err
	}
	p.job = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		c, err := o.open(ctx, p.Stderr)
		if err != nil {
			return err
		}
		return errors.Join(job(ctx, c), c.Close())
	}
	return nil
}

// tell prints a result: as one line of JSON, or else by words.
func (p *Program) tell(o *ctl, result any, words func(out io.Writer)) error {
	if o.json {
		return json.NewEncoder(p.Stdout).Encode(result)
	}
	words(p.Stdout)
	return nil
}

// laterIn has the program do a job in the region that is meant: the one named, or the only one.
func (p *Program) laterIn(o *ctl, named *uint64, job func(ctx context.Context, c *client.Client, regionID uint64) error) error {
	return p.later(o, func(ctx context.Context, c *client.Client) error {
		id, err := onlyRegion(ctx, c, *named)
		if err != nil {
			return err
		}
		return job(ctx, c, id)
	})
}

// regionFlag adds --region to a command that is for one region.
func regionFlag(command *cobra.Command, regionID *uint64) {
	command.Flags().Uint64Var(regionID, "region", 0, "the region's id; needed when there are several")
}

// onlyRegion returns the region that is meant: the one named, or the only one.
func onlyRegion(ctx context.Context, c *client.Client, named uint64) (uint64, error) {
	if named != 0 {
		return named, nil
	}
	regions, err := c.Regions(ctx)
	if err != nil {
		return 0, err
	}
	if len(regions) != 1 {
		return 0, &usageError{fmt.Errorf("the cluster has %d regions: say which one is meant with --region", len(regions))}
	}
	return regions[0].Region.GetId(), nil
}

const pollEvery = 20 * time.Millisecond

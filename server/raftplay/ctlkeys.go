package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
)

// keyResult is what --json prints of one key.
type keyResult struct {
	Key      string  `json:"key"`
	Found    bool    `json:"found"`
	Value    *string `json:"value,omitempty"`
	Encoding string  `json:"encoding"`
}

func (o *ctl) keyResult(key, value []byte, found bool) *keyResult {
	r := &keyResult{Found: found, Encoding: o.encodingOf(key, value)}
	r.Key = encodeAs(r.Encoding, key)
	if found {
		r.Value = new(encodeAs(r.Encoding, value))
	}
	return r
}

// readModes are the ways to read, as the command line calls them.
var readModes = []struct {
	name string
	mode raftcmdpb.ReadMode
}{
	{"read-index", raftcmdpb.ReadMode_READ_MODE_READ_INDEX},
	{"log", raftcmdpb.ReadMode_READ_MODE_LOG},
	{"lease", raftcmdpb.ReadMode_READ_MODE_LEASE},
	{"stale", raftcmdpb.ReadMode_READ_MODE_STALE},
}

func readFlag(command *cobra.Command, name *string) {
	command.Flags().StringVar(name, "read", "read-index",
		"`how`: read-index asks a quorum, log goes through the log, lease trusts the leader's clock, stale may be old")
}

func readMode(name string) (raftcmdpb.ReadMode, error) {
	var names []string
	for _, m := range readModes {
		if m.name == name {
			return m.mode, nil
		}
		names = append(names, m.name)
	}
	return 0, fmt.Errorf("--read is one of %s, not %q", strings.Join(names, ", "), name)
}

func (p *Program) ctlGet(o *ctl) *cobra.Command {
	var how string
	command := &cobra.Command{
		Use:     "get KEY",
		Short:   "Print a key's value; exit code 1 when there is none",
		Example: "  raftplay ctl get greeting\n  raftplay ctl get greeting --read stale\n  raftplay ctl get --hex 00ff",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			mode, err := readMode(how)
			key, keyErr := o.key(args[0])
			if err := errors.Join(err, keyErr); err != nil {
				return err
			}
			return p.later(o, func(ctx context.Context, c *client.Client) error {
				value, found, err := c.Get(ctx, key, mode)
				if err != nil {
					return err
				}
				if !found && !o.json {
					return fmt.Errorf("there is no key %q", args[0])
				}
				err = p.tell(o, o.keyResult(key, value, found), func(out io.Writer) { fmt.Fprintln(out, o.text(value)) })
				if err == nil && !found {
					err = fmt.Errorf("there is no key %q", args[0])
				}
				return err
			})
		},
	}
	readFlag(command, &how)
	return command
}

func (p *Program) ctlPut(o *ctl) *cobra.Command {
	var expected string
	var absent bool
	command := &cobra.Command{
		Use:   "put KEY VALUE",
		Short: "Set a key to a value; - reads the value from standard input, as it is",
		Example: "  raftplay ctl put greeting hello\n  raftplay ctl put picture - < picture.png\n" +
			"  raftplay ctl put greeting hi --if hello    # only if it is hello now\n" +
			"  raftplay ctl put greeting hi --if-absent   # only if there is no such key",
		Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			key, err := o.key(args[0])
			if err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			value, err := o.value(args[1], p.Stdin)
			if err != nil {
				return err
			}
			var want []byte
			if command.Flags().Changed("if") {
				if want, err = o.bytes("value", expected); err != nil {
					return err
				}
			}
			return p.later(o, func(ctx context.Context, c *client.Client) error {
				if !absent && want == nil {
					err = c.Put(ctx, key, value)
				} else {
					var failed *raftcmdpb.CompareFailed
					if failed, err = c.PutIf(ctx, key, value, want); err == nil && failed != nil {
						return o.compareFailed(args[0], failed)
					}
				}
				if err != nil {
					return err
				}
				return p.tell(o, map[string]bool{"applied": true}, func(out io.Writer) { fmt.Fprintln(out, "ok") })
			})
		},
	}
	command.Flags().StringVar(&expected, "if", "", "only if the key has this `value` now")
	command.Flags().BoolVar(&absent, "if-absent", false, "only if there is no such key now")
	command.MarkFlagsMutuallyExclusive("if", "if-absent")
	return command
}

func (o *ctl) compareFailed(key string, failed *raftcmdpb.CompareFailed) error {
	if !failed.GetFound() {
		return fmt.Errorf("nothing was written: there is no key %q", key)
	}
	const shownMax = 100
	value := o.text(failed.GetValue())
	if len(value) > shownMax {
		value = value[:shownMax]
	}
	return fmt.Errorf("nothing was written: key %q has the value %q", key, value)
}

func (p *Program) ctlDelete(o *ctl) *cobra.Command {
	return &cobra.Command{
		Use:     "delete KEY",
		Short:   "Remove a key",
		Example: "  raftplay ctl delete greeting",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := o.key(args[0])
			if err != nil {
				return err
			}
			return p.later(o, func(ctx context.Context, c *client.Client) error {
				found, err := c.Delete(ctx, key)
				if err != nil {
					return err
				}
				return p.tell(o, map[string]bool{"found": found}, func(out io.Writer) {
					if found {
						fmt.Fprintln(out, "ok")
					} else {
						fmt.Fprintln(out, "ok, there was no such key")
					}
				})
			})
		},
	}
}

func (p *Program) ctlSeek(o *ctl) *cobra.Command {
	var how string
	command := &cobra.Command{
		Use:     "seek [KEY]",
		Short:   "Print the first pair at or after a key; exit code 1 when there is none",
		Example: "  raftplay ctl seek user/\n  raftplay ctl seek    # the very first",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			mode, err := readMode(how)
			key, keyErr := o.bytes("key", strings.Join(args, ""))
			if err := errors.Join(err, keyErr); err != nil {
				return err
			}
			return p.later(o, func(ctx context.Context, c *client.Client) error {
				pair, err := c.Seek(ctx, key, mode)
				if err != nil {
					return err
				}
				if pair != nil || o.json {
					err = p.tell(o, o.keyResult(pair.GetKey(), pair.GetValue(), pair != nil), func(out io.Writer) {
						fmt.Fprintf(out, "%s  %s\n", o.text(pair.GetKey()), o.text(pair.GetValue()))
					})
				}
				if err == nil && pair == nil {
					err = fmt.Errorf("there is no key at or after %q", strings.Join(args, ""))
				}
				return err
			})
		},
	}
	readFlag(command, &how)
	return command
}

// scanResult is what --json prints of a scan.
type scanResult struct {
	Pairs    []pairResult `json:"pairs"`
	More     bool         `json:"more"`
	Encoding string       `json:"encoding"`
}

type pairResult struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

const scanPairsMax = 100_000

func (p *Program) ctlScan(o *ctl) *cobra.Command {
	r := client.Range{}
	var how string
	command := &cobra.Command{
		Use:     "scan [START [END]]",
		Short:   "Print the pairs from START up to END, which is not among them",
		Example: "  raftplay ctl scan --limit 10\n  raftplay ctl scan user/ user0\n  raftplay ctl scan --reverse --limit 1    # the last pair",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			mode, err := readMode(how)
			if err == nil && (r.Limit < 1 || r.Limit > scanPairsMax) {
				err = fmt.Errorf("--limit must be 1 to %d, not %d", scanPairsMax, r.Limit)
			}
			for i, end := range []*[]byte{&r.Start, &r.End} {
				if err == nil && i < len(args) {
					*end, err = o.bytes("key", args[i])
				}
			}
			if err == nil && len(args) == 2 && string(r.Start) >= string(r.End) {
				err = errors.New("START must be before END")
			}
			if err != nil {
				return err
			}
			return p.later(o, func(ctx context.Context, c *client.Client) error {
				pairs, more, err := c.Scan(ctx, r, mode)
				if err != nil {
					return err
				}
				return p.tell(o, o.scanResult(pairs, more), func(out io.Writer) { o.printScan(out, pairs, more) })
			})
		},
	}
	command.Flags().IntVar(&r.Limit, "limit", 100, "at most so many pairs")
	command.Flags().BoolVar(&r.Reverse, "reverse", false, "from the end down")
	readFlag(command, &how)
	return command
}

func (o *ctl) scanResult(pairs []*raftcmdpb.Pair, more bool) *scanResult {
	var all [][]byte
	for _, pair := range pairs {
		all = append(all, pair.GetKey(), pair.GetValue())
	}
	result := &scanResult{Pairs: []pairResult{}, More: more, Encoding: o.encodingOf(all...)}
	for _, pair := range pairs {
		result.Pairs = append(result.Pairs, pairResult{encodeAs(result.Encoding, pair.GetKey()), encodeAs(result.Encoding, pair.GetValue())})
	}
	return result
}

func (o *ctl) printScan(out io.Writer, pairs []*raftcmdpb.Pair, more bool) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, pair := range pairs {
		fmt.Fprintf(table, "%s\t%s\n", o.text(pair.GetKey()), o.text(pair.GetValue()))
	}
	_ = table.Flush()
	if more {
		fmt.Fprintf(out, "and more: --limit is %d\n", len(pairs))
	}
}

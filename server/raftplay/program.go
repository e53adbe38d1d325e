package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"raftplay/core"
	"raftplay/server/web"
)

// Program is raftplay with its surroundings: what it prints to, and the page it serves. ParseFlags says what is to be
// done, Run does it, Wait stays while a server runs, Close ends that. Tests do the same within one process.
type Program struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Site           fs.FS

	job    func(ctx context.Context) error
	server *web.Server
}

// ParseFlags reads the command line. Help, the version and shell completion are printed here and leave nothing to run.
func (p *Program) ParseFlags(args []string) error {
	root := p.command()
	root.SetArgs(args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	if command, err := root.ExecuteC(); err != nil {
		return &usageError{fmt.Errorf("%w; see `%s --help`", err, command.CommandPath())}
	}
	return nil
}

// showHelp is what a command that only holds others does.
func showHelp(command *cobra.Command, _ []string) error { return command.Help() }

// Run does what the command line asks for. With `serve` it returns as soon as the page can be opened.
func (p *Program) Run(ctx context.Context) error {
	if p.job == nil {
		return nil
	}
	return p.job(ctx)
}

// Wait returns when ctx is done or the server failed; at once when there is no server.
func (p *Program) Wait(ctx context.Context) error {
	if p.server == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.server.Failed():
		return err
	}
}

// Close ends what Run started, after the answers on their way.
func (p *Program) Close() error {
	if p.server == nil {
		return nil
	}
	return p.server.Close()
}

func (p *Program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "raftplay",
		Short: "A playground for Raft: a cluster of real raft stores to step, break and watch",
		Long: "raftplay runs clusters of real raft stores on virtual time. `raftplay serve` shows them in a browser;\n" +
			"`raftplay sim run` runs them here and prints what happened.",
		Example:       "  raftplay serve\n  raftplay sim run --seed 7 --for 60s",
		Version:       core.Version,
		Args:          cobra.NoArgs,
		RunE:          showHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("raftplay {{.Version}}\n")
	root.AddCommand(p.serveCommand(), p.simCommand(), p.ctlCommand(), p.benchCommand(), p.traceCommand())
	return root
}

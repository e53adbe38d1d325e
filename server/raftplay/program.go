package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"time"

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
	// closers end what Run started, the last first. failed yields what ended by itself.
	closers []func(ctx context.Context) error
	failed  chan error
	// endpoints are where a served cluster is, with commas between.
	endpoints string
}

// closeTimeout is how long everything together may take to end in order.
const closeTimeout = 15 * time.Second

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

// Run does what the command line asks for. What serves is serving when it returns.
func (p *Program) Run(ctx context.Context) error {
	if p.job == nil {
		return nil
	}
	return p.job(ctx)
}

// Wait returns when ctx is done or what serves failed; at once when nothing serves.
func (p *Program) Wait(ctx context.Context) error {
	if len(p.closers) == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.failed:
		return err
	}
}

// Close ends what Run started, after the answers on their way.
func (p *Program) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var err error
	for _, end := range slices.Backward(p.closers) {
		err = errors.Join(err, end(ctx))
	}
	p.closers = nil
	return err
}

// watch has Wait return when something that serves ends by itself; why says why, nil for an end in order.
func (p *Program) watch(ended <-chan struct{}, why func() error) {
	if p.failed == nil {
		p.failed = make(chan error, 1)
	}
	failed := p.failed
	go func() {
		<-ended
		if err := why(); err != nil {
			select {
			case failed <- err:
			default:
			}
		}
	}()
}

// listenHTTP serves a handler at an address.
func (p *Program) listenHTTP(address string, handler http.Handler, options web.ServerOptions) error {
	listener, err := web.Listen(address)
	if err != nil {
		return err
	}
	p.serveHTTP(listener, handler, options)
	return nil
}

func (p *Program) serveHTTP(listener net.Listener, handler http.Handler, options web.ServerOptions) {
	server := web.Serve(listener, handler, options)
	p.server = server
	p.closers = append(p.closers, func(context.Context) error { return server.Close() })
	if p.failed == nil {
		p.failed = make(chan error, 1)
	}
	failed := p.failed
	go func() {
		if err, is := <-server.Failed(); is {
			select {
			case failed <- err:
			default:
			}
		}
	}()
}

func (p *Program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "raftplay",
		Short: "A playground for Raft: a cluster of real raft stores to step, break and watch",
		Long: "raftplay runs clusters of real raft stores: simulated on virtual time, and live on disks and sockets. `raftplay serve`\n" +
			"shows both in a browser; `raftplay store` runs one store of a live cluster, which `raftplay ctl` reads and writes;\n" +
			"`raftplay sim run` runs a simulated cluster here and prints what happened.",
		Example:       "  raftplay serve\n  raftplay ctl put city Oslo\n  raftplay sim run --seed 7 --for 60s",
		Version:       core.Version,
		Args:          cobra.NoArgs,
		RunE:          showHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("raftplay {{.Version}}\n")
	root.AddCommand(
		p.serveCommand(), p.storeCommand(), p.ctlCommand(), p.benchCommand(), p.traceCommand(), p.certCommand(), p.simCommand())
	return root
}

// Command raftplay is the playground in one binary: `serve` shows the page, `sim` runs simulated clusters without one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"raftplay/static"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1 // the work failed, or a run broke an invariant
	exitUsage  = 2 // wrong usage or bad input; nothing was done
)

func main() { os.Exit(untilSignal(static.FS())) }

// untilSignal runs the program with the process's own arguments and output, until it is done or told to end.
func untilSignal(page fs.FS) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	return execute(ctx, &Program{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Site: page}, os.Args[1:])
}

// execute runs the whole program, until it is done or ctx is, and returns its exit code.
func execute(ctx context.Context, p *Program, args []string) int {
	err := p.ParseFlags(args)
	if err == nil {
		err = p.Run(ctx)
	}
	if err == nil {
		err = p.Wait(ctx)
	}
	err = errors.Join(err, p.Close())
	return report(p.Stderr, err)
}

func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitFine
	}
	fmt.Fprintf(stderr, "raftplay: %v\n", err)
	if errors.As(err, new(*usageError)) {
		return exitUsage
	}
	return exitFailed
}

// usageError is what the person at the command line can put right: wrong flags, a file that does not parse.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

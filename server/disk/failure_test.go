package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"raftplay/core/engine"
)

// faulty is a disk that fails from its n-th write on, or for that one write only.
type faulty struct {
	err    error
	from   int64
	once   bool
	writes atomic.Int64
}

func (f *faulty) String() string { return "a faulty disk" }

// MaybeError implements errorfs.Injector. Closing, removing and locking are left alone: they keep nothing.
func (f *faulty) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileClose, errorfs.OpRemove, errorfs.OpLock, errorfs.OpFilePreallocate:
		return nil
	case errorfs.OpOpenDir: // to be synced
	default:
		if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
			return nil
		}
	}
	if n := f.writes.Add(1); n == f.from || n > f.from && !f.once {
		return f.err
	}
	return nil
}

// acknowledge commits batches until one fails, and returns how many of them were acknowledged as durable.
func acknowledge(e *Engine, batches int) (durable int, err error) {
	for n := 1; n <= batches; n++ {
		sync := n%4 == 0
		if err := e.Commit(step(n), sync); err != nil {
			return durable, err
		}
		if sync {
			durable = n
		}
	}
	return durable, e.Sync()
}

const faultyBatches = 160

// failAt runs a store on a disk that fails at a write, and again on what is left. It tells whether the disk failed at all.
func failAt(t *testing.T, f *faulty, kind error) bool {
	t.Helper()
	disk := vfs.NewMem()
	o := options(errorfs.Wrap(disk, f))
	o.MemTableBytes = 64 << 10
	e, err := Open(o)
	durable := 0
	if err == nil {
		durable, err = acknowledge(e, faultyBatches)
		if err != nil {
			refusesEverything(t, e, err)
		} else if failed := e.Close(); failed != nil {
			t.Fatalf("write %d: close: %v", f.from, failed)
		}
		if reason := e.Err(); reason != nil {
			err = reason
		}
	}
	if err != nil && !errors.Is(err, kind) {
		t.Fatalf("write %d: the error is not %q: %v", f.from, kind, err)
	}
	o.FS = disk
	again, openErr := Open(o)
	if openErr != nil {
		t.Fatalf("write %d: what is left cannot be opened: %v", f.from, openErr)
	}
	last, stepErr := steps(again)
	if stepErr != nil || last < durable {
		t.Fatalf("write %d: the last batch is %d (%v), %d was acknowledged", f.from, last, stepErr, durable)
	}
	mustCommit(t, again, true, "goes on", "yes")
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	return err != nil
}

// refusesEverything closes an engine that has ended by err.
func refusesEverything(t *testing.T, e *Engine, err error) {
	t.Helper()
	select {
	case told := <-e.Failed():
		if told.Error() != err.Error() {
			t.Errorf("told %v, answered %v", told, err)
		}
	default:
		t.Error("nobody is told")
	}
	for what, answer := range everyCall(e, e.Snapshot()) {
		if answer == nil || answer.Error() != err.Error() {
			t.Errorf("%s gives %v, want %v", what, answer, err)
		}
	}
	if e.NewID(1) != 0 {
		t.Error("it makes ids")
	}
	_ = e.Stats()
	if closed := e.Close(); closed != nil {
		t.Errorf("it closes with %v", closed)
	}
}

func TestAtWhicheverWriteTheDiskFailsNothingAcknowledgedIsLost(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind error
		once bool
	}{
		{syscall.ENOSPC, ErrFull, false},
		{syscall.EIO, ErrIO, true},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			failures := 0
			for from := int64(1); failAt(t, &faulty{err: c.err, from: from, once: c.once}, c.kind); from++ {
				failures++
				if testing.Short() { // the start has the most different writes
					from += from / 12
				}
			}
			t.Logf("the disk failed in %d ways", failures)
			if failures < 35 {
				t.Errorf("the disk failed in %d ways: the test tries too little", failures)
			}
		})
	}
}

func TestTheErrorNamesTheCause(t *testing.T) {
	f := &faulty{err: fmt.Errorf("write 000004.log: %w", syscall.ENOSPC), from: 1 << 40}
	e := mustOpen(t, options(errorfs.Wrap(vfs.NewMem(), f)))
	mustCommit(t, e, true, "a", "1")
	f.from = 0
	err := e.Commit(put("b", "2"), true)
	if got := fmt.Sprint(err); got != "store 1's disk failed: the disk is full: write 000004.log: no space left on device" {
		t.Errorf("the error is %q", got)
	}
}

func TestIdsThatTheDiskDoesNotKeepAreNotGiven(t *testing.T) {
	f := &faulty{err: syscall.EIO, from: 1 << 40}
	e := mustOpen(t, options(errorfs.Wrap(vfs.NewMem(), f)))
	for range idBlock {
		if e.NewID(1) == 0 {
			t.Fatal("no id")
		}
	}
	f.from = 0
	if id := e.NewID(1); id != 0 {
		t.Errorf("the disk failed, and %d was given", id)
	}
	if err := e.Commit(put("a", "1"), true); !errors.Is(err, ErrIO) {
		t.Errorf("the engine goes on: %v", err)
	}
}

func TestAFlushThatFailsEndsTheEngine(t *testing.T) {
	// Nothing that was acknowledged is lost by it, but writers would wait for ever.
	var full atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			return syscall.ENOSPC
		}
		return nil
	}))
	o := options(fs)
	o.MemTableBytes = 64 << 10
	e := mustOpen(t, o)
	full.Store(true)
	for n := 1; ; n++ {
		if err := e.Commit(step(n), false); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Errorf("the error is %v", err)
			}
			return
		}
	}
}

func TestTwoStoresOfOneProcessFailApart(t *testing.T) {
	disk, f := vfs.NewMem(), &faulty{err: syscall.EIO, from: 1 << 40}
	good, bad := options(disk), options(errorfs.Wrap(disk, f))
	good.Dir, good.StoreID = "/stores/2", 2
	a, b := mustOpen(t, good), mustOpen(t, bad)
	f.from = 0
	if err := b.Commit(put("a", "1"), true); !errors.Is(err, ErrIO) {
		t.Errorf("the bad disk says %v", err)
	}
	var e engine.Engine = a
	if err := errors.Join(e.Write(put("a", "1")), e.Sync()); err != nil {
		t.Errorf("the good disk says %v", err)
	}
}

func TestTheLogTellsOfTheFailureOnce(t *testing.T) {
	var told strings.Builder
	f := &faulty{err: syscall.EIO, from: 1 << 40}
	o := options(errorfs.Wrap(vfs.NewMem(), f))
	o.Log = slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelError}))
	e := mustOpen(t, o)
	f.from = 0
	for range 3 {
		if err := e.Commit(put("a", "1"), true); !errors.Is(err, ErrIO) {
			t.Errorf("the error is %v", err)
		}
	}
	if got := told.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `msg="the disk failed" error="store 1's disk failed: `) {
		t.Errorf("the log tells %s", got)
	}
}

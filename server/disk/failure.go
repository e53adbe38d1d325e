package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// What a disk does to a store; errors.Is tells which.
var (
	ErrFull    = errors.New("the disk is full")
	ErrIO      = errors.New("the disk gave an error")
	ErrCorrupt = errors.New("what the disk holds is corrupt")
)

// ErrClosed is what a closed engine says.
var ErrClosed = errors.New("the engine is closed")

// cause puts a kind before an error of the disk, unless it has one.
func cause(err error) error {
	for _, kind := range []error{ErrFull, ErrIO, ErrCorrupt} {
		if errors.Is(err, kind) {
			return err
		}
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case pebble.IsCorruptionError(err):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return fmt.Errorf("%w: %w", ErrIO, err)
}

// failure keeps the first error of an engine's disk.
type failure struct {
	storeID uint64
	log     *slog.Logger
	told    chan error

	mu  sync.RWMutex
	err error
}

func newFailure(storeID uint64, log *slog.Logger) *failure {
	return &failure{storeID: storeID, log: log, told: make(chan error, 1)}
}

// fail ends the engine with err, unless it has ended before. It returns what ended it.
func (f *failure) fail(err error) error {
	f.mu.Lock()
	first := f.err == nil
	if first {
		f.err = fmt.Errorf("store %d's disk failed: %w", f.storeID, cause(err))
		f.told <- f.err // room for one, and there is only one
	}
	reason := f.err
	f.mu.Unlock()
	if first {
		f.log.Error("the disk failed", "error", reason)
	}
	return reason
}

// reason is what ended the engine, or nil.
func (f *failure) reason() error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.err
}

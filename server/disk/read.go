package disk

import (
	"bytes"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"raftplay/core/engine"
)

// keySpace stands before every key on the disk. So none is empty there, which not all of Pebble is made for, and what else
// a folder may one day hold can stand beside.
const keySpace = 'k'

// stored is a key as the disk has it.
func stored(key []byte) []byte { return append(append(make([]byte, 0, 1+len(key)), keySpace), key...) }

// Get implements engine.Reader.
func (e *Engine) Get(key []byte) (value []byte, found bool, err error) {
	if err := e.enter(); err != nil {
		return nil, false, err
	}
	defer e.leave()
	return e.get(e.db, key)
}

// Ascend implements engine.Reader. The visitor may use the engine, but not close it.
func (e *Engine) Ascend(from, to []byte, visit func(key, value []byte) bool) error {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	return e.walk(e.db, from, to, visit, (*pebble.Iterator).First, (*pebble.Iterator).Next)
}

// Descend implements engine.Reader. The visitor may use the engine, but not close it.
func (e *Engine) Descend(from, to []byte, visit func(key, value []byte) bool) error {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	return e.walk(e.db, from, to, visit, (*pebble.Iterator).Last, (*pebble.Iterator).Prev)
}

// Empty tells whether the engine has no key at all: the store has not been bootstrapped.
func (e *Engine) Empty() (bool, error) {
	empty := true
	err := e.Ascend(nil, nil, func(_, _ []byte) bool {
		empty = false
		return false
	})
	return empty, err
}

func (e *Engine) get(r pebble.Reader, key []byte) (value []byte, found bool, err error) {
	lent, closer, err := r.Get(stored(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, e.failure.fail(err)
	}
	value = slices.Clone(lent)
	if err := closer.Close(); err != nil {
		return nil, false, e.failure.fail(err)
	}
	return value, true, nil
}

func (e *Engine) walk(
	r pebble.Reader, from, to []byte, visit func(key, value []byte) bool, first, next func(*pebble.Iterator) bool,
) (err error) {
	bounds := pebble.IterOptions{LowerBound: stored(from), UpperBound: []byte{keySpace + 1}}
	if len(to) > 0 {
		if bytes.Compare(from, to) >= 0 {
			return nil
		}
		bounds.UpperBound = stored(to)
	}
	pairs, err := r.NewIter(&bounds)
	if err != nil {
		return e.failure.fail(err)
	}
	defer func() { // also when the visitor does not come back
		if closeErr := pairs.Close(); closeErr != nil {
			err = e.failure.fail(closeErr)
		}
	}()
	for ok := first(pairs); ok; ok = next(pairs) {
		value, err := pairs.ValueAndErr()
		if err != nil {
			break // Close says it too
		}
		// Pebble lends them until the next step.
		key := pairs.Key()[1:]
		n := len(key)
		pair := append(append(make([]byte, 0, n+len(value)), key...), value...)
		if !visit(pair[:n:n], pair[n:]) {
			break
		}
	}
	return nil
}

// snapshot is a frozen state. Its readers are the engine's: they end when the engine does.
type snapshot struct {
	e *Engine
	// frozen is nil once the snapshot is closed, or when the engine had ended before it was made. The engine's gate
	// guards it.
	frozen *pebble.Snapshot
}

// Snapshot implements engine.Snapshotter in constant time. A snapshot keeps its space on the disk until it is closed. It is
// safe for use from another goroutine, but not to be closed while it is read. The snapshot of an engine that has ended
// reads nothing but the reason.
func (e *Engine) Snapshot() engine.Snapshot {
	s := &snapshot{e: e}
	if e.enter() != nil {
		return s
	}
	defer e.leave()
	s.frozen = e.db.NewSnapshot()
	e.gate.Lock()
	defer e.gate.Unlock()
	e.snapshots[s] = struct{}{}
	return s
}

// enter lets a reader in; who was let in leaves the engine.
func (s *snapshot) enter() (*pebble.Snapshot, error) {
	if err := s.e.enter(); err != nil {
		return nil, err
	}
	s.e.gate.RLock()
	defer s.e.gate.RUnlock()
	if s.frozen == nil {
		s.e.leave()
		return nil, ErrClosed
	}
	return s.frozen, nil
}

// Get implements engine.Reader.
func (s *snapshot) Get(key []byte) (value []byte, found bool, err error) {
	frozen, err := s.enter()
	if err != nil {
		return nil, false, err
	}
	defer s.e.leave()
	return s.e.get(frozen, key)
}

// Ascend implements engine.Reader.
func (s *snapshot) Ascend(from, to []byte, visit func(key, value []byte) bool) error {
	frozen, err := s.enter()
	if err != nil {
		return err
	}
	defer s.e.leave()
	return s.e.walk(frozen, from, to, visit, (*pebble.Iterator).First, (*pebble.Iterator).Next)
}

// Descend implements engine.Reader.
func (s *snapshot) Descend(from, to []byte, visit func(key, value []byte) bool) error {
	frozen, err := s.enter()
	if err != nil {
		return err
	}
	defer s.e.leave()
	return s.e.walk(frozen, from, to, visit, (*pebble.Iterator).Last, (*pebble.Iterator).Prev)
}

// Close implements engine.Snapshot. A second one does nothing.
func (s *snapshot) Close() {
	s.e.gate.Lock()
	defer s.e.gate.Unlock()
	s.release()
}

// release gives the snapshot back. The gate is locked.
func (s *snapshot) release() {
	if s.frozen != nil {
		// It has no error to tell: it only leaves a list.
		_ = s.frozen.Close()
		s.frozen = nil
	}
	delete(s.e.snapshots, s)
}

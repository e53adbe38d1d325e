package disk

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"raftplay/core/engine"
)

// Engine is an engine.Engine on a disk. It is safe for use from several goroutines.
type Engine struct {
	folder  folder
	lock    *pebble.Lock
	db      *pebble.DB
	failure *failure
	// synced are the options of a commit that waits for the disk.
	synced *pebble.WriteOptions

	idMu     sync.Mutex
	identity identity
	// blocks are the numbers reserved and not yet given, by kind.
	blocks map[uint8]block

	gate      sync.RWMutex
	closed    bool
	users     sync.WaitGroup
	snapshots map[*snapshot]struct{}

	commits, commitsSynced, commitBytes atomic.Uint64
}

var (
	_ engine.Engine   = (*Engine)(nil)
	_ engine.Snapshot = (*snapshot)(nil)
)

// Incarnation is how often the folder has been opened, this time included: larger than at any earlier start.
func (e *Engine) Incarnation() uint64 { return e.identity.Starts }

// Failed gives the first error of the disk, once; see Err.
func (e *Engine) Failed() <-chan error { return e.failure.told }

// Err is the first error of the disk, which every call returns from then on, or nil. errors.Is tells its kind: ErrFull,
// ErrIO or ErrCorrupt.
func (e *Engine) Err() error { return e.failure.reason() }

// enter lets a call in, unless the engine is closed or its disk failed. Who was let in leaves.
func (e *Engine) enter() error {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return ErrClosed
	}
	if err := e.failure.reason(); err != nil {
		return err
	}
	e.users.Add(1)
	return nil
}

func (e *Engine) leave() { e.users.Done() }

// Commit applies a batch: all of it, or, with an error, nothing that will be acknowledged. With sync it is durable when
// Commit returns, and with it all that was written before; without, a crash may undo it as Write says. An empty batch
// with sync is a Sync. The batch is copied.
//
// After an error of the disk it is unknown whether a later Open finds the batch.
func (e *Engine) Commit(b *engine.Batch, sync bool) error {
	if b.SizeBytes() > CommitBytesMax {
		return fmt.Errorf("a batch of %d bytes is too large: at most %d", b.SizeBytes(), CommitBytesMax)
	}
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	options := pebble.NoSync
	if sync {
		options = e.synced
		e.commitsSynced.Add(1)
	}
	if b.Len() == 0 {
		if !sync {
			return nil
		}
		return e.outcome(e.db.LogData(nil, options))
	}
	e.commits.Add(1)
	e.commitBytes.Add(uint64(b.SizeBytes()))
	batch := e.batch(b)
	if err := e.outcome(e.db.Apply(batch, options)); err != nil {
		return err // Pebble may still hold the batch
	}
	return e.outcome(batch.Close())
}

// opBytes is what Pebble's form of a put takes besides the key and the value, at most.
const opBytes = 1 + 2*5 + 1

func (e *Engine) batch(b *engine.Batch) *pebble.Batch {
	batch := e.db.NewBatchWithSize(b.SizeBytes() + b.Len()*opBytes + 12)
	// A batch in memory takes everything: the errors of Finish are always nil.
	b.Visit(func(key, value []byte) {
		op := batch.SetDeferred(1+len(key), len(value))
		op.Key[0] = keySpace
		copy(op.Key[1:], key)
		copy(op.Value, value)
		_ = op.Finish()
	}, func(key []byte) {
		op := batch.DeleteDeferred(1 + len(key))
		op.Key[0] = keySpace
		copy(op.Key[1:], key)
		_ = op.Finish()
	})
	return batch
}

// outcome is how a call to Pebble went. Behind the fence, Pebble's own answer is not the last word.
func (e *Engine) outcome(err error) error {
	if err != nil {
		return e.failure.fail(err)
	}
	return e.failure.reason()
}

// Write implements engine.Engine.
func (e *Engine) Write(b *engine.Batch) error { return e.Commit(b, false) }

// Sync implements engine.Engine.
func (e *Engine) Sync() error { return e.Commit(&engine.Batch{}, true) }

// Close lets the calls that are in finish, closes the snapshots, and gives the folder back. What was written and not
// synced is synced, unless the disk failed. A second Close does nothing.
func (e *Engine) Close() error {
	e.gate.Lock()
	if e.closed {
		e.gate.Unlock()
		return nil
	}
	e.closed = true
	e.gate.Unlock()
	e.users.Wait()
	e.gate.Lock()
	for s := range e.snapshots {
		s.release()
	}
	e.gate.Unlock()
	err := e.db.Close()
	if reason := e.failure.reason(); reason != nil {
		// Pebble's complaints are consequences. Who asked for the engine has heard the reason.
		err = nil
	}
	return errors.Join(err, e.lock.Close())
}

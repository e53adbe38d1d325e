package disk

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Open opens the store's folder, and makes it when it is new. The caller closes the engine.
//
// It refuses, with one sentence that says why, a folder of another cluster (ErrOtherCluster) or of another store
// (ErrOtherStore), of a newer format (ErrNewerFormat), in use by a process (ErrInUse), with something else in it
// (ErrForeign), whose data is gone (ErrDataMissing), that is a file (ErrNotFolder), or that may not be used
// (ErrPermission). What is wrong with the disk itself is ErrFull, ErrIO or ErrCorrupt.
func Open(o Options) (*Engine, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	f, err := newFolder(o)
	if err != nil {
		return nil, err
	}
	if err := f.make(); err != nil {
		return nil, err
	}
	lock, err := f.lock()
	if err != nil {
		return nil, err
	}
	e, err := open(o, f, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return e, nil
}

// open opens a folder that is locked.
func open(o Options, f folder, lock *pebble.Lock) (*Engine, error) {
	id, err := f.identify(o)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		folder: f, lock: lock, identity: id,
		failure:   newFailure(o.StoreID, o.Log),
		synced:    pebble.Sync,
		blocks:    map[uint8]block{},
		snapshots: map[*snapshot]struct{}{},
	}
	if o.WithoutSync {
		e.synced = pebble.NoSync
	}
	opts := pebbleOptions(&o, &fence{f.fs, e.failure}, lock, e.failure)
	// Who starts anew in the place of lost data votes a second time, and forgets what it acknowledged.
	opts.ErrorIfNotExists = id.Starts > 0
	e.db, err = pebble.Open(f.dir, opts)
	// What the disk did comes first: Pebble knows it only by its consequences.
	if reason := e.failure.reason(); reason != nil {
		if err == nil {
			_ = e.db.Close()
		}
		return nil, f.blame(reason)
	}
	if errors.Is(err, pebble.ErrDBDoesNotExist) {
		return nil, refuse(ErrDataMissing, "folder %s has the identity of store %d, and its data is missing", f.dir, o.StoreID)
	}
	if err != nil {
		return nil, f.blame(err)
	}
	if id.Starts == 0 {
		// The first log is of the oldest format, which does not say how far it was synced: a later change in it would be
		// taken for a torn end, and what follows be forgotten. A flush begins another.
		if err := e.outcome(e.db.Flush()); err != nil {
			return nil, errors.Join(f.blame(err), e.db.Close())
		}
	}
	e.identity.Starts++
	if err := e.identity.write(f.fs, f.dir); err != nil {
		return nil, errors.Join(f.blame(fmt.Errorf("the start cannot be counted: %w", err)), e.db.Close())
	}
	return e, nil
}

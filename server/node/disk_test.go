package node

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"raftplay/core/engine"
)

// memoryDisk is a disk in memory, which a crash takes back to the last sync. Readers see the last batch committed, and never
// wait.
type memoryDisk struct {
	mu     sync.Mutex
	memory *engine.Memory
	seen   atomic.Pointer[engine.Snapshot]
	// syncTakes is how long a sync lasts; fails is what a commit says.
	syncTakes time.Duration
	fails     error
	commits   int
	crashes   int
	// unreadable is what reading says.
	unreadable atomic.Pointer[error]
}

var _ Disk = (*memoryDisk)(nil)

func newMemoryDisk() *memoryDisk {
	d := &memoryDisk{memory: engine.NewMemory()}
	d.publish()
	return d
}

func (d *memoryDisk) publish() {
	frozen := d.memory.Snapshot()
	d.seen.Store(&frozen)
}

func (d *memoryDisk) Get(key []byte) ([]byte, bool, error) {
	if err := d.unreadable.Load(); err != nil {
		return nil, false, *err
	}
	return (*d.seen.Load()).Get(key)
}

func (d *memoryDisk) Ascend(from, to []byte, visit func(key, value []byte) bool) error {
	return (*d.seen.Load()).Ascend(from, to, visit)
}

func (d *memoryDisk) Descend(from, to []byte, visit func(key, value []byte) bool) error {
	return (*d.seen.Load()).Descend(from, to, visit)
}

func (d *memoryDisk) Snapshot() engine.Snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memory.Snapshot()
}

func (d *memoryDisk) Commit(b *engine.Batch, sync bool) error {
	d.mu.Lock()
	fails, takes, crashes := d.fails, d.syncTakes, d.crashes
	d.mu.Unlock()
	if fails != nil {
		return fails
	}
	if sync && takes > 0 {
		time.Sleep(takes)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.crashes != crashes {
		return errPowerCut // before the batch was written
	}
	d.commits++
	if err := d.memory.Write(b); err != nil {
		return err
	}
	if sync {
		if err := d.memory.Sync(); err != nil {
			return err
		}
	}
	d.publish()
	return nil
}

var errPowerCut = errors.New("the power was cut")

// crash loses what was not synced, and what is being written.
func (d *memoryDisk) crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashes++
	d.memory.Crash(0)
	d.publish()
}

func (d *memoryDisk) set(do func(*memoryDisk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do(d)
}

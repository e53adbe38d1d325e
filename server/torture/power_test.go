//go:build unix

package torture

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// power is a disk in memory until its power is cut: from then on nothing that was done to it can be relied on. What is left
// of it is on the disk that cut returns.
type power struct {
	vfs.FS
	memory *vfs.MemFS
	gone   atomic.Bool
}

var errPowerless = errors.New("the disk has no power")

func newPower(memory *vfs.MemFS) *power { return &power{FS: memory, memory: memory} }

// cut takes the power away and returns the disk as it is found afterwards: with all that was synced, and with a part of the
// rest, in percent. A sync under way fails, for it may have come too late.
func (p *power) cut(unsyncedPercent int, draw *rand.Rand) *power {
	p.gone.Store(true)
	return newPower(p.memory.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsyncedPercent, RNG: draw}))
}

func (p *power) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &powered{file, p}, nil
}

func (p *power) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return p.wrap(p.FS.Create(name, category))
}

func (p *power) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return p.wrap(p.FS.OpenReadWrite(name, category, opts...))
}

func (p *power) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return p.wrap(p.FS.ReuseForWrite(oldname, newname, category))
}

func (p *power) OpenDir(name string) (vfs.File, error) { return p.wrap(p.FS.OpenDir(name)) }

// powered is a file that is written, or a folder that is synced.
type powered struct {
	vfs.File
	power *power
}

// Sync says that something is durable only if the power was there when it was done.
func (f *powered) Sync() error {
	err := f.File.Sync()
	if f.power.gone.Load() {
		return errPowerless
	}
	return err
}

func (f *powered) SyncData() error {
	err := f.File.SyncData()
	if f.power.gone.Load() {
		return errPowerless
	}
	return err
}

func (f *powered) SyncTo(length int64) (fullSync bool, err error) {
	fullSync, err = f.File.SyncTo(length)
	if f.power.gone.Load() {
		return false, errPowerless
	}
	return fullSync, err
}

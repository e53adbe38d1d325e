package disk

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// flushed makes a folder with some tables in it, and returns its store's options.
func flushed(t *testing.T, disk *vfs.MemFS) Options {
	t.Helper()
	o := options(disk)
	o.MemTableBytes = 64 << 10
	e := mustOpen(t, o)
	if _, err := acknowledge(e, 200); err != nil {
		t.Fatal(err)
	}
	if err := e.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAReadThatFailsEndsTheEngine(t *testing.T) {
	disk := vfs.NewMem()
	o := flushed(t, disk)
	var broken atomic.Bool
	o.FS = errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst") {
			return syscall.EIO
		}
		return nil
	}))
	e := mustOpen(t, o)
	broken.Store(true)
	err := e.Ascend(nil, nil, func(_, _ []byte) bool { return true })
	if !errors.Is(err, ErrIO) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("the error is %v", err)
	}
	broken.Store(false)
	refusesEverything(t, e, err)
}

func TestCorruptionIsFoundAndNamed(t *testing.T) {
	disk := vfs.NewMem()
	o := flushed(t, disk)
	names, err := disk.List(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") {
			spoil(t, disk, disk.PathJoin(o.Dir, name))
		}
	}
	e, err := Open(o)
	if err == nil {
		err = e.Ascend(nil, nil, func(_, _ []byte) bool { return true })
		if err != nil {
			refusesEverything(t, e, err)
		}
	}
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("the error is %v", err)
	}
}

// spoil changes a byte near a file's beginning.
func spoil(t *testing.T, fs vfs.FS, name string) {
	t.Helper()
	file, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	one := make([]byte, 1)
	_, err = file.ReadAt(one, 20)
	one[0] ^= 0x55
	_, writeErr := file.WriteAt(one, 20)
	if err := errors.Join(err, writeErr, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// Pebble finds a change by what later blocks of its log say was synced; in the last 32 KiB it cannot tell one from a
// write that a crash tore.
func TestALogThatWasChangedAfterItWasSyncedIsRefused(t *testing.T) {
	disk := vfs.NewMem()
	o := options(disk)
	e := mustOpen(t, o)
	if _, err := acknowledge(e, 40); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := disk.List(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, name := range slices.Backward(names) {
		if strings.HasSuffix(name, ".log") {
			spoil(t, disk, disk.PathJoin(o.Dir, name))
			break // the newest; others wait to be used again
		}
	}
	// To read up to the change only would be to forget what was acknowledged.
	if _, err := Open(o); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the answer is %v", err)
	}
}

package cluster

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A disk that hangs returns no error: only its silence tells.
func TestAStoreWhoseDiskHangsIsNotReady(t *testing.T) {
	var mu sync.Mutex // held while the disk hangs
	fs := errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData {
			mu.Lock()
			defer mu.Unlock()
		}
		return nil
	}))
	e, c := three(t, EmbeddedConfig{FS: fs})
	mustPut(t, c, "city", "Oslo")
	ready := func(want func(error) bool) error {
		var err error
		for ctx := within(t); ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if err = e.Store(1).Ready(); want(err) {
				return nil
			}
		}
		return err
	}
	if err := ready(func(err error) bool { return err == nil }); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	written := make(chan error, 1)
	go func() { written <- c.Put(within(t), []byte("city"), []byte("Bergen")) }()
	err := ready(func(err error) bool {
		return err != nil && strings.HasPrefix(err.Error(), "the disk has been writing for 1")
	})
	mu.Unlock()
	if err != nil {
		t.Errorf("while the disk hangs: %v", err)
	}
	if err := ready(func(err error) bool { return err == nil }); err != nil {
		t.Errorf("once it goes on: %v", err)
	}
	if err := <-written; err != nil {
		t.Errorf("the command that waited: %v", err)
	}
}

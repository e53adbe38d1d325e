package disk

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// tapped tells of every sync of a file or folder that was made or opened through it.
type tapped struct {
	vfs.FS
	mu        sync.Mutex
	afterSync func()
}

type tappedFile struct {
	vfs.File
	fs *tapped
}

func (f *tapped) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &tappedFile{file, f}, nil
}

func (f *tapped) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.wrap(f.FS.Create(name, category))
}

func (f *tapped) OpenDir(name string) (vfs.File, error) { return f.wrap(f.FS.OpenDir(name)) }

func (f *tappedFile) Sync() error {
	err := f.File.Sync()
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.afterSync()
	return err
}

func (f *tappedFile) SyncData() error { return f.Sync() }

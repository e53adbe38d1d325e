package disk

import (
	"io"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence stands between Pebble and the file system. The first write that the disk refuses ends the engine, and from then on
// nothing passes: the folder stays as a crash at that moment would have left it.
//
// Pebble is not told. It answers an error of its log with a panic, some of them with a lock in a state that ends the
// process, and an error of a flush with endless retries while writers wait. Behind the fence it believes that all went
// well, and the engine, which knows better, acknowledges nothing. Errors of reading reach Pebble as they are.
type fence struct {
	vfs.FS
	failure *failure
}

var _ vfs.FS = (*fence)(nil)

// retryPause holds Pebble back when it works on behind a shut fence: it finds files missing that it believes it has
// written, and tries again.
const retryPause = 1 * time.Millisecond

func (s *fence) shut() bool { return s.failure.reason() != nil }

// write does something that changes the folder, unless the fence is shut.
func (s *fence) write(do func() error) {
	if s.shut() {
		return
	}
	if err := do(); err != nil {
		s.failure.fail(err)
	}
}

// create makes a file that is written, or one that keeps nothing.
func (s *fence) create(name string, do func() (vfs.File, error)) (vfs.File, error) {
	if s.shut() {
		time.Sleep(retryPause)
	}
	var file vfs.File
	s.write(func() (err error) {
		file, err = do()
		return err
	})
	if file == nil {
		return &fenced{File: vfs.NewMemFile(nil), fence: s}, nil
	}
	return &fenced{File: file, fence: s}, nil
}

// Create implements vfs.FS.
func (s *fence) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return s.create(name, func() (vfs.File, error) { return s.FS.Create(name, category) })
}

// ReuseForWrite implements vfs.FS.
func (s *fence) ReuseForWrite(oldName, newName string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return s.create(newName, func() (vfs.File, error) { return s.FS.ReuseForWrite(oldName, newName, category) })
}

// OpenReadWrite implements vfs.FS.
func (s *fence) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return s.create(name, func() (vfs.File, error) { return s.FS.OpenReadWrite(name, category, opts...) })
}

// Open implements vfs.FS.
func (s *fence) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	if s.shut() {
		time.Sleep(retryPause)
	}
	return s.FS.Open(name, opts...)
}

// OpenDir implements vfs.FS. A folder is opened to be synced.
func (s *fence) OpenDir(name string) (vfs.File, error) {
	return s.create(name, func() (vfs.File, error) { return s.FS.OpenDir(name) })
}

// Link implements vfs.FS.
func (s *fence) Link(oldName, newName string) error {
	s.write(func() error { return s.FS.Link(oldName, newName) })
	return nil
}

// Rename implements vfs.FS.
func (s *fence) Rename(oldName, newName string) error {
	s.write(func() error { return s.FS.Rename(oldName, newName) })
	return nil
}

// MkdirAll implements vfs.FS.
func (s *fence) MkdirAll(dir string, perm os.FileMode) error {
	s.write(func() error { return s.FS.MkdirAll(dir, perm) })
	return nil
}

// Remove implements vfs.FS. A file that cannot be removed takes room and does no harm: Pebble tries again.
func (s *fence) Remove(name string) error {
	if s.shut() {
		return nil
	}
	return s.FS.Remove(name)
}

// RemoveAll implements vfs.FS.
func (s *fence) RemoveAll(name string) error {
	if s.shut() {
		return nil
	}
	return s.FS.RemoveAll(name)
}

// Lock implements vfs.FS. The engine has locked the folder itself.
func (s *fence) Lock(name string) (io.Closer, error) { return s.FS.Lock(name) }

// GetDiskUsage implements vfs.FS. Not to know how full the disk is, is no failure.
func (s *fence) GetDiskUsage(path string) (vfs.DiskUsage, error) {
	usage, err := s.FS.GetDiskUsage(path)
	if err != nil {
		return usage, vfs.ErrUnsupported
	}
	return usage, nil
}

// Unwrap implements vfs.FS.
func (s *fence) Unwrap() vfs.FS { return s.FS }

// fenced is a file that may be written.
type fenced struct {
	vfs.File
	fence *fence
}

var _ vfs.File = (*fenced)(nil)

// Write implements vfs.File.
func (f *fenced) Write(p []byte) (int, error) {
	f.fence.write(func() error { _, err := f.File.Write(p); return err })
	return len(p), nil
}

// WriteAt implements vfs.File.
func (f *fenced) WriteAt(p []byte, offset int64) (int, error) {
	f.fence.write(func() error { _, err := f.File.WriteAt(p, offset); return err })
	return len(p), nil
}

// Sync implements vfs.File.
func (f *fenced) Sync() error {
	f.fence.write(f.File.Sync)
	return nil
}

// SyncData implements vfs.File.
func (f *fenced) SyncData() error {
	f.fence.write(f.File.SyncData)
	return nil
}

// SyncTo implements vfs.File.
func (f *fenced) SyncTo(length int64) (fullSync bool, err error) {
	f.fence.write(func() (err error) { fullSync, err = f.File.SyncTo(length); return err })
	return fullSync, nil
}

// Preallocate implements vfs.File. It only hastens later writes: when the disk has no room, they will say so.
func (f *fenced) Preallocate(offset, length int64) error {
	if !f.fence.shut() {
		_ = f.File.Preallocate(offset, length)
	}
	return nil
}

// Close implements vfs.File. Some file systems tell only now that a write was lost.
func (f *fenced) Close() error {
	if err := f.File.Close(); err != nil {
		f.fence.failure.fail(err)
	}
	return nil
}

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Why a folder is refused; errors.Is tells which. Nothing in it has been changed then.
var (
	ErrOtherCluster = errors.New("it belongs to another cluster")
	ErrOtherStore   = errors.New("it belongs to another store")
	ErrNewerFormat  = errors.New("it was written by a newer version")
	ErrInUse        = errors.New("it is in use")
	ErrForeign      = errors.New("it is not a store's folder")
	ErrNotFolder    = errors.New("it is not a folder")
	ErrPermission   = errors.New("permission denied")
	ErrDataMissing  = errors.New("its data is missing")
)

// refusal is one sentence about a folder, of a kind that errors.Is knows.
type refusal struct {
	sentence string
	kind     error
}

func (r *refusal) Error() string { return r.sentence }
func (r *refusal) Unwrap() error { return r.kind }

func refuse(kind error, format string, args ...any) error {
	return &refusal{sentence: fmt.Sprintf(format, args...), kind: kind}
}

// folder is where a store's data is, or will be.
type folder struct {
	fs  vfs.FS
	dir string
}

// newFolder names the folder of the operating system by one name, however it is written: the lock goes by the name.
func newFolder(o Options) (folder, error) {
	if o.FS != nil {
		return folder{o.FS, o.Dir}, nil
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return folder{}, err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	} else if above, err := filepath.EvalSymlinks(filepath.Dir(dir)); err == nil {
		dir = filepath.Join(above, filepath.Base(dir))
	}
	return folder{vfs.Default, dir}, nil
}

// blame says that an error of the file system keeps the folder from being opened.
func (f folder) blame(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return refuse(ErrPermission, "no permission for folder %s: %v", f.dir, err)
	}
	return fmt.Errorf("folder %s cannot be opened: %w", f.dir, cause(err))
}

// make makes the folder if there is none, and refuses what cannot become a store's. It changes nothing that is there.
func (f folder) make() error {
	if _, err := f.fs.Stat(f.dir); errors.Is(err, fs.ErrNotExist) {
		if err := f.makeDurably(f.dir); err != nil {
			return f.blame(err)
		}
		return nil
	}
	if err := f.isNoFile(); err != nil {
		return err
	}
	return f.familiar()
}

// isNoFile refuses a file; there need not be anything yet.
func (f folder) isNoFile() error {
	info, err := f.fs.Stat(f.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return f.blame(err)
	case !info.IsDir():
		return refuse(ErrNotFolder, "%s is a file, and a store needs a folder", f.dir)
	}
	return nil
}

// makeDurably makes a folder and what is missing above it, so that a crash leaves it there.
func (f folder) makeDurably(dir string) error {
	above := f.fs.PathDir(dir)
	if _, err := f.fs.Stat(above); errors.Is(err, fs.ErrNotExist) && above != dir {
		if err := f.makeDurably(above); err != nil {
			return err
		}
	}
	if err := f.fs.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return syncDir(f.fs, above)
}

// familiar refuses a folder that holds something and is not a store's.
func (f folder) familiar() error {
	names, err := f.fs.List(f.dir)
	if err != nil {
		return f.blame(err)
	}
	stranger := ""
	for _, name := range names {
		switch name {
		case identityName:
			return nil
		case identityNext, "LOCK": // a first start that did not get further
		case "lost+found": // of the file system
		default:
			stranger = name
		}
	}
	if stranger != "" {
		return refuse(ErrForeign, "folder %s is not a store's: it is not empty (%s) and has no %s", f.dir, stranger, identityName)
	}
	return nil
}

// lock takes the folder for this process.
func (f folder) lock() (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(f.dir, f.fs)
	if err == nil {
		return lock, nil
	}
	// The lock's file could not be made, or the lock not be had; the latter comes without a path.
	if about := (*fs.PathError)(nil); errors.As(err, &about) {
		return nil, f.blame(err)
	}
	return nil, refuse(ErrInUse, "folder %s is in use by a running process", f.dir)
}

// identify returns the identity of the folder, which is locked; a new folder gets one.
func (f folder) identify(o Options) (identity, error) {
	if err := f.familiar(); err != nil {
		return identity{}, err
	}
	id, found, err := f.read()
	switch {
	case err != nil:
		return identity{}, err
	case !found:
		id = identity{Format: FormatVersion, ClusterID: o.ClusterID, StoreID: o.StoreID}
		if err := id.write(f.fs, f.dir); err != nil {
			return identity{}, f.blame(err)
		}
	case id.ClusterID != o.ClusterID:
		return identity{}, refuse(ErrOtherCluster, "folder %s belongs to cluster %d, not to cluster %d", f.dir, id.ClusterID, o.ClusterID)
	case id.StoreID != o.StoreID:
		return identity{}, refuse(ErrOtherStore, "folder %s belongs to store %d, not to store %d", f.dir, id.StoreID, o.StoreID)
	}
	return id, nil
}

// read returns the folder's identity, and whether there is one.
func (f folder) read() (id identity, found bool, err error) {
	id, found, err = readIdentity(f.fs, f.dir)
	if newer := (errNewer{}); errors.As(err, &newer) {
		return identity{}, true, refuse(ErrNewerFormat, "folder %s %s", f.dir, newer)
	}
	if err != nil {
		return identity{}, found, f.blame(err)
	}
	return id, found, nil
}

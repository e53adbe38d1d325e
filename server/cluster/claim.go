package cluster

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"raftplay/server/disk"
)

// The folder of a cluster in one process says in a file how many stores it began with. All of them begin with the same first
// region: a store that came later with a larger one would vote in another cluster, and with fewer there may be no majority.

const (
	claimName     = "stores"
	claimBytesMax = 16
)

// claim refuses a folder that holds a cluster of another number of stores, and notes the number in one that is new.
func (e *Embedded) claim() error {
	if e.cfg.DataDir == "" {
		return wrongf(ErrConfig, "a cluster needs a folder for its data")
	}
	fsys := e.cfg.FS
	if fsys == nil {
		fsys = vfs.Default
	}
	name := filepath.Join(e.cfg.DataDir, claimName)
	stores, err := readClaim(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		if stores, err = e.highest(); err == nil && stores == 0 {
			return writeClaim(fsys, e.cfg.DataDir, e.cfg.Stores)
		}
	}
	if err != nil {
		return err
	}
	if stores != e.cfg.Stores {
		return wrongf(ErrConfig, "folder %s holds a cluster of %d stores, not of %d: start that many, or choose another folder",
			e.cfg.DataDir, stores, e.cfg.Stores)
	}
	return nil
}

// highest is the largest id of a store that the folder holds, where no number was noted; 0 when there is none.
func (e *Embedded) highest() (int, error) {
	for id := embeddedStoresMax; id > 0; id-- {
		clusterID, err := disk.ClusterOf(e.cfg.FS, e.folder(uint64(id)))
		switch {
		case err != nil && id > e.cfg.Stores:
			return 0, fmt.Errorf("store %d: %w", id, err)
		case clusterID != 0:
			return id, nil
		}
	}
	return 0, nil
}

func (e *Embedded) folder(id uint64) string {
	return filepath.Join(e.cfg.DataDir, fmt.Sprintf("store-%d", id))
}

func readClaim(fsys vfs.FS, name string) (int, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, claimBytesMax))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	stores, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || stores < 1 || stores > embeddedStoresMax {
		return 0, wrongf(ErrConfig, "%s does not say how many stores there are: write the number into it, or choose another folder", name)
	}
	return stores, nil
}

// writeClaim is durable before any store begins: the file is whole under its name, or not there.
func writeClaim(fsys vfs.FS, dir string, stores int) error {
	if err := fsys.MkdirAll(dir, dirMode); err != nil {
		return wrongf(ErrConfig, "the folder for the data cannot be made: %v", err)
	}
	name := filepath.Join(dir, claimName)
	file, err := fsys.Create(name+".next", vfs.WriteCategoryUnspecified)
	if err != nil {
		return wrongf(ErrConfig, "the folder for the data cannot be written: %v", err)
	}
	_, err = fmt.Fprintln(file, stores)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = fsys.Rename(name+".next", name)
	}
	if err == nil {
		err = syncFolder(fsys, dir)
	}
	if err != nil {
		return fmt.Errorf("note the number of stores in %s: %w", dir, err)
	}
	return nil
}

const dirMode = 0o700

func syncFolder(fsys vfs.FS, dir string) error {
	folder, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

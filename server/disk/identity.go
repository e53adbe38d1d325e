package disk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FormatVersion is the newest format of a folder that this code writes and reads.
const FormatVersion = 1

const (
	identityName = "identity.json"
	// identityNext is the identity that a crash may leave half written; it is in nobody's way.
	identityNext     = "identity.json.next"
	identityBytesMax = 1 << 20
)

// identity is whose folder it is, and what it promised never to give twice. It is a line of JSON and a line with its
// checksum, for people to read.
type identity struct {
	Format    uint64 `json:"format"`
	ClusterID uint64 `json:"clusterId"`
	StoreID   uint64 `json:"storeId"`
	// Starts counts how often the store was opened; 0 only while its folder is being made.
	Starts uint64 `json:"starts"`
	// Reserved are, by kind, the numbers from 1 that were taken to make ids of.
	Reserved map[uint8]uint64 `json:"reserved,omitempty"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (id identity) encode() ([]byte, error) {
	line, err := json.Marshal(id)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s\ncrc32c %08x\n", line, crc32.Checksum(line, castagnoli)), nil
}

// errNewer says that a folder was written by a later version.
type errNewer struct{ format uint64 }

func (e errNewer) Error() string {
	return fmt.Sprintf("has format %d, and this version reads formats up to %d", e.format, FormatVersion)
}

func decodeIdentity(data []byte) (identity, error) {
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	// The format comes first: a newer one may have another checksum, and other fields.
	var format struct {
		Format uint64 `json:"format"`
	}
	if err := json.Unmarshal(line, &format); err == nil && format.Format > FormatVersion {
		return identity{}, errNewer{format.Format}
	}
	if want := fmt.Sprintf("crc32c %08x\n", crc32.Checksum(line, castagnoli)); string(rest) != want {
		return identity{}, errors.New("its checksum is wrong")
	}
	var id identity
	if err := json.Unmarshal(line, &id); err != nil {
		return identity{}, err
	}
	return id, nil
}

// readIdentity returns the folder's identity, and whether there is one.
func readIdentity(fsys vfs.FS, dir string) (id identity, found bool, err error) {
	name := fsys.PathJoin(dir, identityName)
	file, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return identity{}, false, nil
	}
	if err != nil {
		return identity{}, false, err
	}
	data, err := io.ReadAll(io.LimitReader(file, identityBytesMax))
	if err := errors.Join(err, file.Close()); err != nil {
		return identity{}, false, err
	}
	id, err = decodeIdentity(data)
	if newer := (errNewer{}); errors.As(err, &newer) {
		return identity{}, true, err
	} else if err != nil {
		return identity{}, true, fmt.Errorf("%w: %s: %w", ErrCorrupt, name, err)
	}
	return id, true, nil
}

// ClusterOf returns the cluster that a folder was made for, or 0 when it was made for none yet. It changes nothing, and
// refuses what Open would: a file (ErrNotFolder), a folder that may not be read (ErrPermission) or is of a newer format
// (ErrNewerFormat).
func ClusterOf(fsys vfs.FS, dir string) (uint64, error) {
	f, err := newFolder(Options{FS: fsys, Dir: dir})
	if err != nil {
		return 0, err
	}
	if err := f.isNoFile(); err != nil {
		return 0, err
	}
	id, _, err := f.read()
	return id.ClusterID, err
}

// write puts the identity in the place of the one before: whole and durable when it returns without an error, and one of
// the two, whole, whatever happens meanwhile.
func (id identity) write(fsys vfs.FS, dir string) error {
	data, err := id.encode()
	if err != nil {
		return err
	}
	next := fsys.PathJoin(dir, identityNext)
	file, err := fsys.Create(next, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(next, fsys.PathJoin(dir, identityName)); err != nil {
		return err
	}
	return syncDir(fsys, dir)
}

// syncDir makes the names in a folder durable.
func syncDir(fsys vfs.FS, dir string) error {
	opened, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Limits and defaults.
const (
	// StoreIDMax is the largest id of a store: the ids that a store makes end in its own; see NewID.
	StoreIDMax = 999
	// CommitBytesMax is how many bytes of keys and values a batch may have.
	CommitBytesMax = 512 << 20

	cacheBytesDefault    = 8 << 20
	memTableBytesDefault = 16 << 20
	openFilesMax         = 500
	bloomBitsPerKey      = 10
	// memTablesMax is how many memtables may wait for the disk before writes do.
	memTablesMax = 4
)

// Options say which store opens which folder, and how.
type Options struct {
	// Dir is the store's folder. It is made when it is not there; what is above it is made too.
	Dir string
	// FS is the file system. Nil: that of the operating system.
	FS vfs.FS
	// ClusterID and StoreID must be those that the folder was made for. A store's id is at most StoreIDMax.
	ClusterID, StoreID uint64
	// WithoutSync acknowledges without waiting for the disk. It is a lie, and there for the test that must notice it.
	WithoutSync bool
	// CacheBytes bounds the cache of blocks read from the disk; 0: 8 MiB.
	CacheBytes int64
	// MemTableBytes bounds one table of writes in memory, of which there are at most four; 0: 16 MiB. The first is small
	// and each is twice as large as the one before, so an idle store has little.
	MemTableBytes uint64
	// Log is where the engine tells what it does. Nil: nowhere.
	Log *slog.Logger
}

func (o *Options) complete() error {
	switch {
	case o.Dir == "":
		return errors.New("a store needs a folder")
	case o.ClusterID == 0:
		return errors.New("the cluster's id is 0: it must be larger")
	case o.StoreID == 0 || o.StoreID > StoreIDMax:
		return fmt.Errorf("the store's id is %d: it must be between 1 and %d", o.StoreID, StoreIDMax)
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = cacheBytesDefault
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = memTableBytesDefault
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// pebbleOptions are for a raft store: a log that is appended to, read once and cut off, beside keys that stay.
func pebbleOptions(o *Options, fs vfs.FS, lock *pebble.Lock, f *failure) *pebble.Options {
	opts := &pebble.Options{
		FS:   fs,
		Lock: lock,
		// Named, so that another version of Pebble does not change what is on the disk by itself.
		FormatMajorVersion: pebble.FormatTableFormatV6,
		CacheSize:          o.CacheBytes,
		MaxOpenFiles:       openFilesMax,
		MemTableSize:       o.MemTableBytes,
		// Reads are rare and writes are not: it may take a few tables of level 0 before they are merged.
		MemTableStopWritesThreshold: memTablesMax,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 2 },
		// The store's loop gathers a batch while the disk works; a pause on top of that would only be latency.
		WALMinSyncInterval: func() time.Duration { return 0 },
		Logger:             logger{o.Log, f},
		EventListener:      listener(o.Log, f),
	}
	opts.Experimental.FileCacheShards = 1
	for i := range opts.Levels {
		opts.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
		opts.Levels[i].FilterType = pebble.TableFilter
	}
	return opts
}

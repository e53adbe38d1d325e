package disk

// Stats are figures about an engine and its disk. Counters start with the engine; the others are as of now.
type Stats struct {
	// DiskBytes is what the data takes on the disk, FreeBytes what the disk has left; 0: not known.
	DiskBytes, FreeBytes uint64
	// LogBytes is the size of the write-ahead log, LogWrittenBytes counts what was written to it.
	LogBytes, LogWrittenBytes uint64
	// MemTableBytes and CacheBytes are in memory.
	MemTableBytes, CacheBytes uint64
	// Commits counts batches and CommitBytes their keys and values; Syncs counts waits for the disk, of batches and alone.
	Commits, CommitBytes, Syncs uint64
	// Flushes and Compactions count what the disk does behind the commits, CompactionsRunning what it does now, and
	// CompactionDebtBytes what it is behind with.
	Flushes, Compactions, CompactionsRunning, CompactionDebtBytes uint64
	// Tables is how many there are, ReadAmplification in how many places a read looks at most.
	Tables, ReadAmplification uint64
	// Snapshots is how many are open.
	Snapshots uint64
}

// Stats returns the figures; those of an engine that was closed are zero.
func (e *Engine) Stats() Stats {
	e.gate.RLock()
	if e.closed {
		e.gate.RUnlock()
		return Stats{}
	}
	e.users.Add(1) // figures are given after a failure too
	e.gate.RUnlock()
	defer e.leave()
	m := e.db.Metrics()
	s := Stats{
		DiskBytes:           m.DiskSpaceUsage(),
		LogBytes:            m.WAL.Size,
		LogWrittenBytes:     m.WAL.BytesWritten,
		MemTableBytes:       m.MemTable.Size,
		CacheBytes:          uint64(m.BlockCache.Size),
		Commits:             e.commits.Load(),
		CommitBytes:         e.commitBytes.Load(),
		Syncs:               e.commitsSynced.Load(),
		Flushes:             uint64(m.Flush.Count),
		Compactions:         uint64(m.Compact.Count),
		CompactionsRunning:  uint64(m.Compact.NumInProgress),
		CompactionDebtBytes: m.Compact.EstimatedDebt,
		Tables:              uint64(m.Total().TablesCount),
		ReadAmplification:   uint64(m.ReadAmp()),
		Snapshots:           uint64(m.Snapshots.Count),
	}
	if usage, err := e.folder.fs.GetDiskUsage(e.folder.dir); err == nil {
		s.FreeBytes = usage.AvailBytes
	}
	return s
}

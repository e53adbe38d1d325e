package store

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// raftLog is a peer's log and hard state: raft's Storage over the engine, with the newest entries kept decoded. It is
// ahead of the engine by the batch of an outstanding Ready; those entries are always in the cache.
type raftLog struct {
	regionID uint64
	reader   engine.Reader
	bytesMax int
	bugs     Bugs
	// snapshot makes the region's snapshot; the peer's.
	snapshot func() (*raftpb.Snapshot, error)

	hard          raftserverpb.RaftLocalState // term, vote, commit, last_index
	truncated     uint64                      // index and term of the entry before the first
	truncatedTerm uint64
	conf          *raftpb.ConfState

	// cache holds the entries from cacheFirst to the last one, without gaps. Its array is never overwritten, only
	// appended to: raft keeps slices of it.
	cache      []*raftpb.Entry
	cacheFirst uint64
	cacheBytes int
	// written is the last entry that is surely in the engine; only those may leave the cache.
	written uint64
	// applying are the entries that the outstanding Ready applies. Until the Advance raft takes them for unapplied, and
	// looks through them before it campaigns: it must find them, though one of them may have compacted others away.
	applying []*raftpb.Entry
}

var _ raft.Storage = (*raftLog)(nil)

func openLog(reader engine.Reader, regionID uint64, bytesMax int, bugs Bugs) (*raftLog, *raftserverpb.RaftApplyState, error) {
	l := &raftLog{regionID: regionID, reader: reader, bytesMax: bytesMax, bugs: bugs}
	if err := load(reader, raftKey(regionID, raftSuffix), &l.hard); err != nil {
		return nil, nil, err
	}
	apply := &raftserverpb.RaftApplyState{}
	if err := load(reader, raftKey(regionID, applySuffix), apply); err != nil {
		return nil, nil, err
	}
	l.truncated, l.truncatedTerm = apply.GetTruncatedIndex(), apply.GetTruncatedTerm()
	l.conf = &raftpb.ConfState{
		Voters: apply.GetVoters(), Learners: apply.GetLearners(), VotersOutgoing: apply.GetVotersOutgoing(),
		LearnersNext: apply.GetLearnersNext(), AutoLeave: new(apply.GetAutoLeave()),
	}
	if bugs != 0 {
		l.forget(apply)
	}
	l.written, l.cacheFirst = l.hard.LastIndex, l.hard.LastIndex+1
	if apply.GetAppliedIndex() > l.hard.LastIndex {
		return nil, nil, fmt.Errorf("region %d: applied index %d is past the log's end %d",
			regionID, apply.GetAppliedIndex(), l.hard.LastIndex)
	}
	// A commit that was applied at once is written with the apply state alone.
	l.hard.Commit = max(l.hard.Commit, apply.GetAppliedIndex())
	return l, apply, nil
}

// load reads a state that must be there.
func load(reader engine.Reader, key []byte, into proto.Message) error {
	data, found, err := reader.Get(key)
	if err != nil {
		return fmt.Errorf("read %x: %w", key, err)
	}
	if !found {
		return fmt.Errorf("the engine has no %s", into.ProtoReflect().Descriptor().Name())
	}
	if err := proto.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s: %w", into.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// InitialState implements raft.Storage.
func (l *raftLog) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return &raftpb.HardState{Term: new(l.hard.Term), Vote: new(l.hard.Vote), Commit: new(l.hard.Commit)}, l.conf, nil
}

// FirstIndex implements raft.Storage.
func (l *raftLog) FirstIndex() (uint64, error) {
	first := l.truncated + 1
	if len(l.applying) > 0 {
		first = min(first, l.applying[0].GetIndex())
	}
	return first, nil
}

// beingApplied returns the entry at an index if the outstanding Ready applies it, or nil.
func (l *raftLog) beingApplied(index uint64) *raftpb.Entry {
	if n := uint64(len(l.applying)); n > 0 && index-l.applying[0].GetIndex() < n {
		return l.applying[index-l.applying[0].GetIndex()]
	}
	return nil
}

// LastIndex implements raft.Storage.
func (l *raftLog) LastIndex() (uint64, error) { return l.hard.LastIndex, nil }

// Term implements raft.Storage.
func (l *raftLog) Term(index uint64) (uint64, error) {
	switch {
	case index == l.truncated:
		return l.truncatedTerm, nil
	case index < l.truncated:
		if e := l.beingApplied(index); e != nil {
			return e.GetTerm(), nil
		}
		return 0, raft.ErrCompacted
	case index > l.hard.LastIndex:
		return 0, raft.ErrUnavailable
	case index >= l.cacheFirst:
		return l.cache[index-l.cacheFirst].GetTerm(), nil
	}
	e, err := l.read(index)
	if err != nil {
		return 0, err
	}
	return e.GetTerm(), nil
}

// Entries implements raft.Storage.
func (l *raftLog) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	if lo <= l.truncated && l.beingApplied(lo) == nil {
		return nil, raft.ErrCompacted
	}
	if hi > l.hard.LastIndex+1 {
		return nil, raft.ErrUnavailable
	}
	if lo >= l.cacheFirst {
		found := l.cache[lo-l.cacheFirst : hi-l.cacheFirst : hi-l.cacheFirst]
		n := fitting(found, maxSize)
		return found[:n:n], nil
	}
	var found []*raftpb.Entry
	var size uint64
	for index := lo; index < hi; index++ {
		e, err := l.entry(index)
		if err != nil {
			return nil, err
		}
		if size += uint64(proto.Size(e)); len(found) > 0 && size > maxSize {
			break
		}
		found = append(found, e)
	}
	return found, nil
}

// fitting returns how many of the entries stay within maxSize; at least one, if any.
func fitting(entries []*raftpb.Entry, maxSize uint64) int {
	var size uint64
	for i, e := range entries {
		// An upper bound of the encoded size, cheaper than the exact one.
		if size += uint64(len(e.GetData())) + 32; i > 0 && size > maxSize {
			return i
		}
	}
	return len(entries)
}

// Snapshot implements raft.Storage. Raft asks when a follower needs an entry that has been truncated.
func (l *raftLog) Snapshot() (*raftpb.Snapshot, error) { return l.snapshot() }

// compact takes the entries up to index off the log's front; the entry at index must be there.
func (l *raftLog) compact(index uint64, batch *engine.Batch) error {
	term, err := l.Term(index)
	if err != nil {
		return fmt.Errorf("compact region %d to entry %d: %w", l.regionID, index, err)
	}
	for i := l.truncated + 1; i <= index; i++ {
		batch.Delete(logKey(l.regionID, i))
	}
	l.truncated, l.truncatedTerm = index, term
	return nil
}

// restore makes the log empty behind a snapshot.
func (l *raftLog) restore(index, term uint64, batch *engine.Batch) {
	for i := l.truncated + 1; i <= l.hard.LastIndex; i++ {
		batch.Delete(logKey(l.regionID, i))
	}
	l.truncated, l.truncatedTerm = index, term
	l.hard.LastIndex, l.hard.Commit = index, max(l.hard.Commit, index)
	l.cache, l.cacheFirst, l.cacheBytes, l.written = nil, index+1, 0, index
}

func (l *raftLog) entry(index uint64) (*raftpb.Entry, error) {
	if index >= l.cacheFirst {
		return l.cache[index-l.cacheFirst], nil
	}
	if e := l.beingApplied(index); e != nil {
		return e, nil
	}
	return l.read(index)
}

func (l *raftLog) read(index uint64) (*raftpb.Entry, error) {
	stored, found, err := l.reader.Get(logKey(l.regionID, index))
	if err != nil {
		return nil, fmt.Errorf("read entry %d of region %d: %w", index, l.regionID, err)
	}
	if !found || len(stored) < 9 {
		return nil, fmt.Errorf("entry %d of region %d is not in the engine", index, l.regionID)
	}
	return decodeEntry(index, stored), nil
}

// append takes entries that replace the log from the first one's index on, and writes them to the batch.
func (l *raftLog) append(entries []*raftpb.Entry, batch *engine.Batch) {
	first, last := entries[0].GetIndex(), entries[len(entries)-1].GetIndex()
	switch {
	case first < l.cacheFirst:
		l.cache, l.cacheFirst, l.cacheBytes = nil, first, 0
	case first <= l.hard.LastIndex:
		kept := l.cache[:first-l.cacheFirst]
		l.cache, l.cacheBytes = append([]*raftpb.Entry(nil), kept...), 0
		for _, e := range kept {
			l.cacheBytes += cacheCost(e)
		}
	}
	for _, e := range entries {
		l.cache = append(l.cache, e)
		l.cacheBytes += cacheCost(e)
		if l.bugs.Has(BugKeepConflictingTail) && e.GetIndex() <= l.hard.LastIndex {
			continue // what stands there stays
		}
		batch.Put(encodeLogPair(l.regionID, e))
	}
	for index := last + 1; index <= l.hard.LastIndex && !l.bugs.Has(BugKeepConflictingTail); index++ {
		batch.Delete(logKey(l.regionID, index))
	}
	l.hard.LastIndex = last
	l.written = min(l.written, first-1)
}

// advanced is called when everything appended is in the engine; the oldest entries may leave the cache.
func (l *raftLog) advanced(applied uint64) {
	l.written = l.hard.LastIndex
	if l.cacheBytes <= l.bytesMax {
		return
	}
	// Down to half, so that the copy below is paid once for many entries.
	drop := 0
	for l.cacheBytes > l.bytesMax/2 && drop < len(l.cache) && l.cacheFirst+uint64(drop) <= applied {
		l.cacheBytes -= cacheCost(l.cache[drop])
		drop++
	}
	if drop > 0 {
		l.cache = append([]*raftpb.Entry(nil), l.cache[drop:]...)
		l.cacheFirst += uint64(drop)
	}
}

// cacheCost is about what an entry takes in memory, in bytes.
func cacheCost(e *raftpb.Entry) int { return len(e.GetData()) + 256 }

// An entry is stored as its term (8 bytes), its type (1 byte) and its data; its index is in the key. Both are made in one
// piece of memory.
func encodeLogPair(regionID uint64, e *raftpb.Entry) (key, stored []byte) {
	out := appendLogKey(make([]byte, 0, logKeyBytes+9+len(e.GetData())), regionID, e.GetIndex())
	out = binary.BigEndian.AppendUint64(out, e.GetTerm())
	out = append(append(out, byte(e.GetType())), e.GetData()...)
	return out[:logKeyBytes:logKeyBytes], out[logKeyBytes:]
}

func decodeEntry(index uint64, stored []byte) *raftpb.Entry {
	e := &raftpb.Entry{
		Term: new(binary.BigEndian.Uint64(stored)), Index: new(index), Type: raftpb.EntryType(stored[8]).Enum(),
	}
	if len(stored) > 9 {
		e.Data = stored[9:]
	}
	return e
}

package engine

import (
	"fmt"

	"github.com/tidwall/btree"
)

// Memory is an engine in memory. It keeps a synced line: Crash undoes what was written after the last Sync, batch by batch.
// Snapshots are O(1) copies of the tree. It is not safe for use from several goroutines.
type Memory struct {
	tree btree.Map[string, []byte]
	// undo is what the batches since the last Sync replaced, in the order of their operations.
	undo     []previous
	unsynced []unsynced
}

// unsynced is a batch that a crash may undo.
type unsynced struct {
	ops       int
	sizeBytes int
}

type previous struct {
	key   string
	value []byte
	found bool
}

var (
	_ Engine   = (*Memory)(nil)
	_ Snapshot = (*frozen)(nil)
)

// NewMemory returns an empty engine.
func NewMemory() *Memory { return &Memory{} }

// Get implements Reader.
func (m *Memory) Get(key []byte) ([]byte, bool, error) {
	value, found := m.tree.Get(string(key))
	return value, found, nil
}

// Ascend implements Reader.
func (m *Memory) Ascend(from, to []byte, visit func(key, value []byte) bool) error {
	return ascend(&m.tree, from, to, visit)
}

// Descend implements Reader.
func (m *Memory) Descend(from, to []byte, visit func(key, value []byte) bool) error {
	return descend(&m.tree, from, to, visit)
}

// Write implements Engine. It never fails.
func (m *Memory) Write(b *Batch) error {
	if len(b.ops) == 0 {
		return nil
	}
	for _, o := range b.ops {
		p := previous{key: string(o.key)}
		if o.remove {
			p.value, p.found = m.tree.Delete(p.key)
		} else {
			p.value, p.found = m.tree.Set(p.key, o.value)
		}
		m.undo = append(m.undo, p)
	}
	m.unsynced = append(m.unsynced, unsynced{ops: len(b.ops), sizeBytes: b.sizeBytes})
	return nil
}

// Sync implements Engine: it moves the synced line to the last batch written.
func (m *Memory) Sync() error {
	m.settle()
	return nil
}

// settle forgets how to go back.
func (m *Memory) settle() {
	clear(m.undo)
	m.undo, m.unsynced = m.undo[:0], m.unsynced[:0]
}

// Snapshot implements Engine.
func (m *Memory) Snapshot() Snapshot { return &frozen{tree: m.tree.Copy()} }

// Unsynced returns how many batches, and how many bytes of keys and values in them, a crash could undo now.
func (m *Memory) Unsynced() (batches, sizeBytes int) {
	for _, b := range m.unsynced {
		sizeBytes += b.sizeBytes
	}
	return len(m.unsynced), sizeBytes
}

// Crash undoes the batches written after the last Sync, newest first, down to the first keep of them, which are durable
// from here on. It returns how many bytes of keys and values the others had.
func (m *Memory) Crash(keep int) (lostBytes int) {
	ops := 0
	for _, b := range m.unsynced[:min(keep, len(m.unsynced))] {
		ops += b.ops
	}
	return m.undoTo(keep, ops)
}

// CrashTorn is Crash, but that the first half of the operations of the first batch that is undone stay: what a disk leaves
// of a write that was torn, to an engine that does not look at checksums.
func (m *Memory) CrashTorn(keep int) (lostBytes int) {
	ops := 0
	for i, b := range m.unsynced[:min(keep+1, len(m.unsynced))] {
		if i == keep {
			b.ops /= 2
		}
		ops += b.ops
	}
	return m.undoTo(keep, ops)
}

// undoTo undoes all but the first ops operations; the batches from keep on are lost.
func (m *Memory) undoTo(keep, ops int) (lostBytes int) {
	for _, b := range m.unsynced[min(keep, len(m.unsynced)):] {
		lostBytes += b.sizeBytes
	}
	for i := len(m.undo) - 1; i >= ops; i-- {
		if p := m.undo[i]; p.found {
			m.tree.Set(p.key, p.value)
		} else {
			m.tree.Delete(p.key)
		}
	}
	m.settle()
	return lostBytes
}

// Corrupt puts another value in the place of a key's, as a disk does that forgets: no write, nothing to be synced.
func (m *Memory) Corrupt(key, value []byte) {
	if _, found := m.tree.Get(string(key)); found {
		m.tree.Set(string(key), value)
	}
}

// String tells how many keys the engine holds and how many batches a crash would lose.
func (m *Memory) String() string {
	return fmt.Sprintf("%d keys, %d batches not synced", m.tree.Len(), len(m.unsynced))
}

type frozen struct{ tree *btree.Map[string, []byte] }

func (f *frozen) Get(key []byte) ([]byte, bool, error) {
	value, found := f.tree.Get(string(key))
	return value, found, nil
}

func (f *frozen) Ascend(from, to []byte, visit func(key, value []byte) bool) error {
	return ascend(f.tree, from, to, visit)
}

func (f *frozen) Descend(from, to []byte, visit func(key, value []byte) bool) error {
	return descend(f.tree, from, to, visit)
}

func (f *frozen) Close() { f.tree = nil }

func ascend(t *btree.Map[string, []byte], from, to []byte, visit func(key, value []byte) bool) error {
	end := string(to)
	t.Ascend(string(from), func(key string, value []byte) bool {
		if end != "" && key >= end {
			return false
		}
		return visit([]byte(key), value)
	})
	return nil
}

func descend(t *btree.Map[string, []byte], from, to []byte, visit func(key, value []byte) bool) error {
	start, end := string(from), string(to)
	each := func(key string, value []byte) bool {
		if end != "" && key >= end {
			return true
		}
		return key >= start && visit([]byte(key), value)
	}
	if end == "" {
		t.Reverse(each)
	} else {
		t.Descend(end, each)
	}
	return nil
}

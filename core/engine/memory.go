package engine

import (
	"fmt"

	"github.com/tidwall/btree"
)

// Memory is an engine in memory. It keeps a synced line: Crash undoes exactly what was written after the last Sync.
// Snapshots are O(1) copies of the tree. It is not safe for use from several goroutines.
type Memory struct {
	tree btree.Map[string, []byte]
	// undo is what the batches since the last Sync replaced, in the order of their operations; unsynced are those batches'
	// sizes, in bytes.
	undo     []previous
	unsynced []int
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
	m.unsynced = append(m.unsynced, b.sizeBytes)
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

// Unsynced returns how many batches, and how many bytes of keys and values in them, a crash would lose now.
func (m *Memory) Unsynced() (batches, sizeBytes int) {
	for _, size := range m.unsynced {
		sizeBytes += size
	}
	return len(m.unsynced), sizeBytes
}

// Crash undoes every batch written after the last Sync, newest first.
func (m *Memory) Crash() {
	for i := len(m.undo) - 1; i >= 0; i-- {
		if p := m.undo[i]; p.found {
			m.tree.Set(p.key, p.value)
		} else {
			m.tree.Delete(p.key)
		}
	}
	m.settle()
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

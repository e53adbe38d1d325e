// Package engine is the ordered key-value engine under a store: a small interface, and Memory, an engine in memory with
// an explicit synced line. A live store's engine on a disk implements the same interface.
package engine

// Reader reads a state of the keys. Returned slices belong to the engine: read them, never write them; they stay valid.
type Reader interface {
	// Get returns the value of key, and whether there is one.
	Get(key []byte) (value []byte, found bool, err error)
	// Ascend visits the pairs in [from, to) in binary order until visit returns false. An empty to means no end.
	Ascend(from, to []byte, visit func(key, value []byte) bool) error
	// Descend visits the pairs in [from, to) in reverse binary order until visit returns false.
	Descend(from, to []byte, visit func(key, value []byte) bool) error
}

// Snapshotter is a Reader that can freeze what it reads.
type Snapshotter interface {
	Reader
	// Snapshot returns the present state, untouched by later writes. The caller closes it.
	Snapshot() Snapshot
}

// Engine is a Reader that can be written.
type Engine interface {
	Snapshotter
	// Write applies a batch: all of it, or, with an error, nothing. Until Sync a crash may undo it; batches are undone
	// newest first, so what a crash leaves is always a prefix of what was written.
	Write(b *Batch) error
	// Sync makes everything written so far durable.
	Sync() error
}

// Snapshot is a frozen state.
type Snapshot interface {
	Reader
	Close()
}

// Batch is a list of puts and deletes, later ones winning. The zero Batch is empty and ready. A batch owns the slices
// given to it.
type Batch struct {
	ops       []op
	sizeBytes int
}

type op struct {
	key, value []byte
	remove     bool
}

// Put sets key to value.
func (b *Batch) Put(key, value []byte) {
	b.ops = append(b.ops, op{key: key, value: value})
	b.sizeBytes += len(key) + len(value)
}

// Delete removes key, if it is there.
func (b *Batch) Delete(key []byte) {
	b.ops = append(b.ops, op{key: key, remove: true})
	b.sizeBytes += len(key)
}

// Reset empties the batch and keeps its memory for the next operations.
func (b *Batch) Reset() {
	clear(b.ops)
	b.ops, b.sizeBytes = b.ops[:0], 0
}

// Len is the number of puts and deletes.
func (b *Batch) Len() int { return len(b.ops) }

// SizeBytes is the sum of the lengths of keys and values.
func (b *Batch) SizeBytes() int { return b.sizeBytes }

// Visit calls put or remove for each operation, in order.
func (b *Batch) Visit(put func(key, value []byte), remove func(key []byte)) {
	for _, o := range b.ops {
		if o.remove {
			remove(o.key)
		} else {
			put(o.key, o.value)
		}
	}
}

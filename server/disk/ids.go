package disk

import (
	"fmt"
	"math"
)

const (
	// idBlock is how many ids are taken with one write to the disk.
	idBlock = 64
	// idsMax is how many ids one call may reserve.
	idsMax = 1 << 20
	// idKindsMax bounds the kinds of ids.
	idKindsMax = 16
	// idStep is what an id grows by from one of a store's ids to its next: StoreIDMax and one.
	idStep = StoreIDMax + 1
)

// block is what is left of a reservation: the numbers in [next, end).
type block struct{ next, end uint64 }

// NewID gives an id that nobody in the cluster has used for the kind, nor will: n*1000 plus the store's id for the n-th.
// So ids below 1000 are free for whoever starts a cluster. It touches the disk once in 64 ids; ids that were reserved and
// not used when a store stops are left out. It returns 0, which is no id, when the disk failed: the engine has ended then.
//
// The kinds are the caller's, 1 to 16; store.IDKind fits.
func (e *Engine) NewID(kind uint8) uint64 {
	e.idMu.Lock()
	defer e.idMu.Unlock()
	b := e.blocks[kind]
	if b.next == b.end {
		first, err := e.reserve(kind, idBlock)
		if err != nil {
			return 0
		}
		b = block{first, first + idBlock}
	}
	n := b.next
	e.blocks[kind] = block{n + 1, b.end}
	return n*idStep + e.identity.StoreID
}

// ReserveIDs takes the numbers in [first, first+n), from 1, for the kind, for good: no later call and no later start of
// this store gives them again. It is durable when it returns.
func (e *Engine) ReserveIDs(kind uint8, n uint64) (first uint64, err error) {
	e.idMu.Lock()
	defer e.idMu.Unlock()
	return e.reserve(kind, n)
}

func (e *Engine) reserve(kind uint8, n uint64) (first uint64, err error) {
	if kind == 0 || kind > idKindsMax {
		return 0, fmt.Errorf("ids of kind %d do not exist: kinds are 1 to %d", kind, idKindsMax)
	}
	if n == 0 || n > idsMax {
		return 0, fmt.Errorf("%d ids cannot be reserved at once: 1 to %d can", n, idsMax)
	}
	taken := e.identity.Reserved[kind]
	if taken+n > math.MaxUint64/idStep-1 {
		return 0, fmt.Errorf("store %d has no ids of kind %d left", e.identity.StoreID, kind)
	}
	if err := e.enter(); err != nil {
		return 0, err
	}
	defer e.leave()
	next := e.identity
	next.Reserved = map[uint8]uint64{kind: taken + n}
	for other, taken := range e.identity.Reserved {
		if other != kind {
			next.Reserved[other] = taken
		}
	}
	if err := next.write(e.folder.fs, e.folder.dir); err != nil {
		return 0, e.failure.fail(fmt.Errorf("ids cannot be reserved: %w", err))
	}
	e.identity = next
	return taken + 1, nil
}

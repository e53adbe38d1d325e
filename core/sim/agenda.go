package sim

// deed is a kind of thing that falls due.
type deed uint8

const (
	deedTick     deed = iota + 1 // a store's base tick
	deedArrive                   // a message reaches its store, or the moment at which the network loses it
	deedWritten                  // a disk has written a batch
	deedSynced                   // a disk has made it durable
	deedTimeout                  // a client stops waiting
	deedWork                     // a client that works by itself does the next thing
	deedStraggle                 // a request of one arrives once more
	deedHear                     // a store that was paused hears a command that waited for it
)

// item is something due: what, when, and for whom. Items of one instant happen in the order they were added.
type item struct {
	due   int64
	order uint64
	deed  deed
	// store is an index into World.machines, of ticks, disk work and commands; nowhere of clients' work.
	store uint32
	// slot is a place in the network's flights, of arrivals; or a worker's number, of work.
	slot uint32
}

// nowhere is no store's index: what is due there outlives every store's crash.
const nowhere = ^uint32(0)

func (a *item) before(b *item) bool {
	return a.due < b.due || a.due == b.due && a.order < b.order
}

// agenda is a binary heap of items, by value.
type agenda struct {
	heap  []item
	order uint64
}

// nextOrder numbers what falls due, whether it stands in the agenda or elsewhere.
func (a *agenda) nextOrder() uint64 {
	a.order++
	return a.order
}

// add puts it in; its order is given here.
func (a *agenda) add(it item) {
	it.order = a.nextOrder()
	a.heap = append(a.heap, it)
	a.rise(len(a.heap) - 1)
}

// first returns the item that is due first, or nil. The pointer holds until the agenda changes.
func (a *agenda) first() *item {
	if len(a.heap) == 0 {
		return nil
	}
	return &a.heap[0]
}

// pop takes the first item out. The agenda must not be empty.
func (a *agenda) pop() item {
	top, last := a.heap[0], len(a.heap)-1
	a.heap[0] = a.heap[last]
	a.heap = a.heap[:last]
	if last > 0 {
		a.sink(0)
	}
	return top
}

// remove takes out every item that matches.
func (a *agenda) remove(match func(*item) bool) {
	kept := a.heap[:0]
	for i := range a.heap {
		if !match(&a.heap[i]) {
			kept = append(kept, a.heap[i])
		}
	}
	a.heap = kept
	for i := len(kept)/2 - 1; i >= 0; i-- {
		a.sink(i)
	}
}

func (a *agenda) rise(i int) {
	it := a.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !it.before(&a.heap[parent]) {
			break
		}
		a.heap[i] = a.heap[parent]
		i = parent
	}
	a.heap[i] = it
}

func (a *agenda) sink(i int) {
	it, n := a.heap[i], len(a.heap)
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if right := child + 1; right < n && a.heap[right].before(&a.heap[child]) {
			child = right
		}
		if !a.heap[child].before(&it) {
			break
		}
		a.heap[i] = a.heap[child]
		i = child
	}
	a.heap[i] = it
}

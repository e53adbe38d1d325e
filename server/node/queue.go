package node

import "sync"

// queue is what waits for the loop: bounded, filled from any goroutine, emptied by one.
type queue[T any] struct {
	itemsMax, bytesMax int

	mu     sync.Mutex
	items  []waiting[T]
	head   int
	bytes  int
	closed bool
}

type waiting[T any] struct {
	item  T
	bytes int
}

// entrance is how a queue received an item.
type entrance uint8

const (
	entered entrance = iota
	full
	closed
)

// enter adds an item at the end. An item of any size enters an empty queue.
func (q *queue[T]) enter(item T, bytes int) entrance {
	q.mu.Lock()
	defer q.mu.Unlock()
	waits := len(q.items) - q.head
	switch {
	case q.closed:
		return closed
	case waits >= q.itemsMax, waits > 0 && q.bytes+bytes > q.bytesMax:
		return full
	}
	q.items = append(q.items, waiting[T]{item, bytes})
	q.bytes += bytes
	return entered
}

// take moves up to most items from the front to the end of into, and tells whether more wait.
func (q *queue[T]) take(into []T, most int) (taken []T, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for ; most > 0 && q.head < len(q.items); most-- {
		w := &q.items[q.head]
		into = append(into, w.item)
		q.bytes -= w.bytes
		*w = waiting[T]{}
		q.head++
	}
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head > q.itemsMax:
		q.items, q.head = append(q.items[:0], q.items[q.head:]...), 0
	}
	return into, q.head < len(q.items)
}

// close refuses what comes from now on, and returns what waited.
func (q *queue[T]) close() []T {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	rest, _ := q.take(nil, q.itemsMax)
	return rest
}

// len is how many items wait.
func (q *queue[T]) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) - q.head
}

package peer

import (
	"sync"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// queue holds parcels for one store, within bounds. It takes them only while it is open.
type queue struct {
	messagesMax, bytesMax int

	mu      sync.Mutex
	open    bool
	parcels []held
	bytes   int
	// filled is signalled when something waits.
	filled chan struct{}
}

type held struct {
	parcel *rpcpb.Parcel
	bytes  int
}

func newQueue(messagesMax, bytesMax int) *queue {
	return &queue{messagesMax: messagesMax, bytesMax: bytesMax, filled: make(chan struct{}, 1)}
}

// admission is what became of a parcel at a queue.
type admission uint8

const (
	admitted admission = iota
	refusedFull
	refusedShut
)

func (q *queue) add(p *rpcpb.Parcel, bytes int) admission {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.open:
		return refusedShut
	case len(q.parcels) >= q.messagesMax, q.bytes+bytes > q.bytesMax && len(q.parcels) > 0:
		return refusedFull
	}
	q.parcels = append(q.parcels, held{p, bytes})
	q.bytes += bytes
	q.signal()
	return admitted
}

func (q *queue) signal() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// take gives what waits, up to the bounds, or one parcel; nil when nothing waits.
func (q *queue) take(messagesMax, bytesMax int) []*rpcpb.Parcel {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes, n := 0, 0
	for n < len(q.parcels) && n < messagesMax && (n == 0 || bytes+q.parcels[n].bytes <= bytesMax) {
		bytes += q.parcels[n].bytes
		n++
	}
	if n == 0 {
		return nil
	}
	batch := make([]*rpcpb.Parcel, n)
	for i := range batch {
		batch[i] = q.parcels[i].parcel
	}
	rest := copy(q.parcels, q.parcels[n:])
	clear(q.parcels[rest:])
	q.parcels, q.bytes = q.parcels[:rest], q.bytes-bytes
	if rest > 0 {
		q.signal()
	}
	return batch
}

// set opens or shuts the queue; either way it forgets what it holds, and tells how much that was.
func (q *queue) set(open bool) (lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lost = len(q.parcels)
	q.open, q.parcels, q.bytes = open, nil, 0
	return lost
}

func (q *queue) waiting() (parcels, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.parcels), q.bytes
}

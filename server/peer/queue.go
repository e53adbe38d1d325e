package peer

import (
	"sync"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// queue holds parcels for one store, within bounds. It takes them only while its line is open.
type queue struct {
	messagesMax, bytesMax int

	mu      sync.Mutex
	open    bool
	parcels []held
	bytes   int
	// filled is signalled when there is something, or the queue was shut.
	filled chan struct{}
}

type held struct {
	parcel *rpcpb.Parcel
	bytes  int
}

func newQueue(messagesMax, bytesMax int) *queue {
	return &queue{messagesMax: messagesMax, bytesMax: bytesMax, filled: make(chan struct{}, 1)}
}

type admission uint8

const (
	admitted admission = iota
	refusedFull
	refusedDown
)

func (q *queue) add(p *rpcpb.Parcel, bytes int) admission {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.open:
		return refusedDown
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

// take appends what waits to batch, up to its bounds, or one parcel.
func (q *queue) take(batch []*rpcpb.Parcel, messagesMax, bytesMax int) []*rpcpb.Parcel {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes, n := 0, 0
	for n < len(q.parcels) && n < messagesMax && (n == 0 || bytes+q.parcels[n].bytes <= bytesMax) {
		batch = append(batch, q.parcels[n].parcel)
		bytes += q.parcels[n].bytes
		n++
	}
	clear(q.parcels[:n])
	if q.parcels = q.parcels[n:]; len(q.parcels) == 0 {
		q.parcels = nil
	} else if n > 0 {
		q.signal()
	}
	q.bytes -= bytes
	return batch
}

// set opens or shuts the queue; a shut one forgets what it holds, and tells how much that was.
func (q *queue) set(open bool) (lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lost = len(q.parcels)
	q.open, q.parcels, q.bytes = open, nil, 0
	return lost
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.parcels)
}

package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// line carries messages to one store: it keeps a connection and its two streams, and makes new ones when they break.
type line struct {
	t        *Transport
	storeID  uint64
	messages *queue
	chunks   *queue
	// losses is signalled when something was lost that Send had taken, or a queue was full.
	losses chan struct{}

	sent, dropped, connects atomic.Uint64

	mu        sync.Mutex
	places    places
	cut       bool
	changed   chan struct{} // closed when places or cut change
	woken     chan struct{} // signalled when the store was heard, which may have just started
	connected bool
	lastError string
}

func newLine(t *Transport, storeID uint64, address string, cut bool) *line {
	l := &t.cfg.Limits
	return &line{
		t: t, storeID: storeID, cut: cut, losses: make(chan struct{}, 1),
		places: places{addresses: []string{address}}, changed: make(chan struct{}), woken: make(chan struct{}, 1),
		messages: newQueue(l.QueueMessagesMax, l.QueueBytesMax),
		chunks:   newQueue(l.ChunksMax, l.QueueBytesMax),
	}
}

// add takes a parcel, or says why not.
func (l *line) add(p *rpcpb.Parcel, bytes int) error {
	q := l.messages
	if p.GetMessage().GetSnapshotChunk() != nil {
		q = l.chunks
	}
	switch q.add(p, bytes) {
	case admitted:
		return nil
	case refusedFull:
		l.dropped.Add(1)
		l.lost()
		waiting, waitingBytes := q.waiting()
		return fmt.Errorf("the queue for S%d is full: %d messages of %d bytes wait", l.storeID, waiting, waitingBytes)
	}
	l.dropped.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.cut:
		return fmt.Errorf("the link to S%d is cut", l.storeID)
	case l.connected:
		return fmt.Errorf("S%d takes no snapshots now: %s", l.storeID, l.lastError)
	case l.lastError == "":
		return fmt.Errorf("S%d is not connected yet", l.storeID)
	}
	return fmt.Errorf("S%d is not connected: %s", l.storeID, l.lastError)
}

func (l *line) lost() {
	select {
	case l.losses <- struct{}{}:
	default:
	}
}

// tell calls Unreachable for losses, those of one interval together.
func (l *line) tell() {
	for {
		select {
		case <-l.t.ctx.Done():
			return
		case <-l.losses:
		}
		l.t.cfg.Unreachable(l.storeID)
		pause(l.t.ctx, l.t.cfg.Limits.UnreachableInterval)
	}
}

// pause waits for a while, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// backoff is the pause between tries.
type backoff struct {
	min, max, next time.Duration
}

func (l *line) newBackoff() backoff {
	limits := &l.t.cfg.Limits
	return backoff{min: limits.BackoffMin, max: limits.BackoffMax, next: limits.BackoffMin}
}

// after is how long to wait after a try that held for so long. Two stores that lost each other do not try in step.
func (b *backoff) after(held time.Duration) time.Duration {
	if held > b.max {
		b.next = b.min
	}
	now := b.next
	b.next = min(2*now, b.max)
	return now/2 + rand.N(now/2+1)
}

var (
	errCut   = errors.New("the link is cut")
	errMoved = errors.New("the store serves elsewhere now")
)

// run connects, carries, and connects again, until the transport is closed.
func (l *line) run() {
	wait := l.newBackoff()
	for {
		address, cut, changed := l.where()
		if cut {
			select {
			case <-l.t.ctx.Done():
				return
			case <-changed:
				continue
			}
		}
		held, err := l.carry(address, changed)
		if l.t.ctx.Err() != nil {
			return
		}
		l.broke(address, held, err)
		timer := time.NewTimer(wait.after(held))
		select {
		case <-l.t.ctx.Done():
		case <-changed:
			wait = l.newBackoff()
		case <-l.woken:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (l *line) where() (address string, cut bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.places.current(), l.cut, l.changed
}

// learn takes where the store says it is. One that is heard is there: the line does not wait any longer.
func (l *line) learn(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.places.learn(address):
		l.change()
	case !l.connected:
		select {
		case l.woken <- struct{}{}:
		default:
		}
	}
}

// change ends what the line does, with mu held.
func (l *line) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *line) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut == cut {
		return
	}
	l.cut = cut
	l.change()
	if cut {
		l.shut()
	}
}

// open lets messages in, unless the link was cut meanwhile.
func (l *line) open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return errCut
	}
	l.connected = true
	l.connects.Add(1)
	l.messages.set(true)
	l.chunks.set(true)
	select {
	case <-l.woken:
	default:
	}
	return nil
}

// shut lets no more messages in, and loses those that wait. Called with mu held.
func (l *line) shut() {
	l.connected = false
	if waiting := l.messages.set(false) + l.chunks.set(false); waiting > 0 {
		l.dropped.Add(uint64(waiting))
		l.lost()
	}
}

// broke notes why the line is down, and says so once for each reason.
func (l *line) broke(address string, held time.Duration, err error) {
	why := reason(err, l.storeID, l.t.cfg.TLS != nil)
	l.mu.Lock()
	wasOpen, news := held > 0, held > 0 || l.lastError != why
	l.lastError = why
	if !wasOpen {
		l.places.failed()
	}
	l.mu.Unlock()
	if wasOpen {
		l.lost() // what was under way
	}
	if news {
		l.t.cfg.Logger.Warn("a store is not connected", "store", l.t.cfg.StoreID, "to", l.storeID, "address", address, "why", why)
	}
}

func (l *line) status() Status {
	waiting, waitingBytes := l.messages.waiting()
	chunks, chunkBytes := l.chunks.waiting()
	l.mu.Lock()
	defer l.mu.Unlock()
	return Status{
		StoreID: l.storeID, Address: l.places.current(), Connected: l.connected, Cut: l.cut,
		Waiting: waiting + chunks, WaitingBytes: waitingBytes + chunkBytes,
		Sent: l.sent.Load(), Dropped: l.dropped.Load(), Connects: l.connects.Load(), LastError: l.lastError,
	}
}

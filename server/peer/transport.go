package peer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// Transport carries messages to the other stores. Its methods may be called from any goroutine.
type Transport struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.RWMutex
	lines  map[uint64]*line
	closed bool
}

var errClosed = errors.New("the transport is closed")

// Open starts a line to every store that is known. The caller closes the transport.
func Open(cfg Config) (*Transport, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &Transport{cfg: cfg, ctx: ctx, cancel: cancel, lines: map[uint64]*line{}}
	for _, id := range slices.Sorted(maps.Keys(cfg.Addresses)) {
		t.addLine(id, cfg.Addresses[id])
	}
	return t, nil
}

// addLine starts a line. Called with mu held, or before anybody else knows of the transport.
func (t *Transport) addLine(id uint64, address string) {
	l := newLine(t, id, address)
	t.lines[id] = l
	t.work.Go(l.run)
}

// Send takes a message for a store, and never waits. An error says in one sentence why the message did not leave; without
// one it may still be lost on the way. The parcel is the transport's from then on, and nobody writes what it holds.
func (t *Transport) Send(toStore uint64, p *rpcpb.Parcel) error {
	t.mu.RLock()
	l, closed := t.lines[toStore], t.closed
	t.mu.RUnlock()
	switch {
	case closed:
		return errClosed
	case l == nil:
		return fmt.Errorf("nobody knows where S%d serves", toStore)
	}
	bytes := proto.Size(p)
	if bytes > t.cfg.Limits.MessageBytesMax {
		return fmt.Errorf("the message has %d bytes, and at most %d travel", bytes, t.cfg.Limits.MessageBytesMax)
	}
	return l.add(p, bytes)
}

// Learn tells where a store serves: one that joined later, or has moved. It is for the addresses in other stores' envelopes.
func (t *Transport) Learn(storeID uint64, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[storeID]
	switch {
	case t.closed, storeID == 0, storeID == t.cfg.StoreID, address == "":
	case l != nil:
		l.moveTo(address)
	case len(t.lines) >= t.cfg.Limits.StoresMax:
		t.cfg.Logger.Warn("a store is left out: there are too many", "store", storeID, "address", address, "max", t.cfg.Limits.StoresMax)
	default:
		t.addLine(storeID, address)
	}
}

// Cut cuts the link to a store, or mends it: nothing leaves for it while it is cut. It is for a cluster in one process,
// and for tests.
func (t *Transport) Cut(toStore uint64, cut bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if l := t.lines[toStore]; l != nil {
		l.cut.Store(cut)
	}
}

// Status is how the line to a store stands.
type Status struct {
	StoreID   uint64
	Address   string
	Connected bool
	// Waiting is what is queued; Sent, Dropped and Connects are since the transport was opened.
	Waiting                 int
	Sent, Dropped, Connects uint64
	// Why is why the line is not connected, in words.
	Why string
}

// Status lists the lines by their stores' ids.
func (t *Transport) Status() []Status {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var all []Status
	for _, id := range slices.Sorted(maps.Keys(t.lines)) {
		all = append(all, t.lines[id].status())
	}
	return all
}

// Close ends every line. Messages that wait are lost.
func (t *Transport) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.cancel()
	t.work.Wait()
}

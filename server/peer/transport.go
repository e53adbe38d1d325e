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

// Transport carries messages to the other stores. Its methods may be called from any goroutine, and none but Close waits.
type Transport struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.RWMutex
	lines  map[uint64]*line
	cuts   map[uint64]bool // also of stores that are not known yet
	closed bool
}

var errClosed = errors.New("the transport is closed")

// Open starts a line to every store that is known. The caller closes the transport.
func Open(cfg Config) (*Transport, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &Transport{cfg: cfg, ctx: ctx, cancel: cancel, lines: map[uint64]*line{}, cuts: map[uint64]bool{}}
	for _, id := range slices.Sorted(maps.Keys(cfg.Addresses)) {
		t.addLine(id, cfg.Addresses[id])
	}
	return t, nil
}

// addLine starts a line. Called with mu held, or before anybody else knows of the transport.
func (t *Transport) addLine(id uint64, address string) {
	l := newLine(t, id, address, t.cuts[id])
	t.lines[id] = l
	t.work.Go(l.run)
	t.work.Go(l.tell)
}

// Send takes a message for a store, and never waits. An error is one sentence that says why the message did not leave;
// without one it may still be lost on the way, which Config.Unreachable is told.
//
// The parcel is the transport's from then on. It is encoded later, by another goroutine: the caller may go on reading what
// the parcel shares with it, and nobody may write that any more.
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
		l.dropped.Add(1)
		return fmt.Errorf("the message has %d bytes, and at most %d travel", bytes, t.cfg.Limits.MessageBytesMax)
	}
	return l.add(p, bytes)
}

// Learn tells where a store serves: one that joined later, has moved, or has just been heard. It is for the addresses in
// other stores' envelopes (ServerConfig.Learned). A line that waits before its next try goes on at once. When the store
// cannot be reached there, the address it was known by before is tried as well.
func (t *Transport) Learn(storeID uint64, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || storeID == 0 || storeID == t.cfg.StoreID {
		return
	}
	l := t.lines[storeID]
	err := checkAddress(address)
	if l != nil && err == nil {
		l.learn(address)
		return
	}
	if err == nil && len(t.lines) >= t.cfg.Limits.StoresMax {
		err = fmt.Errorf("there are %d stores already", len(t.lines))
	}
	if err != nil {
		t.cfg.Logger.Debug("an address is not taken", "store", t.cfg.StoreID, "of", storeID, "address", address, "why", err)
		return
	}
	t.addLine(storeID, address)
}

// Cut cuts the link to a store, or mends it. While it is cut the line is down and nothing leaves; what left before may still
// arrive. The other direction is the other store's. A store that is not known yet finds its link cut when it comes.
func (t *Transport) Cut(toStore uint64, cut bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !cut {
		delete(t.cuts, toStore)
	} else if len(t.cuts) < t.cfg.Limits.StoresMax {
		t.cuts[toStore] = true
	}
	if l := t.lines[toStore]; l != nil {
		l.setCut(cut)
	}
}

// Status is how the line to a store stands.
type Status struct {
	StoreID uint64
	// Address is the one in use, or tried next.
	Address        string
	Connected, Cut bool
	// Waiting and WaitingBytes are what is queued.
	Waiting, WaitingBytes int
	// Sent, Dropped and Connects are since the transport was opened: messages given to the network, messages refused or lost
	// before that, and connections.
	Sent, Dropped, Connects uint64
	// LastError is why the line, or its stream of snapshots, was last down, in words; "" if never.
	LastError string
}

// Status lists the lines by their stores' ids.
func (t *Transport) Status() []Status {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]Status, 0, len(t.lines))
	for _, id := range slices.Sorted(maps.Keys(t.lines)) {
		all = append(all, t.lines[id].status())
	}
	return all
}

// Close ends every line and waits for them. Messages that wait are lost.
func (t *Transport) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.cancel()
	t.work.Wait()
}

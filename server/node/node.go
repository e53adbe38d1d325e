package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/engine"
	"raftplay/core/store"
)

// ErrStopped is why a node that does not run any more does nothing.
var ErrStopped = errors.New("the store has stopped")

// Node is a live store. Its methods may be called from any goroutine, and none of them waits for a disk or for another
// store but Stop and Kill. Describe, Stop and Kill wait for the loop: they are not for callbacks.
type Node struct {
	cfg    Config
	log    *slog.Logger
	origin time.Time

	arrivals queue[arrival]
	commands queue[*command]
	orders   queue[func(*loop)]
	// waiting counts the commands that have no answer.
	waiting atomic.Int64
	// leaving: no more commands are taken.
	leaving atomic.Bool

	lost struct {
		sync.Mutex
		stores []uint64 // unreachable, to be told to the store
	}

	wakeup chan struct{}
	killed chan struct{}
	kill   sync.Once
	done   chan struct{}
	err    error // set before done is closed

	unregister func() // the metrics

	stats    counters
	patience patience
	watchers atomic.Int64
}

// ordersMax is how many words of the program may wait for the loop, and lostMax how many unreachable stores.
const (
	ordersMax = 1_024
	lostMax   = 64
)

// Open starts a store on its disk, which it bootstraps when it is empty. It fails when the disk belongs to another store or
// cluster, and when the store cannot be opened from it.
func Open(cfg Config) (*Node, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("node configuration: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l := cfg.Limits
	n := &Node{
		cfg: cfg, log: cfg.Logger.With("store", cfg.Store.StoreID), origin: time.Now(),
		arrivals: queue[arrival]{itemsMax: l.ArrivalsMax, bytesMax: l.ArrivalBytesMax},
		commands: queue[*command]{itemsMax: l.CommandsMax, bytesMax: l.CommandBytesMax},
		orders:   queue[func(*loop)]{itemsMax: ordersMax, bytesMax: 1},
		wakeup:   make(chan struct{}, 1), killed: make(chan struct{}), done: make(chan struct{}),
	}
	n.patience.n = n
	if err := n.prepare(); err != nil {
		return nil, err
	}
	lo, err := newLoop(n)
	if err != nil {
		return nil, err
	}
	if n.unregister, err = n.register(); err != nil {
		return nil, err
	}
	n.log.Info("the store starts", "cluster", cfg.ClusterID, "incarnation", cfg.Store.Incarnation,
		"address", cfg.Address, "regions", len(lo.store.RegionIDs()))
	go lo.run()
	return n, nil
}

// prepare bootstraps an empty disk, and makes durable what an earlier life wrote without: what a store has read it must not
// lose.
func (n *Node) prepare() error {
	id := n.cfg.Store.StoreID
	ident, err := store.Identity(n.cfg.Disk)
	first := &engine.Batch{}
	switch {
	case err != nil:
		return fmt.Errorf("open store %d: %w", id, err)
	case ident != nil && ident.GetClusterId() != n.cfg.ClusterID:
		return fmt.Errorf("open store %d: the disk belongs to cluster %d, not to cluster %d", id, ident.GetClusterId(), n.cfg.ClusterID)
	case ident == nil && n.cfg.Bootstrap != nil:
		if !holds(n.cfg.Bootstrap, id) {
			return fmt.Errorf("bootstrap store %d: it is no member of the first region", id)
		}
		first = store.Bootstrap(id, n.cfg.ClusterID, n.cfg.Bootstrap)
	case ident == nil:
		first = store.BootstrapStore(id, n.cfg.ClusterID)
	}
	if err := n.cfg.Disk.Commit(first, true); err != nil {
		return fmt.Errorf("open store %d: the disk failed: %w", id, err)
	}
	return nil
}

// now is the store's clock: monotonic, in microseconds.
func (n *Node) now() int64 { return time.Since(n.origin).Microseconds() }

// wake has the loop look at its queues.
func (n *Node) wake() {
	select {
	case n.wakeup <- struct{}{}:
	default:
	}
}

// order has the loop do something; false when it has ended, or has too much to do.
func (n *Node) order(do func(*loop)) bool {
	if n.orders.enter(do, 0) != entered {
		return false
	}
	n.wake()
	return true
}

// Propose takes a command, which nobody changes from here on. The callback gets its answer exactly once: at once, when the
// store is busy or does not run, or later on the store's loop, which it must not hold up. The answer is read only. A command
// without an answer for Limits.CommandTimeout is answered with a Timeout, and may apply all the same.
func (n *Node) Propose(req *raftcmdpb.RaftCommandRequest, callback func(*raftcmdpb.RaftCommandResponse)) {
	if n.leaving.Load() {
		callback(stoppedAnswer(req, notApplied, fmt.Sprintf("S%d is stopping", n.cfg.Store.StoreID)))
		return
	}
	if n.waiting.Add(1) > int64(n.cfg.Limits.CommandsMax) {
		n.waiting.Add(-1)
		n.refuse(req, callback, "CommandsMax", n.cfg.Limits.CommandsMax)
		return
	}
	c := newCommand(n.now(), req, callback)
	switch n.commands.enter(c, c.bytes) {
	case full:
		n.waiting.Add(-1)
		n.refuse(req, callback, "CommandBytesMax", n.cfg.Limits.CommandBytesMax)
	case closed:
		n.waiting.Add(-1)
		callback(stoppedAnswer(req, notApplied, fmt.Sprintf("S%d has stopped", n.cfg.Store.StoreID)))
	default:
		n.wake()
	}
}

func (n *Node) refuse(req *raftcmdpb.RaftCommandRequest, callback func(*raftcmdpb.RaftCommandResponse), limit string, value int) {
	n.stats.commandsBusy.Add(1)
	callback(busyAnswer(req, limit, value))
}

// Unreachable says that messages to a store are lost at present. It is a hint.
func (n *Node) Unreachable(storeID uint64) {
	n.lost.Lock()
	n.lost.stores = appendOnce(n.lost.stores, storeID)
	n.lost.Unlock()
	n.wake()
}

// appendOnce adds a store to a short list, unless it is there or the list is full.
func appendOnce(stores []uint64, id uint64) []uint64 {
	for _, other := range stores {
		if other == id {
			return stores
		}
	}
	if len(stores) >= lostMax {
		return stores
	}
	return append(stores, id)
}

// takeLost empties the list of stores that are unreachable.
func (n *Node) takeLost(into []uint64) []uint64 {
	n.lost.Lock()
	defer n.lost.Unlock()
	into = append(into, n.lost.stores...)
	n.lost.stores = n.lost.stores[:0]
	return into
}

// Stop takes no more commands, waits for the answers of those it has, hands leadership of every region it leads over, and
// ends the store. Each wait is bounded by Limits; when ctx ends it stops without waiting any longer, but for a batch that is
// being written, and returns ctx's error. Otherwise it returns Err.
func (n *Node) Stop(ctx context.Context) error {
	n.leaving.Store(true)
	for !n.order((*loop).leave) {
		select {
		case <-n.done:
			return n.err
		case <-time.After(time.Millisecond): // more was ordered than the loop has done yet
		}
	}
	select {
	case <-n.done:
		return n.err
	case <-ctx.Done():
	}
	for !n.order((*loop).quit) {
		select {
		case <-n.done:
			return n.err
		case <-time.After(time.Millisecond):
		}
	}
	<-n.done
	return errors.Join(n.err, ctx.Err())
}

// Kill ends the store as kill -9 ends a process: no farewell, and nothing more is written. Who waits for an answer gets one
// that says that the outcome is unknown.
func (n *Node) Kill() {
	n.kill.Do(func() { close(n.killed) })
	<-n.done
}

// Done is closed when the store does not run any more.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err says why the store stopped by itself: a disk that failed, an invariant that was broken. Nil while it runs, and when
// it was stopped.
func (n *Node) Err() error {
	select {
	case <-n.done:
		return n.err
	default:
		return nil
	}
}

// addresses are of every store that this one knows, itself included.
func (n *Node) addresses() []*rpcpb.StoreAddress {
	var known map[uint64]string
	if n.cfg.Addresses != nil {
		known = n.cfg.Addresses()
	}
	return addressList(known, n.cfg.Store.StoreID, n.cfg.Address)
}

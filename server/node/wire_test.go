package node

import (
	"errors"
	"sync"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// wires join the nodes of one process: a bounded channel and a goroutine for each pair.
type wires struct {
	mu    sync.Mutex
	nodes map[uint64]*Node
	lives map[uint64]uint64
	links map[[2]uint64]chan *rpcpb.Parcel
	cut   func(from, to uint64) bool
	done  chan struct{}
	work  sync.WaitGroup
}

var errWireFull = errors.New("the queue to the store is full")

// wire is a node's end of them.
type wire struct {
	w    *wires
	from uint64
}

func (t wire) Send(to uint64, p *rpcpb.Parcel) error {
	w := t.w
	w.mu.Lock()
	link := w.links[[2]uint64{t.from, to}]
	cut := w.cut != nil && w.cut(t.from, to)
	if link == nil {
		link = make(chan *rpcpb.Parcel, 4_096)
		w.links[[2]uint64{t.from, to}] = link
		w.work.Add(1)
		go w.carry(t.from, to, link)
	}
	w.mu.Unlock()
	if cut {
		return errors.New("the link is cut")
	}
	select {
	case link <- p:
		return nil
	default:
		return errWireFull
	}
}

func (w *wires) carry(from, to uint64, link chan *rpcpb.Parcel) {
	defer w.work.Done()
	for {
		select {
		case p := <-link:
			w.mu.Lock()
			n, life := w.nodes[to], w.lives[from]
			w.mu.Unlock()
			if n != nil {
				n.Deliver(from, life, p)
			}
		case <-w.done:
			return
		}
	}
}

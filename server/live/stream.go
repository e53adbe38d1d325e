package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// contact is a store as the watch reaches it.
type contact struct {
	address string
	// hello is the present stream's; nil when it is not reached.
	hello *rpcpb.WatchHello
	// version is the last that it said.
	version string
	// why it is not reached, in words; empty while it is, and before the first attempt ended.
	why string
	// show is the number of a picture to ask for, and not 0; pacing how much to ask for. asking has room for one: look at them.
	show   uint64
	pacing pacing
	asking chan struct{}
}

// ask has the store asked for what it is to be asked for.
func (c *contact) ask() {
	select {
	case c.asking <- struct{}{}:
	default:
	}
}

// follow keeps a store's stream open until the watch ends.
func (w *watch) follow(storeID uint64) {
	limits := &w.g.limits
	backoff := limits.BackoffMin
	for {
		began := time.Now()
		err := w.listen(storeID)
		if w.ctx.Err() != nil {
			return
		}
		w.failed(storeID, err)
		if time.Since(began) > limits.BackoffMax {
			backoff = limits.BackoffMin
		}
		if !w.sleep(backoff/2 + rand.N(backoff/2+1)) {
			return
		}
		backoff = min(2*backoff, limits.BackoffMax)
	}
}

// listen opens a store's stream and hears it to its end. The error says why it ended.
func (w *watch) listen(storeID uint64) error {
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	silent := fmt.Errorf("nothing was heard from it for %v", w.g.limits.SilenceMax)
	silence := time.AfterFunc(w.g.limits.SilenceMax, func() { cancel(silent) })
	defer silence.Stop()
	because := func(err error) error {
		if errors.Is(context.Cause(ctx), silent) {
			return silent
		}
		if errors.Is(err, io.EOF) {
			return errors.New("it ended the connection")
		}
		return err
	}
	stream, err := w.g.cfg.Cluster.Watch(ctx, storeID)
	if err != nil {
		return because(err)
	}
	// Recv ends with ctx, whatever the stream makes of it.
	stop := context.AfterFunc(ctx, stream.Close)
	defer func() {
		if stop() {
			stream.Close()
		}
	}()
	response, err := stream.Recv()
	if err != nil {
		return because(err)
	}
	if err := w.meet(storeID, response.GetHello()); err != nil {
		return err
	}
	var asking sync.WaitGroup
	asking.Go(func() { w.ask(ctx, storeID, stream) })
	defer asking.Wait()
	defer cancel(nil)
	for {
		w.hear(storeID, response)
		if why := response.GetEnded(); why != "" {
			return errors.New(why)
		}
		silence.Reset(w.g.limits.SilenceMax)
		if response, err = stream.Recv(); err != nil {
			return because(err)
		}
	}
}

// ask says how much the viewers want, and asks for pictures as rounds need them. What cannot be sent, Recv will tell.
func (w *watch) ask(ctx context.Context, storeID uint64, stream Stream) {
	w.mu.Lock()
	c := w.contacts[storeID]
	w.mu.Unlock()
	said := pacing{}
	for {
		w.mu.Lock()
		show, wanted := c.show, c.pacing
		c.show = 0
		w.mu.Unlock()
		if said != wanted && stream.Pace(wanted.perSecond, wanted.rest) != nil {
			return
		}
		said = wanted
		if show != 0 && stream.Show(show) != nil {
			return
		}
		select {
		case <-c.asking:
		case <-ctx.Done():
			return
		}
	}
}

// meet looks at who answers, and begins its stream.
func (w *watch) meet(storeID uint64, hello *rpcpb.WatchHello) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch known := w.hello.GetLive().GetClusterId(); {
	case hello == nil:
		return errors.New("it does not say which store it is")
	case hello.GetStoreId() != storeID:
		return fmt.Errorf("S%d answers in its place", hello.GetStoreId())
	case known != 0 && hello.GetClusterId() != known:
		return fmt.Errorf("it is of another cluster, %d, not of %d", hello.GetClusterId(), known)
	}
	c := w.contacts[storeID]
	c.show = 0 // What an earlier stream was to be asked.
	c.hello, c.version, c.why = hello, hello.GetVersion(), ""
	w.merger.found(storeID, hello, w.g.micros())
	w.know(hello.GetStores())
	w.greetAnew()
	w.note()
	return nil
}

// hear takes what a store says.
func (w *watch) hear(storeID uint64, response *rpcpb.WatchResponse) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.g.micros()
	for _, seen := range response.GetSeen() {
		w.merger.tell(storeID, seen, now)
	}
	if m := response.GetMetrics(); m != nil {
		w.meter.hear(storeID, m, now)
	}
	w.turn()
}

// failed notes that a store is not reached.
func (w *watch) failed(storeID uint64, err error) {
	why := strings.ToValidUTF8(err.Error(), "?")
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.contacts[storeID]
	if c.why != why {
		w.g.log.Info("a store is not reachable", "store", storeID, "why", why)
	}
	if c.hello != nil {
		w.merger.lost(storeID, why, w.g.micros())
		w.meter.forget(storeID)
	}
	c.hello, c.why = nil, why
	w.answer(storeID)
	w.turn()
	w.note()
}

package client

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// WatchStream is a store as it is shown. Recv is called from one goroutine, the other methods from any.
type WatchStream struct {
	address string
	stream  grpc.BidiStreamingClient[rpcpb.WatchRequest, rpcpb.WatchResponse]
	cancel  context.CancelFunc
	c       *Client
	release func() bool
	greeted bool

	mu                 sync.Mutex // of sending
	eventsPerSecondMax uint32
	rest               time.Duration
}

// Watch shows a store by its id, with at most so many events a second; 0 is the store's own bound. The stream ends with ctx,
// with Close, and with the client.
func (c *Client) Watch(ctx context.Context, storeID uint64, eventsPerSecondMax uint32) (*WatchStream, error) {
	address, err := c.addressOf(ctx, storeID)
	if err != nil {
		return nil, err
	}
	return c.WatchAddress(ctx, address, eventsPerSecondMax)
}

// WatchAddress shows the store at an address.
func (c *Client) WatchAddress(ctx context.Context, address string, eventsPerSecondMax uint32) (*WatchStream, error) {
	l, err := c.link(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &WatchStream{
		address: address, cancel: cancel, c: c, eventsPerSecondMax: eventsPerSecondMax, release: context.AfterFunc(c.ctx, cancel),
	}
	if w.stream, err = rpcpb.NewWatchServiceClient(l.conn).Watch(ctx); err == nil {
		err = w.send(&rpcpb.WatchRequest{})
	}
	if err != nil {
		w.Close()
		return nil, inWords(address, err)
	}
	return w, nil
}

// Recv waits for what there is to see next. io.EOF: the store has ended the stream in order. The first response carries the
// hello; a store of another cluster is an error.
func (w *WatchStream) Recv() (*rpcpb.WatchResponse, error) {
	response, err := w.stream.Recv()
	if err != nil {
		w.Close()
	}
	switch {
	case err == io.EOF:
		return nil, io.EOF
	case err != nil && w.c.ctx.Err() != nil:
		return nil, errClosed
	case err != nil:
		return nil, inWords(w.address, err)
	}
	if !w.greeted {
		if response.GetHello() == nil {
			w.Close()
			return nil, fmt.Errorf("%s does not say which store it shows", w.address)
		}
		if err := w.c.belongs(w.address, response.GetHello().GetClusterId()); err != nil {
			w.Close()
			return nil, err
		}
		w.greeted = true
	}
	return response, nil
}

// Show asks for the store as it stands; the store_shown that answers carries the number, which is not 0.
func (w *WatchStream) Show(number uint64) error { return w.send(&rpcpb.WatchRequest{Show: number}) }

// Limit sets how many events a second are shown at most, from now on.
func (w *WatchStream) Limit(eventsPerSecondMax uint32) error { return w.Pace(eventsPerSecondMax, 0) }

// Pace also sets how long nothing is shown once the limit was met; see rpcpb.WatchRequest.
func (w *WatchStream) Pace(eventsPerSecondMax uint32, rest time.Duration) error {
	w.mu.Lock()
	w.eventsPerSecondMax, w.rest = eventsPerSecondMax, rest
	w.mu.Unlock()
	return w.send(&rpcpb.WatchRequest{})
}

// send sends a request with the present limits. When the stream has ended, Recv tells why.
func (w *WatchStream) send(request *rpcpb.WatchRequest) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	request.EventsPerSecondMax, request.RestMicros = w.eventsPerSecondMax, w.rest.Microseconds()
	if err := w.stream.Send(request); err != nil && err != io.EOF {
		return err
	}
	return nil
}

// Close ends the stream; Recv returns.
func (w *WatchStream) Close() {
	w.release()
	w.cancel()
}

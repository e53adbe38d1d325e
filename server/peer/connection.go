package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// connection is a line's connection while it lasts.
type connection struct {
	*line
	peers    rpcpb.PeerServiceClient
	envelope *rpcpb.Envelope
	pulse    *pulse
}

type messageStream = grpc.ClientStreamingClient[rpcpb.SendRequest, rpcpb.SendResponse]

// carry opens a connection and sends until it breaks. It tells for how long it was open, 0 for never, and why it ended.
func (l *line) carry(address string, changed <-chan struct{}) (held time.Duration, err error) {
	c := &connection{line: l, pulse: newPulse(), envelope: &rpcpb.Envelope{
		ClusterId: l.t.cfg.ClusterID, FromStore: l.t.cfg.StoreID, ToStore: l.storeID, FromIncarnation: l.t.cfg.Incarnation,
		FromAddress: l.t.cfg.Address,
	}}
	conn, err := l.dial(address, c.pulse)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	c.peers = rpcpb.NewPeerServiceClient(conn)

	// The first cause ends everything, and is why the line broke.
	ctx, end := context.WithCancelCause(l.t.ctx)
	defer end(nil)
	stopWatching := c.endOnChange(ctx, end, changed)
	defer stopWatching()
	stream, err := c.greet(ctx, end)
	if err == nil {
		err = l.open()
	}
	if err != nil {
		return 0, err
	}
	began := time.Now()
	l.t.cfg.Logger.Info("a store is connected", "store", l.t.cfg.StoreID, "to", l.storeID, "address", address)

	var work sync.WaitGroup
	work.Go(func() { end(c.sendMessages(ctx, stream)) })
	work.Go(func() { end(stream.RecvMsg(&rpcpb.SendResponse{})) }) // the server ends a stream with a reason
	work.Go(func() { c.carryChunks(ctx) })
	work.Go(func() { end(c.probe(ctx)) })
	work.Wait()
	l.mu.Lock()
	l.shut()
	l.mu.Unlock()
	return max(time.Since(began), 1), context.Cause(ctx)
}

// endOnChange ends the connection when the line is cut or the store moves.
func (c *connection) endOnChange(ctx context.Context, end func(error), changed <-chan struct{}) (stop func()) {
	var work sync.WaitGroup
	done := make(chan struct{})
	work.Go(func() {
		select {
		case <-ctx.Done():
		case <-done:
		case <-changed:
			if _, cut, _ := c.where(); cut {
				end(errCut)
			} else {
				end(errMoved)
			}
		}
	})
	return func() {
		close(done)
		work.Wait()
	}
}

// greet opens the stream of messages. It is open once the server has sent its header, which it does when it has looked at
// the envelope.
func (c *connection) greet(ctx context.Context, end func(error)) (messageStream, error) {
	bound := c.t.cfg.Limits.ConnectTimeout
	late := time.AfterFunc(bound, func() { end(fmt.Errorf("S%d did not answer within %v", c.storeID, bound)) })
	defer late.Stop()
	stream, err := c.peers.Send(ctx)
	if err == nil {
		err = stream.Send(&rpcpb.SendRequest{Envelope: c.envelope})
	}
	if err == nil || errors.Is(err, io.EOF) {
		// No header and no error: the server has refused, and Recv tells why.
		header, failed := stream.Header()
		if err = failed; header == nil && failed == nil {
			err = stream.RecvMsg(&rpcpb.SendResponse{})
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return stream, err
}

// sendMessages sends what waits, many messages in a request.
func (c *connection) sendMessages(ctx context.Context, stream messageStream) error {
	limits := &c.t.cfg.Limits
	for {
		batch := c.messages.take(limits.BatchMessagesMax, limits.BatchBytesMax)
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-c.messages.filled:
				continue
			}
		}
		if err := stream.Send(&rpcpb.SendRequest{Parcels: batch}); err != nil {
			c.dropped.Add(uint64(len(batch)))
			if errors.Is(err, io.EOF) {
				<-ctx.Done() // who receives knows the reason, and ends the connection
			}
			return err
		}
		c.sent.Add(uint64(len(batch)))
	}
}

// carryChunks sends snapshots' chunks. When their stream breaks it opens another one: the stream of messages goes on.
func (c *connection) carryChunks(ctx context.Context) {
	wait := c.newBackoff()
	for {
		began := time.Now()
		err := c.sendChunks(ctx)
		if ctx.Err() != nil {
			return
		}
		c.mu.Lock()
		c.dropped.Add(uint64(c.chunks.set(false)))
		c.lastError = reason(err, c.storeID, c.t.cfg.TLS != nil)
		c.mu.Unlock()
		c.lost()
		c.t.cfg.Logger.Warn("a stream of snapshots broke", "store", c.t.cfg.StoreID, "to", c.storeID, "why", c.status().LastError)
		pause(ctx, wait.after(time.Since(began)))
		c.mu.Lock()
		if c.connected {
			c.chunks.set(true)
		}
		c.mu.Unlock()
	}
}

// sendChunks opens the stream when there is the first chunk, and sends until it breaks.
func (c *connection) sendChunks(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var stream grpc.ClientStreamingClient[rpcpb.SendSnapshotRequest, rpcpb.SendSnapshotResponse]
	for {
		one := c.chunks.take(1, 0)
		if len(one) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-c.chunks.filled:
				continue
			}
		}
		request, err := &rpcpb.SendSnapshotRequest{Parcel: one[0]}, error(nil)
		if stream == nil {
			stream, err = c.peers.SendSnapshot(ctx)
			request.Envelope = c.envelope
		}
		if err == nil {
			if err = stream.Send(request); errors.Is(err, io.EOF) {
				err = stream.RecvMsg(&rpcpb.SendSnapshotResponse{})
			}
		}
		if err != nil {
			c.dropped.Add(1)
			return err
		}
		c.sent.Add(1)
	}
}

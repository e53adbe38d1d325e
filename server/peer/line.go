package peer

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// line carries messages to one store: it keeps a connection and its two streams, and makes new ones when they break.
type line struct {
	t        *Transport
	storeID  uint64
	messages *queue
	chunks   *queue
	cut      atomic.Bool

	sent, dropped, connects atomic.Uint64
	toldMicros              atomic.Int64 // when Unreachable was last called, since began
	began                   time.Time

	mu        sync.Mutex
	address   string
	moved     chan struct{} // closed when the address changed
	connected bool
	why       string
}

func newLine(t *Transport, storeID uint64, address string) *line {
	l := t.cfg.Limits
	return &line{
		t: t, storeID: storeID, address: address, moved: make(chan struct{}), began: time.Now(), why: "not connected yet",
		messages: newQueue(l.QueueMessagesMax, l.QueueBytesMax),
		chunks:   newQueue(l.ChunksMax, l.QueueBytesMax),
	}
}

func (l *line) add(p *rpcpb.Parcel, bytes int) error {
	if l.cut.Load() {
		return fmt.Errorf("the link to S%d is cut", l.storeID)
	}
	q := l.messages
	if p.GetMessage().GetSnapshotChunk() != nil {
		q = l.chunks
	}
	admission := q.add(p, bytes)
	if admission == admitted {
		return nil
	}
	l.dropped.Add(1)
	l.unreachable()
	if admission == refusedFull {
		return fmt.Errorf("too much waits for S%d already", l.storeID)
	}
	return fmt.Errorf("S%d is not connected: %s", l.storeID, l.status().Why)
}

// unreachable tells that messages are lost, but not again and again.
func (l *line) unreachable() {
	now, told := time.Since(l.began).Microseconds()+1, l.toldMicros.Load()
	if told != 0 && now-told < l.t.cfg.Limits.UnreachableInterval.Microseconds() {
		return
	}
	if l.toldMicros.CompareAndSwap(told, now) {
		// The caller may be the store's loop, which must not wait for its own queue.
		l.t.work.Go(func() { l.t.cfg.Unreachable(l.storeID) })
	}
}

// run connects, carries, and connects again, until the transport is closed.
func (l *line) run() {
	pause := l.t.cfg.Limits.BackoffMin
	for l.t.ctx.Err() == nil {
		address, moved := l.where()
		began := time.Now()
		err := l.carry(address)
		if l.t.ctx.Err() != nil {
			return
		}
		l.broke(address, err)
		if time.Since(began) > l.t.cfg.Limits.BackoffMax {
			pause = l.t.cfg.Limits.BackoffMin // it held for a while
		}
		select {
		case <-l.t.ctx.Done():
		case <-moved:
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, l.t.cfg.Limits.BackoffMax)
	}
}

func (l *line) where() (address string, moved <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.address, l.moved
}

func (l *line) moveTo(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if address != l.address {
		l.address = address
		close(l.moved)
		l.moved = make(chan struct{})
	}
}

// broke notes why the line is down, and says so once for each reason.
func (l *line) broke(address string, err error) {
	lost := l.messages.set(false) + l.chunks.set(false)
	l.dropped.Add(uint64(lost))
	why := "it ended the stream"
	if err != nil {
		why = plain(status.Convert(err).Message())
	}
	l.mu.Lock()
	news := l.connected || l.why != why
	l.connected, l.why = false, why
	l.mu.Unlock()
	if news {
		l.t.cfg.Logger.Warn("a store is not connected", "store", l.t.cfg.StoreID, "to", l.storeID, "address", address, "why", why)
	}
	l.unreachable()
}

// plain is gRPC's message without the layers it names: `connection error: desc = "transport: Error while dialing: …"`.
func plain(message string) string {
	if _, inner, found := strings.Cut(message, `desc = "`); found {
		message, _, _ = strings.Cut(inner, `"`)
	}
	for _, layer := range []string{"transport: ", "Error while dialing: "} {
		message = strings.TrimPrefix(message, layer)
	}
	return message
}

// carry opens a connection and its streams, and sends until one of them ends.
func (l *line) carry(address string) error {
	conn, err := l.dial(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(l.t.ctx)
	defer cancel()
	peers := rpcpb.NewPeerServiceClient(conn)
	greeting := &rpcpb.Envelope{
		ClusterId: l.t.cfg.ClusterID, FromStore: l.t.cfg.StoreID, ToStore: l.storeID, FromIncarnation: l.t.cfg.Incarnation,
		FromAddress: l.t.cfg.Address,
	}
	stream, err := l.greet(ctx, cancel, peers, greeting)
	if err != nil {
		return err
	}
	l.messages.set(true)
	l.chunks.set(true)
	l.mu.Lock()
	l.connected, l.why = true, ""
	l.mu.Unlock()
	l.connects.Add(1)
	l.t.cfg.Logger.Debug("a store is connected", "store", l.t.cfg.StoreID, "to", l.storeID, "address", address)

	// Each of these ends when its stream does, and then ends the others by the context.
	var work sync.WaitGroup
	var first error
	var once sync.Once
	end := func(err error) {
		once.Do(func() { first = err })
		cancel()
	}
	_, moved := l.where()
	work.Go(func() { end(l.sendMessages(ctx, stream)) })
	work.Go(func() { end(l.sendChunks(ctx, peers, greeting)) })
	work.Go(func() { end(stream.RecvMsg(&rpcpb.SendResponse{})) }) // the server ends the stream with a reason
	work.Go(func() {
		select {
		case <-ctx.Done():
		case <-moved:
			end(fmt.Errorf("S%d serves elsewhere now", l.storeID))
		}
	})
	work.Wait()
	return first
}

func (l *line) dial(address string) (*grpc.ClientConn, error) {
	limits := l.t.cfg.Limits
	var security credentials.TransportCredentials = insecure.NewCredentials()
	if l.t.cfg.TLS != nil {
		security = credentials.NewTLS(tlsFor(l.t.cfg.TLS, address))
	}
	return grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(security),
		grpc.WithInitialWindowSize(windowBytes), grpc.WithInitialConnWindowSize(windowBytes),
		// The line itself tries again, and asks the address anew.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: limits.BackoffMin, Multiplier: 1.6, Jitter: 0.2, MaxDelay: limits.BackoffMax},
			MinConnectTimeout: limits.ConnectTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: limits.PingInterval, Timeout: limits.PingTimeout, PermitWithoutStream: true,
		}),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(),
	)
}

// tlsFor names the server that is expected, so that its certificate is compared with the host that was dialled.
func tlsFor(config *tls.Config, address string) *tls.Config {
	if config.ServerName != "" {
		return config
	}
	named := config.Clone()
	named.ServerName = hostOf(address)
	return named
}

// greet opens the stream of messages. It is open once the server has sent its header, which it does when it knows who speaks.
func (l *line) greet(ctx context.Context, cancel func(), peers rpcpb.PeerServiceClient, greeting *rpcpb.Envelope) (grpc.ClientStreamingClient[rpcpb.SendRequest, rpcpb.SendResponse], error) {
	late := time.AfterFunc(l.t.cfg.Limits.ConnectTimeout, cancel)
	defer late.Stop()
	stream, err := peers.Send(ctx)
	if err == nil {
		err = stream.Send(&rpcpb.SendRequest{Envelope: greeting})
	}
	if err == nil {
		_, err = stream.Header()
	}
	if err == nil && !late.Stop() {
		err = fmt.Errorf("S%d did not answer within %v", l.storeID, l.t.cfg.Limits.ConnectTimeout)
	}
	if err != nil && stream != nil {
		if refused := stream.RecvMsg(&rpcpb.SendResponse{}); refused != nil && l.t.ctx.Err() == nil && ctx.Err() == nil {
			err = refused // the reason, where Send only knows that the stream is at its end
		} else if ctx.Err() != nil {
			err = fmt.Errorf("S%d did not answer within %v", l.storeID, l.t.cfg.Limits.ConnectTimeout)
		}
	}
	return stream, err
}

func (l *line) sendMessages(ctx context.Context, stream grpc.ClientStreamingClient[rpcpb.SendRequest, rpcpb.SendResponse]) error {
	limits := l.t.cfg.Limits
	var batch []*rpcpb.Parcel
	for {
		batch = l.messages.take(batch[:0], limits.BatchMessagesMax, limits.BatchBytesMax)
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-l.messages.filled:
				continue
			}
		}
		if err := stream.Send(&rpcpb.SendRequest{Parcels: batch}); err != nil {
			l.dropped.Add(uint64(len(batch)))
			<-ctx.Done() // who receives knows the reason, and ends the line
			return err
		}
		l.sent.Add(uint64(len(batch)))
		clear(batch)
	}
}

// sendChunks opens the stream of chunks when there is the first one.
func (l *line) sendChunks(ctx context.Context, peers rpcpb.PeerServiceClient, greeting *rpcpb.Envelope) error {
	var stream grpc.ClientStreamingClient[rpcpb.SendSnapshotRequest, rpcpb.SendSnapshotResponse]
	var one [1]*rpcpb.Parcel
	for {
		batch := l.chunks.take(one[:0], 1, 0)
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-l.chunks.filled:
				continue
			}
		}
		request := &rpcpb.SendSnapshotRequest{Parcel: batch[0]}
		if stream == nil {
			var err error
			if stream, err = peers.SendSnapshot(ctx); err != nil {
				return err
			}
			request.Envelope = greeting
		}
		if err := stream.Send(request); err != nil {
			l.dropped.Add(1)
			return stream.RecvMsg(&rpcpb.SendSnapshotResponse{})
		}
		l.sent.Add(1)
	}
}

func (l *line) status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Status{
		StoreID: l.storeID, Address: l.address, Connected: l.connected, Why: l.why,
		Waiting: l.messages.len() + l.chunks.len(),
		Sent:    l.sent.Load(), Dropped: l.dropped.Load(), Connects: l.connects.Load(),
	}
}

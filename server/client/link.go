package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// link is the way to one address: a connection, and on it a wire while the store there is the one it should be.
type link struct {
	c       *Client
	address string
	conn    *grpc.ClientConn
	slots   chan struct{} // one token for each command under way

	mu      sync.Mutex
	wire    *wire // nil while there is none
	opening *opening
}

// opening is a wire that is being opened, for all who wait for it.
type opening struct {
	done chan struct{}
	wire *wire
	err  error
}

// Windows by which a store is kept from sending more than is read, and the sizes of a connection's buffers.
const (
	streamWindowBytes     = 4 << 20
	connectionWindowBytes = 8 << 20
	bufferBytes           = 64 << 10
)

func (c *Client) dial(address string) (*grpc.ClientConn, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(answerBytesMax)),
		grpc.WithInitialWindowSize(streamWindowBytes),
		grpc.WithInitialConnWindowSize(connectionWindowBytes),
		grpc.WithReadBufferSize(bufferBytes),
		grpc.WithWriteBufferSize(bufferBytes),
		grpc.WithDisableRetry(), // retries are ours: they need to know what was sent
		grpc.WithDisableServiceConfig(),
		grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: c.cfg.BackoffMin, Multiplier: 2, Jitter: 0.5, MaxDelay: c.cfg.BackoffMax},
			MinConnectTimeout: c.cfg.ConnectTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
	}
	if c.cfg.TLS != nil {
		options = append(options, grpc.WithTransportCredentials(latest(c.cfg.TLS)))
	}
	if c.cfg.Token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(c.cfg.Token)))
	}
	// The system's resolver is asked at each connecting; gRPC's own would keep what it heard.
	return grpc.NewClient("passthrough:///"+address, options...)
}

// fresh is TLS as it is set up at each connecting: authorities and certificates change while a client runs.
type fresh struct {
	credentials.TransportCredentials
	now func() *tls.Config
}

func latest(now func() *tls.Config) fresh { return fresh{credentials.NewTLS(now()), now} }

func (f fresh) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(f.now()).ClientHandshake(ctx, authority, raw)
}

func (f fresh) Clone() credentials.TransportCredentials {
	return fresh{f.TransportCredentials.Clone(), f.now}
}

// bearer is a token that goes with every call.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity: a cluster on one machine has no need of TLS.
func (bearer) RequireTransportSecurity() bool { return false }

// call sends a command to the store at the other end. sent tells, of an error, whether the store may have got it.
func (l *link) call(ctx context.Context, req *raftcmdpb.RaftCommandRequest, timeout time.Duration) (answer *raftcmdpb.RaftCommandResponse, sent bool, err error) {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	w, err := l.open(ctx)
	if err != nil {
		return nil, false, err
	}
	answer, sent, err = w.call(ctx, req, timeout)
	if err == nil && answer == nil {
		err = fmt.Errorf("%s answers with nothing", l.address)
	}
	if err != nil && w.isBroken() {
		l.drop(w)
	}
	if errors.Is(err, errNoAnswer) {
		err = fmt.Errorf("%s gives no answer within %v", l.address, timeout.Round(time.Millisecond))
	}
	return answer, sent, err
}

// open returns the link's wire, and opens one when there is none. Many who come at once open one together.
func (l *link) open(ctx context.Context) (*wire, error) {
	l.mu.Lock()
	if l.wire != nil {
		defer l.mu.Unlock()
		return l.wire, nil
	}
	o := l.opening
	if o == nil {
		o = &opening{done: make(chan struct{})}
		if !l.c.spawn(func() { l.openWire(o) }) {
			l.mu.Unlock()
			return nil, errClosed
		}
		l.opening = o
	}
	l.mu.Unlock()
	select {
	case <-o.done:
		return o.wire, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// openWire asks the store who it is, and opens a wire to it.
func (l *link) openWire(o *opening) {
	wireCtx, cancel := context.WithCancel(l.c.ctx)
	defer func() {
		if o.wire == nil {
			cancel()
		}
	}()
	_, o.err = l.describe(wireCtx)
	var stream grpc.BidiStreamingClient[rpcpb.StreamRequest, rpcpb.StreamResponse]
	if o.err == nil {
		if stream, o.err = rpcpb.NewCommandServiceClient(l.conn).Stream(wireCtx, grpc.ForceCodecV2(frames)); o.err != nil {
			o.err = inWords(l.address, o.err)
		}
	}
	if o.err == nil {
		o.wire = newWire(stream, cancel)
		reads := l.c.spawn(func() { l.end(o.wire, o.wire.read()) })
		writes := reads && l.c.spawn(func() {
			// The end of the stream, the reader hears with its reason.
			if err := o.wire.write(wireCtx); err != io.EOF {
				l.end(o.wire, err)
			}
		})
		if !writes {
			o.wire.cut(errClosed)
			o.wire, o.err = nil, errClosed
		}
	}
	l.mu.Lock()
	l.opening, l.wire = nil, o.wire
	l.mu.Unlock()
	close(o.done)
}

// end cuts a wire that failed.
func (l *link) end(w *wire, why error) {
	l.drop(w)
	switch {
	case why == io.EOF:
		why = fmt.Errorf("%s has ended the stream", l.address)
	case l.c.ctx.Err() != nil:
		why = errClosed
	default:
		why = inWords(l.address, why)
	}
	w.cut(why)
}

// drop lets the next command open another wire.
func (l *link) drop(w *wire) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wire == w {
		l.wire = nil
	}
}

// describe asks the store who it is, and learns what it knows. A store of another cluster is an error.
func (l *link) describe(ctx context.Context) (*rpcpb.DescribeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, l.c.cfg.ConnectTimeout)
	defer cancel()
	d, err := rpcpb.NewCommandServiceClient(l.conn).Describe(ctx, &rpcpb.DescribeRequest{})
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) { // it was given the time
			l.c.routes.unreached(l.address)
		}
		return nil, inWords(l.address, err)
	}
	if err := l.c.belongs(l.address, d.GetClusterId()); err != nil {
		return nil, err
	}
	l.c.routes.described(l.address, d)
	return d, nil
}

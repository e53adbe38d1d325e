package peer

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// Config is what a Transport is opened with.
type Config struct {
	ClusterID, StoreID uint64
	// Incarnation is larger than at any earlier start of this store.
	Incarnation uint64
	// Address is where this store serves: others learn it from its lines.
	Address string
	// Addresses are where the other stores serve, host:port by id.
	Addresses map[uint64]string
	// TLS is nil for plain connections.
	TLS *tls.Config
	// Unreachable is told that messages to a store are being lost, at most every UnreachableInterval for each store. It may be
	// called from any goroutine and must not wait. Nil tells nobody.
	Unreachable func(storeID uint64)
	Logger      *slog.Logger
	Limits      Limits
}

// Limits bound what a Transport keeps and waits for. A zero takes the default.
type Limits struct {
	// QueueMessagesMax and QueueBytesMax are what may wait for one store; 4,096 and 32 MiB.
	QueueMessagesMax, QueueBytesMax int
	// ChunksMax is how many chunks of snapshots may wait for one store; 16.
	ChunksMax int
	// BatchMessagesMax and BatchBytesMax bound one request; 256 and 1 MiB, or one message.
	BatchMessagesMax, BatchBytesMax int
	// MessageBytesMax bounds one message; 16 MiB.
	MessageBytesMax int
	// StoresMax bounds the stores that a transport knows; 128.
	StoresMax int
	// BackoffMin and BackoffMax are between two tries to reach a store; 50 ms and 3 s.
	BackoffMin, BackoffMax time.Duration
	// ConnectTimeout bounds one try; 3 s.
	ConnectTimeout time.Duration
	// PingInterval is how long a line may be silent before the other end is asked whether it is there, and PingTimeout how
	// long it may take to answer; 10 s, which is gRPC's least, and 3 s.
	PingInterval, PingTimeout time.Duration
	// UnreachableInterval is the least time between two calls of Unreachable for one store; 1 s.
	UnreachableInterval time.Duration
}

const (
	queueMessagesMax    = 4_096
	queueBytesMax       = 32 << 20
	chunksMax           = 16
	batchMessagesMax    = 256
	batchBytesMax       = 1 << 20
	messageBytesMax     = 16 << 20
	storesMax           = 128
	backoffMin          = 50 * time.Millisecond
	backoffMax          = 3 * time.Second
	connectTimeout      = 3 * time.Second
	pingInterval        = 10 * time.Second
	pingTimeout         = 3 * time.Second
	unreachableInterval = time.Second

	// requestBytesMore is what surrounds the messages of a request.
	requestBytesMore = 64 << 10
	windowBytes      = 4 << 20
)

func (l Limits) withDefaults() Limits {
	return Limits{
		QueueMessagesMax:    cmp.Or(l.QueueMessagesMax, queueMessagesMax),
		QueueBytesMax:       cmp.Or(l.QueueBytesMax, queueBytesMax),
		ChunksMax:           cmp.Or(l.ChunksMax, chunksMax),
		BatchMessagesMax:    cmp.Or(l.BatchMessagesMax, batchMessagesMax),
		BatchBytesMax:       cmp.Or(l.BatchBytesMax, batchBytesMax),
		MessageBytesMax:     cmp.Or(l.MessageBytesMax, messageBytesMax),
		StoresMax:           cmp.Or(l.StoresMax, storesMax),
		BackoffMin:          cmp.Or(l.BackoffMin, backoffMin),
		BackoffMax:          cmp.Or(l.BackoffMax, backoffMax),
		ConnectTimeout:      cmp.Or(l.ConnectTimeout, connectTimeout),
		PingInterval:        cmp.Or(l.PingInterval, pingInterval),
		PingTimeout:         cmp.Or(l.PingTimeout, pingTimeout),
		UnreachableInterval: cmp.Or(l.UnreachableInterval, unreachableInterval),
	}
}

func (c *Config) complete() error {
	switch {
	case c.ClusterID == 0 || c.StoreID == 0:
		return errors.New("a transport needs the ids of its cluster and its store")
	case c.Incarnation == 0:
		return errors.New("a transport needs its store's incarnation, from 1")
	case c.Addresses[c.StoreID] != "":
		return fmt.Errorf("store %d is among the stores it is to reach", c.StoreID)
	}
	if c.Unreachable == nil {
		c.Unreachable = func(uint64) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	if n := len(c.Addresses); n > c.Limits.StoresMax {
		return fmt.Errorf("a transport reaches at most %d stores, not %d", c.Limits.StoresMax, n)
	}
	return nil
}

// ServerOptions are what a grpc.Server needs to serve other stores' lines; options that bound messages take the larger
// bound of those given to the server, and must come last.
func ServerOptions(limits Limits) []grpc.ServerOption {
	l := limits.withDefaults()
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(l.MessageBytesMax + l.BatchBytesMax + requestBytesMore),
		// A line that nobody writes to is still asked whether it is there, and may be.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: l.PingInterval / 2, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: l.PingInterval, Timeout: l.PingTimeout}),
	}
}

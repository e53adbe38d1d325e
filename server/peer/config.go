package peer

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config is what a Transport is opened with.
type Config struct {
	ClusterID, StoreID uint64
	// Incarnation is larger than at any earlier start of this store.
	Incarnation uint64
	// Address is where this store serves, host:port: others learn it from its lines.
	Address string
	// Addresses are where the other stores serve, host:port by id.
	Addresses map[uint64]string
	// TLS makes what one connection is opened with; nil for plain connections. See LoadTLS.
	TLS func() *tls.Config
	// Unreachable is told that messages which Send had taken were lost, or that a queue is full; at most once in
	// UnreachableInterval for each store, from a goroutine that holds no lock. It must not wait for long. Nil tells nobody.
	Unreachable func(storeID uint64)
	// Logger nil discards.
	Logger *slog.Logger
	Limits Limits
}

// Limits bound what a Transport and a Server keep and wait for. A zero takes the default.
type Limits struct {
	// QueueMessagesMax and QueueBytesMax are what may wait for one store; 4,096 and 32 MiB.
	QueueMessagesMax, QueueBytesMax int
	// ChunksMax is how many chunks of snapshots may wait for one store, within QueueBytesMax again; 16.
	ChunksMax int
	// BatchMessagesMax and BatchBytesMax bound one request; 256 and 1 MiB, or one message.
	BatchMessagesMax, BatchBytesMax int
	// MessageBytesMax bounds one message, on both sides; 16 MiB. It must exceed the largest command that a store takes, since
	// an entry travels in one message, and a store's MessageBytesMax and SnapshotChunkBytes, each by a pair.
	MessageBytesMax int
	// StoresMax bounds the stores that a transport sends to, and that a server listens to; 128.
	StoresMax int
	// BackoffMin and BackoffMax are between two tries to reach a store: each failure doubles the pause, a line that has held
	// for BackoffMax takes it back. What is waited is between half of it and all of it. 50 ms and 3 s.
	BackoffMin, BackoffMax time.Duration
	// ConnectTimeout bounds one try, and how long a server waits for the envelope; 3 s.
	ConnectTimeout time.Duration
	// PingInterval is how long nothing may come from the other end before it is asked whether it is there, and PingTimeout
	// how long it may take to answer; 1 s and 3 s.
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
	pingInterval        = time.Second
	pingTimeout         = 3 * time.Second
	unreachableInterval = time.Second

	// requestMessagesMax bounds a request's messages whatever the sender's BatchMessagesMax is.
	requestMessagesMax = 4_096
	// requestBytesMore is what surrounds the messages of a request.
	requestBytesMore = 64 << 10
	// addressBytesMax bounds an address: a host's name and a port.
	addressBytesMax = 300
	// invalidMax is how many messages of a stream may be invalid before the stream is ended.
	invalidMax = 100
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

// check says which limit cannot be.
func (l Limits) check() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"QueueMessagesMax", int64(l.QueueMessagesMax)}, {"QueueBytesMax", int64(l.QueueBytesMax)},
		{"ChunksMax", int64(l.ChunksMax)}, {"BatchMessagesMax", int64(l.BatchMessagesMax)},
		{"BatchBytesMax", int64(l.BatchBytesMax)}, {"MessageBytesMax", int64(l.MessageBytesMax)},
		{"StoresMax", int64(l.StoresMax)}, {"BackoffMin", int64(l.BackoffMin)}, {"BackoffMax", int64(l.BackoffMax)},
		{"ConnectTimeout", int64(l.ConnectTimeout)}, {"PingInterval", int64(l.PingInterval)},
		{"PingTimeout", int64(l.PingTimeout)}, {"UnreachableInterval", int64(l.UnreachableInterval)},
	} {
		if limit.value < 1 {
			return fmt.Errorf("limit %s must be at least 1, not %d", limit.name, limit.value)
		}
	}
	if l.BatchMessagesMax > requestMessagesMax {
		return fmt.Errorf("limit BatchMessagesMax must be at most %d, not %d", requestMessagesMax, l.BatchMessagesMax)
	}
	if l.BackoffMin > l.BackoffMax {
		return fmt.Errorf("limit BackoffMin (%v) must not exceed BackoffMax (%v)", l.BackoffMin, l.BackoffMax)
	}
	return nil
}

// complete fills in what may be left out, and says what may not.
func (c *Config) complete() error {
	switch {
	case c.ClusterID == 0 || c.StoreID == 0:
		return errors.New("a transport needs the ids of its cluster and its store")
	case c.Incarnation == 0:
		return errors.New("a transport needs its store's incarnation, from 1")
	case len(c.Address) > addressBytesMax:
		return fmt.Errorf("the address of store %d is longer than %d bytes", c.StoreID, addressBytesMax)
	}
	if _, itself := c.Addresses[c.StoreID]; itself {
		return fmt.Errorf("store %d is among the stores it is to reach", c.StoreID)
	}
	for id, address := range c.Addresses {
		if id == 0 {
			return errors.New("store id must not be 0")
		}
		if err := checkAddress(address); err != nil {
			return fmt.Errorf("store %d cannot be reached: %w", id, err)
		}
	}
	if c.Unreachable == nil {
		c.Unreachable = func(uint64) {}
	}
	c.Logger = orDiscard(c.Logger)
	c.Limits = c.Limits.withDefaults()
	if n := len(c.Addresses); n > c.Limits.StoresMax {
		return fmt.Errorf("a transport reaches at most %d stores, not %d", c.Limits.StoresMax, n)
	}
	return c.Limits.check()
}

func orDiscard(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}

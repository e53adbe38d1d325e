package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// Store is the live store behind the services. Its methods may be called from several goroutines.
type Store interface {
	// Propose takes a command, which nobody changes from here on. The callback gets its answer exactly once, from the
	// store's loop or from within Propose, and does not block. The answer is read only.
	Propose(req *raftcmdpb.RaftCommandRequest, callback func(*raftcmdpb.RaftCommandResponse))
	// Describe tells who the store is, and which stores, regions and leaders it knows. Read only.
	Describe() *rpcpb.DescribeResponse
	// Watch begins to show the store to one more watcher, with at most so many events a second; 0 is the store's own bound.
	Watch(eventsPerSecondMax uint32) (Watcher, error)
}

// Watcher is one watcher's view of a store. Next is called from one goroutine, the other methods from any.
type Watcher interface {
	// Next waits for what the watcher is to see next. io.EOF ends the stream in order.
	Next(ctx context.Context) (*rpcpb.WatchResponse, error)
	// Show asks for the store as it stands; the answer carries the number.
	Show(number uint64)
	// Pace sets how many events a second the watcher is shown at most, 0 being the store's own bound, and for how long it is
	// shown nothing once that was met (rpcpb.WatchRequest).
	Pace(perSecond uint32, rest time.Duration)
	Close()
}

// Config is what a Server is made with.
type Config struct {
	Store  Store
	Tokens Tokens
	// Limits that are 0 are DefaultLimits'.
	Limits Limits
	// Logger gets what is refused to whom. Nil: nobody does.
	Logger *slog.Logger
}

// Limits bound what clients may ask for and how much of it is kept.
type Limits struct {
	KeyBytesMax   int
	ValueBytesMax int
	RequestsMax   int // requests and compares of one command, each
	// CommandBytesMax bounds a command's keys and values, and AnswerBytesMax an answer's.
	CommandBytesMax int
	AnswerBytesMax  int
	// CommandTimeoutMax is how long any command waits for its answer.
	CommandTimeoutMax time.Duration
	// StreamCommandsMax is how many commands of one stream are under way; then the stream is not read from.
	StreamCommandsMax int
	// StreamsMax is how many calls and streams one connection may have open.
	StreamsMax  uint32
	WatchersMax int
	// KeepaliveMin is how often a client may ask whether the connection is alive.
	KeepaliveMin time.Duration
}

// DefaultLimits returns every limit set; keys, values and requests as core/store has them.
func DefaultLimits() Limits {
	return Limits{
		KeyBytesMax:       4 << 10,
		ValueBytesMax:     1 << 20,
		RequestsMax:       128,
		CommandBytesMax:   8 << 20,
		AnswerBytesMax:    32 << 20,
		CommandTimeoutMax: 30 * time.Second,
		StreamCommandsMax: 1024,
		StreamsMax:        256,
		WatchersMax:       64,
		KeepaliveMin:      5 * time.Second,
	}
}

// Of a message around a command's keys and values, and of the windows by which the other side is kept from sending more
// than is read.
const (
	frameBytesMax         = 64 << 10
	streamWindowBytes     = 1 << 20
	connectionWindowBytes = 4 << 20
	bufferBytes           = 64 << 10
)

// ServerOptions returns what the limits mean for a whole grpc.Server. Options given after these win: a server that also
// takes larger messages, from other stores, gives a larger MaxRecvMsgSize.
func (l Limits) ServerOptions() []grpc.ServerOption {
	l = l.filled()
	return []grpc.ServerOption{
		grpc.MaxConcurrentStreams(l.StreamsMax),
		grpc.MaxRecvMsgSize(l.CommandBytesMax + frameBytesMax),
		grpc.InitialWindowSize(streamWindowBytes),
		grpc.InitialConnWindowSize(connectionWindowBytes),
		grpc.ReadBufferSize(bufferBytes),
		grpc.WriteBufferSize(bufferBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: l.KeepaliveMin, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
	}
}

// filled returns the limits with the defaults where there is a 0.
func (l Limits) filled() Limits {
	d := DefaultLimits()
	orDefault(&l.KeyBytesMax, d.KeyBytesMax)
	orDefault(&l.ValueBytesMax, d.ValueBytesMax)
	orDefault(&l.RequestsMax, d.RequestsMax)
	orDefault(&l.CommandBytesMax, d.CommandBytesMax)
	orDefault(&l.AnswerBytesMax, d.AnswerBytesMax)
	orDefault(&l.CommandTimeoutMax, d.CommandTimeoutMax)
	orDefault(&l.StreamCommandsMax, d.StreamCommandsMax)
	orDefault(&l.StreamsMax, d.StreamsMax)
	orDefault(&l.WatchersMax, d.WatchersMax)
	orDefault(&l.KeepaliveMin, d.KeepaliveMin)
	return l
}

func orDefault[T comparable](limit *T, value T) {
	if zero := *new(T); *limit == zero {
		*limit = value
	}
}

func (c *Config) validate() error {
	if c.Store == nil {
		return errors.New("api: no store")
	}
	if err := c.Tokens.Check(); err != nil {
		return fmt.Errorf("api: %w", err)
	}
	l := c.Limits.filled()
	for name, value := range map[string]int64{
		"KeyBytesMax": int64(l.KeyBytesMax), "ValueBytesMax": int64(l.ValueBytesMax), "RequestsMax": int64(l.RequestsMax),
		"CommandBytesMax": int64(l.CommandBytesMax), "AnswerBytesMax": int64(l.AnswerBytesMax),
		"CommandTimeoutMax": int64(l.CommandTimeoutMax), "StreamCommandsMax": int64(l.StreamCommandsMax),
		"WatchersMax": int64(l.WatchersMax), "KeepaliveMin": int64(l.KeepaliveMin),
	} {
		if value < 1 {
			return fmt.Errorf("api: limit %s must be at least 1, not %d", name, value)
		}
	}
	return nil
}

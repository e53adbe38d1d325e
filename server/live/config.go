package live

import (
	"context"
	"log/slog"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// ProtocolVersion is of docs/protocol.md.
const ProtocolVersion = 1

// Cluster is what a Gateway needs of a cluster. It must be safe for use from several goroutines.
type Cluster interface {
	// Stores lists every store of the cluster that is known.
	Stores(ctx context.Context) ([]*rpcpb.StoreAddress, error)
	// Watch opens a store's stream, which ends with ctx. Its first response has a hello.
	Watch(ctx context.Context, storeID uint64) (Stream, error)
	// Do carries out a command on a store, or with 0 wherever it belongs, and fills in what its header lacks: the region, its
	// epoch, and with store 0 a request id. A store's error is in the answer; an error means that no answer is known.
	Do(ctx context.Context, storeID uint64, request *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error)
}

// Stream is a store's stream. Recv is called by one goroutine, Show and Pace by another.
type Stream interface {
	// Recv waits for the next response, which belongs to the caller, to keep and to change.
	Recv() (*rpcpb.WatchResponse, error)
	// Show asks for the store as it stands; the answer carries n, which is not 0.
	Show(n uint64) error
	// Pace asks for at most so many events a second, and for none until rest after the second began in which that was met, or
	// until Show asks.
	Pace(perSecond uint32, rest time.Duration) error
	// Close ends the stream; a Recv that waits fails.
	Close()
}

// Operator can do to a cluster what only who runs it can: the embedded cluster has one.
type Operator interface {
	// Crash ends a store at once, as a crash of its process would.
	Crash(storeID uint64) error
	Restart(storeID uint64) error
	// Cut cuts and mends the links named, each as its own cut says; the others stay as they are.
	Cut(links []*sessionpb.Link) error
}

// Config is what a Gateway is opened with.
type Config struct {
	Cluster Cluster
	// Embedded: the cluster runs in this process.
	Embedded bool
	// Operator is nil when there is none.
	Operator Operator
	// Version is raftplay's.
	Version string
	// Logger may be nil.
	Logger *slog.Logger
	// Limits that are 0 have their defaults.
	Limits Limits
	// Now is time.Now when nil.
	Now func() time.Time
}

// Limits bound a Gateway.
type Limits struct {
	StoresMax  int
	ViewersMax int

	// EventsPerSecondMax is how much one viewer is shown, and the most that all stores together are asked for once it is known
	// how much each of them has to tell.
	EventsPerSecondMax int
	FrameEventsMax     int
	FrameBytesMax      int // of a frame's events, encoded

	// LogEventsMax and LogBytesMax (encoded) are how far behind a viewer may be.
	LogEventsMax int
	LogBytesMax  int

	FlightsMax    int // messages under way
	OperationsMax int // commands that wait for their answer
	HeldEventsMax int // of one store, held back for the sake of order

	CommandsPerSecondMax int // of one viewer
	CommandsWaitingMax   int // of one viewer

	// FrameWait is how long an answer waits for something to happen; FrameInterval is the least time between two.
	FrameWait     time.Duration
	FrameInterval time.Duration
	// FramesPerSecondMax is of all viewers together: with more of them each gets fewer, and waits for longer when nothing
	// happens, though never for more than FrameWaitMax.
	FramesPerSecondMax int
	FrameWaitMax       time.Duration
	// FirstFrameWait is how long the first frame waits for the stores' pictures.
	FirstFrameWait time.Duration

	// HoldMax is how long a store's stream waits for the sending of a message that arrived.
	HoldMax time.Duration
	// OrderWait is how long an event waits for earlier ones of other stores.
	OrderWait time.Duration
	// UnseenAfter is how long a message is under way before it counts as lost.
	UnseenAfter time.Duration
	// RoundInterval is the least time between two rounds of pictures; RoundWait how long a round waits for a store.
	RoundInterval time.Duration
	RoundWait     time.Duration
	// Linger is how long the stores are watched after the last viewer left.
	Linger time.Duration
	// IdleMax is how long a viewer may not ask.
	IdleMax time.Duration
	// CommandWait is how long a command may take.
	CommandWait time.Duration
	// SilenceMax is how long nothing may be heard of a store, which says something every second.
	SilenceMax time.Duration
	// BackoffMin and BackoffMax are between two attempts to reach a store.
	BackoffMin, BackoffMax time.Duration
}

// DefaultLimits are the limits of a Gateway that is told none.
func DefaultLimits() Limits {
	return Limits{
		StoresMax: 64, ViewersMax: 1_000,
		EventsPerSecondMax: 5_000, FrameEventsMax: 5_000, FrameBytesMax: 1 << 20,
		LogEventsMax: 32_768, LogBytesMax: 16 << 20,
		FlightsMax: 20_000, OperationsMax: 10_000, HeldEventsMax: 20_000,
		CommandsPerSecondMax: 50, CommandsWaitingMax: 16,
		FrameWait: 250 * time.Millisecond, FrameInterval: time.Second / 30, FramesPerSecondMax: 400, FrameWaitMax: time.Second, FirstFrameWait: 1500 * time.Millisecond,
		HoldMax: 250 * time.Millisecond, OrderWait: 50 * time.Millisecond, UnseenAfter: 3 * time.Second,
		RoundInterval: 250 * time.Millisecond, RoundWait: time.Second,
		Linger: 5 * time.Second, IdleMax: 30 * time.Second, CommandWait: 15 * time.Second, SilenceMax: 5 * time.Second,
		BackoffMin: 100 * time.Millisecond, BackoffMax: 3 * time.Second,
	}
}

func (l Limits) filled() Limits {
	d := DefaultLimits()
	for _, of := range []struct{ have, standard *int }{
		{&l.StoresMax, &d.StoresMax}, {&l.ViewersMax, &d.ViewersMax}, {&l.EventsPerSecondMax, &d.EventsPerSecondMax},
		{&l.FrameEventsMax, &d.FrameEventsMax}, {&l.FrameBytesMax, &d.FrameBytesMax}, {&l.LogEventsMax, &d.LogEventsMax},
		{&l.LogBytesMax, &d.LogBytesMax}, {&l.FlightsMax, &d.FlightsMax}, {&l.OperationsMax, &d.OperationsMax},
		{&l.HeldEventsMax, &d.HeldEventsMax}, {&l.CommandsPerSecondMax, &d.CommandsPerSecondMax},
		{&l.CommandsWaitingMax, &d.CommandsWaitingMax}, {&l.FramesPerSecondMax, &d.FramesPerSecondMax},
	} {
		if *of.have <= 0 {
			*of.have = *of.standard
		}
	}
	for _, of := range []struct{ have, standard *time.Duration }{
		{&l.FrameWait, &d.FrameWait}, {&l.FrameWaitMax, &d.FrameWaitMax}, {&l.FrameInterval, &d.FrameInterval}, {&l.FirstFrameWait, &d.FirstFrameWait},
		{&l.HoldMax, &d.HoldMax}, {&l.OrderWait, &d.OrderWait}, {&l.UnseenAfter, &d.UnseenAfter},
		{&l.RoundInterval, &d.RoundInterval}, {&l.RoundWait, &d.RoundWait}, {&l.Linger, &d.Linger},
		{&l.IdleMax, &d.IdleMax}, {&l.CommandWait, &d.CommandWait}, {&l.BackoffMin, &d.BackoffMin}, {&l.SilenceMax, &d.SilenceMax},
		{&l.BackoffMax, &d.BackoffMax},
	} {
		if *of.have <= 0 {
			*of.have = *of.standard
		}
	}
	return l
}

package node

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	metapb "raftplay/core/pb/metapb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/engine"
	"raftplay/core/store"
)

// Disk is the engine of a live store. It is read on the node's loop while a batch is being written, so it has to be safe
// for both at a time. Commits come one at a time.
type Disk interface {
	engine.Snapshotter
	// Commit applies a batch: all of it, or, with an error, nothing that will ever be relied on. With sync it returns once
	// the batch, and all before it, are durable; an empty batch makes durable what was written before. The batch is the
	// caller's again afterwards; what it puts, nobody writes. An error ends the node.
	Commit(b *engine.Batch, sync bool) error
}

// Transport carries messages to other stores.
type Transport interface {
	// Send never waits. An error says in one sentence why the message will not arrive; without one it may still be lost.
	// The parcel is the transport's.
	Send(toStore uint64, p *rpcpb.Parcel) error
}

// Config is what a node is opened with.
type Config struct {
	ClusterID uint64
	// Store is the store's configuration, as of store.DefaultConfig: its id, incarnation, ticks, limits and NewID. Engine,
	// Now and Observer are the node's own.
	Store     store.Config
	Disk      Disk
	Transport Transport
	// Address is where the store serves, and Addresses where every store does that this one knows of. Addresses is called
	// from any goroutine, answers at once, and may be nil.
	Address   string
	Addresses func() map[uint64]string
	// Version is of raftplay.
	Version string
	// Logger may be nil.
	Logger *slog.Logger
	// Registerer takes the node's metrics; nil keeps them to Stats.
	Registerer prometheus.Registerer
	Limits     Limits
	// Bootstrap is the first region, written to an empty disk; nil joins without any. A disk that holds a store is opened
	// as it is.
	Bootstrap *metapb.Region
}

// Limits bound what a node keeps and waits for. A zero takes the default.
type Limits struct {
	ArrivalsMax       int           // messages that wait to be stepped
	ArrivalBytesMax   int           // of them
	CommandsMax       int           // commands that wait to be proposed, or for their answer
	CommandBytesMax   int           // of those that wait to be proposed
	CommandTimeout    time.Duration // that a client waits; then the outcome is unknown
	StepsPerTurnMax   int           // messages, and commands, taken in one turn
	StepsPerWriteMax  int           // messages and commands taken while one batch is being written
	SlowWriteAfter    time.Duration // that the disk has for a batch before the store says that it is slow
	DrainTimeout      time.Duration // that a graceful stop waits for answers before it hands over
	HandOverTimeout   time.Duration // that it waits for other leaders
	WatchersMax       int
	WatcherEventsMax  int           // that wait for one watcher
	WatcherBytesMax   int           // of them, about
	EventsPerSecond   int           // shown to one watcher, at most
	PicturePeriod     time.Duration // between two pictures of the store, for all watchers together
	PictureRegionsMax int           // regions in a picture
}

// DefaultLimits are the limits that a zero stands for.
func DefaultLimits() Limits {
	return Limits{
		ArrivalsMax:       8_192,
		ArrivalBytesMax:   64 << 20,
		CommandsMax:       16_384,
		CommandBytesMax:   64 << 20,
		CommandTimeout:    10 * time.Second,
		StepsPerTurnMax:   1_024,
		StepsPerWriteMax:  16_384,
		SlowWriteAfter:    time.Second,
		DrainTimeout:      time.Second,
		HandOverTimeout:   3 * time.Second,
		WatchersMax:       16,
		WatcherEventsMax:  8_192,
		WatcherBytesMax:   8 << 20,
		EventsPerSecond:   20_000,
		PicturePeriod:     250 * time.Millisecond,
		PictureRegionsMax: 1_024,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, of := range []struct{ value, standard *int }{
		{&l.ArrivalsMax, &d.ArrivalsMax}, {&l.ArrivalBytesMax, &d.ArrivalBytesMax},
		{&l.CommandsMax, &d.CommandsMax}, {&l.CommandBytesMax, &d.CommandBytesMax},
		{&l.StepsPerTurnMax, &d.StepsPerTurnMax}, {&l.StepsPerWriteMax, &d.StepsPerWriteMax},
		{&l.WatchersMax, &d.WatchersMax}, {&l.WatcherEventsMax, &d.WatcherEventsMax},
		{&l.WatcherBytesMax, &d.WatcherBytesMax}, {&l.EventsPerSecond, &d.EventsPerSecond},
		{&l.PictureRegionsMax, &d.PictureRegionsMax},
	} {
		*of.value = cmp.Or(*of.value, *of.standard)
	}
	for _, of := range []struct{ value, standard *time.Duration }{
		{&l.CommandTimeout, &d.CommandTimeout}, {&l.DrainTimeout, &d.DrainTimeout}, {&l.SlowWriteAfter, &d.SlowWriteAfter},
		{&l.HandOverTimeout, &d.HandOverTimeout}, {&l.PicturePeriod, &d.PicturePeriod},
	} {
		*of.value = cmp.Or(*of.value, *of.standard)
	}
	return l
}

func (c *Config) validate() error {
	switch {
	case c.ClusterID == 0:
		return errors.New("cluster id must not be 0")
	case c.Disk == nil:
		return errors.New("no disk")
	case c.Transport == nil:
		return errors.New("no transport")
	case c.Store.Incarnation == 0:
		return errors.New("incarnation must not be 0")
	}
	l := c.Limits
	for name, value := range map[string]int64{
		"ArrivalsMax": int64(l.ArrivalsMax), "ArrivalBytesMax": int64(l.ArrivalBytesMax),
		"CommandsMax": int64(l.CommandsMax), "CommandBytesMax": int64(l.CommandBytesMax),
		"CommandTimeout": int64(l.CommandTimeout), "StepsPerTurnMax": int64(l.StepsPerTurnMax),
		"StepsPerWriteMax": int64(l.StepsPerWriteMax), "DrainTimeout": int64(l.DrainTimeout),
		"SlowWriteAfter": int64(l.SlowWriteAfter), "HandOverTimeout": int64(l.HandOverTimeout), "WatchersMax": int64(l.WatchersMax),
		"WatcherEventsMax": int64(l.WatcherEventsMax), "WatcherBytesMax": int64(l.WatcherBytesMax),
		"EventsPerSecond": int64(l.EventsPerSecond), "PicturePeriod": int64(l.PicturePeriod),
		"PictureRegionsMax": int64(l.PictureRegionsMax),
	} {
		if value < 1 {
			return fmt.Errorf("limit %s must be positive, not %d", name, value)
		}
	}
	return nil
}

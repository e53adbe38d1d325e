package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"raftplay/server/api"
	"raftplay/server/peer"
)

// Config is one live store: who it is, where it keeps its data, and where it serves.
type Config struct {
	StoreID uint64
	// ClusterID is 0 for the one that the folder was made for or, when it is new, the one that the peers make.
	ClusterID uint64
	// Peers are the stores that the cluster begins with, and where they serve; this one is among them. All stores that
	// begin a cluster must be given the same.
	Peers Peers
	// Join: the cluster exists already, and this store begins without a region. ClusterID says which one.
	Join bool
	// Listen is where the store listens, host:port; empty is its address among the peers. Listener, when set, is used
	// instead, and closed whatever becomes of the store.
	Listen   string
	Listener net.Listener

	DataDir string
	// FS is the file system; nil is the operating system's. WithoutSync acknowledges what is not on the disk: it is there
	// for the test that must notice it.
	FS          vfs.FS
	WithoutSync bool

	// TLS is for stores and clients alike; nothing set speaks plainly.
	TLS    peer.TLSFiles
	Tokens api.Tokens

	Timing Timing

	Version    string
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Timing is how a store's raft is set up. A zero takes the default.
type Timing struct {
	// BaseTick is how long a tick lasts; 100 ms.
	BaseTick time.Duration
	// HeartbeatTicks between a leader's heartbeats; 3. ElectionTicks is the shortest election timeout; 15.
	HeartbeatTicks, ElectionTicks int
}

const (
	baseTickMin = time.Millisecond
	baseTickMax = 10 * time.Second
)

// What can be put right by whoever starts a store; errors.Is tells.
var (
	ErrConfig    = errors.New("the configuration cannot be")
	ErrPortTaken = errors.New("the port is taken")
)

// wrong is one sentence about a configuration.
type wrong struct {
	kind     error
	sentence string
}

func (w *wrong) Error() string { return w.sentence }
func (w *wrong) Unwrap() error { return w.kind }

func wrongf(kind error, format string, args ...any) error {
	return &wrong{kind, fmt.Sprintf(format, args...)}
}

func (c *Config) complete() error {
	switch {
	case c.StoreID == 0 || c.StoreID > storeIDMax:
		return wrongf(ErrConfig, "a store's id is a number from 1 to %d, not %d", storeIDMax, c.StoreID)
	case c.Peers[c.StoreID] == "" && c.Listener == nil:
		return wrongf(ErrConfig, "store %d is not among the peers %v: name its own address too", c.StoreID, c.Peers)
	case c.DataDir == "":
		return wrongf(ErrConfig, "a store needs a folder for its data")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Listen == "" {
		c.Listen = c.Peers[c.StoreID]
	}
	return c.Timing.complete()
}

func (t *Timing) complete() error {
	if t.BaseTick == 0 {
		t.BaseTick = 100 * time.Millisecond
	}
	if t.HeartbeatTicks == 0 {
		t.HeartbeatTicks = 3
	}
	if t.ElectionTicks == 0 {
		t.ElectionTicks = 15
	}
	switch {
	case t.BaseTick < baseTickMin || t.BaseTick > baseTickMax:
		return wrongf(ErrConfig, "a tick lasts from %v to %v, not %v", baseTickMin, baseTickMax, t.BaseTick)
	case t.HeartbeatTicks < 1 || t.ElectionTicks <= t.HeartbeatTicks:
		return wrongf(ErrConfig, "the election timeout (%d ticks) must be longer than the time between heartbeats (%d ticks, at least 1)",
			t.ElectionTicks, t.HeartbeatTicks)
	}
	return nil
}

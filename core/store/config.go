package store

import (
	"errors"
	"fmt"

	"raftplay/core/engine"
)

// Config is what a Store is opened with. DefaultConfig fills in the options and limits.
type Config struct {
	StoreID uint64
	// Engine is read by the Store and written by its driver.
	Engine engine.Reader
	// Now is a monotonic clock in microseconds from any origin.
	Now func() int64

	// HeartbeatTicks is the number of ticks between a leader's heartbeats.
	HeartbeatTicks int
	// ElectionTicksMin is the shortest election timeout; it is drawn from [ElectionTicksMin, 2*ElectionTicksMin-1].
	ElectionTicksMin int
	// ElectionTicks draws an election timeout, in ticks, for a region's peer. Nil leaves raft its own randomness.
	ElectionTicks func(regionID uint64) int
	// PreVote: ask before campaigning, so that a store that was cut off does not disturb (Raft dissertation, 9.6).
	PreVote bool
	// CheckQuorum: a leader that has not heard from a quorum for an election timeout steps down.
	CheckQuorum bool

	// TickMicros is how long a tick lasts, and ClockDriftPPMMax by how much, in millionths, any store's clock may run
	// faster or slower than true time: what a lease is made of.
	TickMicros       int64
	ClockDriftPPMMax int64
	// LeaseReads: a leader may answer reads of mode LEASE within its lease, and a store that has just started waits for
	// an election timeout before it votes. Needs CheckQuorum.
	LeaseReads bool
	// SleepTicks: the timers of a region that is idle for so long rest; 0 never.
	SleepTicks int
	// RegionBytesMax: a region of more bytes of keys and values is split near its middle; 0 never.
	RegionBytesMax uint64
	// LogEntriesMax: a log that holds more applied entries is compacted, and LogEntriesKept of the newest are kept for
	// followers that are a little behind; 0 never.
	LogEntriesMax, LogEntriesKept int
	// NewID gives an id that nobody in the cluster has used. Nil: commands must bring their own, and no region is split
	// by size.
	NewID func(IDKind) uint64
	// Incarnation is larger than at any earlier start of this store.
	Incarnation uint64

	Limits Limits

	// Bugs are what is broken on purpose.
	Bugs Bugs

	// Commands, when set, is shared with the other stores of a process that one goroutine drives; see there.
	Commands *Commands

	// Observer, when set, is told what happens inside the Store. Nil costs nothing.
	Observer Observer
}

// Limits bound what a Store accepts and keeps.
type Limits struct {
	KeyBytesMax          int
	ValueBytesMax        int
	RequestsMax          int    // requests and compares of one command, each
	PairsBesideWritesMax int    // pairs that a command which writes may read: its answer is remembered
	ScanPairsMax         int    // pairs of one scan's answer
	MessageBytesMax      uint64 // entries of one MsgApp
	InflightMessagesMax  int    // MsgApps on their way to one peer
	UncommittedBytesMax  uint64 // a leader's entries not yet committed, per region
	ProposalsMax         int    // commands waiting for their answer, per region
	EntryCacheBytesMax   int    // newest entries kept decoded, per region
	ApplyBytesMax        uint64 // entries applied in one Ready, per region
	ClientsRememberedMax int    // clients whose last answer is kept, per region
	TermLeapMax          uint64 // how far ahead of ours a message's term may be
	SnapshotBytesMax     int    // a region's keys and values in one snapshot
	RegionsMax           int    // peers that messages may make a store create
	SnapshotChunkBytes   int    // keys and values of one chunk of a snapshot, about
	SnapshotsSendingMax  int    // snapshots that a store sends at a time
	ProposalBytesMax     int    // commands waiting for their answer, per region
	ApplyBacklogMax      int    // entries committed and not yet applied, per region
}

// IDKind is a kind of ids.
type IDKind uint8

const (
	RegionID IDKind = iota + 1
	PeerID
)

// DefaultConfig returns a Config with TiKV's ticks and every limit set; StoreID, Engine and Now are the caller's.
func DefaultConfig() Config {
	return Config{
		HeartbeatTicks:   3,
		ElectionTicksMin: 15,
		PreVote:          true,
		CheckQuorum:      true,
		TickMicros:       100_000,
		ClockDriftPPMMax: 1_000,
		LeaseReads:       true,
		RegionBytesMax:   64 << 20,
		LogEntriesMax:    10_000,
		LogEntriesKept:   1_000,
		SleepTicks:       30,
		Incarnation:      1,
		Limits: Limits{
			KeyBytesMax:          4 << 10,
			ValueBytesMax:        1 << 20,
			RequestsMax:          128,
			PairsBesideWritesMax: 16,
			ScanPairsMax:         1024,
			MessageBytesMax:      1 << 20,
			InflightMessagesMax:  256,
			UncommittedBytesMax:  64 << 20,
			ProposalsMax:         4096,
			EntryCacheBytesMax:   1 << 20,
			ApplyBytesMax:        8 << 20,
			ClientsRememberedMax: 1024,
			TermLeapMax:          1 << 32,
			SnapshotBytesMax:     256 << 20,
			RegionsMax:           100_000,
			SnapshotChunkBytes:   1 << 20,
			SnapshotsSendingMax:  8,
			ProposalBytesMax:     64 << 20,
			ApplyBacklogMax:      65_536,
		},
	}
}

func (c *Config) validate() error {
	switch {
	case c.StoreID == 0:
		return errors.New("store id must not be 0")
	case c.Engine == nil:
		return errors.New("no engine")
	case c.Now == nil:
		return errors.New("no clock")
	case c.HeartbeatTicks < 1:
		return fmt.Errorf("heartbeat ticks must be at least 1, not %d", c.HeartbeatTicks)
	case c.ElectionTicksMin <= c.HeartbeatTicks:
		return fmt.Errorf("election ticks (%d) must be more than heartbeat ticks (%d)", c.ElectionTicksMin, c.HeartbeatTicks)
	case c.TickMicros < 1:
		return fmt.Errorf("a tick must last at least 1 µs, not %d", c.TickMicros)
	case c.ClockDriftPPMMax < 0 || c.ClockDriftPPMMax > 500_000:
		return fmt.Errorf("clocks may drift by 0 to 500,000 millionths, not %d", c.ClockDriftPPMMax)
	case c.SleepTicks < 0 || c.LogEntriesMax < 0 || c.LogEntriesKept < 0:
		return errors.New("ticks and entries are counted from 0")
	}
	l := c.Limits
	for name, value := range map[string]int64{
		"KeyBytesMax": int64(l.KeyBytesMax), "ValueBytesMax": int64(l.ValueBytesMax), "RequestsMax": int64(l.RequestsMax),
		"ScanPairsMax": int64(l.ScanPairsMax), "InflightMessagesMax": int64(l.InflightMessagesMax),
		"ProposalsMax": int64(l.ProposalsMax), "ClientsRememberedMax": int64(l.ClientsRememberedMax),
		"RegionsMax": int64(l.RegionsMax), "SnapshotBytesMax": int64(l.SnapshotBytesMax),
		"SnapshotChunkBytes": int64(l.SnapshotChunkBytes), "SnapshotsSendingMax": int64(l.SnapshotsSendingMax),
		"ProposalBytesMax": int64(l.ProposalBytesMax), "ApplyBacklogMax": int64(l.ApplyBacklogMax),
	} {
		if value < 1 {
			return fmt.Errorf("limit %s must be at least 1, not %d", name, value)
		}
	}
	return nil
}

package node

import (
	"sync/atomic"
	"time"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// counters are what a node counts. The loop writes most of them; anyone reads them.
type counters struct {
	ticks, proposed, answered, timedOut, commandsBusy atomic.Uint64
	applied, leaderChanges, writes, slowWrites, syncs atomic.Uint64
	messagesSent, messagesDelivered, messagesRefused  atomic.Uint64
	messagesDropped, messagesUnsent                   atomic.Uint64
	events, eventsLeftOut                             atomic.Uint64
	leaders, regions                                  atomic.Int64
	latency, sync                                     histogram
	perRegion                                         atomic.Pointer[[]RegionStats]
}

// Stats is what a node counted since it started, and how much waits now.
type Stats struct {
	Ticks uint64
	// Proposed are commands handed to the store, Answered those that were answered, TimedOut among them; Busy were refused.
	Proposed, Answered, TimedOut, Busy uint64
	// Applied are the log's entries that were commands.
	Applied uint64
	// LeaderChanges is how often the store became a region's leader, Leaders how many it leads.
	LeaderChanges uint64
	Leaders       int
	Regions       int
	// Writes are batches written, Syncs those that had to be durable, SlowWrites those that took longer than SlowWriteAfter,
	// one that is being written included. WriteTakes is for how long the disk has been writing one; 0 when it is not.
	Writes, Syncs, SlowWrites uint64
	WriteTakes                time.Duration
	// Messages delivered were stepped; refused ones the store did not want; dropped ones found the queue full; unsent ones
	// the transport did not take.
	MessagesSent, MessagesDelivered, MessagesRefused, MessagesDropped, MessagesUnsent uint64
	// Events were counted while somebody watched; EventsLeftOut are those that one watcher or another was not shown.
	Events, EventsLeftOut uint64

	// Waiting are commands without an answer, CommandsQueued those of them that are not proposed yet.
	Waiting, CommandsQueued, ArrivalsQueued int
	Watchers                                int
}

// Stats may be asked for at any time.
func (n *Node) Stats() Stats {
	c := &n.stats
	return Stats{
		Ticks: c.ticks.Load(), Proposed: c.proposed.Load(), Answered: c.answered.Load(), TimedOut: c.timedOut.Load(),
		Busy: c.commandsBusy.Load(), Applied: c.applied.Load(), LeaderChanges: c.leaderChanges.Load(),
		Leaders: int(c.leaders.Load()), Regions: int(c.regions.Load()), Writes: c.writes.Load(), Syncs: c.syncs.Load(),
		SlowWrites: c.slowWrites.Load(), WriteTakes: n.writeTakes(),
		MessagesSent: c.messagesSent.Load(), MessagesDelivered: c.messagesDelivered.Load(),
		MessagesRefused: c.messagesRefused.Load(), MessagesDropped: c.messagesDropped.Load(),
		MessagesUnsent: c.messagesUnsent.Load(), Events: c.events.Load(), EventsLeftOut: c.eventsLeftOut.Load(),
		Waiting: int(n.waiting.Load()), CommandsQueued: n.commands.len(), ArrivalsQueued: n.arrivals.len(),
		Watchers: int(n.watchers.Load()),
	}
}

// metrics are the figures as watchers are told them.
func (n *Node) metrics(wall int64) *rpcpb.StoreMetrics {
	c := &n.stats
	return &rpcpb.StoreMetrics{
		WallMicros: wall, Applied: c.applied.Load(), Answered: c.answered.Load(), LeaderChanges: c.leaderChanges.Load(),
		Syncs: c.syncs.Load(), Events: c.events.Load(), EventsLeftOut: c.eventsLeftOut.Load(),
		LatencyBuckets: c.latency.counts(), SyncBuckets: c.sync.counts(), Watchers: uint32(n.watchers.Load()),
	}
}

// RegionStats are the figures of one region's peer.
type RegionStats struct {
	RegionID, Term, Commit, Applied uint64
}

// regionsCounted is up to how many regions each has figures of its own: metrics stay few.
const regionsCounted = 16

// countRegions follows each tick.
func (l *loop) countRegions() {
	ids := l.store.RegionIDs()
	var of []RegionStats
	if len(ids) <= regionsCounted {
		for _, id := range ids {
			view, _ := l.store.View(id)
			of = append(of, RegionStats{RegionID: id, Term: view.Term, Commit: view.Commit, Applied: view.Applied})
		}
	}
	l.n.stats.perRegion.Store(&of)
}

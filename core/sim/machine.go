package sim

import (
	"cmp"
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/engine"
	"raftplay/core/store"
)

// machine is what a store runs on: its engine, its disk, its ticker. It survives the store's crashes.
type machine struct {
	w      *World
	id     uint64
	engine *engine.Memory
	// store is nil while it is down; stoppedReason tells why if it gave up by itself. starts counts its lives.
	store         *store.Store
	stoppedReason string
	starts        uint64

	// write is what the disk works on; a store has at most one batch there.
	write write
	// peers are the regions the store has a peer of, ascending.
	peers []peerTrack

	// changed is where reportProgress collects what it tells; empty between.
	changed []store.PeerProgress

	// What is wrong with it: see armed, clock and pause.
	armed, told armed
	clock       clock
	ticker      ticker
	paused      bool
	waiting     []item
	unheard     []*operation

	phase, timer, late, speed, crashes, rot stream
	// bugs are what is broken on purpose.
	bugs store.Bugs
}

func newMachine(w *World, id uint64) *machine {
	seed := w.config.Seed
	return &machine{
		w: w, id: id, engine: engine.NewMemory(),
		phase: newStream(seed, streamName("tick", id)),
		timer: newStream(seed, streamName("timer", id)),
		bugs:  bugsOf(w.config),
		late:  newStream(seed, streamName("late", id)), speed: newStream(seed, streamName("disk", id)),
		crashes: newStream(seed, streamName("crash", id)), rot: newStream(seed, streamName("rot", id)),
		clock: newClock(w.config, id),
	}
}

// storeConfig is the store's configuration, but for what a store to be driven needs besides: see start.
func (m *machine) storeConfig(reader engine.Reader) store.Config {
	cfg := store.DefaultConfig()
	options := m.w.config.Raft
	ticksMin := int(options.ElectionTicksMin)
	cfg.StoreID = m.id
	cfg.Engine = reader
	cfg.Now = m.localNow
	cfg.HeartbeatTicks = int(options.HeartbeatTicks)
	cfg.ElectionTicksMin = ticksMin
	cfg.ElectionTicks = func(uint64) int { return ticksMin }
	cfg.PreVote, cfg.CheckQuorum, cfg.LeaseReads = options.PreVote, options.CheckQuorum, options.LeaseReads
	cfg.TickMicros = options.BaseTickMicros
	cfg.SleepTicks = int(options.SleepTicks)
	cfg.RegionBytesMax = options.RegionBytesMax
	cfg.LogEntriesMax, cfg.LogEntriesKept = int(options.LogEntriesMax), int(options.LogEntriesKept)
	cfg.Limits.SnapshotChunkBytes = cmp.Or(int(options.SnapshotChunkBytesMax), chunkBytesDefault)
	cfg.NewID = m.w.newID
	cfg.Incarnation = m.starts
	cfg.Commands = &m.w.commands
	cfg.Bugs = m.bugs
	return cfg
}

// bootstrap writes what the store's empty engine must hold, and starts the store.
func (m *machine) bootstrap(first *engine.Batch) error {
	if err := m.engine.Write(first); err != nil {
		return fmt.Errorf("bootstrap S%d: %w", m.id, err)
	}
	if err := m.engine.Sync(); err != nil {
		return fmt.Errorf("bootstrap S%d: %w", m.id, err)
	}
	return m.start()
}

// start opens the store on its engine and winds its ticker up. What an earlier life wrote and did not sync is made durable
// first: what a store has read it must not lose.
func (m *machine) start() error {
	m.starts++
	if err := m.engine.Sync(); err != nil {
		return fmt.Errorf("S%d does not start: %w", m.id, err)
	}
	cfg := m.storeConfig(m.engine)
	ticksMin := cfg.ElectionTicksMin
	cfg.ElectionTicks = func(uint64) int { return ticksMin + int(m.timer.below(uint64(ticksMin))) }
	if m.w.observed {
		cfg.Observer = m
	}
	s, err := m.open(cfg)
	if err != nil {
		return fmt.Errorf("S%d does not start: %w", m.id, err)
	}
	m.store, m.stoppedReason = s, ""
	m.peers = m.peers[:0]
	for _, regionID := range s.RegionIDs() {
		view, _ := s.View(regionID)
		m.peers = append(m.peers, peerTrack{
			regionID: regionID, peerID: view.PeerID, region: s.Region(regionID), synced: view.LastIndex})
	}
	phase := int64(m.phase.below(uint64(m.w.config.Raft.BaseTickMicros)))
	m.windUp(phase)
	return nil
}

// look returns a store to read from: the one that runs, or, while it is down, one opened on what its disk holds, which
// draws nothing from the run's streams.
func (m *machine) look() (*store.Store, error) {
	if m.store != nil {
		return m.store, nil
	}
	return m.open(m.storeConfig(m.engine))
}

// tick is one RaftBaseTick, for all regions.
func (m *machine) tick() {
	m.ticked()
	m.drive(m.tickStore)
}

func (m *machine) tickStore() {
	if !m.w.observed {
		m.store.Tick()
	} else {
		// The event comes before what follows from the tick, and shows the timers as the tick left them.
		ticked := m.emitTicked()
		m.store.Tick()
		ticked.Timers = m.timers()
	}
	m.settle()
}

// settle takes what the store owes after an input. A turn that writes nothing needs no disk and is over at once.
func (m *machine) settle() {
	m.followPeers()
	for !m.write.busy {
		rd, ok := m.store.Ready()
		if !ok {
			break
		}
		m.followPeers()
		m.w.send(rd.Messages)
		if m.bugs.Has(store.BugSendBeforeSync) {
			m.w.send(rd.AfterSync)
			rd.AfterSync = nil
		}
		if rd.MustSync || rd.Batch != nil && rd.Batch.Len() > 0 {
			m.startWrite(rd)
			break
		}
		m.w.send(rd.AfterSync)
		m.store.Advance()
	}
	if m.w.observed {
		m.reportProgress()
	}
}

// halt drops the store without a farewell and takes its ticks and its disk's work off the agenda. Its clients hear
// nothing. That it was paused, or was to crash, is over.
func (m *machine) halt() {
	m.store, m.write = nil, write{}
	m.paused, m.unheard = false, nil
	m.armed.moment, m.armed.keeps = 0, 0
	m.w.agenda.remove(m.owns)
}

// owns tells whether something due is the store's own doing.
func (m *machine) owns(it *item) bool {
	switch it.deed {
	case deedTick, deedWritten, deedSynced, deedHear:
		return uint64(it.store)+1 == m.id
	}
	return false
}

// stop is what a store does that cannot go on. What is on its disk stays.
func (m *machine) stop(reason string) {
	m.halt()
	m.stoppedReason = reason
	if m.w.observed {
		m.w.emit(m.id, &sessionpb.Event{Body: &sessionpb.Event_StoreStopped{
			StoreStopped: &sessionpb.StoreStopped{Reason: reason, Store: m.state()}}})
	}
	m.tellArmed()
}

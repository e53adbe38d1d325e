package sim

import (
	"go.etcd.io/raft/v3"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
	"raftplay/core/store"
)

const (
	clusterID     = 1
	firstRegionID = 1
	// A first peer's id is its store's plus this: two kinds of ids that never look alike. Later peers are numbered from
	// behind peerIDGiven.
	peerIDOffset = 100
	peerIDGiven  = 200
)

// World is a simulated cluster. It is not safe for use from several goroutines, and its methods must not be called from
// within an observer, Report excepted.
type World struct {
	// config is never written, only replaced: events share its parts.
	config *sessionpb.Config
	limits store.Limits

	now    int64
	steps  uint64
	agenda agenda
	// did is what the last step did.
	did item

	// machines are by store id - 1.
	machines []*machine
	network  network
	clients  clients
	// workers are by number - 1; they stay when their workload goes, and take the next one up.
	workers     []*worker
	lastWriteID uint64
	// given are the last ids that NewID gave, or that a command brought, by kind.
	given  [store.PeerID + 1]uint64
	counts Counts

	observers     []Observer
	observed      bool
	seq           uint64
	eventsAtStart uint64 // of a watched run
	outbox        []*sessionpb.Event
	publishing    bool
	entries       mirror.Entries
	commands      store.Commands

	// modelLeft are the reasons for which the run is outside of what Raft promises; see LeavesModel.
	modelLeft []string
}

// Counts tells how much has happened, whether anybody watched or not.
type Counts struct {
	MessagesSent, MessagesLost, OperationsStarted, OperationsEnded uint64
}

// New returns a world at time 0 with every store up, or says in one sentence what is wrong with the configuration, which
// stays the caller's. Before New returns, observers get RunStarted, with sequence number 1, and, should the configuration be
// outside of what Raft promises, the reasons.
func New(cfg *sessionpb.Config, observers ...Observer) (*World, error) {
	if err := Validate(cfg); err != nil {
		return nil, err
	}
	w := &World{config: cloneConfig(cfg), limits: storeLimits()}
	stores := int(cfg.GetStores())
	members := int(cfg.GetMembers())
	if members == 0 {
		members = stores
	}
	w.network.begin(cfg.GetSeed())
	w.relink()
	w.given[store.RegionID], w.given[store.PeerID] = firstRegionID, peerIDGiven
	region := firstRegion(members)
	for id := uint64(1); id <= uint64(stores); id++ {
		first := store.BootstrapStore(id, clusterID)
		if id <= uint64(members) {
			first = store.Bootstrap(id, clusterID, region)
		}
		m := newMachine(w, id)
		w.machines = append(w.machines, m)
		if err := m.bootstrap(first); err != nil {
			return nil, err
		}
	}
	w.Observe(observers...)
	if w.observed {
		w.emit(0, &sessionpb.Event{Body: &sessionpb.Event_RunStarted{
			RunStarted: &sessionpb.RunStarted{Config: w.config, Stores: w.storeStates()}}})
	}
	w.leaveModel(nil)
	w.publish()
	w.eventsAtStart = uint64(1 + len(w.modelLeft))
	w.employ()
	return w, nil
}

// newID is store.Config.NewID.
func (w *World) newID(kind store.IDKind) uint64 {
	w.given[kind]++
	return w.given[kind]
}

// firstRegion is region 1 over all keys, with a voter on each of the first stores.
func firstRegion(members int) *metapb.Region {
	region := &metapb.Region{Id: firstRegionID, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}
	for id := uint64(1); id <= uint64(members); id++ {
		region.Peers = append(region.Peers, &metapb.Peer{
			Id: peerIDOffset + id, StoreId: id, Role: metapb.PeerRole_PEER_ROLE_VOTER})
	}
	return region
}

// Now is the virtual time in microseconds since the start of the run.
func (w *World) Now() int64 { return w.now }

// Steps is how many scheduler actions have been done.
func (w *World) Steps() uint64 { return w.steps }

// Config is the configuration as it is now, with the settings that actions changed. Read only.
func (w *World) Config() *sessionpb.Config { return w.config }

// Counts tells how much has happened since the start.
func (w *World) Counts() Counts {
	c := w.counts
	c.MessagesSent, c.OperationsStarted = w.network.lastID, w.clients.lastID
	return c
}

// MessagesInFlight is how many messages are on their way, doomed and held ones among them.
func (w *World) MessagesInFlight() int { return w.network.inFlight() }

// Stores is how many stores there are; their ids are from 1 on without a gap.
func (w *World) Stores() int { return len(w.machines) }

// Store returns a store to look at, or nil when it is down or does not exist. Read only: the world drives it.
func (w *World) Store(id uint64) *store.Store {
	if m := w.machine(id); m != nil {
		return m.store
	}
	return nil
}

// Leader is LeaderOf the first region.
func (w *World) Leader() uint64 { return w.LeaderOf(firstRegionID) }

// LeaderOf returns the store on which a region's leader runs; of several, which a partition can leave behind, the one of
// the newest term. 0 when there is none.
func (w *World) LeaderOf(regionID uint64) uint64 {
	leader, newest := uint64(0), uint64(0)
	for _, m := range w.machines {
		if m.store == nil {
			continue
		}
		if role, term, _ := m.store.Role(regionID); role == raft.StateLeader && term > newest {
			leader, newest = m.id, term
		}
	}
	return leader
}

func (w *World) machine(id uint64) *machine {
	if id < 1 || id > uint64(len(w.machines)) {
		return nil
	}
	return w.machines[id-1]
}

// NextDue is when the next step is due; ok is false when nothing will ever happen by itself.
func (w *World) NextDue() (micros int64, ok bool) {
	it, op := w.next()
	switch {
	case op != nil:
		return op.due, true
	case it != nil:
		return it.due, true
	}
	return 0, false
}

// next returns what is due first: an operation that times out, or else an item of the agenda, or neither.
func (w *World) next() (*item, *operation) {
	it, op := w.agenda.first(), w.clients.oldest()
	if op != nil && (it == nil || op.due < it.due || op.due == it.due && op.order < it.order) {
		return nil, op
	}
	return it, nil
}

// Step does the one thing that is due next, and whatever follows from it at once; time jumps there. It returns false,
// and does nothing, when nothing is due ever.
func (w *World) Step() bool {
	it, op := w.next()
	switch {
	case op != nil:
		w.did = item{due: op.due, order: op.order, deed: deedTimeout}
	case it != nil:
		w.did = w.agenda.pop()
	default:
		return false
	}
	w.now = w.did.due
	w.steps++
	switch w.did.deed {
	case deedTick:
		w.machines[w.did.store].tick()
	case deedArrive:
		w.arrive(w.did.slot, false)
	case deedWritten:
		w.machines[w.did.store].wrote()
	case deedSynced:
		w.machines[w.did.store].synced()
	case deedTimeout:
		w.timeOut(op)
	case deedStraggle:
		w.workers[w.did.slot-1].straggle(w)
	case deedWork:
		w.workers[w.did.slot-1].work(w)
	case deedHear:
		w.machines[w.did.store].hearNext()
	}
	w.publish()
	return true
}

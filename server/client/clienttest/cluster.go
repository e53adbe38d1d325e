package clienttest

import (
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/core/store"
	"raftplay/server/api"
)

// Options are what a cluster is made with. What is 0 gets a default.
type Options struct {
	Stores    int    // default 3
	Spare     int    // stores without a region, besides
	ClusterID uint64 // default 7
	Tokens    api.Tokens
	Limits    api.Limits
	TLS       *tls.Config // nil: plain text
	// ClientsRememberedMax is the stores' limit of that name.
	ClientsRememberedMax int
}

// Ticks are short, so that elections are: a follower campaigns after 100 to 200 ms.
const (
	tick             = 10 * time.Millisecond
	electionTicksMin = 10
	heartbeatTicks   = 2
	settledWithin    = 20 * time.Second
)

// Cluster is some stores in this process. Its methods fail the test when they cannot do what they are for.
type Cluster struct {
	t       testing.TB
	options Options
	stores  []*machine // by id - 1
	lastID  atomic.Uint64

	mu  sync.RWMutex
	cut map[uint64]bool
}

// Start runs a cluster until the test ends. Store 1 becomes the first leader.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	if o.Stores == 0 {
		o.Stores = 3
	}
	if o.ClusterID == 0 {
		o.ClusterID = 7
	}
	c := &Cluster{t: t, options: o, cut: map[uint64]bool{}}
	c.lastID.Store(1000)
	region := &metapb.Region{Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}
	for id := uint64(1); id <= uint64(o.Stores); id++ {
		region.Peers = append(region.Peers, &metapb.Peer{Id: 100 + id, StoreId: id, Role: metapb.PeerRole_PEER_ROLE_VOTER})
	}
	for id := uint64(1); id <= uint64(o.Stores+o.Spare); id++ {
		m := &machine{c: c, id: id, engine: engine.NewMemory()}
		batch := store.BootstrapStore(id, o.ClusterID)
		if id <= uint64(o.Stores) {
			batch = store.Bootstrap(id, o.ClusterID, region)
		}
		c.must(m.engine.Write(batch))
		c.must(m.engine.Sync())
		m.listen("127.0.0.1:0")
		c.stores = append(c.stores, m)
	}
	t.Cleanup(c.stop)
	for _, m := range c.stores {
		m.start()
	}
	c.Campaign(1, 1)
	return c
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *Cluster) stop() {
	for _, m := range c.stores {
		m.crash()
	}
}

// Endpoints are the addresses of all stores.
func (c *Cluster) Endpoints() []string {
	var all []string
	for _, m := range c.stores {
		all = append(all, m.address)
	}
	return all
}

// Address is a store's.
func (c *Cluster) Address(storeID uint64) string { return c.stores[storeID-1].address }

// Crash ends a store: what was not synced is lost, and connections break.
func (c *Cluster) Crash(storeID uint64) { c.stores[storeID-1].crash() }

// Restart starts a store that is down, where it was.
func (c *Cluster) Restart(storeID uint64) {
	c.t.Helper()
	m := c.stores[storeID-1]
	m.listen(m.address)
	m.start()
}

// Cut keeps a store from hearing the others and being heard by them, or lets it again. Clients still reach it.
func (c *Cluster) Cut(storeID uint64, isCut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut[storeID] = isCut
}

// Hold keeps a store from getting anything done, as a disk does that hangs, or lets it again: it takes commands, and neither
// answers them nor notices the time.
func (c *Cluster) Hold(storeID uint64, held bool) {
	m := c.stores[storeID-1]
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = held
}

func (c *Cluster) isCut(a, b uint64) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.cut[a] || c.cut[b]
}

// post takes a message to its store, which may be down.
func (c *Cluster) post(messages []store.Message) {
	for _, m := range messages {
		if m.ToStore == 0 || m.ToStore > uint64(len(c.stores)) || c.isCut(m.FromStore, m.ToStore) {
			continue
		}
		m := m.Clone()
		c.stores[m.ToStore-1].put(input{message: &m})
	}
}

// Campaign has a store's peer stand for election until it leads. Peers that hear a leader do not vote: see Transfer.
func (c *Cluster) Campaign(storeID, regionID uint64) {
	c.t.Helper()
	c.Eventually(fmt.Sprintf("S%d leads region %d", storeID, regionID), func() bool {
		leads := false
		c.stores[storeID-1].do(func(s *store.Store) {
			if view, ok := s.View(regionID); ok && view.Role == leader {
				leads = true
			} else if ok {
				_ = s.Campaign(regionID)
			}
		})
		return leads
	})
}

// Transfer hands a region to a store's peer, as far as the leader is willing, and waits until it leads.
func (c *Cluster) Transfer(regionID, toStore uint64) {
	c.t.Helper()
	c.Eventually(fmt.Sprintf("S%d leads region %d", toStore, regionID), func() bool {
		from := c.Leader(regionID)
		if from == 0 || from == toStore {
			return from == toStore
		}
		c.stores[from-1].do(func(s *store.Store) {
			s.Propose(&raftcmdpb.RaftCommandRequest{
				Header: &raftcmdpb.RequestHeader{RegionId: regionID, RegionEpoch: s.Region(regionID).GetRegionEpoch()},
				Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{
					TransferLeader: &raftcmdpb.TransferLeaderRequest{Peer: &metapb.Peer{StoreId: toStore}}}},
			}, func(*raftcmdpb.RaftCommandResponse) {})
		})
		return false
	})
}

// Leader is the store that leads a region in the newest term, 0 when none does.
func (c *Cluster) Leader(regionID uint64) (storeID uint64) {
	var term uint64
	for _, m := range c.stores {
		m.do(func(s *store.Store) {
			if view, ok := s.View(regionID); ok && view.Role == leader && view.Term > term {
				term, storeID = view.Term, m.id
			}
		})
	}
	return storeID
}

// Change is a change of one member, by its store.
func Change(kind raftcmdpb.PeerChangeType, storeID uint64) *raftcmdpb.ChangePeersRequest {
	return &raftcmdpb.ChangePeersRequest{Changes: []*raftcmdpb.PeerChange{{Type: kind, Peer: &metapb.Peer{StoreId: storeID}}}}
}

// Data is what a store has applied of a region, by key.
func (c *Cluster) Data(storeID, regionID uint64) map[string]string {
	all := map[string]string{}
	c.stores[storeID-1].do(func(s *store.Store) {
		c.must(s.Data(regionID, func(key, value []byte, _ uint64) bool {
			all[string(key)] = string(value)
			return true
		}))
	})
	return all
}

// Eventually waits until something holds, and fails the test when it does not.
func (c *Cluster) Eventually(what string, holds func() bool) {
	c.t.Helper()
	for end := time.Now().Add(settledWithin); ; {
		if holds() {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("not within %v: %s", settledWithin, what)
		}
		time.Sleep(tick / 2)
	}
}

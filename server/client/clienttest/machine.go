package clienttest

import (
	"net"
	"sync"
	"time"

	"go.etcd.io/raft/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/core/store"
	"raftplay/server/api"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

const leader = raft.StateLeader

// machine is one store with its engine, its loop and its address.
type machine struct {
	c           *Cluster
	id          uint64
	engine      *engine.Memory
	address     string
	incarnation uint64

	listener net.Listener
	api      *api.Server
	server   *grpc.Server
	served   chan struct{}

	mu     sync.Mutex
	inputs []input
	up     bool
	held   bool
	wake   chan struct{}
	quit   chan struct{}
	ended  chan struct{}

	watchers map[*watcher]bool // of the loop alone
	ticks    uint64
}

// input is one thing for the loop to do.
type input struct {
	message  *store.Message
	request  *raftcmdpb.RaftCommandRequest
	callback store.Callback
	work     func(*store.Store)
}

func (m *machine) listen(address string) {
	m.c.t.Helper()
	var err error
	m.listener, err = net.Listen("tcp", address)
	m.c.must(err)
	if m.address == "" {
		m.address = m.listener.Addr().String() // and it stays
	}
}

func (m *machine) start() {
	m.c.t.Helper()
	m.incarnation++
	cfg := store.DefaultConfig()
	began := time.Now()
	cfg.StoreID, cfg.Engine, cfg.Incarnation = m.id, m.engine, m.incarnation
	cfg.Now = func() int64 { return time.Since(began).Microseconds() }
	cfg.TickMicros, cfg.ElectionTicksMin, cfg.HeartbeatTicks = tick.Microseconds(), electionTicksMin, heartbeatTicks
	cfg.NewID = func(store.IDKind) uint64 { return m.c.lastID.Add(1) }
	if n := m.c.options.ClientsRememberedMax; n > 0 {
		cfg.Limits.ClientsRememberedMax = n
	}
	s, err := store.Open(cfg)
	m.c.must(err)
	m.wake, m.quit, m.ended, m.served = make(chan struct{}, 1), make(chan struct{}), make(chan struct{}), make(chan struct{})
	m.watchers = map[*watcher]bool{}
	m.mu.Lock()
	m.up, m.inputs = true, nil
	m.mu.Unlock()
	go m.loop(s)

	m.api, err = api.New(api.Config{Store: m, Tokens: m.c.options.Tokens, Limits: m.c.options.Limits})
	m.c.must(err)
	options := m.c.options.Limits.ServerOptions()
	if m.c.options.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(m.c.options.TLS)))
	}
	m.server = grpc.NewServer(options...)
	m.api.Register(m.server)
	go func() {
		defer close(m.served)
		_ = m.server.Serve(m.listener)
	}()
}

// crash ends the store and loses what it has not synced.
func (m *machine) crash() {
	m.mu.Lock()
	was := m.up
	m.up = false
	m.mu.Unlock()
	if !was {
		return
	}
	m.server.Stop()
	<-m.served
	close(m.quit)
	<-m.ended
	m.engine.Crash(0)
}

// put hands the loop an input; false when the store is down.
func (m *machine) put(in input) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.up {
		return false
	}
	m.inputs = append(m.inputs, in)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

// do runs work on the loop and waits for it; it does not run when the store is down.
func (m *machine) do(work func(*store.Store)) {
	done := make(chan struct{})
	ended := m.ended
	if !m.put(input{work: func(s *store.Store) { work(s); close(done) }}) {
		return
	}
	select {
	case <-done:
	case <-ended:
	}
}

// loop drives the store: what has come, then all that the store owes, then again.
func (m *machine) loop(s *store.Store) {
	defer close(m.ended)
	defer s.Quit()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var batch []input
	for {
		select {
		case <-m.quit:
			m.answerAll(s)
			return
		case <-ticker.C:
			if !m.isHeld() {
				s.Tick()
				m.ticks++
				m.show()
			}
		case <-m.wake:
		}
		m.mu.Lock()
		batch, m.inputs = m.inputs, batch[:0]
		held := m.held
		m.mu.Unlock()
		for _, in := range batch {
			m.take(s, in)
		}
		clear(batch)
		for !held {
			rd, owes := s.Ready()
			if !owes {
				break
			}
			m.c.post(rd.Messages)
			if m.engine.Write(rd.Batch) != nil || rd.MustSync && m.engine.Sync() != nil {
				panic("clienttest: an engine in memory fails")
			}
			m.c.post(rd.AfterSync)
			s.Advance()
		}
	}
}

func (m *machine) isHeld() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held
}

func (m *machine) take(s *store.Store, in input) {
	switch {
	case in.work != nil:
		in.work(s)
	case in.message != nil:
		_ = s.Step(*in.message)
	default:
		s.Propose(in.request, in.callback)
	}
}

// answerAll stops the store, which answers what waits, and what came too late.
func (m *machine) answerAll(s *store.Store) {
	s.Quit()
	m.mu.Lock()
	late := m.inputs
	m.inputs = nil
	m.mu.Unlock()
	for _, in := range late {
		if in.request != nil {
			s.Propose(in.request, in.callback)
		}
	}
	for w := range m.watchers {
		w.end()
	}
}

// Propose implements api.Store.
func (m *machine) Propose(req *raftcmdpb.RaftCommandRequest, callback func(*raftcmdpb.RaftCommandResponse)) {
	m.put(input{request: req, callback: callback}) // when it is down, so are its connections
}

// Describe implements api.Store.
func (m *machine) Describe() *rpcpb.DescribeResponse {
	d := &rpcpb.DescribeResponse{ClusterId: m.c.options.ClusterID, StoreId: m.id, Version: "test"}
	for _, other := range m.c.stores {
		d.Stores = append(d.Stores, &rpcpb.StoreAddress{StoreId: other.id, Address: other.address})
	}
	m.do(func(s *store.Store) {
		for _, id := range s.RegionIDs() {
			view, _ := s.View(id)
			if view.Uninitialized {
				continue
			}
			seen := &rpcpb.RegionSeen{Region: s.Region(id), Term: view.Term}
			for _, p := range seen.Region.GetPeers() {
				if p.GetId() == view.Leader {
					seen.Leader = &metapb.Peer{Id: p.GetId(), StoreId: p.GetStoreId(), Role: p.GetRole()}
				}
			}
			d.Regions = append(d.Regions, seen)
		}
	})
	return d
}

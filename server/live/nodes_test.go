package live

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/server/api"
	"raftplay/server/client"
	"raftplay/server/node"
	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/engine"
	"raftplay/core/store"
)

// disk is in memory; a crash takes it back to the last sync.
type disk struct {
	mu     sync.Mutex
	memory *engine.Memory
	seen   atomic.Pointer[engine.Snapshot]
}

func newDisk() *disk {
	d := &disk{memory: engine.NewMemory()}
	d.publish()
	return d
}

func (d *disk) publish() {
	frozen := d.memory.Snapshot()
	d.seen.Store(&frozen)
}

func (d *disk) Get(key []byte) ([]byte, bool, error) { return (*d.seen.Load()).Get(key) }

func (d *disk) Ascend(from, to []byte, visit func(key, value []byte) bool) error {
	return (*d.seen.Load()).Ascend(from, to, visit)
}

func (d *disk) Descend(from, to []byte, visit func(key, value []byte) bool) error {
	return (*d.seen.Load()).Descend(from, to, visit)
}

func (d *disk) Snapshot() engine.Snapshot { return *d.seen.Load() }

func (d *disk) Commit(b *engine.Batch, sync bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.memory.Write(b); err != nil {
		return err
	}
	if sync {
		if err := d.memory.Sync(); err != nil {
			return err
		}
	}
	d.publish()
	return nil
}

// trio is three live stores in this process: their nodes, and the services on loopback; only what they say to each other
// goes by channels, which can be cut.
type trio struct {
	t       *testing.T
	ctx     context.Context
	cluster [4]*member
	lastID  atomic.Uint64
	work    sync.WaitGroup

	mu  sync.Mutex
	cut map[[2]uint64]bool
}

type member struct {
	id          uint64
	disk        *disk
	address     string
	incarnation uint64
	node        *node.Node
	served      *grpc.Server
	api         *api.Server
	inbox       chan func(*node.Node)
}

func startTrio(t *testing.T) *trio {
	c := &trio{t: t, cut: map[[2]uint64]bool{}}
	c.lastID.Store(1_000)
	ctx, cancel := context.WithCancel(context.Background())
	c.ctx = ctx
	for id := uint64(1); id <= 3; id++ {
		c.cluster[id] = &member{id: id, disk: newDisk(), address: "127.0.0.1:0", inbox: make(chan func(*node.Node), 4_096)}
		if err := c.start(id); err != nil {
			t.Fatal(err)
		}
		c.work.Go(func() { c.carry(c.cluster[id]) })
	}
	t.Cleanup(func() {
		for id := uint64(1); id <= 3; id++ {
			c.stop(id)
		}
		cancel()
		c.work.Wait()
	})
	return c
}

// carry hands a store what others sent, as its present node.
func (c *trio) carry(m *member) {
	for {
		select {
		case deliver := <-m.inbox:
			c.mu.Lock()
			n := m.node
			c.mu.Unlock()
			if n != nil {
				deliver(n)
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// wire is a store's end of the channels.
type wire struct {
	c    *trio
	from *member
	life uint64
}

func (w wire) Send(to uint64, p *rpcpb.Parcel) error {
	w.c.mu.Lock()
	cut := w.c.cut[[2]uint64{w.from.id, to}]
	w.c.mu.Unlock()
	if cut {
		return errors.New("the link is cut")
	}
	select {
	case w.c.cluster[to].inbox <- func(n *node.Node) { n.Deliver(w.from.id, w.life, p) }:
		return nil
	default:
		return errors.New("the queue to the store is full")
	}
}

// service is a node as server/api wants it.
type service struct{ *node.Node }

func (s service) Watch(perSecond uint32) (api.Watcher, error) { return s.Node.Watch(perSecond) }

func (c *trio) start(id uint64) error {
	m := c.cluster[id]
	m.incarnation++
	cfg := node.Config{
		ClusterID: 7, Store: store.DefaultConfig(), Disk: m.disk, Transport: wire{c, m, m.incarnation},
		Address: m.address, Version: "test", Addresses: c.addresses,
		Bootstrap: &metapb.Region{Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}},
	}
	for other := uint64(1); other <= 3; other++ {
		cfg.Bootstrap.Peers = append(cfg.Bootstrap.Peers, &metapb.Peer{Id: 100 + other, StoreId: other, Role: metapb.PeerRole_PEER_ROLE_VOTER})
	}
	cfg.Store.StoreID, cfg.Store.Incarnation = id, m.incarnation
	cfg.Store.NewID = func(store.IDKind) uint64 { return c.lastID.Add(1) }
	cfg.Store.TickMicros, cfg.Store.HeartbeatTicks, cfg.Store.ElectionTicksMin = 20_000, 2, 10
	listener, err := net.Listen("tcp", m.address)
	if err != nil {
		return err
	}
	c.mu.Lock()
	m.address = listener.Addr().String()
	c.mu.Unlock()
	cfg.Address = m.address
	n, err := node.Open(cfg)
	if err != nil {
		listener.Close()
		return err
	}
	if m.api, err = api.New(api.Config{Store: service{n}}); err != nil {
		return err
	}
	m.served = grpc.NewServer()
	m.api.Register(m.served)
	m.api.SetServing(true)
	served := m.served
	c.work.Go(func() { _ = served.Serve(listener) }) // it ends with Stop
	c.mu.Lock()
	m.node = n
	c.mu.Unlock()
	return nil
}

func (c *trio) addresses() map[uint64]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := map[uint64]string{}
	for id := uint64(1); id <= 3; id++ {
		if m := c.cluster[id]; m != nil {
			known[id] = m.address
		}
	}
	return known
}

func (c *trio) stop(id uint64) {
	m := c.cluster[id]
	c.mu.Lock()
	n := m.node
	m.node = nil
	c.mu.Unlock()
	if n == nil {
		return
	}
	n.Kill()
	m.api.Close()
	m.served.Stop()
}

// Crash, Restart and Cut implement Operator.
func (c *trio) Crash(id uint64) error {
	c.stop(id)
	d := c.cluster[id].disk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.memory.Crash(0)
	d.publish()
	return nil
}

func (c *trio) Restart(id uint64) error { return c.start(id) }

func (c *trio) Cut(links []*sessionpb.Link) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range links {
		c.cut[[2]uint64{l.GetFromStore(), l.GetToStore()}] = l.GetCut()
	}
	return nil
}

// open is a gateway to the three, by way of a client.
func (c *trio) open() (*Gateway, *client.Client) {
	c.t.Helper()
	cl, err := client.Open(client.Config{Endpoints: []string{c.cluster[1].address, c.cluster[2].address, c.cluster[3].address}})
	if err != nil {
		c.t.Fatal(err)
	}
	g, err := Open(Config{Cluster: Over(cl), Operator: c, Embedded: true, Version: "test", Limits: Limits{EventsPerSecondMax: 20_000}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := errors.Join(g.Close(), cl.Close()); err != nil {
			c.t.Error(err)
		}
	})
	return g, cl
}

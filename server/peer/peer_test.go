package peer

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	metapb "raftplay/core/pb/metapb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
	"raftplay/server/leak"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

const testCluster = 7

// patience is how long a test waits for what must happen; the machine may be busy.
const patience = 20 * time.Second

func TestMain(m *testing.M) { leak.Main(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for what must come true.
func until(t testing.TB, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !true(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came true that %s", what)
		}
	}
}

// arrival is what an inbox was given.
type arrival struct {
	from, incarnation uint64
	parcel            *rpcpb.Parcel
}

// inbox takes messages, or lets them wait.
type inbox struct {
	mu     sync.Mutex
	came   []arrival
	closed map[bool]chan struct{} // by whether it is for chunks: Deliver waits until the channel is closed
}

func (b *inbox) Deliver(from, incarnation uint64, p *rpcpb.Parcel) {
	b.mu.Lock()
	gate := b.closed[p.GetMessage().GetSnapshotChunk() != nil]
	b.mu.Unlock()
	if gate != nil {
		<-gate
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.came = append(b.came, arrival{from, incarnation, p})
}

// shut lets messages, or chunks, wait until open is called.
func (b *inbox) shut(t testing.TB, chunks bool) (open func()) {
	gate := make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed == nil {
		b.closed = map[bool]chan struct{}{}
	}
	b.closed[chunks] = gate
	open = sync.OnceFunc(func() {
		b.mu.Lock()
		delete(b.closed, chunks)
		b.mu.Unlock()
		close(gate)
	})
	t.Cleanup(open)
	return open
}

// ids are the numbers of a store's messages, in the order in which they came.
func (b *inbox) ids(from uint64) (ids []uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.came {
		if a.from == from {
			ids = append(ids, a.parcel.GetId())
		}
	}
	return ids
}

func (b *inbox) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.came)
}

func (b *inbox) has(from, id uint64) bool {
	for _, came := range b.ids(from) {
		if came == id {
			return true
		}
	}
	return false
}

// station is a store's two sides, and what is known of them.
type station struct {
	t           testing.TB
	id          uint64
	address     string
	server      *Server
	inbox       *inbox
	stop        func()
	transport   *Transport
	log         *journal
	unreachable chan uint64
	deaf        bool
	learns      atomic.Pointer[Transport] // set once it is open: the server listens before
	learned     atomic.Int64              // how often its server told where somebody serves
}

// setup is what differs from a usual station.
type setup struct {
	cluster, incarnation uint64
	// listen is the address to serve at; a free port of the loopback if empty.
	listen string
	// known are the stores that the transport begins with.
	known                map[uint64]string
	limits, serverLimits Limits
	client               func() *tls.Config
	serverTLS            *tls.Config
	options              []grpc.ServerOption
	// address is told in the envelope instead of where it serves.
	address string
	// deaf: it does not learn where others serve, so it opens no line to them, by which they would learn of a way around a proxy.
	deaf bool
}

// quick are limits for tests that wait for lines to be tried again.
func quick() Limits {
	return Limits{BackoffMin: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond, UnreachableInterval: 10 * time.Millisecond}
}

// newStation starts a store's server and its transport.
func newStation(t testing.TB, id uint64, s setup) *station {
	t.Helper()
	st := &station{t: t, id: id, deaf: s.deaf, inbox: &inbox{}, log: &journal{}, unreachable: make(chan uint64, 1_000)}
	if s.cluster == 0 {
		s.cluster = testCluster
	}
	if s.incarnation == 0 {
		s.incarnation = 1
	}
	st.serve(s)
	if s.address == "" {
		s.address = st.address
	}
	var err error
	st.transport, err = Open(Config{
		ClusterID: s.cluster, StoreID: id, Incarnation: s.incarnation, Address: s.address, Addresses: s.known, TLS: s.client,
		Unreachable: func(storeID uint64) { st.unreachable <- storeID }, Logger: slog.New(st.log), Limits: s.limits,
	})
	must(t, err)
	st.learns.Store(st.transport)
	t.Cleanup(st.transport.Close)
	return st
}

// serve starts the server alone.
func (st *station) serve(s setup) {
	st.t.Helper()
	if s.listen == "" {
		s.listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", s.listen)
	must(st.t, err)
	st.address = listener.Addr().String()
	cluster := s.cluster
	if cluster == 0 {
		cluster = testCluster
	}
	st.server = NewServer(ServerConfig{
		ClusterID: cluster, StoreID: st.id, Inbox: st.inbox, Learned: st.learn, Logger: slog.New(st.log), Limits: s.serverLimits,
	})
	options := append(ServerOptions(s.serverLimits), s.options...)
	if s.serverTLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.serverTLS)))
	}
	server := grpc.NewServer(options...)
	rpcpb.RegisterPeerServiceServer(server, st.server)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	st.stop = sync.OnceFunc(func() {
		server.Stop()
		<-served
	})
	st.t.Cleanup(st.stop)
}

func (st *station) learn(storeID uint64, address string) {
	st.learned.Add(1)
	if t := st.learns.Load(); t != nil && !st.deaf {
		t.Learn(storeID, address)
	}
}

// line is how the line to a store stands.
func (st *station) line(to uint64) Status {
	for _, s := range st.transport.Status() {
		if s.StoreID == to {
			return s
		}
	}
	return Status{}
}

func (st *station) awaitConnected(to uint64) {
	st.t.Helper()
	until(st.t, fmt.Sprintf("S%d is connected to S%d", st.id, to), func() bool { return st.line(to).Connected })
}

// message is a heartbeat of one store to another, or an entry of so many bytes.
func message(from, to, id uint64, bytes int) *rpcpb.Parcel {
	content := append([]byte{0x08, 0x08, 0x3a}, varint(bytes)...) // a raftpb.Message's type, and bytes
	return &rpcpb.Parcel{Id: id, Message: &raftserverpb.RaftMessage{
		RegionId: 1, FromPeer: &metapb.Peer{Id: from, StoreId: from}, ToPeer: &metapb.Peer{Id: to, StoreId: to},
		RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}, Message: append(content, make([]byte, bytes)...),
	}}
}

func varint(n int) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// chunk is a chunk of a snapshot.
func chunk(from, to, id uint64, bytes int) *rpcpb.Parcel {
	p := message(from, to, id, 0)
	p.Message.Message = nil
	p.Message.Extra = &raftserverpb.RaftMessage_SnapshotChunk{
		SnapshotChunk: &raftserverpb.SnapshotChunk{SnapshotId: 1, Number: uint32(id), Message: make([]byte, bytes)},
	}
	return p
}

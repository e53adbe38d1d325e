package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/server/api"
)

// EmbeddedConfig is a cluster whose stores run in one process, each with its own folder and address on this machine.
type EmbeddedConfig struct {
	Stores int
	// DataDir holds a folder for each store.
	DataDir string
	// FS and WithoutSync are as in Config.
	FS          vfs.FS
	WithoutSync bool
	// Listen is the address of store 1, host:port; the next ones follow on the next ports. Empty takes free ports.
	// It is on this machine: the stores have no TLS.
	Listen string
	// Tokens are asked of clients, as in Config.
	Tokens     api.Tokens
	Timing     Timing
	Version    string
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

const embeddedStoresMax = 9

// Embedded is a cluster within this process. It is what a live session's operator can crash and cut.
type Embedded struct {
	cfg EmbeddedConfig
	// Peers are where the stores serve, for as long as the process runs.
	peers     Peers
	clusterID uint64

	mu     sync.Mutex
	stores map[uint64]*Store // those that run
	cut    map[link]bool
	closed bool
	ending atomic.Bool // what the stores log is quiet
}

type link struct{ from, to uint64 }

// OpenEmbedded starts the stores. The caller closes the cluster.
func OpenEmbedded(cfg EmbeddedConfig) (*Embedded, error) {
	if cfg.Stores < 1 || cfg.Stores > embeddedStoresMax {
		return nil, wrongf(ErrConfig, "a cluster in one process has from 1 to %d stores, not %d", embeddedStoresMax, cfg.Stores)
	}
	e := &Embedded{cfg: cfg, peers: Peers{}, stores: map[uint64]*Store{}, cut: map[link]bool{}}
	if cfg.Logger != nil {
		e.cfg.Logger = slog.New(quiet{cfg.Logger.Handler(), &e.ending})
	}
	if err := e.claim(); err != nil {
		return nil, err
	}
	listeners, err := e.listen()
	if err != nil {
		return nil, err
	}
	for _, id := range e.peers.IDs() {
		s, err := e.open(id, listeners[id])
		if err != nil {
			for later := id + 1; later <= uint64(cfg.Stores); later++ {
				_ = listeners[later].Close()
			}
			return nil, errors.Join(err, e.Close())
		}
		e.stores[id], e.clusterID = s, s.ClusterID()
	}
	return e, nil
}

// listen takes every store's port before any store starts: each must know where the others are.
func (e *Embedded) listen() (map[uint64]net.Listener, error) {
	host, first, err := e.firstPort()
	if err != nil {
		return nil, err
	}
	listeners := map[uint64]net.Listener{}
	for id := uint64(1); id <= uint64(e.cfg.Stores); id++ {
		port := 0
		if first > 0 {
			port = first + int(id) - 1
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			for _, l := range listeners {
				_ = l.Close()
			}
			return nil, wrongf(ErrPortTaken, "store %d cannot listen: %v", id, err)
		}
		listeners[id], e.peers[id] = listener, listener.Addr().String()
	}
	return listeners, nil
}

// firstPort is where the stores begin to listen; port 0 has each take a free one.
func (e *Embedded) firstPort() (host string, port int, err error) {
	if e.cfg.Listen == "" {
		return "127.0.0.1", 0, nil
	}
	host, text, err := net.SplitHostPort(e.cfg.Listen)
	if err != nil {
		return "", 0, wrongf(ErrConfig, "%q is no address: one is written as host:port", e.cfg.Listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, wrongf(ErrConfig, "whoever reaches %s could speak as a store: stores of one process listen on this machine alone, as on 127.0.0.1:%s",
			e.cfg.Listen, text)
	}
	last := portMax - e.cfg.Stores + 1
	if port, err = strconv.Atoi(text); err != nil || port < 0 || port > last {
		return "", 0, wrongf(ErrConfig, "%q: the first of %d stores' ports is a number from 0 to %d", e.cfg.Listen, e.cfg.Stores, last)
	}
	return host, port, nil
}

const portMax = 65535

func (e *Embedded) open(id uint64, listener net.Listener) (*Store, error) {
	clusterID := e.clusterID
	if clusterID == 0 {
		// Ports may differ at each start: the folders are what makes it one cluster.
		clusterID = embeddedClusterID
	}
	s, err := Open(Config{
		StoreID: id, ClusterID: clusterID, Peers: e.peers, Listener: listener,
		DataDir: e.folder(id), FS: e.cfg.FS, WithoutSync: e.cfg.WithoutSync, Tokens: e.cfg.Tokens,
		Timing: e.cfg.Timing, Version: e.cfg.Version, Logger: e.cfg.Logger, Registerer: e.cfg.Registerer,
	})
	if err != nil {
		return nil, fmt.Errorf("store %d: %w", id, err)
	}
	for l, is := range e.cut {
		if is && l.from == id {
			s.transport.Cut(l.to, true)
		}
	}
	return s, nil
}

// embeddedClusterID is of every cluster that runs in one process.
const embeddedClusterID = 1

// Endpoints are where the stores serve, by id.
func (e *Embedded) Endpoints() []string {
	var all []string
	for _, id := range e.peers.IDs() {
		all = append(all, e.peers[id])
	}
	return all
}

// Store returns a store that runs, or nil.
func (e *Embedded) Store(id uint64) *Store {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stores[id]
}

// Crash ends a store as kill -9 would.
func (e *Embedded) Crash(id uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stores[id]
	switch {
	case e.peers[id] == "":
		return fmt.Errorf("there is no S%d: the stores are S1 to S%d", id, e.cfg.Stores)
	case s == nil:
		return fmt.Errorf("S%d is down already", id)
	}
	delete(e.stores, id)
	s.Kill()
	return nil
}

// Restart starts a store that is down on what its folder holds.
func (e *Embedded) Restart(id uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return errors.New("the cluster is stopping")
	case e.peers[id] == "":
		return fmt.Errorf("there is no S%d: the stores are S1 to S%d", id, e.cfg.Stores)
	case e.stores[id] != nil && e.stores[id].Err() == nil && !ended(e.stores[id]):
		return fmt.Errorf("S%d runs already", id)
	}
	if s := e.stores[id]; s != nil {
		s.Kill() // it stopped by itself
		delete(e.stores, id)
	}
	listener, err := net.Listen("tcp", e.peers[id])
	if err != nil {
		return fmt.Errorf("S%d cannot listen where it did: %w", id, err)
	}
	s, err := e.open(id, listener)
	if err != nil {
		return err
	}
	e.stores[id] = s
	return nil
}

func ended(s *Store) bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// Cut cuts and mends the links that are named; the others stay as they are. Nothing travels on a link that is cut.
func (e *Embedded) Cut(links []*sessionpb.Link) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range links {
		from, to := l.GetFromStore(), l.GetToStore()
		if e.peers[from] == "" || e.peers[to] == "" || from == to {
			return fmt.Errorf("there is no link from S%d to S%d", from, to)
		}
	}
	for _, l := range links {
		from, to, cut := l.GetFromStore(), l.GetToStore(), l.GetCut()
		e.cut[link{from, to}] = cut
		if s := e.stores[from]; s != nil {
			s.transport.Cut(to, cut)
		}
	}
	return nil
}

// stopTimeout is how long all stores together may take to stop in order.
const stopTimeout = 10 * time.Second

// Close stops every store in order, one after another, so that leadership moves to those that are left.
func (e *Embedded) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.ending.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var err error
	for _, id := range slices.Sorted(maps.Keys(e.stores)) {
		// The last ones have no quorum left to hand anything to: they are not waited for.
		if len(e.stores) <= len(e.peers)/2 {
			e.stores[id].Kill()
		} else {
			err = errors.Join(err, e.stores[id].Stop(ctx))
		}
		delete(e.stores, id)
	}
	return err
}

package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	metapb "raftplay/core/pb/metapb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/store"
	"raftplay/server/api"
	"raftplay/server/disk"
	"raftplay/server/node"
	"raftplay/server/peer"
)

// Store is one live store with all its parts.
type Store struct {
	cfg       Config
	clusterID uint64
	address   string

	disk      *disk.Engine
	transport *peer.Transport
	node      *node.Node
	api       *api.Server
	grpc      *grpc.Server
	served    chan struct{} // closed when the server has ended

	// told is the node once it is there: the transport may lose a link before.
	told atomic.Pointer[node.Node]

	known struct {
		sync.Mutex
		addresses map[uint64]string
	}
	end sync.Once
}

// firstRegionID is the region that a cluster begins with. Its peers' ids are their stores'; the ids that stores give later
// are larger.
const firstRegionID = 1

// Open starts a store: it serves when Open returns. The caller stops it.
func Open(cfg Config) (*Store, error) {
	if err := cfg.complete(); err != nil {
		if cfg.Listener != nil {
			err = errors.Join(err, cfg.Listener.Close())
		}
		return nil, err
	}
	s := &Store{cfg: cfg, served: make(chan struct{})}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.closeParts())
	}
	go func() {
		defer close(s.served)
		// It ends when the server is stopped, also before this; a listener that fails leaves the store running for its
		// peers' streams.
		if err := s.grpc.Serve(s.cfg.Listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			cfg.Logger.Error("the store does not listen any more", "store", cfg.StoreID, "why", err)
		}
	}()
	return s, nil
}

func (s *Store) open() error {
	cfg := &s.cfg
	clientTLS, serverTLS, err := peer.LoadTLS(cfg.TLS)
	if err != nil {
		return wrongf(ErrConfig, "%v", err)
	}
	if err := peer.CheckStore(cfg.TLS, cfg.StoreID); err != nil {
		return wrongf(ErrConfig, "%v", err)
	}
	if err := s.listen(); err != nil {
		return err
	}
	if err := s.openDisk(); err != nil {
		return err
	}
	s.known.addresses = maps.Clone(map[uint64]string(cfg.Peers))
	if s.known.addresses == nil {
		s.known.addresses = map[uint64]string{}
	}
	s.known.addresses[cfg.StoreID] = s.address
	others := maps.Clone(s.known.addresses)
	delete(others, cfg.StoreID)
	s.transport, err = peer.Open(peer.Config{
		ClusterID: s.clusterID, StoreID: cfg.StoreID, Incarnation: s.disk.Incarnation(), Address: s.address,
		Addresses: others, TLS: clientTLS, Unreachable: s.unreachable, Logger: cfg.Logger,
	})
	if err != nil {
		return err
	}
	if s.node, err = node.Open(s.nodeConfig()); err != nil {
		return err
	}
	s.told.Store(s.node)
	if s.api, err = api.New(api.Config{Store: served{s.node}, Tokens: cfg.Tokens, Logger: cfg.Logger}); err != nil {
		return err
	}
	options := append(api.DefaultLimits().ServerOptions(), peer.ServerOptions(peer.Limits{})...)
	if serverTLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(serverTLS)))
	}
	s.grpc = grpc.NewServer(options...)
	s.api.Register(s.grpc)
	rpcpb.RegisterPeerServiceServer(s.grpc, peer.NewServer(peer.ServerConfig{
		ClusterID: s.clusterID, StoreID: cfg.StoreID, Inbox: s.node, Learned: s.learn, Logger: cfg.Logger,
	}))
	return nil
}

func (s *Store) listen() error {
	cfg := &s.cfg
	if cfg.Listener == nil {
		listener, err := net.Listen("tcp", cfg.Listen)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			return wrongf(ErrPortTaken, "%s is taken by another program: stop that one, or give store %d another address", cfg.Listen, cfg.StoreID)
		case err != nil:
			return wrongf(ErrConfig, "store %d cannot listen on %s: %v", cfg.StoreID, cfg.Listen, err)
		}
		cfg.Listener = listener
	}
	s.address = cfg.Peers[cfg.StoreID]
	if s.address == "" {
		s.address = cfg.Listener.Addr().String()
	}
	return nil
}

func (s *Store) openDisk() (err error) {
	cfg := &s.cfg
	s.clusterID = cfg.ClusterID
	if s.clusterID == 0 {
		if s.clusterID, err = disk.ClusterOf(cfg.FS, cfg.DataDir); err != nil {
			return err
		}
	}
	if s.clusterID == 0 && cfg.Join {
		return wrongf(ErrConfig, "a store that joins must be told which cluster it is")
	}
	if s.clusterID == 0 {
		s.clusterID = cfg.Peers.clusterID()
	}
	s.disk, err = disk.Open(disk.Options{
		Dir: cfg.DataDir, FS: cfg.FS, ClusterID: s.clusterID, StoreID: cfg.StoreID, WithoutSync: cfg.WithoutSync, Log: cfg.Logger,
	})
	return err
}

func (s *Store) nodeConfig() node.Config {
	cfg := &s.cfg
	c := store.DefaultConfig()
	c.StoreID, c.Incarnation = cfg.StoreID, s.disk.Incarnation()
	c.TickMicros = cfg.Timing.BaseTick.Microseconds()
	c.HeartbeatTicks, c.ElectionTicksMin = cfg.Timing.HeartbeatTicks, cfg.Timing.ElectionTicks
	c.NewID = func(kind store.IDKind) uint64 { return s.disk.NewID(uint8(kind)) }
	of := node.Config{
		ClusterID: s.clusterID, Store: c, Disk: s.disk, Transport: s.transport, Address: s.address, Addresses: s.Addresses,
		Version: cfg.Version, Logger: cfg.Logger, Registerer: cfg.Registerer,
	}
	if !cfg.Join {
		of.Bootstrap = firstRegion(cfg.Peers)
	}
	return of
}

// firstRegion is all keys on all stores that the cluster begins with.
func firstRegion(peers Peers) *metapb.Region {
	region := &metapb.Region{Id: firstRegionID, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}
	for _, id := range peers.IDs() {
		region.Peers = append(region.Peers, &metapb.Peer{Id: id, StoreId: id, Role: metapb.PeerRole_PEER_ROLE_VOTER})
	}
	return region
}

// learn takes in where a store serves that joined later.
func (s *Store) learn(storeID uint64, address string) {
	s.known.Lock()
	s.known.addresses[storeID] = address
	s.known.Unlock()
	// Also when it is where it was: it has just started, and need not be waited for.
	s.transport.Learn(storeID, address)
}

func (s *Store) unreachable(storeID uint64) {
	if n := s.told.Load(); n != nil {
		n.Unreachable(storeID)
	}
}

// Addresses are where the stores serve that this one knows of.
func (s *Store) Addresses() map[uint64]string {
	s.known.Lock()
	defer s.known.Unlock()
	return maps.Clone(s.known.addresses)
}

// Address is where the store serves.
func (s *Store) Address() string { return s.address }

// ClusterID is of the cluster that the store belongs to.
func (s *Store) ClusterID() uint64 { return s.clusterID }

// Done is closed when the store has stopped, also by itself; Err then says why, or is nil after a stop that was asked for.
func (s *Store) Done() <-chan struct{} { return s.node.Done() }

// Err is why the store stopped by itself.
func (s *Store) Err() error { return s.node.Err() }

// Ready says in words why the store does not serve, or nil.
func (s *Store) Ready() error {
	select {
	case <-s.node.Done():
		return fmt.Errorf("the store has stopped: %w", s.node.Err())
	default:
	}
	if err := s.node.Slow(); err != nil {
		return err // the loop may be waiting for the disk, and who asks it anything would too
	}
	for _, region := range s.node.Describe().GetRegions() {
		if region.GetLeader() == nil {
			return fmt.Errorf("region %d has no leader that this store knows of", region.GetRegion().GetId())
		}
	}
	return nil
}

// Stop ends the store in order: it hands over what it leads, answers who waits, and closes its data.
func (s *Store) Stop(ctx context.Context) error {
	var err error
	s.end.Do(func() {
		s.api.SetServing(false)
		err = s.node.Stop(ctx)
		s.api.Close()
		err = errors.Join(err, s.closeParts())
	})
	return err
}

// Kill ends the store as kill -9 would: it says nothing more to anybody, and nothing more is written.
func (s *Store) Kill() {
	s.end.Do(func() {
		s.node.Kill()
		s.api.Close()
		_ = s.closeParts()
	})
}

// closeTimeout is how long the last answers may take to leave. Other stores' streams do not end by themselves.
const closeTimeout = 100 * time.Millisecond

func (s *Store) closeParts() error {
	var err error
	if s.node != nil {
		s.node.Kill()
	}
	if s.transport != nil {
		s.transport.Close()
	}
	if s.grpc != nil {
		stopped := make(chan struct{})
		go func() { s.grpc.GracefulStop(); close(stopped) }()
		select {
		case <-stopped:
		case <-time.After(closeTimeout):
			s.grpc.Stop()
			<-stopped
		}
		<-s.served // Whoever starts the store again needs its port.
	} else if s.cfg.Listener != nil {
		err = s.cfg.Listener.Close()
	}
	if s.disk != nil {
		err = errors.Join(err, s.disk.Close())
	}
	return err
}

// served is a node as its clients and watchers use it.
type served struct{ *node.Node }

func (s served) Watch(perSecond uint32) (api.Watcher, error) { return s.Node.Watch(perSecond) }

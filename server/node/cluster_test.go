package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/store"
)

// cluster is some live stores in one process.
type cluster struct {
	t      testing.TB
	wires  *wires
	disks  map[uint64]*memoryDisk
	nodes  map[uint64]*Node
	region *metapb.Region
	// configure changes what a store is opened with.
	configure func(*Config)
}

func newCluster(t testing.TB, stores int, configure func(*Config)) *cluster {
	c := &cluster{
		t: t, disks: map[uint64]*memoryDisk{}, nodes: map[uint64]*Node{}, configure: configure,
		wires: &wires{
			nodes: map[uint64]*Node{}, lives: map[uint64]uint64{}, links: map[[2]uint64]chan *rpcpb.Parcel{}, done: make(chan struct{}),
		},
		region: &metapb.Region{Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}},
	}
	for id := uint64(1); id <= uint64(stores); id++ {
		c.region.Peers = append(c.region.Peers, &metapb.Peer{Id: 100 + id, StoreId: id, Role: metapb.PeerRole_PEER_ROLE_VOTER})
	}
	for id := uint64(1); id <= uint64(stores); id++ {
		c.disks[id] = newMemoryDisk()
		c.open(id)
	}
	t.Cleanup(c.close)
	return c
}

func (c *cluster) config(id uint64) Config {
	cfg := Config{
		ClusterID: 7, Store: store.DefaultConfig(), Disk: c.disks[id], Transport: wire{c.wires, id},
		Address: fmt.Sprintf("127.0.0.1:%d", 7000+id), Version: "test", Bootstrap: c.region,
	}
	c.wires.mu.Lock()
	c.wires.lives[id]++
	cfg.Store.StoreID, cfg.Store.Incarnation = id, c.wires.lives[id]
	c.wires.mu.Unlock()
	if c.configure != nil {
		c.configure(&cfg)
	}
	return cfg
}

func (c *cluster) open(id uint64) *Node {
	c.t.Helper()
	n, err := Open(c.config(id))
	if err != nil {
		c.t.Fatal(err)
	}
	c.wires.mu.Lock()
	defer c.wires.mu.Unlock()
	c.nodes[id], c.wires.nodes[id] = n, n
	return n
}

// kill is kill -9 and a power cut, of all at once: what was not synced is lost.
func (c *cluster) kill(ids ...uint64) {
	c.wires.mu.Lock()
	for _, id := range ids {
		delete(c.wires.nodes, id)
	}
	c.wires.mu.Unlock()
	for _, id := range ids {
		c.disks[id].crash()
	}
	for _, id := range ids {
		c.nodes[id].Kill()
		c.disks[id].crash() // what it wrote between the two
	}
}

func (c *cluster) close() {
	for _, n := range c.nodes {
		n.Kill()
	}
	select {
	case <-c.wires.done:
	default:
		close(c.wires.done)
	}
	c.wires.work.Wait()
}

// leader waits until a store leads the region that the others know of as well.
func (c *cluster) leader() uint64 {
	c.t.Helper()
	for range 10_000 {
		if id := c.agreed(); id != 0 {
			return id
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.t.Fatal("no leader")
	return 0
}

// agreed is the leader that every store that runs knows of, or 0.
func (c *cluster) agreed() uint64 {
	leader := uint64(0)
	for _, n := range c.nodes {
		select {
		case <-n.Done():
			continue
		default:
		}
		regions := n.Describe().GetRegions()
		if len(regions) == 0 {
			return 0
		}
		of := regions[0].GetLeader().GetStoreId()
		if of == 0 || leader != 0 && of != leader {
			return 0
		}
		leader = of
	}
	if n := c.nodes[leader]; n == nil || n.Stats().Leaders == 0 {
		return 0
	}
	return leader
}

func put(key, value string) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{}, Requests: []*raftcmdpb.Request{{
		Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}}}
}

func get(key string) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{}, Requests: []*raftcmdpb.Request{{
		Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}}}
}

// ask proposes a command and waits for its answer.
func ask(n *Node, req *raftcmdpb.RaftCommandRequest) *raftcmdpb.RaftCommandResponse {
	answer := make(chan *raftcmdpb.RaftCommandResponse, 2)
	n.Propose(req, func(resp *raftcmdpb.RaftCommandResponse) { answer <- resp })
	return <-answer
}

// mustPut puts a key through whoever leads.
func (c *cluster) mustPut(key, value string) {
	c.t.Helper()
	for range 100 {
		resp := ask(c.nodes[c.leader()], put(key, value))
		if resp.GetHeader().GetError() == nil {
			return
		}
	}
	c.t.Fatalf("%s could not be put", key)
}

// mustGet reads a key through whoever leads.
func (c *cluster) mustGet(key string) string {
	c.t.Helper()
	for range 100 {
		resp := ask(c.nodes[c.leader()], get(key))
		if resp.GetHeader().GetError() == nil {
			return string(resp.GetResponses()[0].GetGet().GetValue())
		}
	}
	c.t.Fatalf("%s could not be read", key)
	return ""
}

// drain takes what a watcher is shown until stop says so.
func drain(t testing.TB, w *Watcher, stop func(*rpcpb.WatchResponse) bool) {
	t.Helper()
	for {
		r, err := w.Next(context.Background())
		if errors.Is(err, io.EOF) {
			t.Fatal("the watching ended")
		}
		if err != nil {
			t.Fatal(err)
		}
		if stop(r) {
			return
		}
	}
}

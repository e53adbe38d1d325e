package store

import (
	"fmt"
	"slices"
	"testing"

	"go.etcd.io/raft/v3"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// cluster drives stores without time: messages arrive in the order they were sent, disks are instant. What takes time is
// tested in core/sim; here it is the Store's own contract.
type cluster struct {
	t       *testing.T
	stores  map[uint64]*Store
	engines map[uint64]*engine.Memory
	limits  Limits
	mail    []Message
	cut     func(Message) bool
	ticks   map[uint64]int // election timeouts, by store
	// leaseReads is off: its clock stands still, and a store that starts would not vote.
	leaseReads bool
	configure  func(*Config)
}

func newCluster(t *testing.T, n int) *cluster {
	c := &cluster{
		t: t, stores: map[uint64]*Store{}, engines: map[uint64]*engine.Memory{}, limits: DefaultConfig().Limits,
		cut: func(Message) bool { return false }, ticks: map[uint64]int{},
	}
	region := &metapb.Region{Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}
	for id := uint64(1); id <= uint64(n); id++ {
		region.Peers = append(region.Peers, &metapb.Peer{Id: 100 + id, StoreId: id, Role: metapb.PeerRole_PEER_ROLE_VOTER})
		c.ticks[id] = 15 + int(id)
	}
	for id := uint64(1); id <= uint64(n); id++ {
		c.engines[id] = engine.NewMemory()
		must(t, c.engines[id].Write(Bootstrap(id, 7, region)))
		must(t, c.engines[id].Sync())
		c.open(id)
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) open(id uint64) {
	cfg := DefaultConfig()
	cfg.StoreID, cfg.Engine, cfg.Now, cfg.Limits = id, c.engines[id], func() int64 { return 0 }, c.limits
	cfg.ElectionTicks = func(uint64) int { return c.ticks[id] }
	cfg.LeaseReads = c.leaseReads
	if c.configure != nil {
		c.configure(&cfg)
	}
	s, err := Open(cfg)
	must(c.t, err)
	c.stores[id] = s
}

// restart loses what is not synced.
func (c *cluster) restart(id uint64) {
	c.engines[id].Crash(0)
	c.open(id)
}

// turn does one Ready of a store, if it owes one.
func (c *cluster) turn(id uint64) bool {
	s := c.stores[id]
	rd, ok := s.Ready()
	if !ok {
		return false
	}
	c.post(rd.Messages)
	must(c.t, c.engines[id].Write(rd.Batch))
	if rd.MustSync {
		must(c.t, c.engines[id].Sync())
	}
	c.post(rd.AfterSync)
	s.Advance()
	return true
}

func (c *cluster) post(messages []Message) {
	for _, m := range messages {
		if !c.cut(m) {
			c.mail = append(c.mail, m.Clone())
		}
	}
}

// settle runs until no store owes anything and no message is under way.
func (c *cluster) settle() {
	for busy := true; busy; {
		busy = false
		for id := uint64(1); id <= uint64(len(c.engines)); id++ {
			for c.stores[id] != nil && c.turn(id) {
				busy = true
			}
		}
		mail := c.mail
		c.mail = nil
		for _, m := range mail {
			busy = true
			if s := c.stores[m.ToStore]; s != nil {
				if err := s.Step(m); err != nil {
					c.t.Fatalf("S%d refused %v: %v", m.ToStore, m.Raft, err)
				}
			}
		}
	}
}

// deliverTo has some stores step the messages that are for them, and do what they owe.
func (c *cluster) deliverTo(ids ...uint64) {
	mail := c.mail
	c.mail = nil
	for _, m := range mail {
		if !slices.Contains(ids, m.ToStore) {
			c.mail = append(c.mail, m)
			continue
		}
		if err := c.stores[m.ToStore].Step(m); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, id := range ids {
		for id != 1 && c.turn(id) {
		}
	}
}

func (c *cluster) tick(n int) {
	for range n {
		for id := uint64(1); id <= uint64(len(c.engines)); id++ {
			if s := c.stores[id]; s != nil {
				s.Tick()
			}
		}
		c.settle()
	}
}

// elect makes a store leader by its election timer.
func (c *cluster) elect(id uint64) {
	c.t.Helper()
	must(c.t, c.stores[id].Campaign(1))
	c.settle()
	if role, _, _ := c.stores[id].Role(1); role != raft.StateLeader {
		c.t.Fatalf("S%d did not become leader but %s", id, role)
	}
}

// call proposes and settles; the callback must come exactly once.
func (c *cluster) call(id uint64, req *raftcmdpb.RaftCommandRequest) *raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	got := c.start(id, req)
	c.settle()
	if len(*got) != 1 {
		c.t.Fatalf("the callback came %d times", len(*got))
	}
	return (*got)[0]
}

func (c *cluster) start(id uint64, req *raftcmdpb.RaftCommandRequest) *[]*raftcmdpb.RaftCommandResponse {
	got := &[]*raftcmdpb.RaftCommandResponse{}
	c.stores[id].Propose(req, func(r *raftcmdpb.RaftCommandResponse) { *got = append(*got, r) })
	return got
}

func command(requests ...*raftcmdpb.Request) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{
		Header:   &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}},
		Requests: requests,
	}
}

func from(req *raftcmdpb.RaftCommandRequest, client, sequence uint64) *raftcmdpb.RaftCommandRequest {
	req.Header.Client, req.Header.Sequence = client, sequence
	return req
}

func put(key, value string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}
}

func del(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Delete{Delete: &raftcmdpb.DeleteRequest{Key: []byte(key)}}}
}

func get(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}
}

func seek(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Seek{Seek: &raftcmdpb.SeekRequest{Key: []byte(key)}}}
}

func scan(start, end string, limit uint32) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Scan{Scan: &raftcmdpb.ScanRequest{
		StartKey: []byte(start), EndKey: []byte(end), Limit: limit}}}
}

// data is what a store's engine holds of the users' pairs, as text.
func (c *cluster) data(id uint64) string {
	out := ""
	must(c.t, c.stores[id].Data(1, func(key, value []byte, revision uint64) bool {
		out += fmt.Sprintf("%s=%s@%d ", key, value, revision)
		return true
	}))
	return out
}

func wantFailure(t *testing.T, r *raftcmdpb.RaftCommandResponse, reason string, outcome errorOutcome) {
	t.Helper()
	e := r.GetHeader().GetError()
	if e == nil {
		t.Fatalf("no error, but %v", r)
	}
	if got := string(e.ProtoReflect().WhichOneof(e.ProtoReflect().Descriptor().Oneofs().ByName("reason")).Name()); got != reason || e.GetOutcome() != outcome {
		t.Fatalf("error %s with %v, want %s with %v: %s", got, e.GetOutcome(), reason, outcome, e.GetMessage())
	}
	if e.GetMessage() == "" {
		t.Fatal("the error has no sentence")
	}
}

func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, ok := got.(proto.Message); ok {
		if !proto.Equal(g, want.(proto.Message)) {
			t.Fatalf("%s: got %v, want %v", what, got, want)
		}
		return
	}
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

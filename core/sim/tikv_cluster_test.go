package sim_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/check"
	"raftplay/core/sim"
)

// The tests named TestTiKV show what TiKV's integration tests demand of one region, by behaviour, on the simulated world.

const second = 1_000_000

// cluster is a simulated cluster in a test's hands. The judges watch all of it; a violation fails the test.
type cluster struct {
	t *testing.T
	w *sim.World
	// cut, when set, tells which messages the network loses, and hurry which arrive the moment they are sent.
	cut, hurry func(*sessionpb.Message) bool
	// also, when set, is told every event too.
	also sim.Observer
	// watch, when set, looks at the cluster after every step; disturb, after every step and action, and may act itself.
	watch, disturb func()

	sent     []*sessionpb.Message // not yet asked about
	answers  map[uint64]*raftcmdpb.RaftCommandResponse
	ended    map[uint64]int     // how often each operation was answered
	happened []*sessionpb.Event // to regions, peers and snapshots, and to messages that came to nothing
	rounds   int                // messages that confirm a leader for its reads
	disk     []*sessionpb.Event // writes and syncs
	clients  uint64
	leaders  []uint64 // in the order of their elections
	patience int64    // of must…, in virtual microseconds
}

// forSeeds runs a test on several clusters. change, when given, changes the configuration.
func forSeeds(t *testing.T, change func(*sessionpb.Config), test func(c *cluster)) {
	for seed := uint64(1); seed <= 3; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			onCluster(t, func(cfg *sessionpb.Config) {
				cfg.Seed = seed
				if change != nil {
					change(cfg)
				}
			}, test)
		})
	}
}

// onCluster runs a test on one cluster, once it has a leader.
func onCluster(t *testing.T, change func(*sessionpb.Config), test func(c *cluster)) {
	cfg := sim.DefaultConfig()
	change(cfg)
	c := newCluster(t, cfg, func(v *sessionpb.Violation) { t.Errorf("a judge: %s: %s", v.GetJudge(), v.GetMessage()) })
	c.mustLeader()
	test(c)
}

// newCluster starts a cluster whose judges report to whoever wants to know.
func newCluster(t *testing.T, cfg *sessionpb.Config, report func(*sessionpb.Violation)) *cluster {
	c := &cluster{
		t: t, answers: map[uint64]*raftcmdpb.RaftCommandResponse{}, ended: map[uint64]int{}, clients: 10, patience: 60 * second,
	}
	var err error
	if c.w, err = sim.New(cfg, check.New(report), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// Event implements sim.Observer.
func (c *cluster) Event(e *sessionpb.Event) {
	if c.also != nil {
		c.also.Event(e)
	}
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_OperationEnded:
		c.answers[b.OperationEnded.GetId()] = b.OperationEnded.GetResponse()
		c.ended[b.OperationEnded.GetId()]++
	case *sessionpb.Event_MessageSent:
		if c.cut != nil || c.hurry != nil {
			c.sent = append(c.sent, b.MessageSent.GetMessage())
		}
		if b.MessageSent.GetMessage().GetReadContext() {
			c.rounds++
		}
	case *sessionpb.Event_PeerCreated, *sessionpb.Event_PeerDestroyed, *sessionpb.Event_RegionChanged,
		*sessionpb.Event_LogCompacted, *sessionpb.Event_SnapshotProgress, *sessionpb.Event_SnapshotRestored,
		*sessionpb.Event_TransferStarted, *sessionpb.Event_MessageLost:
		c.happened = append(c.happened, e)
	case *sessionpb.Event_WriteStarted, *sessionpb.Event_Written, *sessionpb.Event_Synced:
		c.disk = append(c.disk, e)
	case *sessionpb.Event_RoleChanged:
		if r := b.RoleChanged; r.GetRole() == sessionpb.Role_ROLE_LEADER && r.GetRoleBefore() != sessionpb.Role_ROLE_LEADER {
			c.leaders = append(c.leaders, e.GetStoreId())
		}
	}
}

// act does something that the world must accept.
func (c *cluster) act(a *sessionpb.Action) uint64 {
	c.t.Helper()
	operation, err := c.w.Act(a)
	if err != nil {
		c.t.Fatal(err)
	}
	c.lose()
	return operation
}

// lose takes the messages that are cut off the network before they arrive, and hands over those in a hurry.
func (c *cluster) lose() {
	if disturb := c.disturb; disturb != nil {
		c.disturb = nil // it does not disturb itself
		disturb()
		c.disturb = disturb
	}
	for len(c.sent) > 0 {
		m := c.sent[0]
		c.sent = c.sent[1:]
		switch {
		case c.cut != nil && c.cut(m):
			c.act(&sessionpb.Action{Action: &sessionpb.Action_DropMessage{DropMessage: &sessionpb.DropMessage{MessageId: m.GetId()}}})
		case c.hurry != nil && c.hurry(m) && c.w.Store(m.GetToStore()) != nil:
			c.act(&sessionpb.Action{Action: &sessionpb.Action_DeliverMessage{DeliverMessage: &sessionpb.DeliverMessage{MessageId: m.GetId()}}})
		}
	}
}

func (c *cluster) crash(store uint64) {
	c.t.Helper()
	c.act(&sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: store}}})
}

func (c *cluster) restart(store uint64) {
	c.t.Helper()
	c.act(&sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: store}}})
	if c.w.Store(store) == nil {
		c.t.Fatalf("S%d does not come back", store)
	}
}

// until runs until a condition holds, for so long at most.
func (c *cluster) until(micros int64, condition func() bool) bool {
	deadline := c.w.Now() + micros
	for !condition() {
		due, ok := c.w.NextDue()
		if !ok || due > deadline {
			return false
		}
		c.w.Step()
		c.lose()
		if c.watch != nil {
			c.watch()
		}
	}
	return true
}

func (c *cluster) must(what string, micros int64, condition func() bool) {
	c.t.Helper()
	if !c.until(micros, condition) {
		c.t.Fatalf("not within %d virtual ms: %s", micros/1000, what)
	}
}

func (c *cluster) pass(micros int64) { c.until(micros, func() bool { return false }) }

// mustLeader waits for a leader.
func (c *cluster) mustLeader() uint64 {
	c.t.Helper()
	c.must("a leader stands", c.patience, func() bool { return c.w.Leader() != 0 })
	return c.w.Leader()
}

func (c *cluster) stores() []uint64 {
	var ids []uint64
	for id := uint64(1); id <= uint64(c.w.Config().GetStores()); id++ {
		ids = append(ids, id)
	}
	return ids
}

// others are the stores but those.
func (c *cluster) others(but ...uint64) []uint64 {
	return slices.DeleteFunc(c.stores(), func(id uint64) bool { return slices.Contains(but, id) })
}

// propose hands a command to a store, 0 for the leader, and returns the operation.
func (c *cluster) propose(store uint64, request *raftcmdpb.RaftCommandRequest) uint64 {
	c.t.Helper()
	return c.act(&sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{StoreId: store, Request: request}}})
}

// mustAll gives commands to the leader, all at once, as a client library does: whoever gets an error or no answer asks
// again, under the same request id, until it is answered or the patience ends.
func (c *cluster) mustAll(requests ...*raftcmdpb.RaftCommandRequest) []*raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	answers := make([]*raftcmdpb.RaftCommandResponse, len(requests))
	operations := make([]uint64, len(requests))
	for _, r := range requests {
		c.clients++
		r.Header = &raftcmdpb.RequestHeader{Client: c.clients, Sequence: 1}
	}
	open := func() (waiting, failed int) {
		for i, operation := range operations {
			switch answer := c.answers[operation]; {
			case answers[i] != nil:
			case answer == nil:
				waiting++
			case answer.GetHeader().GetError() != nil:
				failed++
			default:
				answers[i] = answer
			}
		}
		return waiting, failed
	}
	for deadline := c.w.Now() + c.patience; ; {
		for i := range requests {
			if answers[i] == nil {
				operations[i] = c.propose(0, requests[i])
			}
		}
		c.until(c.patience, func() bool { return len(c.answers) >= int(operations[len(operations)-1]) })
		waiting, failed := open()
		if waiting+failed == 0 {
			return answers
		}
		if c.w.Now() > deadline {
			c.t.Fatalf("%d commands get no answer: %v", waiting+failed, c.answers[operations[len(operations)-1]])
		}
		c.pass(second / 10)
	}
}

func (c *cluster) mustCall(requests ...*raftcmdpb.Request) *raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	return c.mustAll(&raftcmdpb.RaftCommandRequest{Requests: requests})[0]
}

func (c *cluster) mustPut(key, value string) *raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	return c.mustCall(putRequest(key, value))
}

func (c *cluster) mustDelete(key string) *raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	return c.mustCall(deleteRequest(key))
}

// mustGet wants a key's value; an empty want means that there is none.
func (c *cluster) mustGet(key, want string) {
	c.t.Helper()
	got := c.mustCall(getRequest(key)).GetResponses()[0].GetGet()
	if string(got.GetValue()) != want || got.GetFound() != (want != "") {
		c.t.Fatalf("get %q gives %q, %v; want %q", key, got.GetValue(), got.GetFound(), want)
	}
}

// mustSeek wants the first pair at or after a key; an empty want means that there is none.
func (c *cluster) mustSeek(key, want, wantValue string) {
	c.t.Helper()
	got := c.mustCall(seekRequest(key)).GetResponses()[0].GetSeek()
	if string(got.GetKey()) != want || string(got.GetValue()) != wantValue || got.GetFound() != (want != "") {
		c.t.Fatalf("seek %q gives %q=%q, %v; want %q=%q", key, got.GetKey(), got.GetValue(), got.GetFound(), want, wantValue)
	}
}

func putRequest(key, value string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}
}

func deleteRequest(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Delete{Delete: &raftcmdpb.DeleteRequest{Key: []byte(key)}}}
}

func getRequest(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}
}

func seekRequest(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Seek{Seek: &raftcmdpb.SeekRequest{Key: []byte(key)}}}
}

// data is what a store's engine holds of the users' pairs; nil while it is down.
func (c *cluster) data(store uint64) map[string]string {
	s := c.w.Store(store)
	if s == nil {
		return nil
	}
	pairs := map[string]string{}
	if err := s.Data(1, func(key, value []byte, _ uint64) bool { pairs[string(key)] = string(value); return true }); err != nil {
		c.t.Fatal(err)
	}
	return pairs
}

// mustHold waits until every one of the stores' engines holds exactly the pairs.
func (c *cluster) mustHold(stores []uint64, want map[string]string) {
	c.t.Helper()
	for _, id := range stores {
		c.must(fmt.Sprintf("S%d holds the %d pairs", id, len(want)), 20*second, func() bool { return maps.Equal(c.data(id), want) })
	}
}

// engines is everything that all engines hold.
func (c *cluster) engines() string {
	var out bytes.Buffer
	if err := c.w.HashEngines(&out); err != nil {
		c.t.Fatal(err)
	}
	return out.String()
}

package node

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// onlooker is a watcher and what it makes of what it sees.
type onlooker struct {
	t *testing.T
	w *Watcher
	f *fold
	// parcels are the messages sent, by id, and arrived those that came, by sender.
	sent    map[uint64]bool
	arrived map[uint64][]uint64
	// anyLife: the senders need not be in their first one.
	anyLife bool
	hellos  []*rpcpb.WatchHello
	metrics []*rpcpb.StoreMetrics
	first   *rpcpb.WatchResponse
}

func look(t *testing.T, n *Node, perSecond uint32) *onlooker {
	t.Helper()
	w, err := n.Watch(perSecond)
	if err != nil {
		t.Fatal(err)
	}
	return &onlooker{t: t, w: w, f: newFold(), sent: map[uint64]bool{}, arrived: map[uint64][]uint64{}}
}

// see takes what waits.
func (o *onlooker) see() {
	for r := o.w.take(); r != nil; r = o.w.take() {
		o.take(r)
	}
}

func (o *onlooker) take(r *rpcpb.WatchResponse) {
	if o.first == nil {
		o.first = r
	}
	if r.GetHello() != nil {
		o.hellos = append(o.hellos, r.GetHello())
	}
	if r.GetMetrics() != nil {
		o.metrics = append(o.metrics, r.GetMetrics())
	}
	o.f.see(r)
	for _, s := range r.GetSeen() {
		switch b := s.GetEvent().GetBody().(type) {
		case *sessionpb.Event_MessageSent:
			o.sent[b.MessageSent.GetMessage().GetId()] = true
		case *sessionpb.Event_MessageDelivered:
			o.arrived[s.GetFromStore()] = append(o.arrived[s.GetFromStore()], b.MessageDelivered.GetId())
			if !o.anyLife && s.GetFromIncarnation() != 1 {
				o.t.Errorf("a message of S%d's life %d", s.GetFromStore(), s.GetFromIncarnation())
			}
		}
	}
}

// compare has the store shown, and says what the events did not come to.
func (o *onlooker) compare(number uint64) {
	o.t.Helper()
	o.w.Show(number)
	o.until(number)
}

func (o *onlooker) until(number uint64) {
	o.t.Helper()
	for o.f.last != number {
		r, err := o.w.Next(context.Background())
		if err != nil {
			o.t.Fatal(err)
		}
		o.take(r)
	}
	if o.f.wrong != "" {
		o.t.Fatal(o.f.wrong)
	}
}

// compareAll has all of a store's onlookers shown the same picture.
func compareAll(n *Node, number uint64, all ...*onlooker) {
	n.order(func(*loop) {
		for _, o := range all {
			o.w.asked.Store(number)
		}
	})
	for _, o := range all {
		o.until(number)
	}
}

// unlimited shows every event.
func unlimited(cfg *Config) {
	cfg.Limits.EventsPerSecond, cfg.Limits.WatcherEventsMax, cfg.Limits.WatcherBytesMax = 10_000_000, 1_000_000, 1<<30
}

// pairs checks that what arrived was sent, once.
func pairs(t *testing.T, all []*onlooker) {
	t.Helper()
	arrived := 0
	for i, o := range all {
		for from, ids := range o.arrived {
			came := map[uint64]bool{}
			for _, id := range ids {
				if !all[from-1].sent[id] {
					// Of before the watching began.
					if len(all[from-1].sent) == 0 {
						t.Errorf("S%d hears message %d of S%d, which nobody saw sent", i+1, id, from)
					}
				} else {
					arrived++
				}
				if came[id] {
					t.Errorf("S%d hears message %d of S%d twice", i+1, id, from)
				}
				came[id] = true
			}
		}
	}
	if arrived < 100 {
		t.Errorf("only %d messages arrived that were seen sent", arrived)
	}
}

// putMany puts keys whose values fill their places, many at a time.
func putMany(c *cluster, prefix string, keys int) {
	n := c.nodes[c.leader()]
	answers := make(chan *raftcmdpb.RaftCommandResponse, keys)
	for i := range keys {
		n.Propose(put(fmt.Sprintf("%s%03d", prefix, i), strings.Repeat("v", 50)), func(r *raftcmdpb.RaftCommandResponse) { answers <- r })
		if i%20 == 19 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	for range keys {
		if e := (<-answers).GetHeader().GetError(); e != nil {
			c.t.Fatal(e)
		}
	}
}

func split(t *testing.T, c *cluster, leader uint64) {
	t.Helper()
	region := c.nodes[leader].Describe().GetRegions()[0].GetRegion()
	req := &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: region.GetRegionEpoch()},
		Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{
			SplitKey: []byte("a015"), NewRegionId: 2, NewPeerIds: []uint64{201, 202, 203}}}},
	}
	if e := ask(c.nodes[leader], req).GetHeader().GetError(); e != nil {
		t.Fatal(e)
	}
}

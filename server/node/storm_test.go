package node

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

var stormSeed = flag.Uint64("storm.seed", 0, "the only seed for TestWhatIsAcknowledgedSurvivesAStorm; 0: some")

// Stores are killed, one or all, with what they did not sync; they are stopped, opened again and cut off, while clients write and onlookers look.
// In the end every write that was acknowledged is there, every command was answered once, and what onlookers saw adds up.
func TestWhatIsAcknowledgedSurvivesAStorm(t *testing.T) {
	seeds := []uint64{1, 2}
	if *stormSeed != 0 {
		seeds = []uint64{*stormSeed}
	}
	for _, seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			storm(t, seed)
			if t.Failed() {
				t.Logf("again: go test ./server/node -run TestWhatIsAcknowledgedSurvivesAStorm -storm.seed=%d", seed)
			}
		})
	}
}

// client writes keys of its own, one after the other, to one store after the other.
type client struct {
	c      *cluster
	prefix string
	acked  []string
	calls  atomic.Int64 // of callbacks
	puts   int
}

func (k *client) work(nodes func() []*Node, draw *rand.Rand, until time.Time) {
	for time.Now().Before(until) {
		all := nodes()
		n := all[draw.IntN(len(all))]
		key := fmt.Sprintf("%s%05d", k.prefix, k.puts)
		k.puts++
		answer := make(chan *raftcmdpb.RaftCommandResponse, 2)
		n.Propose(put(key, key), func(r *raftcmdpb.RaftCommandResponse) { k.calls.Add(1); answer <- r })
		e := (<-answer).GetHeader().GetError()
		if e == nil {
			k.acked = append(k.acked, key)
		} else if e.GetOutcome() == errorpb.Outcome_OUTCOME_UNSPECIFIED {
			k.c.t.Errorf("an error without an outcome: %v", e)
		}
		time.Sleep(time.Duration(1+draw.IntN(10)) * time.Millisecond)
	}
}

// check reads what was acknowledged, all at once.
func (k *client) check(n *Node) {
	type got struct {
		key    string
		answer *raftcmdpb.RaftCommandResponse
	}
	answers := make(chan got, len(k.acked))
	for i, key := range k.acked {
		n.Propose(get(key), func(r *raftcmdpb.RaftCommandResponse) { answers <- got{key, r} })
		if i%1_000 == 999 {
			synctest.Wait()
		}
	}
	for range k.acked {
		a := <-answers
		if e := a.answer.GetHeader().GetError(); e != nil {
			k.c.t.Error(e)
		} else if read := string(a.answer.GetResponses()[0].GetGet().GetValue()); read != a.key {
			k.c.t.Errorf("%s was acknowledged and is %q", a.key, read)
		}
	}
}

func storm(t *testing.T, seed uint64) {
	draw := rand.New(rand.NewPCG(seed, seed))
	c := newCluster(t, 3, func(cfg *Config) {
		unlimited(cfg)
		// An acknowledgement before the sync is found out where the leader's disk is the quickest.
		cfg.Disk.(*memoryDisk).syncTakes = 1 * time.Millisecond
		if cfg.Store.StoreID != 1 {
			cfg.Disk.(*memoryDisk).syncTakes = 8 * time.Millisecond
		}
		cfg.Store.LogEntriesMax, cfg.Store.LogEntriesKept = 200, 50
	})
	defer c.close()
	c.leader()
	nodes := func() []*Node {
		c.wires.mu.Lock()
		defer c.wires.mu.Unlock()
		return []*Node{c.nodes[1], c.nodes[2], c.nodes[3]}
	}
	var clients []*client
	var work sync.WaitGroup
	end := time.Now().Add(20 * time.Second)
	for i := range 4 {
		k := &client{c: c, prefix: string(rune('a' + i))}
		clients = append(clients, k)
		own := rand.New(rand.NewPCG(seed, uint64(i)))
		work.Go(func() { k.work(nodes, own, end) })
	}
	for time.Now().Before(end.Add(-5 * time.Second)) {
		weather(c, draw)
	}
	c.wires.mu.Lock()
	c.wires.cut = nil
	c.wires.mu.Unlock()
	work.Wait()
	acked := 0
	for _, k := range clients {
		acked += len(k.acked)
		if calls := k.calls.Load(); calls != int64(k.puts) {
			t.Errorf("%d commands, %d answers", k.puts, calls)
		}
		k.check(c.nodes[c.leader()])
	}
	if acked < 300 {
		t.Errorf("only %d writes were acknowledged", acked)
	}
}

// weather does something to one store, and mends it.
func weather(c *cluster, draw *rand.Rand) {
	id := 1 + draw.Uint64N(3)
	o := look(c.t.(*testing.T), c.nodes[1+draw.Uint64N(3)], 0)
	o.anyLife = true
	pause := func() { time.Sleep(time.Duration(500+draw.IntN(3_000)) * time.Millisecond) }
	switch draw.IntN(4) {
	case 0:
		c.kill(id)
		pause()
		c.open(id)
	case 1:
		if err := c.nodes[id].Stop(context.Background()); err != nil {
			c.t.Error(err)
		}
		pause()
		c.open(id)
	case 2:
		c.wires.mu.Lock()
		c.wires.cut = func(from, to uint64) bool { return from == id || to == id }
		c.wires.mu.Unlock()
		pause()
		c.wires.mu.Lock()
		c.wires.cut = nil
		c.wires.mu.Unlock()
	case 3:
		c.kill(1, 2, 3)
		for id := uint64(1); id <= 3; id++ {
			c.open(id)
		}
	}
	pause()
	o.see()
	if o.f.wrong != "" {
		c.t.Error(o.f.wrong)
	}
	o.w.Close()
}

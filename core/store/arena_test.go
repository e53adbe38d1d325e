package store

import (
	"fmt"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// newArena is a cluster caught in the middle of everything: S1 leads term 1 with a write and a read under way, S2 follows,
// S3 is a candidate of term 2, S4 a pre-candidate, and S5 has missed an entry.
func newArena(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t, 5)
	c.elect(1)
	c.call(1, command(put("a", "1")))
	c.cut = func(m Message) bool { return m.FromStore == 5 || m.ToStore == 5 }
	c.call(1, from(command(put("b", "2")), 10, 1))
	c.tick(3)
	c.cut = func(Message) bool { return true }
	c.start(1, command(put("c", "3")))
	c.start(1, command(get("a")))
	must(t, c.stores[3].Step(Message{RegionID: 1, FromStore: 1, ToStore: 3, FromPeer: 101, ToPeer: 103, ConfVer: 1, Version: 1, Raft: &raftpb.Message{
		Type: raftpb.MsgTimeoutNow.Enum(), Term: new(uint64(1)), From: new(uint64(101)), To: new(uint64(103))}}))
	must(t, c.stores[4].Campaign(1))
	c.settle()
	c.cut = func(Message) bool { return false }
	roles := ""
	for id := uint64(1); id <= 5; id++ {
		v, _ := c.stores[id].View(1)
		roles += fmt.Sprintf("%s of term %d, log to %d; ", v.Role, v.Term, v.LastIndex)
	}
	wantEqual(t, "the arena", roles, "StateLeader of term 1, log to 4; StateFollower of term 1, log to 3; "+
		"StateCandidate of term 2, log to 3; StatePreCandidate of term 1, log to 3; StateFollower of term 1, log to 2; ")
	return c
}

// deliver hands a letter to its store, as a transport does, and returns the refusal. A refusal has changed nothing.
func (c *cluster) deliver(rm *raftserverpb.RaftMessage) error {
	c.t.Helper()
	m, err := Decode(rm)
	to := c.stores[rm.GetToPeer().GetStoreId()]
	if to == nil {
		to = c.stores[1]
	}
	before := c.state(to.cfg.StoreID)
	if err == nil {
		err = to.Step(m)
	}
	if err == nil {
		return nil
	}
	if text := err.Error(); text == "" || strings.ContainsAny(text, "\n\r") {
		c.t.Fatalf("the refusal is no sentence: %q", text)
	}
	if after := c.state(to.cfg.StoreID); after != before {
		c.t.Fatalf("S%d refused a message (%v) and is another than before:\n%s\n%s", to.cfg.StoreID, err, before, after)
	}
	return err
}

func (c *cluster) must(rm *raftserverpb.RaftMessage) {
	c.t.Helper()
	must(c.t, c.deliver(rm))
}

// state is everything a message could change on a store.
func (c *cluster) state(id uint64) string {
	s := c.stores[id]
	out := ""
	for _, region := range s.RegionIDs() {
		p := s.peers[region]
		view, _ := s.View(region)
		out += fmt.Sprintf("%+v ready %v reads %d %d %d proposals %d\n", view, p.rn.HasReady(), p.rounds.last, len(p.reads), len(p.readsWaiting), len(p.proposals))
		s.VisitProgress(region, func(progress PeerProgress) { out += fmt.Sprintf("progress %+v\n", progress) })
		log, err := s.Entries(region, view.FirstIndex, view.LastIndex+1)
		must(c.t, err)
		for _, e := range log {
			out += fmt.Sprintf("entry %d %d %d %x\n", e.GetIndex(), e.GetTerm(), e.GetType(), e.GetData())
		}
	}
	must(c.t, c.engines[id].Ascend(nil, nil, func(key, value []byte) bool {
		out += fmt.Sprintf("%x=%x\n", key, value)
		return true
	}))
	return out
}

// live lets the cluster go on for some ticks. Stores may refuse what a hostile message made others say, but they must
// come to rest after each tick.
func (c *cluster) live(ticks int) {
	c.t.Helper()
	for range ticks {
		for id := uint64(1); id <= uint64(len(c.engines)); id++ {
			c.stores[id].Tick()
		}
		c.rest()
	}
}

const restMessagesMax = 5_000

func (c *cluster) rest() {
	c.t.Helper()
	delivered := 0
	for busy := true; busy; {
		busy = false
		for id := uint64(1); id <= uint64(len(c.engines)); id++ {
			for c.turn(id) {
				busy = true
			}
		}
		mail := c.mail
		c.mail = nil
		for _, m := range mail {
			busy = true
			if to := c.stores[m.ToStore]; to != nil { // a hostile message may come from a store that is none
				_ = to.Step(m) // a refusal is fine: see live
			}
		}
		if delivered += len(mail); delivered > restMessagesMax {
			c.t.Fatalf("the cluster does not come to rest: %d messages without a tick", delivered)
		}
	}
}

package node

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func TestAFullQueueAnswersServerIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, func(cfg *Config) { cfg.Limits.CommandsMax = 4 })
		defer c.close()
		n := c.nodes[c.leader()]
		held, release := make(chan struct{}), make(chan struct{})
		n.Propose(put("a", "0"), func(*raftcmdpb.RaftCommandResponse) { close(held); <-release }) // the loop stands
		<-held
		answers := make(chan *raftcmdpb.RaftCommandResponse, 10)
		for range 6 {
			n.Propose(put("a", "1"), func(resp *raftcmdpb.RaftCommandResponse) { answers <- resp })
		}
		close(release)
		busy := 0
		for range 6 {
			if e := (<-answers).GetHeader().GetError(); e.GetServerIsBusy() != nil {
				busy++
				if e.GetServerIsBusy().GetLimit() != "CommandsMax" || e.GetOutcome() != notApplied {
					t.Errorf("busy says %v", e)
				}
			}
		}
		if busy != 2 || n.Stats().Busy != 2 {
			t.Errorf("%d commands were refused, %d counted; want 2", busy, n.Stats().Busy)
		}
	})
}

func TestMessagesThatFindTheQueueFullAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, func(cfg *Config) { cfg.Limits.ArrivalsMax = 3 })
		defer c.close()
		n := c.nodes[c.leader()]
		held, release := make(chan struct{}), make(chan struct{})
		n.Propose(put("a", "0"), func(*raftcmdpb.RaftCommandResponse) { close(held); <-release })
		<-held
		for id := range uint64(5) {
			n.Deliver(2, 1, &rpcpb.Parcel{Id: id + 1})
		}
		close(release)
		synctest.Wait()
		if s := n.Stats(); s.MessagesDropped != 2 || s.MessagesRefused != 3 {
			t.Errorf("%d were dropped and %d refused, want 2 and 3", s.MessagesDropped, s.MessagesRefused)
		}
	})
}

func TestAStallIsOneTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		leader := c.leader()
		n := c.nodes[leader]
		before, term := n.Stats().Ticks, n.Describe().GetRegions()[0].GetTerm()
		stalled := make(chan uint64)
		n.Propose(get("a"), func(*raftcmdpb.RaftCommandResponse) {
			ticks := n.Stats().Ticks
			time.Sleep(time.Second) // shorter than an election timeout, 10 ticks long
			stalled <- ticks
		})
		at := <-stalled
		synctest.Wait()
		time.Sleep(50 * time.Millisecond)
		if after := n.Stats().Ticks; after-at != 1 {
			t.Errorf("a stall of 10 ticks gave %d", after-at)
		}
		time.Sleep(time.Second)
		if got := n.Stats().Ticks - at; got < 10 || got > 11 {
			t.Errorf("%d ticks in the second after it, want 10", got)
		}
		if now := n.Describe().GetRegions()[0].GetTerm(); now != term || before == 0 {
			t.Errorf("the term rose from %d to %d", term, now)
		}
	})
}

func TestAStoreThatSleptThroughSecondsTicksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, nil)
		defer c.close()
		n := c.nodes[c.leader()]
		slept := make(chan uint64)
		n.Propose(get("a"), func(*raftcmdpb.RaftCommandResponse) {
			ticks := n.Stats().Ticks
			time.Sleep(5 * time.Second)
			slept <- ticks
		})
		at := <-slept
		time.Sleep(50 * time.Millisecond)
		if after := n.Stats().Ticks; after-at != 1 {
			t.Errorf("a stall of 50 ticks gave %d", after-at)
		}
	})
}

func TestACommandWithoutAnAnswerTimesOutWithItsOutcomeUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, func(cfg *Config) {
			cfg.Limits.CommandTimeout = 500 * time.Millisecond
		})
		defer c.close()
		leader := c.leader()
		c.wires.mu.Lock()
		c.wires.cut = func(uint64, uint64) bool { return true }
		c.wires.mu.Unlock()
		began, answers := time.Now(), 0
		done := make(chan *raftcmdpb.RaftCommandResponse, 2)
		c.nodes[leader].Propose(put("a", "1"), func(resp *raftcmdpb.RaftCommandResponse) { answers++; done <- resp })
		e := (<-done).GetHeader().GetError()
		if e.GetTimeout() == nil || e.GetOutcome() != mayApply || !strings.Contains(e.GetMessage(), "the outcome is unknown") {
			t.Errorf("it is answered %v", e)
		}
		if took := time.Since(began); took < 500*time.Millisecond || took > 700*time.Millisecond {
			t.Errorf("the answer took %v", took)
		}
		read := ask(c.nodes[leader], get("a")).GetHeader().GetError()
		if read.GetTimeout() == nil || read.GetOutcome() != notApplied {
			t.Errorf("a read is answered %v", read)
		}
		c.wires.mu.Lock()
		c.wires.cut = nil
		c.wires.mu.Unlock()
		c.mustPut("b", "1") // the old command may be applied by now; nobody hears of it again
		time.Sleep(5 * time.Second)
		if answers != 1 {
			t.Errorf("the callback was called %d times", answers)
		}
	})
}

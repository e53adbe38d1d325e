package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func TestALeaderThatIsStoppedHandsOverBeforeItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		first := c.leader()
		c.mustPut("a", "1")
		began := time.Now()
		if err := c.nodes[first].Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		next := c.leader()
		if next == first {
			t.Fatalf("S%d still leads", first)
		}
		c.mustPut("a", "2")
		// The shortest election timeout is 1.5 s.
		if took := time.Since(began); took > time.Second {
			t.Errorf("until the next leader served it took %v: an election timeout passed", took)
		}
		if e := ask(c.nodes[first], put("a", "3")).GetHeader().GetError(); e.GetStoreStopped() == nil || e.GetOutcome() != notApplied {
			t.Errorf("a stopped store answers %v", e)
		}
		if d := c.nodes[first].Describe(); d.GetStoreId() != first || len(d.GetRegions()) != 0 {
			t.Errorf("a stopped store describes itself as %v", d)
		}
		if got := c.mustGet("a"); got != "2" {
			t.Errorf("a is %q, want 2", got)
		}
	})
}

func TestCommandsThatWaitAreAnsweredBeforeALeaderGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, func(cfg *Config) { cfg.Disk.(*memoryDisk).syncTakes = 20 * time.Millisecond })
		defer c.close()
		n := c.nodes[c.leader()]
		answers := make(chan *raftcmdpb.RaftCommandResponse, 100)
		for i := range 100 {
			n.Propose(put(fmt.Sprint("key", i), "1"), func(resp *raftcmdpb.RaftCommandResponse) { answers <- resp })
		}
		if err := n.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if e := (<-answers).GetHeader().GetError(); e != nil {
				t.Fatalf("a command that was taken is answered %v", e)
			}
		}
	})
}

func TestAStopThatMayNotWaitEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		leader := c.leader()
		for id, disk := range c.disks { // the others are there, and do not acknowledge anything
			if id != leader {
				disk.set(func(d *memoryDisk) { d.syncTakes = time.Minute })
			}
		}
		answer := make(chan *raftcmdpb.RaftCommandResponse, 1)
		c.nodes[leader].Propose(put("a", "1"), func(resp *raftcmdpb.RaftCommandResponse) { answer <- resp })
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := c.nodes[leader].Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the stop returns %v", err)
		}
		if took := time.Since(began); took > 150*time.Millisecond {
			t.Errorf("the stop took %v", took)
		}
		if e := (<-answer).GetHeader().GetError(); e.GetStoreStopped() == nil || e.GetOutcome() != mayApply {
			t.Errorf("the command is answered %v, want that its outcome is unknown", e)
		}
	})
}

func TestAKilledStoreKeepsWhatWasAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		for i := range 20 {
			c.mustPut(fmt.Sprint("key", i), fmt.Sprint(i))
		}
		for id := range c.nodes {
			c.kill(id)
		}
		for id := range c.disks {
			c.open(id)
		}
		for i := range 20 {
			if got := c.mustGet(fmt.Sprint("key", i)); got != fmt.Sprint(i) {
				t.Errorf("key%d is %q after the crash", i, got)
			}
		}
	})
}

func TestAKilledStoreWritesNothingMoreAndAnswersUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		leader := c.leader()
		c.wires.mu.Lock()
		c.wires.cut = func(uint64, uint64) bool { return true }
		c.wires.mu.Unlock()
		answers := make(chan *raftcmdpb.RaftCommandResponse, 2)
		c.nodes[leader].Propose(put("a", "1"), func(resp *raftcmdpb.RaftCommandResponse) { answers <- resp })
		synctest.Wait()
		c.nodes[leader].Kill()
		disk := c.disks[leader]
		before := disk.commits
		time.Sleep(time.Minute)
		if disk.commits != before {
			t.Errorf("%d batches were written after the kill", disk.commits-before)
		}
		if e := (<-answers).GetHeader().GetError(); e.GetStoreStopped() == nil || e.GetOutcome() != mayApply {
			t.Errorf("the command is answered %v, want that its outcome is unknown", e)
		}
		if err := c.nodes[leader].Err(); err != nil {
			t.Errorf("a kill is no fault of the store's: %v", err)
		}
	})
}

func TestADiskErrorStopsTheStoreWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		leader := c.leader()
		n := c.nodes[leader]
		w, err := n.Watch(0)
		if err != nil {
			t.Fatal(err)
		}
		full := errors.New("no space left on device")
		c.disks[leader].set(func(d *memoryDisk) { d.fails = full })
		e := ask(n, put("a", "1")).GetHeader().GetError()
		if e.GetStoreStopped() == nil || e.GetOutcome() != errorpb.Outcome_OUTCOME_MAY_APPLY ||
			!strings.Contains(e.GetMessage(), "no space left on device") {
			t.Errorf("the command is answered %v", e)
		}
		<-n.Done()
		if !errors.Is(n.Err(), full) || !strings.HasPrefix(n.Err().Error(), "the disk failed: ") {
			t.Errorf("the store stopped because of %v", n.Err())
		}
		if err := n.Stop(context.Background()); !errors.Is(err, full) {
			t.Errorf("a stop says %v", err)
		}
		ended := ""
		drain(t, w, func(r *rpcpb.WatchResponse) bool { ended = r.GetEnded(); return ended != "" })
		if !strings.Contains(ended, "no space left") {
			t.Errorf("watchers are told %q", ended)
		}
		c.mustPut("b", "1") // the others go on
	})
}

func TestADiskThatCannotBeReadStopsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, nil)
		defer c.close()
		n := c.nodes[c.leader()]
		rotten := errors.New("checksum mismatch")
		c.disks[1].unreadable.Store(&rotten)
		e := ask(n, get("a")).GetHeader().GetError()
		<-n.Done()
		if err := n.Err(); err == nil || !strings.Contains(err.Error(), "checksum mismatch") {
			t.Errorf("it stopped because of %v", err)
		}
		if e.GetStoreStopped() == nil || !strings.Contains(e.GetMessage(), "checksum mismatch") {
			t.Errorf("who read is answered %v", e)
		}
		if _, err := Open(c.config(1)); err == nil || !strings.Contains(err.Error(), "checksum mismatch") {
			t.Errorf("it opens: %v", err)
		}
	})
}

func TestABrokenInvariantStopsTheStoreWithAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1, nil)
		defer c.close()
		n := c.nodes[c.leader()]
		n.Propose(put("a", "1"), func(*raftcmdpb.RaftCommandResponse) { panic("a callback breaks") })
		<-n.Done()
		if err := n.Err(); err == nil || !strings.Contains(err.Error(), "a callback breaks") {
			t.Errorf("it stopped because of %v", err)
		}
	})
}

func TestASplitIsServedAndHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		defer c.close()
		leader := c.leader()
		c.mustPut("a", "1")
		c.mustPut("m", "1")
		region := c.nodes[leader].Describe().GetRegions()[0].GetRegion()
		split := &raftcmdpb.RaftCommandRequest{
			Header: &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: region.GetRegionEpoch()},
			Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{
				SplitKey: []byte("k"), NewRegionId: 2, NewPeerIds: []uint64{201, 202, 203}}}},
		}
		if e := ask(c.nodes[leader], split).GetHeader().GetError(); e != nil {
			t.Fatal(e)
		}
		time.Sleep(time.Second)
		if s := c.nodes[leader].Stats(); s.Regions != 2 || s.Leaders != 2 {
			t.Fatalf("the leader has %d regions and leads %d", s.Regions, s.Leaders)
		}
		if err := c.nodes[leader].Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the next leader may have been heard before it has counted itself
		led := 0
		for id, n := range c.nodes {
			if id != leader {
				led += n.Stats().Leaders
			}
		}
		if led != 2 {
			t.Errorf("the others lead %d regions, want both", led)
		}
	})
}

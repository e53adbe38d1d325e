package store

import (
	"slices"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// What happens to a peer between a Ready and its Advance, when it has applied more than raft and its engine know.

// behind is a cluster of three in which S3 has the entries of some puts, and of the compaction that follows them, on its
// disk, and does not know that they are committed.
func behind(t *testing.T) *cluster {
	t.Helper()
	c := newRegions(t, 3)
	c.call(1, command(put("a", "1")))
	c.tick(3)
	commit := c.stores[3].peers[1].applied
	c.cut = func(m Message) bool {
		if m.ToStore == 3 && m.Raft.GetCommit() > commit {
			m.Raft.Commit = new(commit)
		}
		return false
	}
	for _, key := range []string{"b", "c", "d"} {
		c.call(1, command(put(key, "1")))
	}
	wantDone(t, c.admin(1, compactAll()))
	wantEqual(t, "S3 has applied", c.stores[3].peers[1].applied, commit)
	c.cut = func(Message) bool { return false }
	return c
}

// Before it campaigns, raft looks for changes of members among the entries that it takes for unapplied. A compaction among
// them takes others away, and the store panicked: seed 27173 of the swarm.
func TestAnElectionTimerMayFireWhileACompactionIsWritten(t *testing.T) {
	for name, fire := range map[string]func(c *cluster){
		"the timer": func(c *cluster) {
			must(t, c.stores[3].SetElectionTimeout(1, 1))
			c.stores[3].Tick()
		},
		"by hand": func(c *cluster) { must(t, c.stores[3].Campaign(1)) },
		"a leader that hands over": func(c *cluster) {
			view, _ := c.stores[3].View(1)
			must(t, c.stores[3].Step(Message{
				RegionID: 1, FromStore: 1, ToStore: 3, FromPeer: 101, ToPeer: 103, ConfVer: 1, Version: 1,
				Raft: &raftpb.Message{Type: raftpb.MsgTimeoutNow.Enum(), From: new(uint64(101)), To: new(uint64(103)), Term: new(view.Term)}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := behind(t)
			c.restart(3) // nothing of its log is in memory
			p := c.stores[3].peers[1]
			before, last := p.applied, p.log.hard.LastIndex
			// The next heartbeat tells S3 of all at once.
			for p.commit < last {
				c.stores[1].Tick()
				c.turn(1)
				for _, m := range c.mail {
					if m.ToStore == 3 {
						must(t, c.stores[3].Step(m))
					}
				}
				c.mail = nil
				p.commit = p.rn.BasicStatus().GetCommit()
			}
			rd, _ := c.stores[3].Ready()
			if p.applied != last || p.log.truncated <= before {
				t.Fatalf("S3 has applied %d, and its log begins behind %d", p.applied, p.log.truncated)
			}
			must(t, c.engines[3].Write(rd.Batch))
			must(t, c.engines[3].Sync())
			fire(c)
			c.stores[3].Advance()
			c.settle()
			c.tick(40)
			wantDone(t, c.call(c.leader(1), keyed(put("e", "2"))))
			c.tick(3)
			wantEqual(t, "S3's data", c.data(3), c.data(1))
		})
	}
}

// A busy store has a Ready outstanding whenever raft asks for a snapshot. It was refused until the store had a moment's
// rest, and a region whose quorum needed it did not serve: seeds 13645 and 24549 of the swarm.
func TestAStoreThatIsNeverIdleSendsItsSnapshots(t *testing.T) {
	c := newRegions(t, 3)
	c.call(1, command(put("a", "1")))
	c.tick(3)
	c.stores[3] = nil
	c.call(1, command(put("b", "1")))
	c.tick(3)
	wantDone(t, c.admin(1, compactAll()))
	c.restart(3)
	c.stores[2] = nil
	// Whatever reaches S1, reaches it while it writes; there is always more to write.
	chunk := func(m Message) bool {
		_, is := m.Extra.(*raftserverpb.SnapshotChunk)
		return is
	}
	c.start(1, command(put("busy", "1")))
	for turns := 0; ; turns++ {
		rd, ok := c.stores[1].Ready()
		if !ok || turns == 20 {
			t.Fatalf("S1 is busy: %v; S3 gets no snapshot in %d turns", ok, turns)
		}
		c.post(rd.Messages)
		snapshot := slices.ContainsFunc(rd.Messages, chunk)
		for len(c.mail) > 0 && !snapshot {
			mail := c.mail
			c.mail = nil
			for _, m := range mail {
				if s := c.stores[m.ToStore]; s != nil {
					must(t, s.Step(m))
				}
			}
			for c.turn(3) {
			}
		}
		c.stores[1].Tick()
		c.start(1, command(put("busy", "1")))
		must(t, c.engines[1].Write(rd.Batch))
		must(t, c.engines[1].Sync())
		c.post(rd.AfterSync)
		c.stores[1].Advance()
		if snapshot {
			break
		}
	}
	// It is of what S1 had applied, and S1 can go on from there.
	c.tick(3)
	wantEqual(t, "S3's data", c.data(3), c.data(1))
	view, _ := c.stores[3].View(1)
	wantEqual(t, "S3 begins behind a snapshot", view.FirstIndex > 2, true)
}

package sim_test

import (
	"slices"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const (
	readIndex = raftcmdpb.ReadMode_READ_MODE_READ_INDEX
	readLog   = raftcmdpb.ReadMode_READ_MODE_LOG
	readLease = raftcmdpb.ReadMode_READ_MODE_LEASE
	readStale = raftcmdpb.ReadMode_READ_MODE_STALE
)

func read(mode raftcmdpb.ReadMode, key string) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{ReadMode: mode}, Requests: []*raftcmdpb.Request{getRequest(key)}}
}

// wantRead wants a read's value, served in a mode.
func (c *cluster) wantRead(answer *raftcmdpb.RaftCommandResponse, mode raftcmdpb.ReadMode, value string) {
	c.t.Helper()
	if reason(answer) != "" || answer.GetHeader().GetReadMode() != mode || string(answer.GetResponses()[0].GetGet().GetValue()) != value {
		c.t.Fatalf("the read is answered %v; want %q in mode %v", answer, value, mode)
	}
}

// Each mode serves in its own way, and says which and at which index.
func TestTiKVReadModes(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		written := c.mustPut("k", "v1").GetHeader().GetIndex()
		c.mustHold(c.stores(), map[string]string{"k": "v1"})
		c.pass(5 * second)
		leader := c.mustLeaderOf(1)
		follower := c.others(leader)[0]
		last := func() uint64 {
			view, _ := c.w.Store(leader).View(1)
			return view.LastIndex
		}

		// The default asks a quorum, and writes nothing.
		for _, mode := range []raftcmdpb.ReadMode{0, readIndex} {
			rounds, end, began := c.rounds, last(), c.w.Now()
			answer := c.call(leader, 1, read(mode, "k"))
			c.wantRead(answer, readIndex, "v1")
			if c.rounds == rounds || c.w.Now() < began+2*15_000 || last() != end || answer.GetHeader().GetIndex() < written {
				c.t.Fatalf("%d messages confirm the leader, after %d µs, at entry %v", c.rounds-rounds, c.w.Now()-began, answer.GetHeader())
			}
		}
		// Through the log it is the entry it stands at.
		end := last()
		answer := c.call(leader, 1, read(readLog, "k"))
		c.wantRead(answer, readLog, "v1")
		if answer.GetHeader().GetIndex() != end+1 || last() != end+1 {
			c.t.Fatalf("a read through the log stands at %v; the log ended at %d and ends at %d", answer.GetHeader(), end, last())
		}
		// In the lease nobody is asked.
		rounds, began, end := c.rounds, c.w.Now(), last()
		answer = c.call(leader, 1, read(readLease, "k"))
		c.wantRead(answer, readLease, "v1")
		if c.rounds != rounds || c.w.Now() != began || answer.GetHeader().GetIndex() != end || last() != end {
			c.t.Fatalf("a lease read took %d messages and %d µs, at %v", c.rounds-rounds, c.w.Now()-began, answer.GetHeader())
		}
		// The others do it only at the leader.
		for _, mode := range []raftcmdpb.ReadMode{readIndex, readLog, readLease} {
			c.wantReason(c.call(follower, 1, read(mode, "k")), "not_leader", notApplied)
		}

		// Anybody reads what may be old, and says how old.
		c.cut = c.alone(follower)
		c.mustPut("k", "v2")
		c.pass(10 * second)
		began = c.w.Now()
		answer = c.call(follower, 1, read(readStale, "k"))
		c.wantRead(answer, readStale, "v1")
		view, _ := c.w.Store(follower).View(1)
		if answer.GetHeader().GetIndex() != view.Applied || c.w.Now() != began {
			c.t.Fatalf("a stale read is at %v; S%d has applied %d", answer.GetHeader(), follower, view.Applied)
		}
		c.wantRead(c.call(leader, 1, read(readStale, "k")), readStale, "v2")
		c.cut = nil
		c.mustHold(c.stores(), map[string]string{"k": "v2"})
		c.wantRead(c.call(follower, 1, read(readStale, "k")), readStale, "v2")
	})
}

// overtaken reads in the lease at a leader that was cut off, again and again, while the others go on without it. Once their
// write is acknowledged, nobody may read what was before it.
func (c *cluster) overtaken(old uint64) {
	c.t.Helper()
	written := uint64(0)
	for range 80 {
		after := written != 0 && c.answers[written] != nil
		if after && reason(c.answers[written]) != "" {
			written, after = 0, false
		}
		answer := c.call(old, 1, read(readLease, "k"))
		if reason(answer) == "" && after && string(answer.GetResponses()[0].GetGet().GetValue()) != "v2" {
			c.t.Fatalf("the leader that was cut off answers %v after v2 was acknowledged", answer)
		}
		if next := c.leaderOf(1); written == 0 && next != 0 && next != old {
			written = c.start(next, 1, command(putRequest("k", "v2")))
		}
		c.pass(second / 10)
	}
	if written == 0 || reason(c.wait(written)) != "" {
		c.t.Fatal("the others never wrote: nothing is shown")
	}
}

// A lease ends before anybody else can lead: by itself, whatever the others do.
func TestTiKVLeaseEndsInTime(t *testing.T) {
	brief := func(cfg *sessionpb.Config) { cfg.ClientTimeoutMicros = second / 10 }
	for _, disturb := range []func(c *cluster, old uint64){
		func(*cluster, uint64) {},
		// The others forget that they have heard of a leader, and one of them campaigns at once.
		func(c *cluster, old uint64) {
			for _, id := range c.others(old) {
				c.restart2(id)
			}
			c.campaign(c.others(old)[0])
		},
		// All but one forget.
		func(c *cluster, old uint64) {
			for _, id := range c.others(old)[1:] {
				c.restart2(id)
			}
			c.campaign(c.others(old)[1])
		},
	} {
		forSeeds(t, brief, func(c *cluster) {
			c.mustPut("k", "v1")
			c.mustHold(c.stores(), map[string]string{"k": "v1"})
			c.pass(5 * second)
			old := c.mustLeaderOf(1)
			c.call(old, 1, read(readLease, "k")) // its round makes the lease
			c.wantRead(c.call(old, 1, read(readLease, "k")), readLease, "v1")
			c.cut = c.alone(old)
			disturb(c, old)
			c.overtaken(old)
		})
	}
}

func (c *cluster) campaign(store uint64) {
	c.t.Helper()
	c.act(&sessionpb.Action{Action: &sessionpb.Action_TimeOutStore{TimeOutStore: &sessionpb.TimeOutStore{StoreId: store, RegionId: 1}}})
}

// Who is told to lead does not wait for the old leader's lease to end, so the old leader gives it up before it tells.
func TestTiKVLeaseEndsWithTransfer(t *testing.T) {
	brief := func(cfg *sessionpb.Config) { cfg.ClientTimeoutMicros = second / 10 }
	forSeeds(t, brief, func(c *cluster) {
		c.mustPut("k", "v1")
		c.mustHold(c.stores(), map[string]string{"k": "v1"})
		c.pass(5 * second)
		old := c.mustLeaderOf(1)
		to := c.others(old)[0]
		c.call(old, 1, read(readLease, "k"))
		c.wantRead(c.call(old, 1, read(readLease, "k")), readLease, "v1")
		told := false
		c.cut = func(m *sessionpb.Message) bool {
			if m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_TIMEOUT_NOW {
				told = true
				return false
			}
			return told && c.alone(old)(m)
		}
		c.start(old, 1, administer(transferTo(to)))
		c.must("the new leader stands", 2*second, func() bool { return c.leaderOf(1) == to })
		if role, _, _ := c.w.Store(old).Role(1); role.String() != "StateLeader" {
			c.t.Fatalf("S%d knows that it leads no more: nothing is left to show", old)
		}
		c.overtaken(old)
	})
}

// Without leases a read that asks for one is refused; without CheckQuorum there are none.
func TestTiKVLeaseNotOffered(t *testing.T) {
	without := func(cfg *sessionpb.Config) { cfg.Raft.LeaseReads = false }
	forSeeds(t, without, func(c *cluster) {
		c.mustPut("k", "v")
		leader := c.mustLeaderOf(1)
		c.pass(second)
		before := c.engines()
		c.wantReason(c.call(leader, 1, read(readLease, "k")), "lease_not_offered", notApplied)
		if c.engines() != before {
			c.t.Fatal("what was refused has changed an engine")
		}
		c.wantRead(c.call(leader, 1, read(readIndex, "k")), readIndex, "v")
	})
}

// A leader that has not applied an entry of its own term has no lease, and no index to read at, however much it holds.
func TestTiKVFreshLeaderReads(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		for i := range 5 {
			want := string(rune('a' + i))
			c.mustPut("k", want)
			old := c.mustLeaderOf(1)
			to := c.others(old)[i%4]
			c.mustAdmin(1, transferTo(to))
			c.must("the new leader stands", second, func() bool { return c.leaderOf(1) == to })
			var reads []uint64
			for _, mode := range []raftcmdpb.ReadMode{readLease, readIndex, readLog} {
				reads = append(reads, c.start(to, 1, read(mode, "k")))
			}
			for _, operation := range reads {
				if answer := c.wait(operation); reason(answer) != "" || string(answer.GetResponses()[0].GetGet().GetValue()) != want {
					c.t.Fatalf("a fresh leader answers %v; want %q", answer, want)
				}
			}
		}
		if !slices.Contains(c.leaders, c.mustLeaderOf(1)) {
			c.t.Fatal("the leader was never elected")
		}
	})
}

package sim_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// An election timeout is 15 to 29 ticks of 100 ms; two of them, for a vote that is split.
const reelectionMicrosMax = 6 * second

func TestTiKVLeaderCrash(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		old := c.mustLeader()
		want := map[string]string{"before": "1"}
		c.mustPut("before", "1")
		// The leader takes a command to its grave: on its disk, and nowhere else.
		c.cut = func(m *sessionpb.Message) bool { return m.GetFromStore() == old }
		c.propose(old, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{putRequest("lost", "1")}})
		c.pass(second / 10)
		c.crash(old)
		c.cut = nil

		c.must("another store leads", reelectionMicrosMax, func() bool { return c.w.Leader() != 0 })
		if leader := c.w.Leader(); leader == old {
			c.t.Fatalf("S%d leads, and is down", old)
		}
		c.mustGet("before", "1")
		for i := range 20 {
			key := fmt.Sprintf("after%d", i)
			c.mustPut(key, "2")
			want[key] = "2"
		}
		c.restart(old)
		c.mustHold(c.stores(), want)
		c.mustGet("lost", "")
		for i := range 5 { // it follows on
			want["later"] = fmt.Sprint(i)
			c.mustPut("later", want["later"])
		}
		c.mustHold(c.stores(), want)
	})
}

func TestTiKVClusterRestart(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.putAll(100, "kept ")
		c.mustDelete(keyOf(100))
		for round := range 2 {
			for _, id := range c.stores() {
				c.crash(id)
			}
			if c.w.Leader() != 0 {
				c.t.Fatal("a leader among the dead")
			}
			for _, id := range c.stores() {
				c.restart(id)
			}
			c.mustLeader()
			c.expectAll(99, "kept ")
			c.mustGet(keyOf(100), "")
			c.mustPut("again", fmt.Sprint(round))
			c.mustGet("again", fmt.Sprint(round))
		}
	})
}

func TestTiKVLostMajority(t *testing.T) {
	for _, stores := range []uint32{4, 5} {
		t.Run(fmt.Sprintf("stores=%d", stores), func(t *testing.T) {
			forSeeds(t, func(cfg *sessionpb.Config) {
				cfg.Stores = stores
				cfg.ClientTimeoutMicros = second / 2
			}, func(c *cluster) {
				want := map[string]string{"before": "1"}
				c.mustPut("before", "1")
				c.mustHold(c.stores(), want)
				// The leader stays up, so that it is the one to find out.
				leader := c.mustLeader()
				down := c.others(leader)[:(stores+1)/2]
				for _, id := range down {
					c.crash(id)
				}
				up := c.others(down...)
				request := &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{putRequest("during", "1")}}
				c.refusedAfterAWhile(c.propose(leader, request), errorpb.Outcome_OUTCOME_MAY_APPLY)
				c.must("the leader has stepped down", reelectionMicrosMax, func() bool { return c.w.Leader() == 0 })
				for range 20 {
					c.pass(second)
					if c.w.Leader() != 0 {
						c.t.Fatalf("S%d leads without a majority", c.w.Leader())
					}
					for _, id := range up {
						c.refusedAfterAWhile(c.propose(id, request), errorpb.Outcome_OUTCOME_NOT_APPLIED)
					}
				}
				c.mustHold(up, want)

				c.restart(down[0])
				c.mustLeader()
				c.mustPut("after", "1")
				c.mustGet("after", "1")
			})
		})
	}
}

// refusedAfterAWhile wants an operation to end as an error with that outcome.
func (c *cluster) refusedAfterAWhile(operation uint64, outcome errorpb.Outcome) {
	c.t.Helper()
	c.must("the client hears an answer", second, func() bool { return c.answers[operation] != nil })
	if e := c.answers[operation].GetHeader().GetError(); e.GetOutcome() != outcome {
		c.t.Fatalf("without a majority the answer is %v", c.answers[operation])
	}
}

func TestTiKVRandomRestart(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		draw := rand.New(rand.NewPCG(c.w.Config().GetSeed(), 2))
		want := map[string]string{}
		for round := range 8 {
			id := 1 + draw.Uint64N(5)
			// In the middle of a write, as often as not.
			c.propose(0, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{putRequest("during", "x")}})
			c.pass(draw.Int64N(80_000))
			c.crash(id)
			for i := range 5 {
				key := fmt.Sprintf("key%d", draw.IntN(30))
				want[key] = fmt.Sprint(round, i)
				c.mustPut(key, want[key])
			}
			c.mustDelete("during")
			c.restart(id)
			c.mustPut("round", fmt.Sprint(round))
			want["round"] = fmt.Sprint(round)
			c.must(fmt.Sprintf("S%d has caught up in round %d", id, round), 20*second, func() bool { return maps.Equal(c.data(id), want) })
		}
		c.mustHold(c.stores(), want)
	})
}

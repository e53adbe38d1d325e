package store

import (
	"testing"

	"go.etcd.io/raft/v3"

	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

const sleepTicks = 10

// newSleepers is a cluster whose idle regions sleep, and whose region 1 does.
func newSleepers(t *testing.T) *cluster {
	t.Helper()
	c := newRegions(t, 3)
	configure := c.configure
	c.configure = func(cfg *Config) {
		configure(cfg)
		cfg.SleepTicks = sleepTicks
	}
	for id := range c.stores {
		c.open(id)
	}
	c.elect(1)
	c.call(1, command(put("a", "1")))
	c.tick(3 * sleepTicks)
	c.wantAsleep(1, 2, 3)
	return c
}

func (c *cluster) wantAsleep(stores ...uint64) {
	c.t.Helper()
	for _, id := range stores {
		if !c.stores[id].peers[1].asleep {
			c.t.Fatalf("S%d's peer does not sleep", id)
		}
	}
}

func TestAnIdleRegionSleepsAndSendsNothing(t *testing.T) {
	c := newSleepers(t)
	beats := 0
	c.cut = func(m Message) bool {
		if _, ok := m.Extra.(*raftserverpb.StoreBeat); !ok {
			t.Errorf("a sleeping region says %v", m)
		}
		beats++
		return false
	}
	c.tick(60)
	c.wantAsleep(1, 2, 3)
	if want := 60 / 3 * 3 * 2; beats != want {
		t.Fatalf("%d beats, not %d: one a heartbeat interval between each two stores", beats, want)
	}
}

func TestACommandWakesASleepingRegion(t *testing.T) {
	c := newSleepers(t)
	wantDone(t, c.call(1, command(put("b", "2"))))
	wantDone(t, c.call(1, command(get("b"))))
	c.tick(5)
	wantEqual(t, "S3's data", c.data(3), c.data(1))
	c.tick(3 * sleepTicks)
	c.wantAsleep(1, 2, 3)
}

func TestASilentStoreWakesTheRegionsItLed(t *testing.T) {
	c := newSleepers(t)
	c.stores[1] = nil
	c.tick(60)
	if leader := c.leader(1); leader == 1 {
		t.Fatal("S1 is gone and leads")
	}
	// A region with a silent member stays awake.
	c.tick(3 * sleepTicks)
}

func TestAStoreThatStartedAnewWakesTheRegionsItLed(t *testing.T) {
	c := newSleepers(t)
	configure := c.configure
	c.configure = func(cfg *Config) {
		configure(cfg)
		cfg.Incarnation = 2
	}
	c.ticks[1] = 1000 // it will not campaign itself
	c.restart(1)
	c.tick(3 * sleepTicks)
	if leader := c.leader(1); leader == 1 {
		t.Fatal("S1 leads")
	}
	if role, _, _ := c.stores[1].Role(1); role != raft.StateFollower {
		t.Fatalf("S1 is %s", role)
	}
}

// A follower that missed the word to sleep campaigns, and so wakes the leader, which stays the leader.
func TestAFollowerThatStaysAwakeDoesNotEndALeadership(t *testing.T) {
	c := newRegions(t, 3)
	configure := c.configure
	c.configure = func(cfg *Config) {
		configure(cfg)
		cfg.SleepTicks = sleepTicks
	}
	for id := range c.stores {
		c.open(id)
	}
	c.elect(1)
	c.cut = func(m Message) bool {
		_, sleeps := m.Extra.(*raftserverpb.Sleep)
		return sleeps && m.ToStore == 3
	}
	_, before, _ := c.stores[1].Role(1)
	c.tick(120)
	role, after, _ := c.stores[1].Role(1)
	if role != raft.StateLeader || before != after {
		t.Fatalf("S1 is %s of term %d, was leader of term %d", role, after, before)
	}
}

// While a region slept its members were not heard one by one; the stores beat for them. So a command that wakes it does not
// take them for gone.
func TestMembersOfARegionThatWakesAreNotTakenForGone(t *testing.T) {
	now := int64(0)
	c := newRegions(t, 3)
	configure := c.configure
	c.configure = func(cfg *Config) {
		configure(cfg)
		cfg.SleepTicks = sleepTicks
		cfg.Now = func() int64 { return now }
	}
	for id := range c.stores {
		c.open(id)
	}
	c.elect(1)
	pass := func(ticks int) {
		for range ticks {
			now += 100_000
			c.tick(1)
		}
	}
	pass(200)
	c.wantAsleep(1, 2, 3)
	wantDone(t, c.admin(1, changes(change(remove, 3))))
	pass(3 * sleepTicks)
	wantDone(t, c.admin(1, transferTo(2)))
}

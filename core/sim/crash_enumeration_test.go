package sim_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// A store may lose its power at any moment, and what it finds on its disk afterwards is a prefix of what it wrote there. So
// every moment at which a disk's work stands is tried: just before a write, between the write and its sync, just after.

// enumeration is something that takes several writes on several disks.
type enumeration struct {
	name    string
	config  func(*sessionpb.Config)
	prepare func(c *enumerated)
	// do begins it; it must bear that stores are down.
	do func(c *enumerated)
	// last is how long it takes, undisturbed.
	micros int64
	// done tells, undisturbed, that it did take place.
	done func(c *enumerated) bool
}

// enumerated is a cluster to which it happens.
type enumerated struct {
	*cluster
	t *testing.T
	// may are the values that a key may have; see storm.
	may    map[string][]string
	writes []written
	ids    []uint64
}

// put writes a value, and does not wait.
func (c *enumerated) put(key, value string) {
	id, err := c.w.Act(proposalTo(0, command(putRequest(key, value))))
	c.lose()
	if err == nil {
		c.writes, c.ids = append(c.writes, written{key: key, value: value}), append(c.ids, id)
		c.may[key] = append(c.may[key], value)
	}
}

// ask gives a region's leader, or where it was last, an admin command, and does not wait.
func (c *enumerated) ask(region uint64, admin *raftcmdpb.AdminRequest) {
	if leader := c.leaderOf(region); leader != 0 {
		request := administer(admin)
		request.Header = &raftcmdpb.RequestHeader{RegionId: region}
		_, _ = c.w.Act(proposalTo(leader, request))
		c.lose()
	}
}

func (c *enumerated) fill(n int) {
	c.t.Helper()
	for i := range n {
		key := fmt.Sprintf("key%02d", i)
		c.mustPut(key, "old")
		c.may[key] = []string{"old"}
	}
}

// some writes some keys anew.
func (c *enumerated) some(value string, keys ...int) {
	for _, i := range keys {
		c.put(fmt.Sprintf("key%02d", i), value)
	}
}

func (c *enumerated) firstFollower() uint64 { return c.others(c.mustLeaderOf(1), 4)[0] }

// small are snapshots of several chunks, and a client that soon gives up.
func small(stores, members uint32) func(*sessionpb.Config) {
	return func(cfg *sessionpb.Config) {
		cfg.Stores, cfg.Members = stores, members
		cfg.Raft.SnapshotChunkBytesMax = 128
		cfg.ClientTimeoutMicros = 2 * second
	}
}

var enumerations = []enumeration{
	{
		name: "split", config: small(3, 3),
		prepare: func(c *enumerated) { c.fill(8) },
		do: func(c *enumerated) {
			c.some("new", 1, 6)
			c.ask(1, splitAt("key04"))
			c.some("newer", 2, 7)
		},
		micros: second / 2,
		done:   func(c *enumerated) bool { return len(c.w.Store(1).RegionIDs()) == 2 && c.leaderOf(2) != 0 },
	},
	{
		name: "addition of a peer", config: small(4, 3),
		prepare: func(c *enumerated) { c.fill(8) },
		do: func(c *enumerated) {
			c.ask(1, changePeers(addVoter(4)))
			c.some("new", 1, 6)
		},
		micros: second,
		done:   func(c *enumerated) bool { return c.holdsRegion(4, 1) && !c.uninitialized(4, 1) },
	},
	{
		name: "snapshot", config: small(3, 3),
		prepare: func(c *enumerated) {
			c.fill(8)
			c.crash(3 - (c.mustLeaderOf(1) % 2)) // S2 or S3, a follower
			c.some("new", 1, 6)
			c.mustDelete("key03")
			c.may["key03"] = []string{""}
			c.pass(second)
			c.mustAdmin(1, compactTo(0))
		},
		do: func(c *enumerated) {
			for _, id := range c.stores() {
				if c.w.Store(id) == nil {
					c.restart(id)
				}
			}
			c.some("newer", 2, 7)
		},
		micros: 2 * second,
		done: func(c *enumerated) bool {
			return slices.ContainsFunc(c.happened, func(e *sessionpb.Event) bool { return e.GetSnapshotRestored() != nil })
		},
	},
	{
		name: "snapshots of both halves", config: small(3, 3),
		prepare: func(c *enumerated) {
			c.fill(8)
			c.crash(3 - (c.mustLeaderOf(1) % 2))
			_, right := c.mustSplit("key04")
			c.some("new", 1, 6)
			c.pass(second)
			c.mustAdmin(1, compactTo(0))
			c.mustAdmin(right.GetId(), compactTo(0))
		},
		do: func(c *enumerated) {
			for _, id := range c.stores() {
				if c.w.Store(id) == nil {
					c.restart(id)
				}
			}
		},
		micros: 2 * second,
		done: func(c *enumerated) bool {
			n := 0
			for _, e := range c.happened {
				if e.GetSnapshotRestored() != nil {
					n++
				}
			}
			return n == 2
		},
	},
	{
		name: "removal of a follower", config: small(3, 3),
		prepare: func(c *enumerated) { c.fill(4) },
		do: func(c *enumerated) {
			c.ask(1, changePeers(removePeer(c.firstFollower())))
			c.some("new", 1, 2)
		},
		micros: second / 2,
		done:   func(c *enumerated) bool { return len(c.region(1).GetPeers()) == 2 },
	},
	{
		name: "removal of the leader", config: small(3, 3),
		prepare: func(c *enumerated) { c.fill(4) },
		do: func(c *enumerated) {
			c.some("new", 1, 2)
			c.ask(1, changePeers(removePeer(c.leaderOf(1))))
			c.some("newer", 0, 3)
		},
		micros: 5 * second,
		done:   func(c *enumerated) bool { return len(c.region(1).GetPeers()) == 2 },
	},
	{
		name: "joint change", config: small(4, 3),
		prepare: func(c *enumerated) {
			c.fill(4)
			c.mustChange(1, addLearner(4))
			c.pass(second)
		},
		do: func(c *enumerated) {
			c.ask(1, changePeers(addVoter(4), removePeer(c.firstFollower())))
			c.some("new", 1, 2)
		},
		micros: second / 2,
		done: func(c *enumerated) bool {
			return !c.region(1).GetJoint() && len(c.region(1).GetPeers()) == 3 && peerOn(c.region(1), 4) != nil
		},
	},
	{
		name: "replacement of a peer", config: small(4, 3),
		prepare: func(c *enumerated) {
			c.fill(4)
			c.mustChange(1, addVoter(4))
			c.pass(second)
		},
		do: func(c *enumerated) {
			store := c.firstFollower()
			c.ask(1, changePeers(removePeer(store)))
			c.pass(second / 4)
			c.ask(1, changePeers(addVoter(store)))
			c.some("new", 1, 2)
		},
		micros: second,
		done: func(c *enumerated) bool {
			return len(c.region(1).GetPeers()) == 4 && slices.ContainsFunc(c.happened, func(e *sessionpb.Event) bool {
				return e.GetPeerDestroyed() != nil
			})
		},
	},
	{
		name: "compaction", config: small(3, 3),
		prepare: func(c *enumerated) { c.fill(8) },
		do: func(c *enumerated) {
			c.some("new", 1)
			c.ask(1, compactTo(0))
			c.some("newer", 2)
		},
		micros: second / 2,
		done: func(c *enumerated) bool {
			view, _ := c.w.Store(1).View(1)
			return view.FirstIndex > 1
		},
	},
}

// outage is what happens at the moment: the store crashes, or all do; and comes back after a while.
type outage struct {
	name   string
	all    bool
	micros int64
}

var outages = []outage{
	{"the store, briefly", false, second / 10},
	{"the store, for long", false, 8 * second},
	{"all stores", true, second / 10},
}

var crashAt = flag.String("crash", "", "TestCrashAtEveryPoint: the event at which to crash, instead of all of them")

func TestCrashAtEveryPoint(t *testing.T) {
	for _, e := range enumerations {
		t.Run(e.name, func(t *testing.T) {
			points := e.run(t, 0, 0, outage{})
			if *crashAt != "" {
				seq, _ := strconv.ParseUint(*crashAt, 10, 64)
				points = slices.DeleteFunc(points, func(p *sessionpb.Event) bool { return p.GetSeq() != seq })
			}
			for i, p := range points {
				for j, o := range outages {
					if testing.Short() && (i+j)%len(outages) > 0 {
						continue
					}
					name := fmt.Sprintf("S%d at event %d, %s; %s", p.GetStoreId(), p.GetSeq(), kindOf(p), o.name)
					if !t.Run(name, func(t *testing.T) { e.run(t, p.GetSeq(), p.GetStoreId(), o) }) {
						t.Logf("again: go test ./core/sim -run 'TestCrashAtEveryPoint/%s$' -crash %d", strings.ReplaceAll(e.name, " ", "_"), p.GetSeq())
					}
				}
			}
			t.Logf("%d points, %d outages", len(points), len(points)*len(outages))
		})
	}
}

func kindOf(e *sessionpb.Event) string {
	switch {
	case e.GetWriteStarted() != nil:
		return "before a write"
	case e.GetWritten() != nil:
		return "before its sync"
	}
	return "after its sync"
}

// run lets it happen, with an outage of a store at an event, or without any; and returns the points at which the disks'
// work stood meanwhile.
func (e enumeration) run(t *testing.T, seq, store uint64, o outage) (points []*sessionpb.Event) {
	onCluster(t, func(cfg *sessionpb.Config) { e.config(cfg); cfg.Seed = 5 }, func(plain *cluster) {
		c := &enumerated{cluster: plain, t: t, may: map[string][]string{}}
		c.watch = c.watchRanges
		e.prepare(c)
		c.pass(second)
		began := len(c.disk)
		var down []uint64
		crashed, back := false, int64(0)
		revive := func() {
			for _, id := range down {
				c.restart(id)
			}
			down = nil
		}
		if seq > 0 {
			c.disturb = func() {
				switch {
				case !crashed && c.w.Seq() >= seq:
					crashed, back = true, c.w.Now()+o.micros
					for _, id := range c.stores() {
						if (o.all || id == store) && c.w.Store(id) != nil {
							c.crash(id)
							down = append(down, id)
						}
					}
				case crashed && c.w.Now() >= back:
					revive()
				}
			}
		}
		e.do(c)
		c.pass(e.micros)
		points = c.disk[began:]
		switch {
		case seq == 0 && !e.done(c):
			t.Fatal("undisturbed, it does not come to its end")
		case seq > 0 && !crashed:
			t.Fatalf("event %d did not come: the run is another one", seq)
		}
		if !c.until(o.micros, func() bool { return len(down) == 0 }) {
			revive() // when all are down, time stands still
		}
		c.disturb = nil
		c.judge(c.mustCalm())
		// It goes on.
		for _, key := range slices.Sorted(maps.Keys(c.may)) {
			c.mustPut(key, "after")
			c.may[key] = []string{"after"}
		}
		c.judge(c.mustCalm())
		for _, id := range c.stores() {
			c.noStaged(id)
		}
	})
	return points
}

// judge wants every key to have a value that it may have, after what was acknowledged.
func (c *enumerated) judge(all map[string]string) {
	c.t.Helper()
	c.must("everybody has an answer", 5*second, func() bool {
		return !slices.ContainsFunc(c.ids, func(id uint64) bool { return c.answers[id] == nil })
	})
	for i, id := range c.ids {
		w, answer := c.writes[i], c.answers[id]
		may := c.may[w.key]
		at := slices.Index(may, w.value)
		switch err := answer.GetHeader().GetError(); {
		case at < 0:
		case err == nil:
			c.may[w.key] = may[at:]
		case err.GetOutcome() == notApplied:
			c.may[w.key] = slices.Delete(slices.Clone(may), at, at+1)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.may)) {
		if !slices.Contains(c.may[key], all[key]) {
			c.t.Fatalf("%s is %q, which is none of %q", key, all[key], c.may[key])
		}
	}
	for id, times := range c.ended {
		if times > 1 {
			c.t.Fatalf("operation %d is answered %d times", id, times)
		}
	}
}

package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/sim"
)

// planted is a bug and a story in which it shows. The same story is told to stores that are as they should be, which must
// come through it without a complaint.
type planted struct {
	bug sessionpb.Bug
	// caught is who complains: a judge by its name, or a client.
	caught string
	config func(*sessionpb.Config)
	play   func(c *broken)
}

// aClient complains when what it was told cannot be.
const aClient = "a client"

// broken is a cluster on which a story is played, and what there was to complain about.
type broken struct {
	*cluster
	complaints []string
}

func (c *broken) complain(who, format string, args ...any) {
	c.complaints = append(c.complaints, who+": "+fmt.Sprintf(format, args...))
}

// reported takes the violations that the world itself reports.
type reported struct{ c *broken }

func (r reported) Event(e *sessionpb.Event) {
	if v := e.GetViolation(); v != nil {
		r.c.complain(v.GetJudge(), "%s", v.GetMessage())
	}
}

// tell plays the story, with the bug or without, and returns the complaints.
func (p *planted) tell(t *testing.T, bugs ...sessionpb.Bug) []string {
	cfg := sim.DefaultConfig()
	cfg.Bugs = bugs
	if p.config != nil {
		p.config(cfg)
	}
	c := &broken{}
	judges := func(v *sessionpb.Violation) { c.complain(v.GetJudge(), "%s", v.GetMessage()) }
	c.cluster = newCluster(t, cfg, judges)
	c.also = reported{c}
	p.play(c)
	return c.complaints
}

func TestEveryPlantedBugShows(t *testing.T) {
	stories := slices.Concat(durabilityBugs, consensusBugs, regionBugs, clientBugs)
	for _, p := range stories {
		t.Run(strings.TrimPrefix(p.bug.String(), "BUG_"), func(t *testing.T) {
			if complaints := p.tell(t); len(complaints) > 0 {
				t.Errorf("without the bug, complaints come all the same: %q", complaints)
			}
			complaints := p.tell(t, p.bug)
			if !slices.ContainsFunc(complaints, func(s string) bool { return strings.HasPrefix(s, p.caught+": ") }) {
				t.Errorf("with the bug, %s has nothing to complain about: %q", p.caught, complaints)
			}
		})
	}
	for number, name := range sessionpb.Bug_name {
		told := slices.ContainsFunc(stories, func(p planted) bool { return int32(p.bug) == number })
		elsewhere := sessionpb.Bug(number) == sessionpb.Bug_BUG_TORN_WRITE_KEPT
		if number != 0 && !told && !elsewhere {
			t.Errorf("there is no story in which %s shows", name)
		}
	}
}

// put has a store's client write a pair, and tells whether it was acknowledged within a second.
func (c *broken) put(store uint64, key, value string) bool {
	c.t.Helper()
	return c.done(c.start(store, 1, command(putRequest(key, value))))
}

func (c *broken) done(operation uint64) bool {
	c.t.Helper()
	c.until(second, func() bool { return c.answers[operation] != nil })
	answer := c.answers[operation]
	return answer != nil && reason(answer) == "" && answer.GetCompareFailed() == nil
}

// wantValue has a client read a key in a region, where it must find a value if it finds anything; it asks again until it
// is answered, for a while.
func (c *broken) wantValue(store, region uint64, mode raftcmdpb.ReadMode, key, want string) {
	c.t.Helper()
	for range 10 {
		if c.w.Store(store) == nil {
			return
		}
		operation := c.start(store, region, read(mode, key))
		c.until(second, func() bool { return c.answers[operation] != nil })
		answer := c.answers[operation]
		if answer == nil || reason(answer) != "" {
			c.pass(second / 10)
			continue
		}
		if got := string(answer.GetResponses()[0].GetGet().GetValue()); got != want {
			c.complain(aClient, "S%d says that %s is %q; it was acknowledged to be %q", store, key, got, want)
		}
		return
	}
}

// leaderAmong is the store among those which takes itself for the leader of region 1, in the newest term; or 0.
func (c *broken) leaderAmong(stores ...uint64) uint64 {
	leader, newest := uint64(0), uint64(0)
	for _, id := range stores {
		if s := c.w.Store(id); s != nil {
			if role, term, _ := s.Role(1); role.String() == "StateLeader" && term > newest {
				leader, newest = id, term
			}
		}
	}
	return leader
}

// last is the end of a store's log of region 1.
func (c *broken) last(store uint64) uint64 {
	view, _ := c.w.Store(store).View(1)
	return view.LastIndex
}

// settled has every store hold one pair, and know that it is committed.
func (c *broken) settled(key, value string) (leader uint64) {
	c.t.Helper()
	return c.settledOn(c.stores(), key, value)
}

func (c *broken) settledOn(stores []uint64, key, value string) (leader uint64) {
	c.t.Helper()
	c.mustPut(key, value)
	c.mustHold(stores, map[string]string{key: value})
	c.pass(second)
	return c.mustLeaderOf(1)
}

func TestBugsThatAreNoneAreRefused(t *testing.T) {
	for _, c := range []struct {
		bugs []sessionpb.Bug
		want string
	}{
		{[]sessionpb.Bug{0}, "there is no bug 0 to break a store with"},
		{[]sessionpb.Bug{99}, "there is no bug 99 to break a store with"},
		{[]sessionpb.Bug{sessionpb.Bug_BUG_STALE_READ, sessionpb.Bug_BUG_NO_FSYNC, sessionpb.Bug_BUG_STALE_READ},
			"the bug stale read is listed twice"},
	} {
		cfg := sim.DefaultConfig()
		cfg.Bugs = c.bugs
		if _, err := sim.New(cfg); err == nil || err.Error() != c.want {
			t.Errorf("bugs %v: %v, want %q", c.bugs, err, c.want)
		}
	}
	cfg := sim.DefaultConfig()
	cfg.Raft.CheckQuorum, cfg.Bugs = false, []sessionpb.Bug{sessionpb.Bug_BUG_LEASE_WITHOUT_QUORUM}
	if _, err := sim.New(cfg); err != nil {
		t.Errorf("leases that ask no quorum need no CheckQuorum: %v", err)
	}
}

// A store that comes back with the configuration of before a joint one is told to leave the joint one: raft cannot, and so
// the store cannot go on. The others can.
func TestABrokenStoreThatCannotGoOnStopsWithItsReason(t *testing.T) {
	var reasons []string
	p := planted{config: membersOf(4, 3), play: func(c *broken) {
		leader := c.settledOn([]uint64{1, 2, 3}, "k", "v1")
		late := c.others(leader, 4)[0]
		c.mustAdmin(1, changePeersBy(raftcmdpb.ConfTransition_CONF_TRANSITION_EXPLICIT, addLearner(4)))
		c.settledOn([]uint64{1, 2, 3}, "k", "v2") // its sync is also that of what was applied before
		c.restart2(late)
		c.mustAdmin(1, leaveJoint())
		c.pass(5 * second)
		reasons = append(reasons, c.w.Keyframe().GetStores()[late-1].GetStoppedReason())
		if !c.put(c.mustLeaderOf(1), "k", "v3") {
			c.t.Error("the others do not go on")
		}
	}}
	p.tell(t)
	p.tell(t, sessionpb.Bug_BUG_STALE_CONF_STATE)
	const want = "the store, broken on purpose, cannot go on: can't leave a non-joint config"
	if !slices.Equal(reasons, []string{"", want}) {
		t.Errorf("the store stops with %q, want %q with the bug alone", reasons, want)
	}
}

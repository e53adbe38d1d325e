//go:build unix

package torture

import (
	"fmt"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// A leader that stands still for seconds wakes up in the belief that no time has passed: to what it is asked then, by lease
// above all, it has no answer of its own any more.
func TestALeaderThatStoodStillServesNothingOld(t *testing.T) {
	t.Parallel()
	stands := 5 * time.Second
	if testing.Short() {
		stands = 2 * time.Second
	}
	g := startGroup(t, 3)
	l := startLoad(t, g.endpoints(), *seedFlag)
	c := open(t, g.endpoints())
	mustPut(t, c, "a", "old")
	leader := leaderOf(t, c)
	must(t, g.freeze(leader))
	woken := time.Now().Add(stands)
	mustPut(t, c, "a", "new")
	// These wait at its door when it wakes up.
	answers := make(chan error, 20)
	asked := time.Until(woken) - 300*time.Millisecond
	for n := range cap(answers) {
		time.AfterFunc(asked, func() {
			mode := raftcmdpb.ReadMode_READ_MODE_LEASE
			if n%4 == 0 {
				mode = readIndex
			}
			answer, err := c.DoAt(within(t), leader, get("a", mode))
			if err == nil && answer.GetHeader().GetError() == nil && string(answer.GetResponses()[0].GetGet().GetValue()) != "new" {
				answers <- fmt.Errorf("S%d stood still for %v and answers %v", leader, stands, answer)
				return
			}
			answers <- nil
		})
	}
	time.Sleep(time.Until(woken))
	must(t, g.thaw(leader))
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	must(t, l.serves(t))
	holds(t, c, leader, "a", "new")
	l.stop()
	must(t, l.readBack(t))
	l.h.mustBeLinearizable(t, g.dir)
	must(t, g.alive())
}

// All stores stand still, as when the machine sleeps: nobody has moved on, and they go on where they were.
func TestAClusterThatStoodStillGoesOn(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	l := startLoad(t, g.endpoints(), *seedFlag)
	for epoch := range int64(2) {
		l.epoch.Store(epoch)
		time.Sleep(100 * time.Millisecond)
		must(t, g.each(g.peers.IDs(), g.freeze))
		time.Sleep(time.Second)
		must(t, g.each(g.peers.IDs(), g.thaw))
		must(t, l.serves(t))
	}
	l.stop()
	must(t, l.readBack(t))
	l.h.mustBeLinearizable(t, g.dir)
	must(t, g.alive())
}

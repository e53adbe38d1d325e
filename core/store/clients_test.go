package store

import (
	"fmt"
	"testing"
)

func TestRetryGetsTheFirstAnswerAndIsNotAppliedTwice(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	first := c.call(1, from(command(del("a"), put("a", "1")), 10, 1))
	c.call(1, command(put("a", "other")))
	again := c.call(1, from(command(del("a"), put("a", "1")), 10, 1))
	wantEqual(t, "repeated", again.GetHeader().GetRepeatedAnswer(), true)
	wantEqual(t, "index", again.GetHeader().GetIndex(), first.GetHeader().GetIndex())
	wantEqual(t, "delete found", again.GetResponses()[0].GetDelete().GetFound(), false)
	wantEqual(t, "data", c.data(1), "a=other@3 ")
}

func TestRetryInTheLogTwiceIsAppliedOnce(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	one, two := c.start(1, from(command(put("a", "1")), 10, 1)), c.start(1, from(command(put("a", "1")), 10, 1))
	c.settle()
	wantEqual(t, "first answer", (*one)[0].GetHeader().GetRepeatedAnswer(), false)
	wantEqual(t, "second answer", (*two)[0].GetHeader().GetRepeatedAnswer(), true)
	wantEqual(t, "both tell the same index", (*one)[0].GetHeader().GetIndex(), (*two)[0].GetHeader().GetIndex())
	wantEqual(t, "data", c.data(1), "a=1@2 ")
}

func TestRetryAtTheNextLeaderIsAnswered(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.call(1, from(command(put("a", "1")), 10, 1))
	c.tick(3)
	for id := uint64(1); id <= 3; id++ {
		c.restart(id)
	}
	c.elect(2)
	wantEqual(t, "repeated", c.call(2, from(command(put("a", "1")), 10, 1)).GetHeader().GetRepeatedAnswer(), true)
	wantEqual(t, "data", c.data(2), "a=1@2 ")
}

func TestOlderSequenceIsRefused(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.call(1, from(command(put("a", "5")), 10, 5))
	r := c.call(1, from(command(put("a", "4")), 10, 4))
	wantFailure(t, r, "stale_sequence", mayApply)
	wantEqual(t, "sequence applied", r.GetHeader().GetError().GetStaleSequence().GetSequenceApplied(), uint64(5))
	wantEqual(t, "data", c.data(1), "a=5@2 ")
}

func TestOldestClientIsForgottenAndNeverTakenForNew(t *testing.T) {
	c := newCluster(t, 3)
	c.limits.ClientsRememberedMax = 3
	for id := uint64(1); id <= 3; id++ {
		c.restart(id)
	}
	c.elect(1)
	for client := uint64(11); client <= 15; client++ {
		c.call(1, from(command(put("a", fmt.Sprint(client))), client, 1))
	}
	check := func(leader uint64) {
		t.Helper()
		for client, reason := range map[uint64]string{11: "client_forgotten", 12: "client_forgotten", 3: "client_forgotten"} {
			wantFailure(t, c.call(leader, from(command(put("a", "again")), client, 1)), reason, mayApply)
		}
		for client := uint64(13); client <= 15; client++ {
			wantEqual(t, "repeated", c.call(leader, from(command(put("a", "again")), client, 1)).GetHeader().GetRepeatedAnswer(), true)
		}
		wantEqual(t, "data", c.data(leader), "a=15@6 ")
	}
	check(1)
	c.tick(3)
	for id := uint64(1); id <= 3; id++ {
		c.restart(id)
	}
	c.elect(2)
	check(2)
	wantEqual(t, "floor", c.stores[2].peers[1].clients.floor, uint64(12))
}

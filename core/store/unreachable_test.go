package store

import (
	"testing"

	"go.etcd.io/raft/v3/tracker"

	"raftplay/core/engine"
)

func TestALeaderProbesAStoreThatIsUnreachable(t *testing.T) {
	c := newCluster(t, 3)
	must(t, c.stores[1].Campaign(1))
	c.settle()
	stateOf := func(peer uint64) (state tracker.StateType) {
		c.stores[1].VisitProgress(1, func(p PeerProgress) {
			if p.PeerID == peer {
				state = p.State
			}
		})
		return state
	}
	if a, b := stateOf(102), stateOf(103); a != tracker.StateReplicate || b != tracker.StateReplicate {
		t.Fatalf("the leader's peers are in %v and %v", a, b)
	}
	c.stores[1].Unreachable(2)
	c.stores[1].Unreachable(1) // itself
	c.stores[1].Unreachable(9) // nobody
	c.stores[3].Unreachable(2) // a follower has nothing to change
	if a, b := stateOf(102), stateOf(103); a != tracker.StateProbe || b != tracker.StateReplicate {
		t.Errorf("the unreachable peer is in %v, the other in %v", a, b)
	}
	c.settle()
	c.stores[1].Quit()
	c.stores[1].Unreachable(3)
}

func TestAnEngineSaysWhoItBelongsTo(t *testing.T) {
	e := engine.NewMemory()
	if ident, err := Identity(e); ident != nil || err != nil {
		t.Errorf("an empty engine belongs to %v, %v", ident, err)
	}
	must(t, e.Write(BootstrapStore(4, 7)))
	if ident, err := Identity(e); err != nil || ident.GetStoreId() != 4 || ident.GetClusterId() != 7 {
		t.Errorf("it belongs to %v, %v", ident, err)
	}
}

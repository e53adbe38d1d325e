package sim_test

import (
	"runtime"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// tally counts what an exercise must hold.
type tally struct {
	crashes, restarts, messagesLost, writesAcknowledged int
	terms                                               map[uint64]bool
	writes                                              map[uint64]bool
}

func newTally() *tally { return &tally{terms: map[uint64]bool{}, writes: map[uint64]bool{}} }

func (c *tally) Event(e *sessionpb.Event) {
	switch b := e.Body.(type) {
	case *sessionpb.Event_StoreCrashed:
		c.crashes++
	case *sessionpb.Event_StoreStarted:
		c.restarts++
	case *sessionpb.Event_MessageLost:
		c.messagesLost++
	case *sessionpb.Event_RoleChanged:
		if b.RoleChanged.Role == sessionpb.Role_ROLE_LEADER {
			c.terms[b.RoleChanged.Term] = true
		}
	case *sessionpb.Event_OperationStarted:
		op := b.OperationStarted.Operation
		c.writes[op.Id] = op.Request.Header.Sequence > 0
	case *sessionpb.Event_OperationEnded:
		if c.writes[b.OperationEnded.Id] && b.OperationEnded.Response.GetHeader().GetError() == nil {
			c.writesAcknowledged++
		}
	}
}

func TestEveryExerciseIsBusy(t *testing.T) {
	seeds := uint64(100)
	if runtime.GOOS == "js" {
		seeds = 20 // the hashes are compared for a hundred; see make hash
	}
	for seed := range seeds {
		c := newTally()
		if _, err := sim.Play(sim.Exercise(seed), c); err != nil {
			t.Fatalf("exercise %d: %v", seed, err)
		}
		if c.crashes < 1 || c.restarts < 1 || c.messagesLost < 1 || len(c.terms) < 2 || c.writesAcknowledged < 20 {
			t.Errorf("exercise %d: %d crashes, %d restarts, %d messages lost, leaders in %d terms, %d writes acknowledged; "+
				"want 1, 1, 1, 2, 20 at least", seed, c.crashes, c.restarts, c.messagesLost, len(c.terms), c.writesAcknowledged)
		}
	}
}

func TestAnExerciseDependsOnItsSeedAlone(t *testing.T) {
	if a, b := hashOf(t, sim.Exercise(7)), hashOf(t, sim.Exercise(7)); a != b {
		t.Errorf("seed 7 gives %s and then %s", a, b)
	}
	if a, b := hashOf(t, sim.Exercise(7)), hashOf(t, sim.Exercise(8)); a == b {
		t.Errorf("seeds 7 and 8 both give %s", a)
	}
}

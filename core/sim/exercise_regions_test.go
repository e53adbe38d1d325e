package sim_test

import (
	"runtime"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// regionsTally counts what the exercises of regions must hold, in words.
type regionsTally struct {
	count    map[string]int
	requests map[uint64]*raftcmdpb.RaftCommandRequest
}

func (c *regionsTally) Event(e *sessionpb.Event) {
	switch b := e.Body.(type) {
	case *sessionpb.Event_RunStarted:
		c.requests = map[uint64]*raftcmdpb.RaftCommandRequest{}
	case *sessionpb.Event_StoreAdded:
		c.count["stores added"]++
	case *sessionpb.Event_PeerCreated:
		c.count["peers by "+b.PeerCreated.Origin.String()]++
	case *sessionpb.Event_PeerDestroyed:
		c.count["peers destroyed: "+b.PeerDestroyed.Why]++
	case *sessionpb.Event_RegionChanged:
		c.count[b.RegionChanged.Reason.String()]++
		for _, p := range b.RegionChanged.Region.Peers {
			if p.Role > metapb.PeerRole_PEER_ROLE_VOTER {
				c.count[p.Role.String()]++
			}
		}
	case *sessionpb.Event_LogCompacted:
		c.count["logs compacted"]++
	case *sessionpb.Event_SnapshotProgress:
		c.count[b.SnapshotProgress.Stage.String()]++
	case *sessionpb.Event_SnapshotRestored:
		c.count["snapshots restored"]++
	case *sessionpb.Event_TransferStarted:
		c.count["transfers started"]++
	case *sessionpb.Event_MessageSent:
		if b.MessageSent.Message.Type >= sessionpb.MessageType_MESSAGE_TYPE_SNAPSHOT {
			c.count[b.MessageSent.Message.Type.String()]++
		}
	case *sessionpb.Event_OperationStarted:
		c.requests[b.OperationStarted.Operation.Id] = b.OperationStarted.Operation.Request
	case *sessionpb.Event_OperationEnded:
		c.answered(c.requests[b.OperationEnded.Id], b.OperationEnded.Response)
	}
}

func (c *regionsTally) answered(request *raftcmdpb.RaftCommandRequest, response *raftcmdpb.RaftCommandResponse) {
	if response.GetHeader().GetError() != nil {
		c.count["commands refused"]++
		return
	}
	for _, r := range request.GetRequests() {
		switch {
		case r.GetPut() != nil:
			c.count["puts"]++
			return
		case r.GetScan().GetReverse():
			c.count["scans down"]++
		case r.GetScan() != nil:
			c.count["scans up"]++
		}
		if r.GetDelete() == nil {
			c.count["reads of mode "+request.GetHeader().GetReadMode().String()]++
		}
	}
}

func TestTheExercisesOfRegionsHoldEverything(t *testing.T) {
	seeds := uint64(60)
	if runtime.GOOS == "js" {
		seeds = 15
	}
	c := &regionsTally{count: map[string]int{}}
	for seed := range seeds {
		if _, err := sim.Play(sim.ExerciseRegions(seed), c); err != nil {
			t.Fatalf("exercise of regions %d: %v", seed, err)
		}
	}
	for what, n := range c.count {
		t.Log(what, n)
	}
}

func TestTheEventsOfRegionsFoldToTheKeyframe(t *testing.T) {
	for seed := uint64(0); seed < 20; seed++ {
		foldsToKeyframes(t, "exercise of regions", sim.ExerciseRegions(seed))
	}
}

func TestAKeyframeOfRegionsIsTheSameWatchedOrNot(t *testing.T) {
	for seed := uint64(0); seed < 20; seed++ {
		sameWatchedOrNot(t, sim.ExerciseRegions(seed))
	}
}

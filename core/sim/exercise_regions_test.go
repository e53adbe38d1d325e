package sim_test

import (
	"fmt"
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
		c.count["peers destroyed"]++
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
	seeds := uint64(50)
	if runtime.GOOS == "js" {
		seeds = 25
	}
	c := &regionsTally{count: map[string]int{}}
	for seed := range seeds {
		if _, err := sim.Play(sim.ExerciseRegions(seed), c); err != nil {
			t.Fatalf("exercise of regions %d: %v", seed, err)
		}
	}
	for what, want := range map[string]int{
		"stores added": 30, "puts": 300, "commands refused": 10, "scans up": 10, "scans down": 10,
		"reads of mode READ_MODE_UNSPECIFIED": 10, "reads of mode READ_MODE_READ_INDEX": 10, "reads of mode READ_MODE_LOG": 10,
		"reads of mode READ_MODE_LEASE": 10, "reads of mode READ_MODE_STALE": 10,
		"REGION_CHANGE_REASON_SPLIT": 30, "REGION_CHANGE_REASON_CONF_CHANGE": 30, "logs compacted": 30, "transfers started": 3,
		"peers by PEER_ORIGIN_SPLIT": 30, "peers by PEER_ORIGIN_MESSAGE": 10, "peers destroyed": 3,
		"PEER_ROLE_LEARNER": 5, "PEER_ROLE_INCOMING_VOTER": 1, "PEER_ROLE_DEMOTING_VOTER": 1, "PEER_ROLE_LEAVING_VOTER": 1,
		"SNAPSHOT_STAGE_STARTED": 10, "SNAPSHOT_STAGE_SENDING": 1, "SNAPSHOT_STAGE_DONE": 10, "snapshots restored": 10,
		"MESSAGE_TYPE_SNAPSHOT": 10, "MESSAGE_TYPE_SNAPSHOT_ACK": 10, "MESSAGE_TYPE_PEER_GONE": 1, "MESSAGE_TYPE_CHECK_PEER": 1,
		"MESSAGE_TYPE_TIMEOUT_NOW": 1, "MESSAGE_TYPE_SLEEP": 5, "MESSAGE_TYPE_STORE_BEAT": 5,
	} {
		if c.count[what] < want {
			t.Errorf("%s: %d in %d exercises, want %d at least", what, c.count[what], seeds, want)
		}
	}
}

// seedsOf is how many seeds a long test takes: a few where it is only to be short.
func seedsOf(all uint64) uint64 {
	if testing.Short() {
		return min(all, 2)
	}
	return all
}

func TestTheEventsOfRegionsFoldToTheKeyframe(t *testing.T) {
	for seed := range seedsOf(10) {
		foldsToKeyframes(t, fmt.Sprintf("exercise of regions %d", seed), sim.ExerciseRegions(seed))
	}
}

func TestAKeyframeOfRegionsIsTheSameWatchedOrNot(t *testing.T) {
	for seed := uint64(10); seed < 20; seed++ {
		sameWatchedOrNot(t, sim.ExerciseRegions(seed))
	}
}

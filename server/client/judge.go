package client

import (
	"errors"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// judge learns from a store's answer, and says what follows.
func (t *trip) judge(p place, storeID uint64, answer *raftcmdpb.RaftCommandResponse) step {
	e := answer.GetHeader().GetError()
	if e == nil {
		if p.leader != storeID && t.req.GetHeader().GetReadMode() != raftcmdpb.ReadMode_READ_MODE_STALE && t.req.GetStatus() == nil {
			t.c.routes.setLeader(p.region.GetId(), storeID)
		}
		t.response = answer
		return done
	}
	t.why, t.answer = &refusal{e}, e
	if next, own := t.forgotten(e); own {
		return next
	}
	if e.GetOutcome() == errorpb.Outcome_OUTCOME_MAY_APPLY && raftcmdpb.Changes(t.req) {
		t.uncertain = true
	}
	return t.follow(p, storeID, e)
}

// forgotten handles that a region does not remember the client, or remembers a later request of it. Such an answer says that
// this attempt changed nothing: when no earlier one can have, the command goes on under a new id.
func (t *trip) forgotten(e *errorpb.Error) (next step, own bool) {
	var floor uint64
	switch reason := e.GetReason().(type) {
	case *errorpb.Error_ClientForgotten:
		floor = reason.ClientForgotten.GetFloor()
	case *errorpb.Error_StaleSequence:
	default:
		return 0, false
	}
	if t.session == nil || t.uncertain {
		return 0, false
	}
	t.session.renew(floor)
	return again, true
}

// follow does what a store's refusal asks for.
func (t *trip) follow(p place, storeID uint64, e *errorpb.Error) step {
	routes := t.c.routes
	switch reason := e.GetReason().(type) {
	case *errorpb.Error_NotLeader:
		leader := reason.NotLeader.GetLeader().GetStoreId()
		if leader == 0 || leader == t.failed || leader == storeID {
			routes.setLeader(p.region.GetId(), 0)
			return later
		}
		routes.setLeader(p.region.GetId(), leader)
		return again
	case *errorpb.Error_StaleEpoch:
		for _, region := range reason.StaleEpoch.GetCurrentRegions() {
			// Whoever led the whole is the likeliest to lead the halves.
			routes.learn(region, memberOn(region, storeID).GetStoreId(), 0)
		}
		return t.reshaped()
	case *errorpb.Error_KeyNotInRegion:
		if right := reason.KeyNotInRegion.GetRightRegion(); right != nil {
			routes.learn(right, 0, 0)
		} else {
			routes.forget(p.region.GetId())
		}
		return t.reshaped()
	case *errorpb.Error_RegionNotFound:
		t.unserved(p, storeID)
		t.tries += len(p.region.GetPeers()) + 1 // the members have changed: ask who they are
		return later
	case *errorpb.Error_StoreStopped, *errorpb.Error_Timeout, *errorpb.Error_StoreNotMatch:
		t.unserved(p, storeID)
		return again
	case *errorpb.Error_StaleCommand:
		return again
	case *errorpb.Error_ServerIsBusy, *errorpb.Error_LeaderTransferring:
		return later
	case *errorpb.Error_ConfChangePending:
		if reason.ConfChangePending.GetJoint() {
			return refuse
		}
		return later
	}
	return refuse
}

// reshaped: the region is not as the command took it to be. A command that changes a region is not made for a new shape
// once it may have been what changed it.
func (t *trip) reshaped() step {
	if t.req.GetHeader().GetRegionEpoch() != nil {
		return refuse
	}
	if t.req.GetAdmin() != nil && t.uncertain {
		t.why = errors.New("the region has changed meanwhile, perhaps by this command")
		return refuse
	}
	return again
}

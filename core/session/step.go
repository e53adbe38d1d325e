package session

import (
	"errors"
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

var (
	errNothingDue = errors.New("Nothing will happen by itself: every store is down or paused")
	errQuiet      = errors.New("Nothing of the kind happened for ten virtual seconds")
)

// quietMicrosMax is how far a step looks for what it wants: longer than an election takes.
const quietMicrosMax = 10_000_000

// stepGoal goes on until an event of a kind has been shown.
type stepGoal struct {
	id       uint64
	unit     sessionpb.StepUnit
	storeID  uint64
	deadline int64
}

func (s *Session) step(id uint64, c *sessionpb.Step) error {
	g := &stepGoal{id: id, unit: c.GetUnit(), storeID: c.GetStoreId(), deadline: s.line.world.Now() + quietMicrosMax}
	if g.unit < sessionpb.StepUnit_STEP_UNIT_EVENT || g.unit > sessionpb.StepUnit_STEP_UNIT_INTERESTING {
		return fmt.Errorf("there is no step of unit %d", g.unit)
	}
	if g.unit == sessionpb.StepUnit_STEP_UNIT_TICK && g.storeID != 0 {
		if g.storeID > uint64(s.line.world.Stores()) {
			return fmt.Errorf("there is no S%d", g.storeID)
		}
		if s.line.world.Store(g.storeID) == nil {
			return fmt.Errorf("S%d is down and does not tick", g.storeID)
		}
		if s.line.world.Paused(g.storeID) {
			return fmt.Errorf("S%d is paused and does not tick", g.storeID)
		}
	}
	s.goal = g
	return nil
}

func (g *stepGoal) command() uint64 { return g.id }

func (g *stepGoal) status(*Session) *sessionpb.Work { return nil }

func (g *stepGoal) work(s *Session) (bool, error) {
	if len(s.waiting) == 0 {
		if due, _, ok := s.line.due(); ok && due > g.deadline {
			return true, errQuiet
		}
		if !s.forward() {
			return true, errNothingDue
		}
	}
	for len(s.waiting) > 0 {
		e := s.waiting[0]
		s.show(s.waiting[:1])
		s.waiting = s.waiting[1:]
		if !g.wanted(e) {
			continue
		}
		if g.unit != sessionpb.StepUnit_STEP_UNIT_EVENT && g.unit != sessionpb.StepUnit_STEP_UNIT_EVENT_BUT_TICK {
			s.showWaiting()
		}
		s.reply(&sessionpb.Reply{CommandId: g.id})
		return true, nil
	}
	return false, nil
}

func (g *stepGoal) wanted(e *sessionpb.Event) bool {
	switch g.unit {
	case sessionpb.StepUnit_STEP_UNIT_EVENT_BUT_TICK:
		return e.GetTicked() == nil
	case sessionpb.StepUnit_STEP_UNIT_TICK:
		return e.GetTicked() != nil && (g.storeID == 0 || e.GetStoreId() == g.storeID)
	case sessionpb.StepUnit_STEP_UNIT_MESSAGE:
		return e.GetMessageDelivered() != nil || e.GetMessageLost() != nil
	case sessionpb.StepUnit_STEP_UNIT_INTERESTING:
		return interesting(e)
	}
	return true
}

// interesting events are what a story is made of: elections begun and won, crashes and other faults, answers, verdicts,
// regions that change their shape, peers that go, snapshots that have come to an end.
func interesting(e *sessionpb.Event) bool {
	switch body := e.GetBody().(type) {
	case *sessionpb.Event_RoleChanged:
		now, before := body.RoleChanged.GetRole(), body.RoleChanged.GetRoleBefore()
		return now != before && (now == sessionpb.Role_ROLE_LEADER || before == sessionpb.Role_ROLE_LEADER ||
			before == sessionpb.Role_ROLE_FOLLOWER)
	case *sessionpb.Event_StoreCrashed, *sessionpb.Event_StoreStarted, *sessionpb.Event_StoreStopped,
		*sessionpb.Event_OperationStarted, *sessionpb.Event_OperationEnded, *sessionpb.Event_Violation,
		*sessionpb.Event_TimedOut, *sessionpb.Event_SettingsChanged, *sessionpb.Event_ElectionTimeoutSet,
		*sessionpb.Event_StorePaused, *sessionpb.Event_StoreResumed, *sessionpb.Event_FaultArmed, *sessionpb.Event_ClockSet,
		*sessionpb.Event_DiskCorrupted, *sessionpb.Event_ModelLeft, *sessionpb.Event_StoreAdded, *sessionpb.Event_RegionChanged, *sessionpb.Event_PeerDestroyed:
		return true
	case *sessionpb.Event_SnapshotProgress:
		return body.SnapshotProgress.GetStage() >= sessionpb.SnapshotStage_SNAPSHOT_STAGE_DONE
	}
	return false
}

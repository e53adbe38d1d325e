package sim

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/store"
)

// electionTimeoutTicksMax is the longest election timeout a person may set.
const electionTimeoutTicksMax = 10_000

// ValidateAction says in one sentence what is wrong with an action, whatever the run and the moment, or nil. Whether it can
// be done at its moment, and whether its store has been added by then, Act says.
func ValidateAction(a *sessionpb.Action) error {
	storeID := func(id uint64) error {
		if id < 1 || id > storesMax {
			return fmt.Errorf("there is no S%d: a cluster has S1 to S%d at most", id, storesMax)
		}
		return nil
	}
	switch a := a.GetAction().(type) {
	case *sessionpb.Action_Propose:
		if a.Propose.GetRequest() == nil {
			return errors.New("the proposal has no command")
		}
		if err := store.CheckRequest(addressed(a.Propose.GetRequest()), storeLimits()); err != nil || a.Propose.GetStoreId() == 0 {
			return err
		}
		return storeID(a.Propose.GetStoreId())
	case *sessionpb.Action_CrashStore:
		return storeID(a.CrashStore.GetStoreId())
	case *sessionpb.Action_RestartStore:
		return storeID(a.RestartStore.GetStoreId())
	case *sessionpb.Action_DropMessage, *sessionpb.Action_DeliverMessage:
		return nil
	case *sessionpb.Action_TimeOutStore:
		return storeID(a.TimeOutStore.GetStoreId())
	case *sessionpb.Action_AddStore:
		return nil
	case *sessionpb.Action_SetNetwork:
		return validateNetwork(a.SetNetwork.GetNetwork())
	case *sessionpb.Action_SetDisk:
		return validateDisk(a.SetDisk.GetDisk())
	case *sessionpb.Action_SetElectionTimeout:
		if ticks := a.SetElectionTimeout.GetTimeoutTicks(); ticks < 1 || ticks > electionTimeoutTicksMax {
			return fmt.Errorf("an election timeout is 1 to %d ticks, not %d", electionTimeoutTicksMax, ticks)
		}
		return storeID(a.SetElectionTimeout.GetStoreId())
	}
	return errors.New("the action does nothing that this version knows")
}

// Act does something to the cluster now, between two steps; the action's position is ignored, and nobody writes the action
// from here on: events share its parts. An error is a sentence for a person, and nothing has changed then. operationID is that of a proposal.
//
// A proposal to store 0 goes where an ordinary client library would send it; see route.
func (w *World) Act(a *sessionpb.Action) (operationID uint64, err error) {
	if err := ValidateAction(a); err != nil {
		return 0, err
	}
	switch a := a.GetAction().(type) {
	case *sessionpb.Action_Propose:
		operationID, err = w.propose(a.Propose.GetStoreId(), a.Propose.GetRequest())
	case *sessionpb.Action_CrashStore:
		err = w.crashStore(a.CrashStore.GetStoreId())
	case *sessionpb.Action_RestartStore:
		err = w.restartStore(a.RestartStore.GetStoreId())
	case *sessionpb.Action_DropMessage:
		err = w.dropMessage(a.DropMessage.GetMessageId())
	case *sessionpb.Action_DeliverMessage:
		err = w.deliverMessage(a.DeliverMessage.GetMessageId())
	case *sessionpb.Action_TimeOutStore:
		err = w.timeOutStore(a.TimeOutStore.GetStoreId(), a.TimeOutStore.GetRegionId())
	case *sessionpb.Action_AddStore:
		err = w.addStore()
	case *sessionpb.Action_SetNetwork:
		w.configure(&sessionpb.Config{Network: a.SetNetwork.GetNetwork()})
	case *sessionpb.Action_SetDisk:
		w.configure(&sessionpb.Config{Disk: a.SetDisk.GetDisk()})
	case *sessionpb.Action_SetElectionTimeout:
		err = w.setElectionTimeout(a.SetElectionTimeout)
	}
	w.publish()
	return operationID, err
}

// existing returns the machine of a store, or a sentence.
func (w *World) existing(storeID uint64) (*machine, error) {
	if m := w.machine(storeID); m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("there is no S%d: the cluster has %d stores", storeID, len(w.machines))
}

// up returns the machine of a store that is up, or a sentence.
func (w *World) up(storeID uint64) (*machine, error) {
	m, err := w.existing(storeID)
	if err == nil && m.store == nil {
		return nil, fmt.Errorf("S%d is down: restart it first", storeID)
	}
	return m, err
}

// findMessage returns where a message in flight is, or a sentence.
func (w *World) findMessage(id uint64) (slot uint32, err error) {
	slot, found := w.network.find(id)
	switch {
	case found:
		return slot, nil
	case id == 0 || id > w.network.lastID:
		return 0, fmt.Errorf("there is no message %d", id)
	}
	return 0, fmt.Errorf("message %d is no longer in flight", id)
}

func (w *World) cancelArrival(slot uint32) {
	w.agenda.remove(func(it *item) bool { return it.deed == deedArrive && it.slot == slot })
}

func (w *World) dropMessage(id uint64) error {
	slot, err := w.findMessage(id)
	if err != nil {
		return err
	}
	w.cancelArrival(slot)
	f := w.network.land(slot)
	w.lose(&f, sessionpb.LossReason_LOSS_REASON_BY_HAND, "")
	return nil
}

func (w *World) deliverMessage(id uint64) error {
	slot, err := w.findMessage(id)
	if err != nil {
		return err
	}
	if to := w.network.flights[slot].message.ToStore; w.machines[to-1].store == nil {
		return fmt.Errorf("message %d is for S%d, which is down: restart it first", id, to)
	}
	w.cancelArrival(slot)
	w.arrive(slot, true)
	return nil
}

// timed is the region whose timer is meant: 0 is the first one that the store holds.
func (m *machine) timed(regionID uint64) (uint64, error) {
	if regionID != 0 {
		return regionID, nil
	}
	if held := m.store.RegionIDs(); len(held) > 0 {
		return held[0], nil
	}
	return 0, fmt.Errorf("S%d holds no region: it has no election timer", m.id)
}

func (w *World) timeOutStore(storeID, regionID uint64) error {
	m, err := w.up(storeID)
	if err != nil {
		return err
	}
	if regionID, err = m.timed(regionID); err != nil {
		return err
	}
	place := len(w.outbox)
	if w.observed {
		w.emit(storeID, &sessionpb.Event{Body: &sessionpb.Event_TimedOut{TimedOut: &sessionpb.TimedOut{RegionId: regionID}}})
	}
	if err := m.store.Campaign(regionID); err != nil {
		w.retract(place)
		return err
	}
	m.settle()
	return nil
}

func (w *World) setElectionTimeout(a *sessionpb.SetElectionTimeout) error {
	m, err := w.up(a.GetStoreId())
	if err != nil {
		return err
	}
	regionID, err := m.timed(a.GetRegionId())
	if err != nil {
		return err
	}
	if err := m.store.SetElectionTimeout(regionID, int(a.GetTimeoutTicks())); err != nil {
		return err
	}
	if w.observed {
		w.emit(m.id, &sessionpb.Event{Body: &sessionpb.Event_ElectionTimeoutSet{
			ElectionTimeoutSet: &sessionpb.ElectionTimeoutSet{Timer: mirrorTimer(regionID, m.store.Timer(regionID))}}})
	}
	return nil
}

// configure replaces the settings that are set in with; they hold for what begins from now on.
func (w *World) configure(with *sessionpb.Config) {
	next := cloneConfig(w.config)
	if with.Network != nil {
		next.Network = proto.Clone(with.Network).(*sessionpb.Network)
	}
	if with.Disk != nil {
		next.Disk = proto.Clone(with.Disk).(*sessionpb.Disk)
	}
	w.config = next
	if w.observed {
		w.emit(0, &sessionpb.Event{Body: &sessionpb.Event_SettingsChanged{
			SettingsChanged: &sessionpb.SettingsChanged{Network: next.Network, Disk: next.Disk}}})
	}
}

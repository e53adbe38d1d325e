package sim

import (
	"errors"
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
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
		if err := validateCrash(a.CrashStore); err != nil {
			return err
		}
		return storeID(a.CrashStore.GetStoreId())
	case *sessionpb.Action_RestartStore:
		return storeID(a.RestartStore.GetStoreId())
	case *sessionpb.Action_DropMessage, *sessionpb.Action_DeliverMessage, *sessionpb.Action_HoldMessage,
		*sessionpb.Action_ReleaseMessage, *sessionpb.Action_DuplicateMessage:
		return nil
	case *sessionpb.Action_DelayMessage:
		return within("the delay", a.DelayMessage.GetDelayMicros(), 1, delayMicrosMax)
	case *sessionpb.Action_SetLinks:
		return validateLinks(a.SetLinks.GetLinks(), storesMax)
	case *sessionpb.Action_Partition:
		return validatePartition(a.Partition, storesMax)
	case *sessionpb.Action_SetFilters:
		return validateFilters(a.SetFilters.GetFilters(), storesMax)
	case *sessionpb.Action_Heal:
		return validateStores(a.Heal.GetStoreIds(), storesMax)
	case *sessionpb.Action_TimeOutStore:
		return storeID(a.TimeOutStore.GetStoreId())
	case *sessionpb.Action_AddStore:
		return nil
	case *sessionpb.Action_SetNetwork:
		return validateNetwork(a.SetNetwork.GetNetwork())
	case *sessionpb.Action_SetDisk:
		return validateSetDisk(a.SetDisk)
	case *sessionpb.Action_SetWorkloads:
		return validateWorkloads(a.SetWorkloads.GetWorkloads())
	case *sessionpb.Action_FailDisk:
		if err := validateDiskFault(a.FailDisk.GetFault()); err != nil {
			return err
		}
		return storeID(a.FailDisk.GetStoreId())
	case *sessionpb.Action_CorruptDisk:
		return storeID(a.CorruptDisk.GetStoreId())
	case *sessionpb.Action_PauseStore:
		return storeID(a.PauseStore.GetStoreId())
	case *sessionpb.Action_ResumeStore:
		return storeID(a.ResumeStore.GetStoreId())
	case *sessionpb.Action_SetClock:
		if err := validateSetClock(a.SetClock); err != nil {
			return err
		}
		return storeID(a.SetClock.GetStoreId())
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
func (w *World) Act(action *sessionpb.Action) (operationID uint64, err error) {
	if err := ValidateAction(action); err != nil {
		return 0, err
	}
	switch a := action.GetAction().(type) {
	case *sessionpb.Action_Propose:
		operationID, err = w.propose(a.Propose.GetStoreId(), a.Propose.GetRequest())
	case *sessionpb.Action_CrashStore:
		err = w.crashStore(a.CrashStore)
	case *sessionpb.Action_RestartStore:
		err = w.restartStore(a.RestartStore.GetStoreId(), a.RestartStore.GetWiped())
	case *sessionpb.Action_DropMessage:
		err = w.dropMessage(a.DropMessage.GetMessageId())
	case *sessionpb.Action_DeliverMessage:
		err = w.deliverMessage(a.DeliverMessage.GetMessageId())
	case *sessionpb.Action_HoldMessage:
		err = w.holdMessage(a.HoldMessage.GetMessageId())
	case *sessionpb.Action_ReleaseMessage:
		err = w.releaseMessage(a.ReleaseMessage.GetMessageId())
	case *sessionpb.Action_DelayMessage:
		err = w.delayMessage(a.DelayMessage.GetMessageId(), a.DelayMessage.GetDelayMicros())
	case *sessionpb.Action_DuplicateMessage:
		err = w.duplicateMessage(a.DuplicateMessage.GetMessageId())
	case *sessionpb.Action_SetLinks:
		err = w.setLinks(a.SetLinks.GetLinks())
	case *sessionpb.Action_Partition:
		err = w.partition(a.Partition)
	case *sessionpb.Action_SetFilters:
		err = w.setFilters(a.SetFilters.GetFilters())
	case *sessionpb.Action_TimeOutStore:
		err = w.timeOutStore(a.TimeOutStore.GetStoreId(), a.TimeOutStore.GetRegionId())
	case *sessionpb.Action_AddStore:
		err = w.addStore()
	case *sessionpb.Action_SetNetwork:
		w.configure(func(next *sessionpb.Config) { next.Network = a.SetNetwork.GetNetwork() })
	case *sessionpb.Action_SetDisk:
		err = w.setDisk(a.SetDisk)
	case *sessionpb.Action_SetWorkloads:
		w.setWorkloads(a.SetWorkloads.GetWorkloads())
	case *sessionpb.Action_Heal:
		err = w.heal(a.Heal.GetStoreIds())
	case *sessionpb.Action_FailDisk:
		err = w.failDisk(a.FailDisk)
	case *sessionpb.Action_CorruptDisk:
		err = w.corruptDisk(a.CorruptDisk.GetStoreId())
	case *sessionpb.Action_PauseStore:
		err = w.pauseStore(a.PauseStore.GetStoreId())
	case *sessionpb.Action_ResumeStore:
		err = w.resumeStore(a.ResumeStore.GetStoreId())
	case *sessionpb.Action_SetClock:
		err = w.setClock(a.SetClock)
	case *sessionpb.Action_SetElectionTimeout:
		err = w.setElectionTimeout(a.SetElectionTimeout)
	}
	if err == nil {
		w.leaveModel(action)
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

// awake returns the machine of a store that is up and not paused, or a sentence.
func (w *World) awake(storeID uint64) (*machine, error) {
	m, err := w.up(storeID)
	if err == nil && m.paused {
		return nil, fmt.Errorf("S%d is paused: resume it first", storeID)
	}
	return m, err
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
	m, err := w.awake(storeID)
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
	m.drive(func() {
		if err = m.store.Campaign(regionID); err != nil {
			w.retract(place)
			return
		}
		m.settle()
	})
	return err
}

func (w *World) setElectionTimeout(a *sessionpb.SetElectionTimeout) error {
	m, err := w.awake(a.GetStoreId())
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
			ElectionTimeoutSet: &sessionpb.ElectionTimeoutSet{Timer: mirror.Timer(regionID, m.store.Timer(regionID))}}})
	}
	return nil
}

// configure changes the settings; they hold for what begins from now on. Only change may write the configuration it is
// given, and no part that it puts in is written afterwards.
func (w *World) configure(change func(next *sessionpb.Config)) {
	next := cloneConfig(w.config)
	change(next)
	w.config = next
	if w.observed {
		w.emit(0, &sessionpb.Event{Body: &sessionpb.Event_SettingsChanged{SettingsChanged: w.settings()}})
	}
	w.relink()
}

// settings are all that SettingsChanged holds, as they are now.
func (w *World) settings() *sessionpb.SettingsChanged {
	return &sessionpb.SettingsChanged{
		Network: w.config.Network, Disk: w.config.Disk, Links: w.config.Links, Filters: w.config.Filters,
		Disks: w.config.Disks, Workloads: w.config.Workloads,
	}
}

package sim

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/engine"
	"raftplay/core/store"
)

// What a person does to whole stores.

// addStore starts one more store, without any region, behind the last one.
func (w *World) addStore() error {
	id := uint64(len(w.machines)) + 1
	if id > storesMax {
		return fmt.Errorf("the cluster has %d stores, which is the most", storesMax)
	}
	m := newMachine(w, id)
	if err := m.bootstrap(store.BootstrapStore(id, clusterID)); err != nil {
		return err
	}
	w.machines = append(w.machines, m)
	if w.observed {
		w.emit(id, &sessionpb.Event{Body: &sessionpb.Event_StoreAdded{StoreAdded: &sessionpb.StoreAdded{Store: m.state()}}})
	}
	m.settle()
	return nil
}

// restartStore opens a store on what its engine holds; wiped, on an empty one. A store that cannot start has been restarted
// all the same: it stops, with its reason.
func (w *World) restartStore(id uint64, wiped bool) error {
	m, err := w.existing(id)
	switch {
	case err != nil:
		return err
	case m.store != nil:
		return fmt.Errorf("S%d is up already", id)
	}
	if wiped {
		if err := m.wipe(); err != nil {
			return err
		}
	}
	if err := m.start(); err != nil {
		m.stop(err.Error())
		return nil
	}
	if w.observed {
		w.emit(id, &sessionpb.Event{Body: &sessionpb.Event_StoreStarted{
			StoreStarted: &sessionpb.StoreStarted{Store: m.state(), Wiped: wiped}}})
	}
	m.drive(m.settle)
	return nil
}

// wipe gives the machine an empty engine that knows no more than whose it is.
func (m *machine) wipe() error {
	m.engine = engine.NewMemory()
	if err := m.engine.Write(store.BootstrapStore(m.id, clusterID)); err != nil {
		return fmt.Errorf("wipe S%d: %w", m.id, err)
	}
	return nil
}

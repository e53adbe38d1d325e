package sim

import (
	"fmt"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// heal ends every fault of some stores and of the links between them, or, when none is named, of all; see sessionpb.Heal.
// Of a store it is made of the actions that a person could do one by one.
func (w *World) heal(ids []uint64) error {
	if err := validateStores(ids, w.Stores()); err != nil {
		return err
	}
	w.healNetwork(ids)
	for _, m := range w.machines {
		if len(ids) > 0 && !slices.Contains(ids, m.id) {
			continue
		}
		m.armed.moment, m.armed.keeps = sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED, sessionpb.CrashKeeps_CRASH_KEEPS_UNSPECIFIED
		m.tellArmed()
		for _, a := range m.healing() {
			if _, err := w.Act(a); err != nil {
				return fmt.Errorf("healing stopped: %w", err)
			}
		}
	}
	return nil
}

// healing are the actions that heal one store.
func (m *machine) healing() (actions []*sessionpb.Action) {
	add := func(a *sessionpb.Action) { actions = append(actions, a) }
	if m.armed.disk != sessionpb.DiskFault_DISK_FAULT_UNSPECIFIED {
		add(&sessionpb.Action{Action: &sessionpb.Action_FailDisk{FailDisk: &sessionpb.FailDisk{StoreId: m.id}}})
	}
	if slices.ContainsFunc(m.w.config.Disks, func(own *sessionpb.StoreDisk) bool { return own.GetStoreId() == m.id }) {
		add(&sessionpb.Action{Action: &sessionpb.Action_SetDisk{SetDisk: &sessionpb.SetDisk{StoreId: m.id}}})
	}
	if m.clock.rate != rateTrue || m.clock.lateMax != 0 {
		add(&sessionpb.Action{Action: &sessionpb.Action_SetClock{SetClock: &sessionpb.SetClock{StoreId: m.id, Clock: &sessionpb.Clock{}}}})
	}
	switch {
	case m.store == nil:
		add(restartOf(m.id))
	case m.paused:
		add(resumeOf(m.id))
	}
	return actions
}

// healNetwork makes the links between some stores, or all of them, whole: like every other, of which nothing is left but
// the latency and its jitter, with no filter on them, and lets go what is held there.
func (w *World) healNetwork(ids []uint64) {
	all := len(ids) == 0
	whole := func(from, to uint64) bool { return all || slices.Contains(ids, from) && slices.Contains(ids, to) }
	w.configure(func(next *sessionpb.Config) {
		calm := &sessionpb.Network{LatencyMicros: next.Network.LatencyMicros, JitterMicros: next.Network.JitterMicros}
		if all {
			next.Network, next.Links, next.Filters = calm, nil, nil
			return
		}
		if faultless(next.Network) {
			calm = nil
		}
		var replaced []*sessionpb.Link
		w.eachLink(func(from, to uint64) {
			if whole(from, to) {
				replaced = append(replaced, &sessionpb.Link{FromStore: from, ToStore: to, Network: calm})
			}
		})
		next.Links = mergeLinks(next.Links, replaced)
		next.Filters = w.filtersBeside(next.Filters, whole)
	})
	there := func(f *flight) bool { return whole(f.message.FromStore, f.message.ToStore) }
	w.releaseHeld(sessionpb.HoldReason_HOLD_REASON_FILTER, there)
	w.releaseHeld(sessionpb.HoldReason_HOLD_REASON_BY_HAND, there)
}

func faultless(n *sessionpb.Network) bool {
	return n.LossPpm|n.SlowPpm|n.DuplicatePpm|n.ReorderPpm == 0 && n.BytesPerSecond == 0
}

// filtersBeside returns filters that do what the given ones do on the links that are not whole, and nothing on those that
// are. One that looks at both becomes one for each link.
func (w *World) filtersBeside(filters []*sessionpb.Filter, whole func(from, to uint64) bool) []*sessionpb.Filter {
	var beside []*sessionpb.Filter
	for _, f := range filters {
		var apart []*sessionpb.Filter
		touched := false
		w.eachLink(func(from, to uint64) {
			if f.FromStore != 0 && f.FromStore != from || f.ToStore != 0 && f.ToStore != to {
				return
			}
			if whole(from, to) {
				touched = true
				return
			}
			apart = append(apart, &sessionpb.Filter{
				FromStore: from, ToStore: to, Type: f.Type, RegionId: f.RegionId, Deed: f.Deed, DelayMicros: f.DelayMicros})
		})
		if !touched {
			apart = []*sessionpb.Filter{f}
		}
		beside = append(beside, apart...)
	}
	return beside
}

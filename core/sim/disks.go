package sim

import (
	"fmt"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Disks that are not like the others.

// validateDisks looks at the disks that single stores have of their own.
func validateDisks(cfg *sessionpb.Config) error {
	for i, d := range cfg.GetDisks() {
		if err := validateOwn("disk", d.GetStoreId(), cfg.GetStores(), func(id uint64) bool {
			return slices.ContainsFunc(cfg.GetDisks()[:i], func(before *sessionpb.StoreDisk) bool { return before.GetStoreId() == id })
		}); err != nil {
			return err
		}
		if err := validateDisk(d.GetDisk()); err != nil {
			return fmt.Errorf("S%d's disk: %w", d.GetStoreId(), err)
		}
	}
	return nil
}

// validateOwn looks at whose a setting is that a single store has of its own.
func validateOwn(what string, storeID uint64, stores uint32, before func(storeID uint64) bool) error {
	switch {
	case storeID < 1 || storeID > uint64(stores):
		return fmt.Errorf("a %s is given to S%d, and the cluster has %d stores", what, storeID, stores)
	case before(storeID):
		return fmt.Errorf("a %s is given to S%d twice", what, storeID)
	}
	return nil
}

func validateSetDisk(a *sessionpb.SetDisk) error {
	switch id := a.GetStoreId(); {
	case id > storesMax:
		return fmt.Errorf("there is no S%d: a cluster has S1 to S%d at most", id, storesMax)
	case id != 0 && a.GetDisk() == nil:
		return nil
	}
	return validateDisk(a.GetDisk())
}

// setDisk changes every store's disk, and ends what single ones had of their own; or one store's.
func (w *World) setDisk(a *sessionpb.SetDisk) error {
	id := a.GetStoreId()
	if id == 0 {
		w.configure(func(next *sessionpb.Config) { next.Disk, next.Disks = a.GetDisk(), nil })
		return nil
	}
	if _, err := w.existing(id); err != nil {
		return err
	}
	own := slices.Clone(w.config.Disks)
	at := slices.IndexFunc(own, func(d *sessionpb.StoreDisk) bool { return d.GetStoreId() == id })
	switch {
	case a.GetDisk() == nil && at < 0:
		return fmt.Errorf("S%d's disk is like every other already", id)
	case a.GetDisk() == nil:
		own = slices.Delete(own, at, at+1)
	case at < 0:
		own = append(own, nil)
		at = len(own) - 1
		fallthrough
	default:
		own[at] = &sessionpb.StoreDisk{StoreId: id, Disk: a.GetDisk()}
	}
	w.configure(func(next *sessionpb.Config) { next.Disks = own })
	return nil
}

// drawDisk draws how long the store's disk takes for a write and for the sync after it, whether there is one or not.
func (m *machine) drawDisk() (writeMicros, fsyncMicros int64) {
	disk := m.w.config.Disk
	for _, own := range m.w.config.Disks {
		if own.GetStoreId() == m.id {
			disk = own.GetDisk()
		}
	}
	writeMicros = disk.GetWriteMicros() + m.speed.between(0, disk.GetJitterMicros())
	return writeMicros, disk.GetFsyncMicros() + m.speed.between(0, disk.GetJitterMicros())
}

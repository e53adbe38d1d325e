package sim

import (
	"bytes"
	"fmt"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
	"raftplay/core/store"
)

// rotten is a user's value on a disk that may be changed.
type rotten struct {
	regionID  uint64
	key, disk []byte // as users know it, and as the engine does
	stored    []byte
	valueAt   int
}

// corruptDisk changes one byte of one value on a store's disk, and tells the store nothing. What a batch on its way to the
// disk will replace is left out.
func (w *World) corruptDisk(id uint64) error {
	m, err := w.existing(id)
	if err != nil {
		return err
	}
	values, err := m.values()
	if err != nil {
		return fmt.Errorf("S%d's disk cannot be read: %w", id, err)
	}
	if len(values) == 0 {
		return fmt.Errorf("S%d's disk holds no value that could be changed", id)
	}
	at := values[m.rot.below(uint64(len(values)))]
	stored := slices.Clone(at.stored)
	value := stored[at.valueAt:]
	value[m.rot.below(uint64(len(value)))] ^= byte(m.rot.between(1, 255))
	m.engine.Corrupt(at.disk, stored)
	if w.observed {
		w.emit(id, &sessionpb.Event{Body: &sessionpb.Event_DiskCorrupted{DiskCorrupted: &sessionpb.DiskCorrupted{
			RegionId: at.regionID, Key: at.key, Value: value[:min(len(value), mirror.ValueBytesMax)]}}})
	}
	return nil
}

// values are the users' values that stand on the store's disk, by region and key.
func (m *machine) values() ([]rotten, error) {
	look, err := m.look()
	if err != nil {
		return nil, err
	}
	var values []rotten
	for _, regionID := range look.RegionIDs() {
		err = look.Data(regionID, func(key, value []byte, _ uint64) bool {
			at := rotten{regionID: regionID, key: bytes.Clone(key)}
			var found bool
			at.disk, at.stored, at.valueAt, found = store.Stored(m.engine, key)
			if found && len(value) > 0 && bytes.Equal(at.stored[at.valueAt:], value) {
				values = append(values, at)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

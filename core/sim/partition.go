package sim

import (
	"errors"
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// ringStoresMin is how many stores make a ring.
const ringStoresMin = 3

// partition cuts links by their ends, and mends all others; settings of their own and clogs stay.
func (w *World) partition(p *sessionpb.Partition) error {
	if err := validatePartition(p, w.Stores()); err != nil {
		return err
	}
	cut := cutBy(p)
	w.configure(func(next *sessionpb.Config) {
		links := make(map[[2]uint64]*sessionpb.Link, len(next.Links))
		for _, l := range next.Links {
			links[[2]uint64{l.FromStore, l.ToStore}] = l
		}
		var replaced []*sessionpb.Link
		w.eachLink(func(from, to uint64) {
			own := links[[2]uint64{from, to}]
			replaced = append(replaced, &sessionpb.Link{
				FromStore: from, ToStore: to, Network: own.GetNetwork(), Clogged: own.GetClogged(), Cut: cut(from, to)})
		})
		next.Links = mergeLinks(next.Links, replaced)
	})
	return nil
}

// cutBy tells of each link, by its two different ends, whether a partition cuts it.
func cutBy(p *sessionpb.Partition) func(from, to uint64) bool {
	// Sides count from 1; a store in none has 0.
	var side, place [storesMax + 1]int
	for i, s := range p.GetSides() {
		for j, id := range s.GetStoreIds() {
			side[id], place[id] = i+1, j
		}
	}
	apart := func(from, to uint64) bool { return side[from] != side[to] || side[from] == 0 }
	switch p.GetKind() {
	case sessionpb.PartitionKind_PARTITION_KIND_UNSPECIFIED:
		return func(_, _ uint64) bool { return false }
	case sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY:
		return func(from, to uint64) bool { return side[from] == 1 && side[to] != 1 }
	case sessionpb.PartitionKind_PARTITION_KIND_RING:
		n := len(p.GetSides()[0].GetStoreIds())
		return func(from, to uint64) bool {
			gap := (place[from] - place[to] + n) % n
			return side[from] == 0 || side[to] == 0 || gap != 1 && gap != n-1
		}
	case sessionpb.PartitionKind_PARTITION_KIND_BRIDGE:
		return func(from, to uint64) bool { return side[from] != 1 && side[to] != 1 && apart(from, to) }
	}
	return apart
}

// validatePartition says in one sentence what is wrong with a partition of so many stores, or nil.
func validatePartition(p *sessionpb.Partition, stores int) error {
	if p.GetKind() == sessionpb.PartitionKind_PARTITION_KIND_UNSPECIFIED {
		if len(p.GetSides()) > 0 {
			return errors.New("the partition has sides and no kind")
		}
		return nil
	}
	if kind := p.GetKind(); kind < sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC ||
		kind > sessionpb.PartitionKind_PARTITION_KIND_BRIDGE {
		return fmt.Errorf("there is no partition of kind %d", kind)
	}
	sides := p.GetSides()
	if len(sides) == 0 {
		return errors.New("a partition needs at least one side")
	}
	var side [storesMax + 1]int
	for i, s := range sides {
		if len(s.GetStoreIds()) == 0 {
			return fmt.Errorf("side %d of the partition has no store", i+1)
		}
		for _, id := range s.GetStoreIds() {
			if err := validateStore(id, stores); err != nil {
				return err
			}
			if side[id] != 0 {
				return fmt.Errorf("S%d is named twice: in side %d and in side %d", id, side[id], i+1)
			}
			side[id] = i + 1
		}
	}
	if p.GetKind() == sessionpb.PartitionKind_PARTITION_KIND_RING {
		switch n := len(sides[0].GetStoreIds()); {
		case len(sides) > 1:
			return fmt.Errorf("a ring is one side, not %d", len(sides))
		case n < ringStoresMin:
			return fmt.Errorf("a ring has at least %d stores, not %d", ringStoresMin, n)
		}
	}
	return nil
}

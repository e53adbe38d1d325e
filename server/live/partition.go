package live

import (
	"errors"
	"fmt"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// sides is a partition as the links between all stores: those between sides cut, the others mended.
func sides(p *sessionpb.Partition, stores []uint64) ([]*sessionpb.Link, error) {
	side := map[uint64]int{}
	for i, s := range p.GetSides() {
		for _, id := range s.GetStoreIds() {
			if !slices.Contains(stores, id) {
				return nil, fmt.Errorf("there is no store S%d", id)
			}
			if _, twice := side[id]; twice {
				return nil, fmt.Errorf("S%d is on two sides", id)
			}
			side[id] = i + 1
		}
	}
	cut := func(from, to uint64) bool { return false }
	switch p.GetKind() {
	case sessionpb.PartitionKind_PARTITION_KIND_UNSPECIFIED:
	case sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC:
		// A store on no side is alone.
		cut = func(from, to uint64) bool { return side[from] != side[to] || side[from] == 0 }
	case sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY:
		cut = func(from, to uint64) bool { return side[from] == 1 && side[to] != 1 }
	case sessionpb.PartitionKind_PARTITION_KIND_BRIDGE:
		cut = func(from, to uint64) bool {
			return side[from] != 1 && side[to] != 1 && (side[from] != side[to] || side[from] == 0)
		}
	case sessionpb.PartitionKind_PARTITION_KIND_RING:
		ring := p.GetSides()[:min(1, len(p.GetSides()))]
		cut = func(from, to uint64) bool { return !neighbours(ring, from, to) }
	default:
		return nil, errors.New("this version does not know the partition")
	}
	var links []*sessionpb.Link
	for _, from := range stores {
		for _, to := range stores {
			if from != to {
				links = append(links, &sessionpb.Link{FromStore: from, ToStore: to, Cut: cut(from, to)})
			}
		}
	}
	return links, nil
}

// neighbours tells whether two stores stand side by side in a ring.
func neighbours(ring []*sessionpb.Side, a, b uint64) bool {
	if len(ring) == 0 {
		return false
	}
	ids := ring[0].GetStoreIds()
	i, j := slices.Index(ids, a), slices.Index(ids, b)
	return i >= 0 && j >= 0 && ((i+1)%len(ids) == j || (j+1)%len(ids) == i)
}

package store

import metapb "raftplay/core/pb/metapb/v1"

func (s *Store) unrange(p *peer) {
	if at, found := s.ranges.Get(string(p.region.GetStartKey())); found && at == p {
		s.ranges.Delete(string(p.region.GetStartKey()))
	}
}

// overlapping returns a peer of another region whose range has keys in common with the region's, or nil.
func (s *Store) overlapping(region *metapb.Region) *peer {
	var found *peer
	look := func(start string, p *peer) bool {
		if p.region.GetId() != region.GetId() && rangesOverlap(p.region, region) {
			found = p
		}
		return found == nil && start > string(region.GetStartKey())
	}
	// The one that begins at or before the region, and those that begin within it.
	s.ranges.Descend(string(region.GetStartKey()), look)
	if found != nil {
		return found
	}
	s.ranges.Ascend(string(region.GetStartKey()), func(start string, p *peer) bool {
		if end := region.GetEndKey(); len(end) > 0 && start >= string(end) {
			return false
		}
		look(start, p)
		return found == nil
	})
	return found
}

// holder returns the initialized peer whose region holds a key, or nil.
func (s *Store) holder(key []byte) *peer {
	var found *peer
	s.ranges.Descend(string(key), func(_ string, p *peer) bool {
		if inRegion(key, p.region) {
			found = p
		}
		return false
	})
	return found
}

package check

// region is what is known of a region as a whole: facts that hold on every store and for ever.
type region struct {
	id      uint64
	leaders map[uint64]leader    // by term
	ranges  map[uint64]shapeFact // by version
	members map[membersEpoch]shapeFact
	ballots map[ballotKey]*ballot
	// commit is the newest entry known to be committed; nil when none is.
	commit *commitMark
	// peers are those of all stores, in the order in which they were first seen.
	peers []*peer
	// slots are by log index, from base on; facts counts what they hold.
	slots []slot
	base  uint64
	facts int
}

// leader is who was first seen leading in a term, and whose votes made it so.
type leader struct {
	storeID, seq uint64
	votes        []uint64
}

// slot is what is known of one log index.
type slot struct {
	// entries are the entries seen at this index, one a term; usually there is one.
	first   entry
	others  []entry
	applied applied
}

// entry is an entry as it was first seen on a store. A seq of 0 means none.
type entry struct {
	seq, storeID uint64
	term, digest uint64
	// before is the term of the entry before it, when that is known.
	before      uint64
	beforeKnown bool
}

// applied is an entry as a store first applied it. A seq of 0 means none.
type applied struct {
	seq, storeID uint64
	term, digest uint64
	effect       uint64
	// during is the term that the store was in: by then it was committed. 0 when not known.
	during uint64
}

// slot returns what is known of an index, to be added to; nil when it is too old, or too far ahead, to be remembered.
func (r *region) slot(index uint64) *slot {
	if len(r.slots) == 0 && r.facts == 0 {
		r.base = index
	}
	if index < r.base || index-r.base > uint64(len(r.slots)+indexesMax) {
		return nil
	}
	for uint64(len(r.slots)) <= index-r.base {
		r.slots = append(r.slots, slot{})
	}
	return &r.slots[index-r.base]
}

// look is slot for who only looks: nil when nothing is known.
func (r *region) look(index uint64) *slot {
	if index < r.base || index-r.base >= uint64(len(r.slots)) {
		return nil
	}
	return &r.slots[index-r.base]
}

// entry returns the entry of a term at this index, or nil.
func (s *slot) entry(term uint64) *entry {
	if s.first.seq != 0 && s.first.term == term {
		return &s.first
	}
	for i := range s.others {
		if s.others[i].term == term {
			return &s.others[i]
		}
	}
	return nil
}

func (s *slot) add(e entry) {
	if s.first.seq == 0 {
		s.first = e
	} else {
		s.others = append(s.others, e)
	}
}

func (s *slot) empty() bool { return s.first.seq == 0 && s.applied.seq == 0 }

// trim forgets the older half of the indexes once there are too many, and tells whether it did.
func (r *region) trim(indexesMax int) bool {
	if len(r.slots) <= indexesMax {
		return false
	}
	drop := len(r.slots) - indexesMax/2
	r.base += uint64(drop)
	for i := range r.slots[:drop] {
		r.facts -= r.slots[i].facts()
	}
	kept := copy(r.slots, r.slots[drop:])
	clear(r.slots[kept:])
	r.slots = r.slots[:kept]
	return true
}

func (s *slot) facts() int {
	n := len(s.others)
	if s.first.seq != 0 {
		n++
	}
	if s.applied.seq != 0 {
		n++
	}
	return n
}

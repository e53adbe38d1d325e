package check

// region is what is known of a region as a whole: facts that hold on every store and for ever.
type region struct {
	id      uint64
	leaders map[uint64]leader    // by term
	ranges  map[uint64]shapeFact // by version
	members map[membersEpoch]shapeFact
	// slots are by log index, from base on; facts counts what they hold.
	slots []slot
	base  uint64
	facts int
}

// leader is who was first seen leading in a term.
type leader struct{ storeID, seq uint64 }

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

// takeBack forgets the newest fact of a kind at an index, term or epoch.
func (r *region) takeBack(fact factKind, at, version uint64) {
	switch fact {
	case factLeader:
		delete(r.leaders, at)
		return
	case factRange:
		delete(r.ranges, at)
		return
	case factMembers:
		delete(r.members, membersEpoch{at, version})
		return
	}
	s := r.look(at)
	switch {
	case fact == factApplied:
		s.applied = applied{}
	case len(s.others) > 0:
		s.others = s.others[:len(s.others)-1]
	default:
		s.first = entry{}
	}
	r.facts--
	for last := len(r.slots) - 1; last >= 0 && r.slots[last].empty(); last-- {
		r.slots = r.slots[:last]
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

// peer is one store's replica of a region, as its events tell.
type peer struct {
	storeID  uint64
	region   *region
	state    peerState
	savedSeq uint64 // the event before which the state was saved last
}

// peerState is replaced, never shared: what its pointers point at is not written again.
type peerState struct {
	peerID uint64
	// In memory: gone with a crash.
	term, vote, commit uint64
	applied            uint64
	appliedKnown       bool
	// On the disk: handed over, in the engine, and durable. Nil when nothing is known.
	handed, written, durable *hardState
	log                      logTerms
	// The region, unless the peer waits for its first snapshot: in memory, and on its way to the disk.
	shape, shapeHanded, shapeWritten, shapeDurable *shape
}

// hardState is raft's, as it stands in a batch.
type hardState struct{ seq, term, vote, commit uint64 }

// logTerms holds the term of every entry of a log, as runs of one term, newest first. Entries before the oldest run are
// not known.
type logTerms struct {
	top  *termRun
	last uint64
}

// termRun is a run of entries of one term; it ends where the one above begins.
type termRun struct {
	from, term uint64
	below      *termRun
}

// term returns the term of the entry at an index. The entry before the first has term 0.
func (l *logTerms) term(index uint64) (term uint64, known bool) {
	if index == 0 {
		return 0, true
	}
	if index > l.last {
		return 0, false
	}
	for run := l.top; run != nil; run = run.below {
		if run.from <= index {
			return run.term, true
		}
	}
	return 0, false
}

// cut drops the entries from an index on.
func (l *logTerms) cut(from uint64) {
	for l.top != nil && l.top.from >= from {
		l.top = l.top.below
	}
	l.last = from - 1
}

// push appends an entry behind the last one.
func (l *logTerms) push(term uint64) {
	l.last++
	if l.top == nil || l.top.term != term {
		l.top = &termRun{from: l.last, term: term, below: l.top}
	}
}

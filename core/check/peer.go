package check

// peer is one store's replica of a region, as its events tell.
type peer struct {
	storeID  uint64
	region   *region
	state    peerState
	savedSeq uint64 // the event before which the state was saved last
}

// peerState is replaced, never shared: what its pointers point at is not written again. A seq is of the event that brought
// what stands beside it.
type peerState struct {
	peerID uint64
	// In memory: gone with a crash. The log is so far as it has been handed to the disk.
	term, vote, termSeq  uint64
	commit, commitSeq    uint64
	applied, appliedSeq  uint64
	log                  logTerms
	shape                *shape // unless the peer waits for its first snapshot
	handed, written      *stored
	durable              *stored
	syncedSeq, downSeq   uint64 // the sync that made durable what is; the last time its store went down
	earlySeq, earlyIndex uint64 // the last acknowledgement of an entry that was not synced
	membersChange        membersChange

	appliedKnown bool
	leads        bool
	gone         bool // destroyed: only what binds the peer is left, and what it had on its disk
	wiped        bool // it began again on an empty disk, when downSeq says
	stopped      bool // its store gave up, and may have left on its disk what was not synced
}

// stored is what a batch leaves of a peer on its store's disk. A peer's state points at three of them: handed over, in the
// engine, and durable; nil is not known.
type stored struct {
	// termSeq is of the event that brought this term and vote to the disk; 0 when they are not known.
	termSeq            uint64
	term, vote, commit uint64
	applied            uint64 // 0 when not known
	logSeq             uint64 // of the write that last changed the log
	log                logTerms
	shape              *shape
}

// hand notes that the batch just handed to a store's disk holds all its peers as they stand.
func (j *Judges) hand(storeID uint64) {
	for _, p := range j.stores[storeID] {
		s := &p.state
		if s.gone {
			continue
		}
		now := stored{log: s.log, shape: s.shape}
		if s.appliedKnown {
			now.applied = s.applied
		}
		before := s.handed
		if before == nil {
			before = &stored{}
		}
		now.termSeq, now.term, now.vote, now.commit, now.logSeq = before.termSeq, before.term, before.vote, before.commit, before.logSeq
		if now == *before {
			continue
		}
		if now.log != before.log {
			now.logSeq = j.seq
		}
		next := now
		j.change(p).handed = &next
	}
}

// written and synced move what was handed over towards the disk. A store has one write under way at a time.
func (j *Judges) written(storeID uint64) {
	for _, p := range j.stores[storeID] {
		if p.state.written != p.state.handed {
			s := j.change(p)
			s.written = s.handed
		}
	}
}

func (j *Judges) synced(storeID uint64) {
	for _, p := range j.stores[storeID] {
		if p.state.durable != p.state.written && !p.state.gone {
			s := j.change(p)
			s.durable, s.syncedSeq = s.written, j.seq
		}
	}
}

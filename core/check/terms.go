package check

import sessionpb "raftplay/core/pb/sessionpb/v1"

// logTerms holds the term of every entry of a log, as runs of one term, newest first. Of entries before the oldest run
// the terms are not known: a snapshot or a compaction took their place, or they are older than the judges. A copy is a
// picture of the log: runs are never written again.
type logTerms struct {
	top  *termRun
	last uint64
	// known is false while not even the log's end is known.
	known bool
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

// logOf is a log as a peer's state shows it.
func logOf(state *sessionpb.PeerState) logTerms {
	l := logTerms{last: state.GetLastIndex(), known: true}
	if entries := state.GetEntries(); len(entries) > 0 {
		l.cut(entries[0].GetIndex())
		for _, e := range entries {
			l.push(e.GetTerm())
		}
	}
	return l
}

// lacks tells whether an entry is surely not in the log. A term of 0 is not known.
func (l *logTerms) lacks(index, term uint64) bool {
	if !l.known {
		return false
	}
	have, known := l.term(index)
	return index > l.last || term != 0 && known && have != term
}

// shared returns the last index up to which two logs may be the same: by log matching, one term at one index means the
// same entries up to there.
func (l *logTerms) shared(other *logTerms) uint64 {
	at := min(l.last, other.last)
	a, b := l.top, other.top
	for {
		for a != nil && a.from > at {
			a = a.below
		}
		for b != nil && b.from > at {
			b = b.below
		}
		if a == nil || b == nil || a == b || a.term == b.term {
			return at
		}
		at = max(a.from, b.from) - 1
	}
}

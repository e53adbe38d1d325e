package store

import (
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// forget is what broken stores do to a log and its states as these are opened.
func (l *raftLog) forget(apply *raftserverpb.RaftApplyState) {
	if l.bugs.Has(BugKeepConflictingTail) {
		for l.stands(l.hard.LastIndex + 1) {
			l.hard.LastIndex++
		}
	}
	if l.bugs.Has(BugForgetVote) {
		l.hard.Vote = 0
	}
	l.cacheFirst = l.hard.LastIndex + 1
	if term, err := l.Term(l.hard.LastIndex); l.bugs.Has(BugForgetTerm) && err == nil && term < l.hard.Term {
		l.hard.Term, l.hard.Vote = term, 0
	}
	if l.bugs.Has(BugForgetApplied) {
		apply.AppliedIndex = l.hard.LastIndex
	}
}

// stands tells whether the engine holds an entry.
func (l *raftLog) stands(index uint64) bool {
	_, err := l.read(index)
	return err == nil
}

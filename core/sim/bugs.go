package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/store"
)

// storeBugs are the store's, by the protocol's.
var storeBugs = map[sessionpb.Bug]store.Bugs{
	sessionpb.Bug_BUG_SEND_BEFORE_SYNC:         store.BugSendBeforeSync,
	sessionpb.Bug_BUG_NO_FSYNC:                 store.BugNoFsync,
	sessionpb.Bug_BUG_FORGET_VOTE:              store.BugForgetVote,
	sessionpb.Bug_BUG_FORGET_TERM:              store.BugForgetTerm,
	sessionpb.Bug_BUG_TORN_WRITE_KEPT:          store.BugTornWriteKept,
	sessionpb.Bug_BUG_KEEP_CONFLICTING_TAIL:    store.BugKeepConflictingTail,
	sessionpb.Bug_BUG_FORGET_APPLIED:           store.BugForgetApplied,
	sessionpb.Bug_BUG_WRONG_QUORUM:             store.BugWrongQuorum,
	sessionpb.Bug_BUG_ANSWER_BEFORE_COMMIT:     store.BugAnswerBeforeCommit,
	sessionpb.Bug_BUG_APPLY_BEFORE_COMMIT:      store.BugApplyBeforeCommit,
	sessionpb.Bug_BUG_TWO_CONF_CHANGES:         store.BugTwoConfChanges,
	sessionpb.Bug_BUG_STALE_CONF_STATE:         store.BugStaleConfState,
	sessionpb.Bug_BUG_TOMBSTONE_FORGOTTEN:      store.BugTombstoneForgotten,
	sessionpb.Bug_BUG_SKIP_EPOCH_CHECK:         store.BugSkipEpochCheck,
	sessionpb.Bug_BUG_SPLIT_KEEPS_VERSION:      store.BugSplitKeepsVersion,
	sessionpb.Bug_BUG_SPLIT_FORGETS_HARD_STATE: store.BugSplitForgetsHardState,
	sessionpb.Bug_BUG_COMPACT_WITHOUT_SNAPSHOT: store.BugCompactWithoutSnapshot,
	sessionpb.Bug_BUG_SNAPSHOT_APPLIED_HALF:    store.BugSnapshotAppliedHalf,
	sessionpb.Bug_BUG_SNAPSHOT_KEEPS_OLD_KEYS:  store.BugSnapshotKeepsOldKeys,
	sessionpb.Bug_BUG_STALE_READ:               store.BugStaleRead,
	sessionpb.Bug_BUG_READ_BEFORE_APPLY:        store.BugReadBeforeApply,
	sessionpb.Bug_BUG_LEASE_WITHOUT_QUORUM:     store.BugLeaseWithoutQuorum,
	sessionpb.Bug_BUG_LEASE_KEPT_AT_TRANSFER:   store.BugLeaseKeptAtTransfer,
	sessionpb.Bug_BUG_CALLBACK_TWICE:           store.BugCallbackTwice,
	sessionpb.Bug_BUG_RETRY_APPLIED_AGAIN:      store.BugRetryAppliedAgain,
	sessionpb.Bug_BUG_SNAPSHOT_FORGETS_CLIENTS: store.BugSnapshotForgetsClients,
	sessionpb.Bug_BUG_COMPARE_AT_PROPOSE:       store.BugCompareAtPropose,
}

// validateBugs says what is wrong with the list of what is broken on purpose, or nil.
func validateBugs(listed []sessionpb.Bug) error {
	for i, bug := range listed {
		if storeBugs[bug] == 0 {
			return fmt.Errorf("there is no bug %d to break a store with", bug)
		}
		if slices.Contains(listed[:i], bug) {
			return fmt.Errorf("the bug %s is listed twice", bugName(bug))
		}
	}
	return nil
}

// bugName is a bug as a person writes it: "wrong quorum".
func bugName(bug sessionpb.Bug) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(bug.String(), "BUG_"), "_", " "))
}

// bugsOf are a configuration's, as stores and machines ask for them.
func bugsOf(cfg *sessionpb.Config) store.Bugs {
	all := store.Bugs(0)
	for _, bug := range cfg.GetBugs() {
		all |= storeBugs[bug]
	}
	return all
}

// drive does something with the store that runs, and then what the store owes. A store that is broken on purpose may bring
// itself, or raft, where neither can go on: then it stops with the reason. A store that is not broken never may, and its
// panic is ours.
func (m *machine) drive(do func()) {
	if m.bugs != 0 {
		defer func() {
			if broken := recover(); broken != nil {
				m.stop(broke(broken))
			}
		}()
	}
	do()
}

// open is store.Open, which a broken store may not survive either.
func (m *machine) open(cfg store.Config) (s *store.Store, err error) {
	if m.bugs != 0 {
		defer func() {
			if broken := recover(); broken != nil {
				s, err = nil, errors.New(broke(broken))
			}
		}()
	}
	return store.Open(cfg)
}

func broke(reason any) string {
	return fmt.Sprintf("the store, broken on purpose, cannot go on: %v", reason)
}

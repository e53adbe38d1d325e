package store

// Bugs are the ways in which a store is broken on purpose: each is one that a real store could have, or has had, and each
// stands where the right code does, in a line or two. They are for those who want to see what a broken store does, and for
// the judges, who must notice. See docs/bugs.md. None is set in a store that is meant to work.
type Bugs uint32

// Has tells whether a bug is among them.
func (b Bugs) Has(bug Bugs) bool { return b&bug != 0 }

const (
	// BugSendBeforeSync: acknowledgements and votes go out at once, before what they promise is on the disk. It is the
	// driver's to plant.
	BugSendBeforeSync Bugs = 1 << iota
	// BugNoFsync: nothing is ever synced, and everything counts as if it were. It is the driver's to plant.
	BugNoFsync
	// BugForgetVote: after a restart a peer does not know for whom it voted in its term, and votes again.
	BugForgetVote
	// BugForgetTerm: the term is not kept; after a restart it is that of the last entry in the log.
	BugForgetTerm
	// BugTornWriteKept: a write that a crash tore in two is not recognized, and what is there of it is kept. It is the
	// driver's to plant.
	BugTornWriteKept
	// BugKeepConflictingTail: a leader's entries take the place of others in memory alone; on the disk those others stay,
	// and after a restart they are the log.
	BugKeepConflictingTail
	// BugForgetApplied: how far the log was applied is not kept; after a restart all that is in it counts as applied, and
	// what was not is missing from the data. etcd 3.5.0 to 3.5.2 could come to the same state: its consistent index could
	// reach the disk ahead of the data (etcd-io/etcd#13766).
	BugForgetApplied

	// BugWrongQuorum: half of the voters are taken for a quorum, without the one that makes it more than half.
	BugWrongQuorum
	// BugAnswerBeforeCommit: a client hears that its puts are done once they are in the leader's own log. It is what a
	// store with asynchronous replication does on purpose.
	BugAnswerBeforeCommit
	// BugApplyBeforeCommit: a leader applies entries as soon as they are in its own log.
	BugApplyBeforeCommit
	// BugTwoConfChanges: a change of members may be proposed while another is not applied, also one of an earlier leader.
	// Two quorums need not meet then (Raft dissertation, 4.1, and its author's correction of 2015).
	BugTwoConfChanges
	// BugStaleConfState: a change of members does not reach what raft starts from; after a restart it counts the voters
	// of before.
	BugStaleConfState
	// BugTombstoneForgotten: a peer that was removed leaves nothing behind, and a late message brings it back with an
	// empty log and no memory of its votes.
	BugTombstoneForgotten

	// BugSkipEpochCheck: a command is carried out whatever shape of the region it was made for, and so also for keys
	// that a split has taken away.
	BugSkipEpochCheck
	// BugSplitKeepsVersion: the halves of a split keep the version of the whole.
	BugSplitKeepsVersion
	// BugSplitForgetsHardState: a peer that a message made before its split was applied may have voted; when the split
	// comes, its term and vote are forgotten. TiKV's early raftserver skipped the hard state of such a peer.
	BugSplitForgetsHardState
	// BugCompactWithoutSnapshot: a follower that needs entries which were compacted away is moved past them, with the data
	// that it has.
	BugCompactWithoutSnapshot
	// BugSnapshotAppliedHalf: a snapshot counts as complete once its first chunk is there.
	BugSnapshotAppliedHalf
	// BugSnapshotKeepsOldKeys: the data of before stays when a snapshot is applied, so that deleted keys come back.
	BugSnapshotKeepsOldKeys

	// BugStaleRead: a leader serves reads without asking whether it still leads. etcd and Consul did, as Jepsen showed in
	// 2014.
	BugStaleRead
	// BugReadBeforeApply: a new leader serves reads before it has applied an entry of its own term, and so what was
	// committed before. So did etcd's ReadIndex once (etcd-io/etcd#7331).
	BugReadBeforeApply
	// BugLeaseWithoutQuorum: there are leases without CheckQuorum. A leader renews its own by itself, whether or not anybody
	// has heard of it, and nobody holds back a vote for its sake.
	BugLeaseWithoutQuorum
	// BugLeaseKeptAtTransfer: who was a leader goes on to trust its lease until it ends, also after it has handed over.
	BugLeaseKeptAtTransfer
	// BugCallbackTwice: commands that are answered because their leader steps down are answered again when they apply.
	BugCallbackTwice
	// BugRetryAppliedAgain: clients are not remembered, and a command that is sent again is applied again.
	BugRetryAppliedAgain
	// BugSnapshotForgetsClients: a snapshot comes without the region's memory of its clients.
	BugSnapshotForgetsClients
	// BugCompareAtPropose: compares are looked at when a command is proposed, and not when it is applied.
	BugCompareAtPropose
)

package store

import (
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
)

// Ready is what the outside owes the Store for one turn, all regions together. Its batch and lists are the Store's, and
// hold until Advance; what the batch puts, and the messages' contents, stay as they are.
type Ready struct {
	// Batch is to be written whole, before Advance. It may be empty.
	Batch *engine.Batch
	// MustSync: the batch must be durable before AfterSync is sent and Advance is called.
	MustSync bool
	// Messages may be sent at once, before the batch is written: a leader's appends, heartbeats and snapshots.
	Messages []Message
	// AfterSync waits: acknowledgements and votes promise what the batch holds.
	AfterSync []Message
	// Writes tells what the batch holds, region by region, for who watches.
	Writes []PeerWrite
}

// PeerWrite is the part of a batch that concerns one region's raft state.
type PeerWrite struct {
	RegionID  uint64
	Term      uint64
	Vote      uint64
	Commit    uint64
	LastIndex uint64
	// Entries replace the log from the first one's index on. Owned by the Store: read only.
	Entries []*raftpb.Entry
}

// Observer is told what happens inside a Store, at the moment it happens, within the call that caused it.
type Observer interface {
	RoleChanged(RoleChange)
	Committed(regionID, before, index uint64)
	Applied(Apply)
	// PeerCreated, SnapshotRestored: View and Data show the peer already.
	PeerCreated(PeerCreated)
	PeerDestroyed(regionID, peerID uint64, why string)
	RegionChanged(RegionChanged)
	LogCompacted(regionID, firstBefore, first uint64)
	SnapshotProgress(SnapshotProgress)
	SnapshotRestored(regionID uint64)
	TransferStarted(regionID uint64, to *metapb.Peer)
}

// PeerCreated is a peer that the store did not have before.
type PeerCreated struct {
	RegionID, PeerID uint64
	// Parent is the region that was split; 0 when a message for the peer came, which then waits for a snapshot.
	Parent uint64
}

// RegionChanged is a region before and after an entry changed its members or its range. Read only.
type RegionChanged struct {
	Region, Before *metapb.Region
	Split          bool // or else a change of members
	Index          uint64
}

// SnapshotProgress is a snapshot on its way, as its sender knows it.
type SnapshotProgress struct {
	ID, RegionID          uint64
	To                    *metapb.Peer
	Index, Term           uint64
	Stage                 SnapshotStage
	BytesDone, BytesTotal uint64
	Why                   string // of a failure
}

// SnapshotStage is how far a snapshot has come.
type SnapshotStage uint8

const (
	SnapshotStarted SnapshotStage = iota + 1
	SnapshotSending
	SnapshotDone
	SnapshotFailed
)

// RoleChange is a peer's role, term, vote and leader after any of them changed. Peers are named by their ids.
type RoleChange struct {
	RegionID   uint64
	Role       raft.StateType
	RoleBefore raft.StateType
	Term       uint64
	TermBefore uint64
	Vote       uint64
	Leader     uint64
	Timer      Timer
	Votes      []uint64 // on becoming a candidate or leader: whose (pre-)votes carried it there, itself included
}

// Apply is one committed entry carried out.
type Apply struct {
	RegionID uint64
	Entry    *raftpb.Entry
	Changes  []Change
	// Refused says why the command changed nothing, if it was refused.
	Refused string
}

// Change is one key as an entry left it. Key is the user's key.
type Change struct {
	Key, Value []byte
	Deleted    bool
}

// Timer is an election timer, in ticks.
type Timer struct{ Elapsed, Timeout int }

// PeerView is a peer's state, for a viewer that starts in the middle.
type PeerView struct {
	PeerID     uint64
	Role       raft.StateType
	Term       uint64
	Vote       uint64
	Leader     uint64
	Commit     uint64
	Applied    uint64
	FirstIndex uint64
	// LastIndex is of the entries handed out by Ready; entries that wait inside raft for the next Ready are not in it.
	LastIndex uint64
	Timer     Timer
	Votes     []uint64
	// Uninitialized: the peer waits for its first snapshot and knows no more of its region than the id.
	Uninitialized bool
	// LeaseUntil is when a leader's lease ends, on Config.Now; 0 when it has none.
	LeaseUntil int64
	// SizeBytes is about how much the region's keys and values are.
	SizeBytes uint64
}

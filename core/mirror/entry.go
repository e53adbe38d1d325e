package mirror

import (
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Entries shares one LogEntry among the stores that write, apply or show the same entry. It is direct-mapped by
// index, so it is bounded and forgets the oldest.
type Entries struct{ slots []cachedEntry }

type cachedEntry struct {
	regionID uint64
	entry    *sessionpb.LogEntry
	// alone is a list of this entry alone, as most writes have it.
	alone []*sessionpb.LogEntry
	// data is the entry's, to know it again without looking at every byte: nobody ever writes an entry's data.
	data []byte
}

// commandBytesMax is how much of a command an event shows.
const commandBytesMax = 1 << 10

const entrySlots = 1 << 10

// All shows entries of a region.
func (c *Entries) All(regionID uint64, entries []*raftpb.Entry) []*sessionpb.LogEntry {
	if len(entries) == 0 {
		return nil
	}
	if len(entries) == 1 {
		return c.slot(regionID, entries[0]).alone
	}
	out := make([]*sessionpb.LogEntry, len(entries))
	for i, e := range entries {
		out[i] = c.One(regionID, e)
	}
	return out
}

// One shows an entry of a region.
func (c *Entries) One(regionID uint64, e *raftpb.Entry) *sessionpb.LogEntry {
	return c.slot(regionID, e).entry
}

func (c *Entries) slot(regionID uint64, e *raftpb.Entry) *cachedEntry {
	if c.slots == nil {
		c.slots = make([]cachedEntry, entrySlots)
	}
	// Regions have their newest entries at different places, mostly.
	slot := &c.slots[(e.GetIndex()+regionID*61)%entrySlots]
	if slot.holds(regionID, e) {
		return slot
	}
	entry := &sessionpb.LogEntry{
		Index: e.GetIndex(), Term: e.GetTerm(), Type: entryType(e), SizeBytes: uint32(len(e.Data)), Digest: digestOf(e),
	}
	if command := commandOf(e); len(command) <= commandBytesMax {
		entry.Command = command
	}
	*slot = cachedEntry{regionID: regionID, entry: entry, alone: []*sessionpb.LogEntry{entry}, data: e.Data}
	return slot
}

// holds tells whether the slot is of this very entry. Only the same bytes in the same place count: that one index and
// term never name two entries is for the judges to check, not for a cache to assume.
func (c *cachedEntry) holds(regionID uint64, e *raftpb.Entry) bool {
	return c.entry != nil && c.regionID == regionID && c.entry.Index == e.GetIndex() && c.entry.Term == e.GetTerm() &&
		c.entry.Type == entryType(e) && len(c.data) == len(e.Data) && (len(e.Data) == 0 || &c.data[0] == &e.Data[0])
}

func entryType(e *raftpb.Entry) sessionpb.EntryType {
	switch {
	case e.GetType() != raftpb.EntryNormal:
		return sessionpb.EntryType_ENTRY_TYPE_CONF_CHANGE
	case len(e.Data) == 0:
		return sessionpb.EntryType_ENTRY_TYPE_EMPTY
	}
	return sessionpb.EntryType_ENTRY_TYPE_COMMAND
}

// commandOf is the command that an entry carries, in its encoding: in a change of members it is the context, and the
// leaving of a joint configuration has none.
func commandOf(e *raftpb.Entry) []byte {
	if e.GetType() == raftpb.EntryNormal {
		return e.Data
	}
	change := &raftpb.ConfChangeV2{}
	if e.GetType() != raftpb.EntryConfChangeV2 || proto.Unmarshal(e.Data, change) != nil {
		return nil
	}
	return change.Context
}

// digestOf is the 64-bit FNV-1a of an entry's type and data.
func digestOf(e *raftpb.Entry) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	digest := (uint64(offset) ^ uint64(e.GetType())) * prime
	for _, b := range e.Data {
		digest = (digest ^ uint64(b)) * prime
	}
	return digest
}

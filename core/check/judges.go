package check

import (
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What the judges keep at most. What is older is forgotten, and with it the way back; see Rewind.
const (
	// indexesMax is how many log indexes of a region are remembered.
	indexesMax = 1 << 17
	// piecesMax is how many pieces of 4,096 changes can be taken back, of facts and of peers' states each.
	piecesMax = 1 << 6
	// violationsMax is how many violations of each judge are reported: a broken run breaks everything after.
	violationsMax = 20
)

// Judges watch one run. They are an observer; not safe for use from several goroutines.
type Judges struct {
	report func(*sessionpb.Violation)

	seq     uint64 // of the event being judged
	stores  map[uint64][]*peer
	regions map[uint64]*region

	peerUndos journal[peerUndo]
	factUndos journal[factUndo]
	// floor is the earliest event that Rewind can return to.
	floor    uint64
	verdicts []verdict
	// begun is the event RunStarted, from which on every store is known; 0 when it was not seen.
	begun uint64
	// cases counts; it is no knowledge, and Rewind leaves it alone.
	cases [casesEnd]uint64

	indexesMax, piecesMax int
}

// verdict is a violation that was reported, so that it is not reported again.
type verdict struct {
	seq   uint64
	judge string
	about [4]uint64
}

// New returns judges that have seen nothing. Each violation is reported once, during Event.
func New(report func(*sessionpb.Violation)) *Judges {
	j := &Judges{report: report, indexesMax: indexesMax, piecesMax: piecesMax}
	j.forget()
	return j
}

// forget takes the judges back to having seen nothing.
func (j *Judges) forget() {
	j.stores, j.regions = map[uint64][]*peer{}, map[uint64]*region{}
	j.peerUndos, j.factUndos, j.floor = journal[peerUndo]{}, journal[factUndo]{}, 0
	j.verdicts, j.begun = nil, 0
}

// Event judges one event. Events come in the order of their sequence numbers, from 1 or from anywhere.
func (j *Judges) Event(e *sessionpb.Event) {
	j.seq = e.GetSeq()
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_RunStarted:
		j.forget()
		j.begun = j.seq
		for _, s := range b.RunStarted.GetStores() {
			j.started(s, false)
		}
	case *sessionpb.Event_StoreCrashed:
		j.crashed(e.GetStoreId(), b.StoreCrashed.GetStore())
	case *sessionpb.Event_StoreStopped:
		j.stopped(e.GetStoreId())
	case *sessionpb.Event_StoreStarted:
		j.started(b.StoreStarted.GetStore(), b.StoreStarted.GetWiped())
	case *sessionpb.Event_StoreAdded:
		j.started(b.StoreAdded.GetStore(), false)
	case *sessionpb.Event_MessageSent:
		j.sent(b.MessageSent.GetMessage())
	case *sessionpb.Event_PeerCreated:
		j.created(e.GetStoreId(), b.PeerCreated.GetPeer())
	case *sessionpb.Event_PeerDestroyed:
		j.destroyed(e.GetStoreId(), b.PeerDestroyed)
	case *sessionpb.Event_SnapshotRestored:
		j.restored(e.GetStoreId(), b.SnapshotRestored.GetPeer())
	case *sessionpb.Event_RegionChanged:
		j.changed(e.GetStoreId(), b.RegionChanged)
	case *sessionpb.Event_LogCompacted:
		j.compacted(e.GetStoreId(), b.LogCompacted)
	case *sessionpb.Event_RoleChanged:
		j.roleChanged(e.GetStoreId(), b.RoleChanged)
	case *sessionpb.Event_WriteStarted:
		for _, w := range b.WriteStarted.GetPeers() {
			j.writeStarted(e.GetStoreId(), w)
		}
		j.hand(e.GetStoreId())
	case *sessionpb.Event_Written:
		j.written(e.GetStoreId())
	case *sessionpb.Event_Synced:
		j.synced(e.GetStoreId())
	case *sessionpb.Event_Committed:
		j.committed(e.GetStoreId(), b.Committed)
	case *sessionpb.Event_Applied:
		j.applied(e.GetStoreId(), b.Applied)
	}
	j.floor = max(j.floor, j.peerUndos.shorten(j.piecesMax), j.factUndos.shorten(j.piecesMax))
}

// Rewind forgets what was learned from the events after seq, exactly. It returns false when that is further back than the
// judges remember: they have forgotten everything then, and whoever wants the whole run judged feeds it from its start.
func (j *Judges) Rewind(seq uint64) bool {
	if seq < j.floor {
		j.forget()
		return seq == 0
	}
	j.seq = seq
	j.peerUndos.rewind(seq)
	j.factUndos.rewind(seq)
	if j.begun > seq {
		j.begun = 0
	}
	for len(j.verdicts) > 0 && j.verdicts[len(j.verdicts)-1].seq > seq {
		j.verdicts = j.verdicts[:len(j.verdicts)-1]
	}
	return true
}

// violate reports a violation, unless the judge has said so of the same matter. Its evidence may hold
// zeros, for events that are not known, in any order; the present event is the last of it.
func (j *Judges) violate(v *sessionpb.Violation) {
	given := verdict{seq: j.seq, judge: v.Judge, about: [4]uint64{v.RegionId, v.Term, v.Index}}
	if v.Judge == judgeSyncFirst {
		given.about = [4]uint64{v.RegionId} // who does it once does it always
	}
	for _, store := range v.StoreIds {
		given.about[3] = given.about[3]<<16 | store
	}
	n := 0
	for i := range j.verdicts {
		before := &j.verdicts[i]
		if before.judge != v.Judge {
			continue
		}
		if n++; before.about == given.about || n == violationsMax {
			return
		}
	}
	j.verdicts = append(j.verdicts, given)
	v.StoreIds = slices.Compact(v.StoreIds)
	v.EvidenceSeqs = append(v.EvidenceSeqs, j.seq)
	slices.Sort(v.EvidenceSeqs)
	v.EvidenceSeqs = slices.DeleteFunc(slices.Compact(v.EvidenceSeqs), func(seq uint64) bool { return seq == 0 })
	j.report(v)
}

func (j *Judges) peer(storeID, regionID uint64) *peer {
	// A store has few regions: looking through them is cheaper than a second map.
	for _, p := range j.stores[storeID] {
		if p.region.id == regionID {
			return p
		}
	}
	p := &peer{storeID: storeID, region: j.region(regionID)}
	j.stores[storeID] = append(j.stores[storeID], p)
	p.region.peers = append(p.region.peers, p)
	return p
}

func (j *Judges) region(id uint64) *region {
	r := j.regions[id]
	if r == nil {
		r = &region{
			id: id, leaders: map[uint64]leader{}, ranges: map[uint64]shapeFact{}, members: map[membersEpoch]shapeFact{},
			ballots: map[ballotKey]*ballot{},
		}
		j.regions[id] = r
	}
	return r
}

package store

import (
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// outgoing is a snapshot on its way to a peer: a frozen engine, read chunk by chunk. One chunk is under way at a time; the
// receiver's acknowledgement asks for the next.
type outgoing struct {
	id          uint64
	from        *peer
	frozen      engine.Snapshot // nil until the engine holds what the snapshot is of
	region      *metapb.Region
	index, term uint64

	to      *metapb.Peer    // nil until raft has said to whom
	message *raftpb.Message // raft's MsgSnap
	// number is that of the chunk under way, which begins at cursor and ends before next.
	number       uint32
	cursor, next []byte
	last         bool
	due          bool // the chunk is to be sent, again perhaps
	bytesBefore  uint64
	bytes        uint64
	bytesTotal   uint64
	idleTicks    int
	tries        int
}

// freezeSnapshots freezes the engine for those snapshots that wait for it to hold what their peers have applied.
func (s *Store) freezeSnapshots() {
	for _, o := range s.sending {
		if o.frozen == nil {
			o.frozen = s.cfg.Engine.(engine.Snapshotter).Snapshot()
		}
	}
}

// chunkTriesMax is how often a chunk is sent again before the snapshot is given up.
const chunkTriesMax = 10

// startSnapshot begins to send the snapshot that raft has just asked for.
func (p *peer) startSnapshot(m *raftpb.Message, toStore uint64) {
	state := &raftserverpb.RegionSnapshot{}
	_ = proto.Unmarshal(m.GetSnapshot().GetData(), state)
	for _, o := range p.s.sending {
		if o.from == p && o.id == state.GetSnapshotId() {
			o.to, o.message, o.due = &metapb.Peer{Id: m.GetTo(), StoreId: toStore}, m, true
			o.bytesTotal = o.measure()
			o.tell(SnapshotStarted, "")
			return
		}
	}
}

// ranges are the engine's ranges that a snapshot holds, in their order: the clients' records and the users' pairs.
func (o *outgoing) ranges() [2][2][]byte {
	id := o.region.GetId()
	from, to := dataBounds(o.region.GetStartKey(), o.region.GetEndKey())
	return [2][2][]byte{{raftKey(id, clientSuffix), raftKey(id, clientSuffix+1)}, {from, to}}
}

// measuredMax is how many pairs are looked at to tell how large a snapshot is.
const measuredMax = 1 << 16

// measure is the snapshot's size in bytes, or what the peer takes it for if there is too much to look at.
func (o *outgoing) measure() uint64 {
	var bytes uint64
	pairs := 0
	for _, r := range o.ranges() {
		_ = o.frozen.Ascend(r[0], r[1], func(key, value []byte) bool {
			bytes += uint64(len(key) + len(value))
			pairs++
			return pairs < measuredMax
		})
	}
	if pairs == measuredMax {
		return max(bytes, o.from.size.bytes+o.from.size.added)
	}
	return bytes
}

// chunk reads the pairs from cursor on.
func (o *outgoing) chunk(limit int) (pairs []*raftcmdpb.Pair, err error) {
	o.next, o.last, o.bytes = nil, true, 0
	if o.from.s.cfg.Bugs.Has(BugCompactWithoutSnapshot) {
		return nil, nil
	}
	for _, r := range o.ranges() {
		from := r[0]
		if string(o.cursor) > string(from) {
			from = o.cursor
		}
		if string(from) >= string(r[1]) {
			continue
		}
		err := o.frozen.Ascend(from, r[1], func(key, value []byte) bool {
			if len(pairs) > 0 && o.bytes+uint64(len(key)+len(value)) > uint64(limit) {
				o.next, o.last = key, false
				return false
			}
			pairs = append(pairs, &raftcmdpb.Pair{Key: key, Value: value})
			o.bytes += uint64(len(key) + len(value))
			return true
		})
		if err != nil || !o.last {
			return pairs, err
		}
	}
	return pairs, nil
}

// sendChunks puts the chunks that are due among what the store says.
func (s *Store) sendChunks() {
	for _, o := range slices.Clone(s.sending) {
		if o.to == nil || !o.due {
			continue
		}
		pairs, err := o.chunk(s.cfg.Limits.SnapshotChunkBytes)
		if err != nil {
			s.endSnapshot(o, "the engine cannot be read: "+err.Error())
			continue
		}
		o.due, o.idleTicks = false, 0
		chunk := &raftserverpb.SnapshotChunk{
			SnapshotId: o.id, Number: o.number, Pairs: pairs, Last: o.last, Index: o.index, Term: o.term,
			BytesDone: o.bytesBefore + o.bytes, BytesTotal: max(o.bytesTotal, o.bytesBefore+o.bytes),
		}
		if o.number == 0 {
			chunk.Message = encode(o.message)
		}
		out := o.from.envelope(o.to.GetId())
		out.ToStore, out.Extra = o.to.GetStoreId(), chunk
		s.say(out)
	}
}

// stepAck takes the receiver's word for a chunk.
func (p *peer) stepAck(m Message, ack *raftserverpb.SnapshotAck) error {
	s := p.s
	at := slices.IndexFunc(s.sending, func(o *outgoing) bool {
		return o.from == p && o.id == ack.GetSnapshotId() && o.to.GetId() == m.FromPeer
	})
	if at < 0 {
		return nil // of a transfer that is over
	}
	o := s.sending[at]
	switch {
	case ack.GetRefused() != "":
		s.endSnapshot(o, ack.GetRefused())
	case ack.GetDone():
		o.bytesBefore = o.bytesTotal
		s.endSnapshot(o, "")
	case ack.GetNext() == o.number+1 && !o.last:
		p.touched()
		o.number, o.cursor, o.bytesBefore = o.number+1, o.next, o.bytesBefore+o.bytes
		o.due, o.tries = true, 0
		o.tell(SnapshotSending, "")
	case ack.GetNext() == 0 && o.number > 0 && o.tries < chunkTriesMax:
		// The receiver has lost what it had.
		p.touched()
		o.number, o.cursor, o.bytesBefore, o.bytes = 0, nil, 0, 0
		o.due, o.tries = true, o.tries+1
	}
	return nil
}

// tickSnapshots sends chunks again that nobody answers, and gives up in the end.
func (s *Store) tickSnapshots() {
	for _, o := range slices.Clone(s.sending) {
		if o.idleTicks++; o.idleTicks < s.cfg.ElectionTicksMin {
			continue
		}
		o.idleTicks = 0
		if o.tries++; o.to == nil || o.tries > chunkTriesMax {
			s.endSnapshot(o, "nobody answers")
			continue
		}
		o.due = true
		o.from.touched()
	}
}

// endSnapshot ends a transfer and tells raft; why is empty when all went well.
func (s *Store) endSnapshot(o *outgoing, why string) {
	s.sending = slices.DeleteFunc(s.sending, func(other *outgoing) bool { return other == o })
	o.close()
	if o.to == nil {
		return
	}
	stage, status := SnapshotDone, raft.SnapshotFinish
	if why != "" {
		stage, status = SnapshotFailed, raft.SnapshotFailure
	}
	o.tell(stage, why)
	if o.from.state == stateLeader && !o.from.gone {
		o.from.rn.ReportSnapshot(o.to.GetId(), status)
		o.from.touched()
	}
}

// cancelSnapshots ends the snapshots of a peer that which picks.
func (s *Store) cancelSnapshots(p *peer, why string, which func(*outgoing) bool) {
	for _, o := range slices.Clone(s.sending) {
		if o.from == p && which(o) {
			s.endSnapshot(o, why)
		}
	}
}

func every(*outgoing) bool { return true }

// toStranger picks the snapshots for who is no member of the sender's region any more.
func toStranger(o *outgoing) bool { return o.to != nil && o.from.member(o.to.GetId()) == nil }

func (o *outgoing) close() {
	if o.frozen != nil {
		o.frozen.Close()
		o.frozen = nil
	}
}

func (o *outgoing) progress(stage SnapshotStage, why string) SnapshotProgress {
	return SnapshotProgress{
		ID: o.id, RegionID: o.region.GetId(), To: o.to, Index: o.index, Term: o.term, Stage: stage,
		BytesDone: o.bytesBefore, BytesTotal: max(o.bytesTotal, o.bytesBefore), Why: why,
	}
}

func (o *outgoing) tell(stage SnapshotStage, why string) {
	if observer := o.from.s.cfg.Observer; observer != nil {
		observer.SnapshotProgress(o.progress(stage, why))
	}
}

// Snapshots are the snapshots that the store is sending, in the order in which they began.
func (s *Store) Snapshots() []SnapshotProgress {
	var all []SnapshotProgress
	for _, o := range s.sending {
		if o.to != nil {
			stage := SnapshotSending
			if o.number == 0 {
				stage = SnapshotStarted
			}
			all = append(all, o.progress(stage, ""))
		}
	}
	return all
}

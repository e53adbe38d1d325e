package store

import (
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// truncate cuts the log of a store that is down, up to its applied index, as a compaction would have.
func (c *cluster) truncate(id uint64) {
	c.t.Helper()
	e := c.engines[id]
	apply := &raftserverpb.RaftApplyState{}
	must(c.t, load(e, raftKey(1, applySuffix), apply))
	stored, found, err := e.Get(logKey(1, apply.GetAppliedIndex()))
	if err != nil || !found {
		c.t.Fatalf("entry %d is not in S%d's engine", apply.GetAppliedIndex(), id)
	}
	apply.TruncatedIndex = apply.GetAppliedIndex()
	apply.TruncatedTerm = decodeEntry(apply.GetAppliedIndex(), stored).GetTerm()
	b := &engine.Batch{}
	for i := uint64(1); i <= apply.GetAppliedIndex(); i++ {
		b.Delete(logKey(1, i))
	}
	b.Put(raftKey(1, applySuffix), encode(apply))
	must(c.t, e.Write(b))
	must(c.t, e.Sync())
	c.open(id)
}

func TestFollowerThatIsTooFarBehindGetsASnapshot(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.call(1, command(put("old", "1")))
	c.tick(3)
	c.stores[3] = nil
	c.call(1, from(command(put("a", "1"), put("b", "2"), del("old")), 10, 1))
	c.call(1, from(command(put("a", "3")), 11, 4))
	c.tick(3)
	c.truncate(1)
	c.truncate(2)
	c.elect(1)
	c.restart(3)
	snapshots := 0
	c.cut = func(m Message) bool {
		if _, ok := m.Extra.(*raftserverpb.SnapshotChunk); ok {
			snapshots++
		}
		return false
	}
	c.tick(40)
	if snapshots == 0 {
		t.Fatal("no snapshot was sent")
	}
	wantEqual(t, "S3's data", c.data(3), c.data(1))
	wantEqual(t, "S3's data", c.data(3), "a=3@4 b=2@3 ")
	view, _ := c.stores[3].View(1)
	wantEqual(t, "S3's first index", view.FirstIndex > 1, true)
	c.call(1, command(put("c", "4")))
	c.tick(3)
	wantEqual(t, "S3 goes on", c.data(3), c.data(1))

	// The clients' memory came with it, and survives a restart of the whole cluster.
	for id := uint64(1); id <= 3; id++ {
		c.restart(id)
	}
	c.elect(3)
	wantEqual(t, "repeated", c.call(3, from(command(put("a", "3")), 11, 4)).GetHeader().GetRepeatedAnswer(), true)
	wantFailure(t, c.call(3, from(command(put("a", "9")), 11, 3)), "stale_sequence", mayApply)
	wantEqual(t, "data after the retries", c.data(3), "a=3@4 b=2@3 c=4@6 ")
}

// firstChunk is the first chunk that S1 sends S3, which is too far behind.
func firstChunk(t *testing.T, c *cluster) (Message, *raftserverpb.SnapshotChunk) {
	t.Helper()
	c.elect(1)
	c.stores[3] = nil
	c.call(1, from(command(put("a", "1")), 10, 1))
	c.truncate(1)
	c.truncate(2)
	c.elect(1)
	c.restart(3)
	var first Message
	c.cut = func(m Message) bool {
		if _, ok := m.Extra.(*raftserverpb.SnapshotChunk); ok {
			first = m
			return true
		}
		return false
	}
	c.tick(5)
	if first.Extra == nil {
		t.Fatal("no chunk was sent")
	}
	return first, first.Extra.(*raftserverpb.SnapshotChunk)
}

// A snapshot that has no place here is refused with the reason, and the sender stops.
func TestSnapshotThatDoesNotFitIsRefused(t *testing.T) {
	c := newCluster(t, 3)
	first, good := firstChunk(t, c)
	for why, spoil := range map[string]func(*raftpb.Message, *raftserverpb.RegionSnapshot){
		"members are not its region's": func(m *raftpb.Message, _ *raftserverpb.RegionSnapshot) {
			m.Snapshot.Metadata.ConfState.Voters = []uint64{101}
		},
		"of term 0":   func(m *raftpb.Message, _ *raftserverpb.RegionSnapshot) { m.Snapshot.Metadata.Term = nil },
		"of term 9":   func(m *raftpb.Message, _ *raftserverpb.RegionSnapshot) { m.Snapshot.Metadata.Term = new(uint64(9)) },
		"no snapshot": func(m *raftpb.Message, _ *raftserverpb.RegionSnapshot) { m.Snapshot.Metadata.Index = nil },
		"would overflow": func(m *raftpb.Message, _ *raftserverpb.RegionSnapshot) {
			m.Snapshot.Metadata.Index = new(uint64(1 << 63))
		},
		"of region 2":  func(_ *raftpb.Message, r *raftserverpb.RegionSnapshot) { r.Region.Id = 2 },
		"is no member": func(_ *raftpb.Message, r *raftserverpb.RegionSnapshot) { r.Region.Peers[2].Id = 109 },
		"contradicts":  func(_ *raftpb.Message, r *raftserverpb.RegionSnapshot) { r.Region.Peers[0].Id = 102 },
		"of epoch 0.1": func(_ *raftpb.Message, r *raftserverpb.RegionSnapshot) { r.Region.RegionEpoch.ConfVer = 0 },
	} {
		t.Run(why, func(t *testing.T) {
			m, state := &raftpb.Message{}, &raftserverpb.RegionSnapshot{}
			must(t, proto.Unmarshal(good.GetMessage(), m))
			must(t, proto.Unmarshal(m.GetSnapshot().GetData(), state))
			spoil(m, state)
			m.Snapshot.Data = encode(state)
			bad := first
			chunk := proto.Clone(good).(*raftserverpb.SnapshotChunk)
			chunk.Message = encode(m)
			bad.Extra = chunk
			must(t, c.stores[3].Step(bad))
			rd, ok := c.stores[3].Ready()
			if !ok {
				t.Fatal("nobody hears of it")
			}
			c.stores[3].Advance()
			ack, _ := rd.AfterSync[len(rd.AfterSync)-1].Extra.(*raftserverpb.SnapshotAck)
			if !strings.Contains(ack.GetRefused(), why) {
				t.Fatalf("it is answered %v, and should be refused for %q", ack, why)
			}
		})
	}
}

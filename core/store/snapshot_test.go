package store

import (
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
		if m.Raft.GetType() == raftpb.MsgSnap {
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

func TestSnapshotThatDoesNotFitIsRefused(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.call(1, from(command(put("a", "1")), 10, 1))
	good, err := c.stores[1].peers[1].snapshot()
	must(t, err)
	for name, spoil := range map[string]func(*raftpb.Snapshot, *raftserverpb.RegionSnapshot){
		"members": func(s *raftpb.Snapshot, _ *raftserverpb.RegionSnapshot) { s.Metadata.ConfState.Voters = []uint64{101} },
		"two kinds": func(s *raftpb.Snapshot, _ *raftserverpb.RegionSnapshot) {
			s.Metadata.ConfState.Learners = []uint64{101}
		},
		"no term":          func(s *raftpb.Snapshot, _ *raftserverpb.RegionSnapshot) { s.Metadata.Term = nil },
		"later term":       func(s *raftpb.Snapshot, _ *raftserverpb.RegionSnapshot) { s.Metadata.Term = new(uint64(9)) },
		"no index":         func(s *raftpb.Snapshot, _ *raftserverpb.RegionSnapshot) { s.Metadata.Index = nil },
		"another region":   func(_ *raftpb.Snapshot, r *raftserverpb.RegionSnapshot) { r.Region.Id = 2 },
		"a store's key":    func(_ *raftpb.Snapshot, r *raftserverpb.RegionSnapshot) { r.Pairs[0].Key = identKey },
		"no revision":      func(_ *raftpb.Snapshot, r *raftserverpb.RegionSnapshot) { r.Pairs[0].Value = nil },
		"no client record": func(_ *raftpb.Snapshot, r *raftserverpb.RegionSnapshot) { r.Clients[0].Record = nil },
	} {
		t.Run(name, func(t *testing.T) {
			s, state := proto.Clone(good).(*raftpb.Snapshot), &raftserverpb.RegionSnapshot{}
			must(t, proto.Unmarshal(s.GetData(), state))
			spoil(s, state)
			s.Data = encode(state)
			err := c.stores[2].Step(Message{RegionID: 1, FromStore: 1, ToStore: 2, Raft: &raftpb.Message{
				Type: raftpb.MsgSnap.Enum(), From: new(uint64(101)), To: new(uint64(102)), Term: new(uint64(1)), Snapshot: s}})
			if err == nil {
				t.Fatal("it was taken")
			}
		})
	}
}

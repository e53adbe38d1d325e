package store

import (
	"fmt"
	"testing"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// newRegions is a cluster whose stores give ids, from 200 on, and split and compact on command only; S1 leads.
func newRegions(t *testing.T, n int) *cluster {
	t.Helper()
	c := newCluster(t, n)
	id := uint64(200)
	c.configure = func(cfg *Config) {
		cfg.NewID = func(IDKind) uint64 { id++; return id }
		cfg.RegionBytesMax, cfg.LogEntriesMax = 0, 0
	}
	for id := range c.stores {
		c.open(id)
	}
	c.elect(1)
	return c
}

// addStore adds a store without regions.
func (c *cluster) addStore(id uint64) {
	c.t.Helper()
	c.engines[id] = engine.NewMemory()
	must(c.t, c.engines[id].Write(BootstrapStore(id, 7)))
	must(c.t, c.engines[id].Sync())
	c.ticks[id] = 15 + int(id)
	c.open(id)
}

// leader is the store on which the newest leader of a region runs.
func (c *cluster) leader(regionID uint64) uint64 {
	c.t.Helper()
	found, newest := uint64(0), uint64(0)
	for id, s := range c.stores {
		if s == nil {
			continue
		}
		if role, term, _ := s.Role(regionID); role == raft.StateLeader && term > newest {
			found, newest = id, term
		}
	}
	if found == 0 {
		c.t.Fatalf("region %d has no leader", regionID)
	}
	return found
}

// admin gives a region's leader an admin command, at the region's epoch.
func (c *cluster) admin(regionID uint64, a *raftcmdpb.AdminRequest) *raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	leader := c.leader(regionID)
	return c.call(leader, &raftcmdpb.RaftCommandRequest{Admin: a, Header: &raftcmdpb.RequestHeader{
		RegionId: regionID, RegionEpoch: c.stores[leader].Region(regionID).GetRegionEpoch()}})
}

// keyed is a command that is routed by its first key.
func keyed(requests ...*raftcmdpb.Request) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{}, Requests: requests}
}

func splitAt(key string) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{SplitKey: []byte(key)}}}
}

func transferTo(store uint64) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{
		TransferLeader: &raftcmdpb.TransferLeaderRequest{Peer: &metapb.Peer{StoreId: store}}}}
}

func compactAll() *raftcmdpb.AdminRequest { return compactRequest(0) }

const (
	addVoter   = raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER
	addLearner = raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER
	remove     = raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE
)

func change(t raftcmdpb.PeerChangeType, store uint64) *raftcmdpb.PeerChange {
	return &raftcmdpb.PeerChange{Type: t, Peer: &metapb.Peer{StoreId: store}}
}

func changes(all ...*raftcmdpb.PeerChange) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{
		ChangePeers: &raftcmdpb.ChangePeersRequest{Changes: all}}}
}

func wantDone(t *testing.T, r *raftcmdpb.RaftCommandResponse) *raftcmdpb.AdminResponse {
	t.Helper()
	if e := r.GetHeader().GetError(); e != nil {
		t.Fatal(e.GetMessage())
	}
	return r.GetAdmin()
}

func TestASplitMakesTwoRegionsThatServe(t *testing.T) {
	c := newRegions(t, 3)
	for _, key := range []string{"a", "m", "z"} {
		c.call(1, from(command(put(key, "1")), 10, uint64(len(key))+uint64(key[0])))
	}
	halves := wantDone(t, c.admin(1, splitAt("m"))).GetSplit()
	wantEqual(t, "left", regionText(halves.GetLeft()), `1 ["" "m") 1.2`)
	wantEqual(t, "right", regionText(halves.GetRight()), `201 ["m" "") 1.2`)
	wantEqual(t, "the right half's leader", c.leader(201), uint64(1))
	wantEqual(t, "old epoch", c.call(1, command(put("a", "2"))).GetHeader().GetError().GetStaleEpoch() != nil, true)
	wantDone(t, c.call(1, keyed(put("n", "2"))))
	wrong := c.call(1, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{put("n", "3")}, Header: &raftcmdpb.RequestHeader{
		RegionId: 1, RegionEpoch: halves.GetLeft().GetRegionEpoch()}})
	wantFailure(t, wrong, "key_not_in_region", notApplied)
	wantEqual(t, "the right region", wrong.GetHeader().GetError().GetKeyNotInRegion().GetRightRegion().GetId(), uint64(201))
	// What was answered before the split is answered again after it, by either half.
	again := keyed(put("z", "1"))
	wantEqual(t, "repeated", c.call(1, from(again, 10, 1+'z')).GetHeader().GetRepeatedAnswer(), true)
	c.tick(10)
	for id := uint64(1); id <= 3; id++ {
		wantEqual(t, "regions", fmt.Sprint(c.stores[id].RegionIDs()), "[1 201]")
		wantEqual(t, "left data", c.data(id), "a=1@2 ")
	}
	for id := uint64(1); id <= 3; id++ {
		c.restart(id)
	}
	c.tick(60)
	wantDone(t, c.call(c.leader(201), keyed(put("n", "4"))))
}

func regionText(r *metapb.Region) string {
	return fmt.Sprintf("%d [%q %q) %d.%d", r.GetId(), r.GetStartKey(), r.GetEndKey(),
		r.GetRegionEpoch().GetConfVer(), r.GetRegionEpoch().GetVersion())
}

func TestALearnerIsAddedPromotedMadeLeaderAndTheOldLeaderRemoved(t *testing.T) {
	c := newRegions(t, 3)
	c.call(1, command(put("a", "1")))
	c.addStore(4)
	wantDone(t, c.admin(1, changes(change(addLearner, 4))))
	c.tick(10)
	wantEqual(t, "S4's data", c.data(4), "a=1@2 ")
	wantFailure(t, c.admin(1, transferTo(4)), "transfer_refused", notApplied)
	wantDone(t, c.admin(1, changes(change(addVoter, 4))))
	wantDone(t, c.admin(1, transferTo(4)))
	wantEqual(t, "leader", c.leader(1), uint64(4))
	wantDone(t, c.admin(1, changes(change(remove, 1))))
	c.tick(5)
	wantEqual(t, "S1's regions", len(c.stores[1].RegionIDs()), 0)
	count := 0
	must(t, c.engines[1].Ascend(nil, nil, func(key, _ []byte) bool { count++; return true }))
	wantEqual(t, "S1 keeps its identity and a tombstone", count, 2)
	wantDone(t, c.call(4, keyed(put("b", "2"))))
	c.tick(5)
	wantEqual(t, "S2 goes on", c.data(2), c.data(4))
}

func TestALaggingStoreComesBackBySnapshotOfBothHalves(t *testing.T) {
	c := newRegions(t, 3)
	c.call(1, command(put("a", "1"), put("z", "1")))
	c.tick(3)
	c.stores[3] = nil
	wantDone(t, c.admin(1, splitAt("m")))
	c.tick(3)
	wantDone(t, c.admin(1, compactAll()))
	wantDone(t, c.call(1, keyed(put("b", "2"))))
	wantDone(t, c.call(c.leader(201), keyed(put("y", "2"))))
	c.tick(3)
	c.restart(3)
	c.tick(60)
	for _, region := range []uint64{1, 201} {
		want, got := c.regionData(1, region), c.regionData(3, region)
		wantEqual(t, fmt.Sprintf("S3's data of region %d", region), got, want)
	}
	staged := 0
	must(t, c.engines[3].Ascend([]byte{localPrefix, stagedSpace}, []byte{localPrefix, stagedSpace + 1}, func(_, _ []byte) bool { staged++; return true }))
	wantEqual(t, "staged pairs", staged, 0)
}

func (c *cluster) regionData(id, region uint64) string {
	out := ""
	must(c.t, c.stores[id].Data(region, func(key, value []byte, _ uint64) bool {
		out += fmt.Sprintf("%s=%s ", key, value)
		return true
	}))
	return out
}

// A tombstone stands from the moment at which its peer is gone, not only once its batch is written: what arrives between
// must not make the peer again, with nothing of what it voted.
func TestAMessageThatArrivesWhileATombstoneIsWrittenMakesNoPeer(t *testing.T) {
	c := newRegions(t, 3)
	c.call(1, command(put("a", "1")))
	c.stores[3].peers[1].doom("a test")
	rd, ok := c.stores[3].Ready()
	if !ok {
		t.Fatal("nothing to write")
	}
	beat := &raftpb.Message{Type: raftpb.MsgHeartbeat.Enum(), Term: new(uint64(1)), From: new(uint64(101)), To: new(uint64(103))}
	err := c.stores[3].Step(Message{RegionID: 1, FromStore: 1, ToStore: 3, FromPeer: 101, ToPeer: 103, ConfVer: 1, Version: 1, Raft: beat})
	if err == nil || len(c.stores[3].RegionIDs()) > 0 {
		t.Fatalf("the peer is made again: %v", err)
	}
	must(t, c.engines[3].Write(rd.Batch))
	c.stores[3].Advance()
	err = c.stores[3].Step(Message{RegionID: 1, FromStore: 1, ToStore: 3, FromPeer: 101, ToPeer: 103, ConfVer: 1, Version: 1, Raft: beat})
	if err == nil || len(c.stores[3].RegionIDs()) > 0 {
		t.Fatalf("the peer is made again: %v", err)
	}
}

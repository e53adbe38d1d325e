package session

import (
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// stepTo steps from one interesting event to the next until one is as wanted.
func (v *viewer) stepTo(what string, wanted func(*sessionpb.Event) bool) {
	v.t.Helper()
	for range 100 {
		seen := len(v.events)
		v.must(step(sessionpb.StepUnit_STEP_UNIT_INTERESTING, 0))
		for _, e := range v.events[seen:] {
			if wanted(e) && interesting(e) {
				return
			}
		}
	}
	v.t.Fatalf("%s was not stepped to", what)
}

func TestWhatHappensToRegionsIsInteresting(t *testing.T) {
	v := newViewer(t)
	v.elect()
	v.must(put(0, "a", "1"))
	v.must(put(0, "z", "1"))
	v.must(act(&sessionpb.Action{Action: &sessionpb.Action_AddStore{AddStore: &sessionpb.AddStore{}}}))
	if last := v.events[len(v.events)-1]; last.GetStoreAdded() == nil || !interesting(last) {
		t.Errorf("the last event is %v, want an interesting StoreAdded", last)
	}
	v.must(admin(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{
		Split: &raftcmdpb.SplitRequest{SplitKey: []byte("m")}}}))
	v.stepTo("a split", func(e *sessionpb.Event) bool {
		return e.GetRegionChanged().GetReason() == sessionpb.RegionChangeReason_REGION_CHANGE_REASON_SPLIT
	})
	v.must(admin(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{CompactLog: &raftcmdpb.CompactLogRequest{}}}))
	change := func(kind raftcmdpb.PeerChangeType) *sessionpb.Command {
		return admin(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{ChangePeers: &raftcmdpb.ChangePeersRequest{
			Changes: []*raftcmdpb.PeerChange{{Type: kind, Peer: &metapb.Peer{StoreId: 6}}}}}})
	}
	v.must(change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER))
	v.stepTo("a change of members", func(e *sessionpb.Event) bool {
		return e.GetRegionChanged().GetReason() == sessionpb.RegionChangeReason_REGION_CHANGE_REASON_CONF_CHANGE
	})
	v.stepTo("the end of a snapshot", func(e *sessionpb.Event) bool {
		return e.GetSnapshotProgress().GetStage() == sessionpb.SnapshotStage_SNAPSHOT_STAGE_DONE
	})
	v.must(change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE))
	v.stepTo("a peer's end", func(e *sessionpb.Event) bool { return e.GetPeerDestroyed() != nil })
	hash := v.hash()
	v.must(seek(uint64(len(v.events) / 2)))
	v.must(seek(0))
	if v.hash() != hash {
		t.Error("there and back, and the run is another")
	}
}

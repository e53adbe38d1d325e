package sim_test

import (
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func proposalFor(store uint64, request *raftcmdpb.RaftCommandRequest) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{StoreId: store, Request: request}}}
}

func split(key string) *sessionpb.Action {
	return proposalFor(0, &raftcmdpb.RaftCommandRequest{Admin: splitAt(key)})
}

func changeOf(region uint64, changes ...*raftcmdpb.PeerChange) *sessionpb.Action {
	return proposalFor(0, &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: region}, Admin: changePeers(changes...)})
}

// mustAnswer does an action and returns its answer, which must be no error.
func mustAnswer(t *testing.T, w *sim.World, seen *recording, a *sessionpb.Action) *raftcmdpb.RaftCommandResponse {
	t.Helper()
	id := act(t, w, a)
	if !w.RunWhile(w.Now()+5_000_000, func() bool { return seen.ended(id) == nil }) {
		t.Fatalf("%v is not answered", a)
	}
	answer := seen.ended(id)
	if err := answer.GetHeader().GetError(); err != nil {
		t.Fatalf("%v: %s", a, err.GetMessage())
	}
	return answer
}

// halves is a cluster of three stores and one added, with the regions ["", m) and [m, ""), both with leaders.
func halves(t *testing.T, seen *recording) *sim.World {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Stores = 3
	w, err := sim.New(cfg, seen)
	if err != nil {
		t.Fatal(err)
	}
	elect(t, w)
	act(t, w, addStore())
	mustAnswer(t, w, seen, put(0, "a", "1"))
	mustAnswer(t, w, seen, split("m"))
	mustLead(t, w, 2)
	mustAnswer(t, w, seen, put(0, "z", "2"))
	return w
}

func mustLead(t *testing.T, w *sim.World, region uint64) {
	t.Helper()
	if !w.RunWhile(w.Now()+5_000_000, func() bool { return w.LeaderOf(region) == 0 }) {
		t.Fatalf("region %d has no leader", region)
	}
}

func TestACommandGoesToTheRegionOfItsFirstKey(t *testing.T) {
	var seen recording
	w := halves(t, &seen)
	for _, c := range []struct {
		request *raftcmdpb.RaftCommandRequest
		region  uint64
	}{
		{&raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{getRequest("a")}}, 1},
		{&raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{getRequest("z")}}, 2},
		{&raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{getRequest("m")}}, 2},
		{&raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{putRequest("n", "3")}, Compares: []*raftcmdpb.Compare{
			{Key: []byte("z"), Expect: &raftcmdpb.Compare_Value{Value: []byte("2")}}}}, 2},
		{&raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{deleteRequest("n")}}, 2},
		{&raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{seekRequest("")}}, 1},
		{&raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Scan{
			Scan: &raftcmdpb.ScanRequest{StartKey: []byte("p"), Limit: 3, Reverse: true}}}}}, 2},
		{&raftcmdpb.RaftCommandRequest{Status: &raftcmdpb.StatusRequest{Type: raftcmdpb.StatusType_STATUS_TYPE_REGION_DETAIL}}, 1},
		{&raftcmdpb.RaftCommandRequest{
			Header: &raftcmdpb.RequestHeader{RegionId: 2},
			Status: &raftcmdpb.StatusRequest{Type: raftcmdpb.StatusType_STATUS_TYPE_REGION_DETAIL}}, 2},
		{split("p").GetPropose().GetRequest(), 2},
	} {
		if got := mustAnswer(t, w, &seen, proposalFor(0, c.request)).GetHeader().GetRegionId(); got != c.region {
			t.Errorf("%v went to region %d, want %d", c.request, got, c.region)
		}
	}
}

// A store that is behind still has the whole: a command that names no store goes by the newest shape all the same.
func TestTheNewestShapeDecides(t *testing.T) {
	var seen recording
	cfg := sim.DefaultConfig()
	cfg.Stores = 3
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	leader := elect(t, w)
	behind := 1 + leader%3
	act(t, w, crash(behind))
	mustAnswer(t, w, &seen, split("m"))
	mustLead(t, w, 2)
	act(t, w, restart(behind))
	if w.Store(behind).Region(2) != nil {
		t.Fatal("the store that was down knows of the split already")
	}
	if got := mustAnswer(t, w, &seen, put(0, "z", "1")).GetHeader().GetRegionId(); got != 2 {
		t.Errorf("the key behind the split went to region %d", got)
	}
	// Sent to the store that is behind, it is answered there, and refused.
	id := act(t, w, put(behind, "z", "1"))
	w.RunWhile(w.Now()+5_000_000, func() bool { return seen.ended(id) == nil })
	if seen.ended(id).GetHeader().GetError() == nil {
		t.Errorf("S%d took a command for a region that it does not lead: %v", behind, seen.ended(id))
	}
}

func TestIdsThatCommandsBringAreNotGivenAgain(t *testing.T) {
	var seen recording
	w := halves(t, &seen)
	own := split("t")
	own.GetPropose().Request.Admin.GetSplit().NewRegionId = 40
	own.GetPropose().Request.Admin.GetSplit().NewPeerIds = []uint64{501, 502, 503}
	mustAnswer(t, w, &seen, own)
	mustLead(t, w, 40)
	right := mustAnswer(t, w, &seen, split("v")).GetAdmin().GetSplit().GetRight()
	if right.GetId() != 41 || right.GetPeers()[0].GetId() != 504 {
		t.Errorf("the next region is %v, want region 41 with peers from 504 on", right)
	}
}

func TestMembersAreOnStoresThatExist(t *testing.T) {
	w := halves(t, &recording{})
	if _, err := w.Act(changeOf(1, addVoter(7))); err == nil ||
		err.Error() != "there is no S7: the cluster has 4 stores; add it first" {
		t.Errorf("a member on S7: %v", err)
	}
}

func TestTheFirstRegionThatAStoreHoldsIsTimed(t *testing.T) {
	var seen recording
	w := halves(t, &seen)
	if _, err := w.Act(timeOut(4)); err == nil || err.Error() != "S4 holds no region: it has no election timer" {
		t.Errorf("S4 is timed out: %v", err)
	}
	mustAnswer(t, w, &seen, changeOf(2, addVoter(4)))
	if !w.RunWhile(w.Now()+5_000_000, func() bool {
		view, ok := w.Store(4).View(2)
		return !ok || view.Uninitialized
	}) {
		t.Fatal("S4 has no peer")
	}
	from := len(seen)
	act(t, w, setTimeout(4, 7))
	if timer := seen[from].GetElectionTimeoutSet().GetTimer(); timer.GetRegionId() != 2 || timer.GetTimeoutTicks() != 7 {
		t.Errorf("the event is %v", seen[from])
	}
}

package sim_test

import (
	"slices"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Everything that a region does not do gets an error that says why, and changes nothing.

// refused wants a command refused for a reason, and no engine changed by it.
func (c *cluster) refused(store, region uint64, request *raftcmdpb.RaftCommandRequest, why string) *raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	c.pass(second) // whatever was under way
	before := c.engines()
	answer := c.call(store, region, request)
	c.wantReason(answer, why, notApplied)
	c.pass(second)
	if c.engines() != before {
		c.t.Fatalf("what was refused, as %s, has changed an engine", why)
	}
	return answer
}

func TestTiKVSplitRefused(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.mustPut("a", "1")
		c.mustPut("z", "1")
		_, right := c.mustSplit("m")
		leader, id := c.mustLeaderOf(1), right.GetId()
		c.mustTransfer(id, leader)
		for _, key := range []string{"m", "z"} { // at its end, and behind it
			e := c.refused(leader, 1, administer(splitAt(key)), "split_key_refused").GetHeader().GetError().GetSplitKeyRefused()
			if string(e.GetSplitKey()) != key || string(e.GetEndKey()) != "m" {
				c.t.Fatalf("the refusal is %v", e)
			}
		}
		for _, key := range []string{"m", "a"} { // at its first key, and before it
			e := c.refused(leader, id, administer(splitAt(key)), "split_key_refused").GetHeader().GetError().GetSplitKeyRefused()
			if string(e.GetSplitKey()) != key || string(e.GetStartKey()) != "m" {
				c.t.Fatalf("the refusal is %v", e)
			}
		}
		c.refused(c.others(leader)[0], 1, administer(splitAt("c")), "not_leader")
		c.mustSplit("c")
	})
}

// Who brings ids for a new region brings an unused one for it and for each of its peers.
func TestTiKVSplitIDsRefused(t *testing.T) {
	const largest = 1<<64 - 1 // raft's own, for its threads
	for name, split := range map[string]*raftcmdpb.SplitRequest{
		"too few peers":         {NewRegionId: 77, NewPeerIds: []uint64{901, 902}},
		"one peer twice":        {NewRegionId: 77, NewPeerIds: []uint64{901, 902, 903, 904, 904}},
		"a peer without id":     {NewRegionId: 77, NewPeerIds: []uint64{0, 902, 903, 904, 905}},
		"a peer of its own":     {NewRegionId: 77, NewPeerIds: []uint64{101, 902, 903, 904, 905}},
		"one of raft's threads": {NewRegionId: 77, NewPeerIds: []uint64{largest, 902, 903, 904, 905}},
		"the other":             {NewRegionId: 77, NewPeerIds: []uint64{largest - 1, 902, 903, 904, 905}},
		"its own region":        {NewRegionId: 1, NewPeerIds: []uint64{901, 902, 903, 904, 905}},
		"another region":        {NewRegionId: 2, NewPeerIds: []uint64{901, 902, 903, 904, 905}},
		"no region":             {NewPeerIds: []uint64{901, 902, 903, 904, 905}},
		"no peers":              {NewRegionId: 77},
	} {
		t.Run(name, func(t *testing.T) {
			forSeeds(t, nil, func(c *cluster) {
				want := map[string]string{"a": "1", "d": "1", "z": "1"}
				for _, key := range keysOf(want) {
					c.mustPut(key, want[key])
				}
				c.mustSplit("m")
				before := c.region(1)
				split.SplitKey = []byte("c")
				request := administer(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: split}})
				request.Header = &raftcmdpb.RequestHeader{RegionId: 1}
				if operation, err := c.w.Act(proposalTo(c.mustLeaderOf(1), request)); err == nil {
					if answer := c.wait(operation); answer.GetHeader().GetError().GetOutcome() != notApplied {
						c.t.Errorf("the split is answered %v", answer)
					}
				}
				if now := c.region(1); now.GetRegionEpoch().GetVersion() != before.GetRegionEpoch().GetVersion() {
					c.t.Errorf("the split has made %v of %v", now, before)
				}
				for _, key := range keysOf(want) {
					c.mustGet(key, want[key])
				}
			})
		})
	}
}

func proposalTo(store uint64, request *raftcmdpb.RaftCommandRequest) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{StoreId: store, Request: request}}}
}

func TestTiKVConfChangeRefused(t *testing.T) {
	forSeeds(t, membersOf(5, 3), func(c *cluster) {
		c.mustPut("k", "v")
		leader := c.mustLeaderOf(1)
		member := c.others(leader, 4, 5)[0]
		c.mustChange(1, addLearner(4))
		for _, changes := range [][]*raftcmdpb.PeerChange{
			{addVoter(member)},                                       // a voter already
			{addLearner(4)},                                          // a learner already
			{removePeer(5)},                                          // no member
			{addVoter(5), removePeer(5)},                             // one store, two changes
			{addVoter(4), addLearner(4)},                             // one peer, two changes
			{removePeer(1), removePeer(2), removePeer(3)},            // no voter would be left
			{addLearner(1), addLearner(2), addLearner(3)},            // the same
			{{Type: addVoter(5).Type, Peer: &metapb.Peer{Id: 9999}}}, // an unknown peer, and nobody says where
		} {
			answer := c.refused(leader, 1, administer(changePeers(changes...)), "conf_change_refused")
			if e := answer.GetHeader().GetError().GetConfChangeRefused(); len(e.GetMembers()) != 4 {
				c.t.Fatalf("the refusal of %v is %v; the region has four members", changes, e)
			}
		}
		c.refused(leader, 1, administer(leaveJoint()), "conf_change_refused")
		c.refused(member, 1, administer(changePeers(addVoter(5))), "not_leader")
		c.refused(5, 1, administer(changePeers(addVoter(5))), "region_not_found")
		// Nor does a change name a new peer as another is named already, or as raft names its own threads.
		for _, peer := range []*metapb.Peer{
			{Id: peerOn(c.region(1), member).GetId(), StoreId: 5}, {Id: peerOn(c.region(1), leader).GetId(), StoreId: 5},
			{Id: 1<<64 - 1, StoreId: 5}, {Id: 1<<64 - 2, StoreId: 5},
		} {
			for _, t := range []raftcmdpb.PeerChangeType{addVoter(5).Type, addLearner(5).Type} {
				answer := c.call(leader, 1, administer(changePeers(&raftcmdpb.PeerChange{Type: t, Peer: peer})))
				if answer.GetHeader().GetError().GetOutcome() != notApplied {
					c.t.Fatalf("the addition of %v is answered %v", peer, answer)
				}
			}
		}
		// An id that was used is not given again.
		used := peerOn(c.region(1), 4).GetId()
		c.mustChange(1, removePeer(4))
		c.mustBeGone(4, 1)
		again := addVoter(4)
		again.Peer.Id = used
		if answer := c.call(leader, 1, administer(changePeers(again))); reason(answer) == "" {
			c.pass(10 * second)
			if c.holdsRegion(4, 1) {
				c.t.Fatalf("peer %d is back under its old id", used)
			}
		}
	})
}

// One change at a time: the second is refused until the first is applied.
func TestTiKVConfChangePending(t *testing.T) {
	forSeeds(t, membersOf(5, 3), func(c *cluster) {
		c.mustPut("k", "v")
		c.pass(second)
		leader := c.mustLeaderOf(1)
		c.cut = func(m *sessionpb.Message) bool { return m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_APPEND }
		first := c.start(leader, 1, administer(changePeers(addVoter(4))))
		for range 3 {
			e := c.wantReason(c.call(leader, 1, administer(changePeers(addVoter(5)))), "conf_change_pending", notApplied)
			if e.GetConfChangePending().GetRegionId() != 1 || e.GetConfChangePending().GetJoint() {
				c.t.Fatalf("the refusal is %v", e)
			}
		}
		c.cut = nil
		if answer := c.wait(first); reason(answer) != "" {
			c.t.Fatalf("the first change is answered %v", answer)
		}
		c.mustSettle(1, []uint64{4}, map[string]string{"k": "v"})
		c.wantMembers(c.region(1), 2, 1, 2, 3, 4)
		c.wantMembers(c.mustChange(1, addVoter(5)), 3, 1, 2, 3, 4, 5)
	})
}

// A change after which too few voters would be there is refused, unless forced.
func TestTiKVQuorumAtRisk(t *testing.T) {
	forSeeds(t, membersOf(4, 3), func(c *cluster) {
		c.mustPut("k", "v")
		leader := c.mustLeaderOf(1)
		down, up := c.others(leader, 4)[0], c.others(leader, 4)[1]
		c.crash(down)
		c.pass(5 * second)
		e := c.refused(leader, 1, administer(changePeers(removePeer(up))), "quorum_at_risk").GetHeader().GetError().GetQuorumAtRisk()
		if e.GetVoters() != 2 || len(e.GetSilent()) != 1 || e.GetSilent()[0].GetStoreId() != down {
			c.t.Fatalf("the refusal is %v; S%d is silent", e, down)
		}
		// A new voter holds nothing yet.
		c.refused(leader, 1, administer(changePeers(addVoter(4))), "quorum_at_risk")
		// What heals is not refused.
		c.mustChange(1, removePeer(down))
		c.mustPut("k", "w")
		c.restart(down)
		c.mustBeGone(down, 1)
		c.mustChange(1, addVoter(4))
		c.mustSettle(1, c.membersOn(1), map[string]string{"k": "w"})
		// Forced it is done, at one's own risk: two are left, and one of them is down.
		c.crash(4)
		c.pass(5 * second)
		c.refused(leader, 1, administer(changePeers(removePeer(up))), "quorum_at_risk")
		c.mustAdmin(1, forced(removePeer(up)))
		c.pass(10 * second)
		if c.leaderOf(1) != 0 {
			c.t.Fatalf("S%d leads without a majority of two", c.leaderOf(1))
		}
		c.restart(4)
		c.mustPut("k", "x")
	})
}

func TestTiKVTransferRefused(t *testing.T) {
	forSeeds(t, membersOf(5, 3), func(c *cluster) {
		c.mustPut("k", "v")
		leader := c.mustLeaderOf(1)
		c.mustChange(1, addLearner(4))
		c.mustSettle(1, []uint64{4}, map[string]string{"k": "v"})
		for _, to := range []uint64{4, 5, 77, leader} { // a learner, a store without a peer, no store at all, who leads already
			e := c.refused(leader, 1, administer(transferTo(to)), "transfer_refused").GetHeader().GetError().GetTransferRefused()
			if e.GetPeer().GetStoreId() != to || len(e.GetVoters()) != 3 {
				c.t.Fatalf("the refusal is %v", e)
			}
		}
		c.refused(c.others(leader)[0], 1, administer(transferTo(leader)), "not_leader")
		// While one transfer is under way, nothing is proposed; when it comes to nothing, all goes on.
		to := c.others(leader, 4, 5)[0]
		c.cut = func(m *sessionpb.Message) bool { return m.GetType() == sessionpb.MessageType_MESSAGE_TYPE_TIMEOUT_NOW }
		if answer := c.call(leader, 1, administer(transferTo(to))); reason(answer) != "" {
			c.t.Fatalf("the transfer is answered %v", answer)
		}
		e := c.wantReason(c.call(leader, 1, command(putRequest("k", "x"))), "leader_transferring", notApplied)
		if e.GetLeaderTransferring().GetPeer().GetStoreId() != to {
			c.t.Fatalf("the refusal is %v", e)
		}
		c.pass(5 * second)
		c.cut = nil
		c.mustGet("k", "v")
		c.mustPut("k", "w")
	})
}

func TestTiKVCompactionRefused(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		for range 20 {
			c.mustPut("k", "v")
		}
		c.pass(second)
		leader := c.mustLeaderOf(1)
		c.mustAdmin(1, compactTo(10))
		c.pass(second)
		view, _ := c.w.Store(leader).View(1)
		for _, index := range []uint64{1, 9, view.LastIndex + 1, 1 << 63} {
			e := c.refused(leader, 1, administer(compactTo(index)), "compaction_refused").GetHeader().GetError().GetCompactionRefused()
			if e.GetCompactIndex() != index || e.GetFirstIndex() != 11 || e.GetAppliedIndex() != view.Applied {
				c.t.Fatalf("the refusal is %v; the log begins at 11 and is applied up to %d", e, view.Applied)
			}
		}
		c.refused(c.others(leader)[0], 1, administer(compactTo(0)), "not_leader")
	})
}

// An admin command is made for one shape of its region: other members or another range, and it is refused.
func TestTiKVStaleEpoch(t *testing.T) {
	forSeeds(t, membersOf(5, 3), func(c *cluster) {
		c.mustPut("a", "1")
		c.mustPut("z", "1")
		epochs := []*metapb.RegionEpoch{c.region(1).GetRegionEpoch()}
		epochs = append(epochs, c.mustChange(1, addVoter(4)).GetRegionEpoch())
		c.mustSplit("m")
		leader := c.mustLeaderOf(1)
		for _, epoch := range append(epochs, &metapb.RegionEpoch{}, &metapb.RegionEpoch{ConfVer: 99, Version: 99}) {
			for _, admin := range []*raftcmdpb.AdminRequest{changePeers(addVoter(5)), splitAt("c")} {
				request := administer(admin)
				request.Header = &raftcmdpb.RequestHeader{RegionEpoch: epoch}
				current := c.refused(leader, 1, request, "stale_epoch").GetHeader().GetError().GetStaleEpoch().GetCurrentRegions()
				if !slices.ContainsFunc(current, func(r *metapb.Region) bool { return r.GetId() == 1 && string(r.GetEndKey()) == "m" }) {
					c.t.Fatalf("the current regions are %v", current)
				}
			}
			request := command(putRequest("a", "x"))
			request.Header = &raftcmdpb.RequestHeader{RegionEpoch: epoch}
			c.refused(leader, 1, request, "stale_epoch")
		}
		// The members alone have changed: who wants to change the region must know, who wants its data need not.
		epoch := &metapb.RegionEpoch{ConfVer: epochs[0].GetConfVer(), Version: c.region(1).GetRegionEpoch().GetVersion()}
		request := administer(splitAt("c"))
		request.Header = &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: epoch}
		c.refused(leader, 1, request, "stale_epoch")
		request = command(putRequest("a", "x"))
		request.Header = &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: epoch}
		if answer := c.call(leader, 1, request); reason(answer) != "" {
			c.t.Fatalf("a put at the epoch of other members is answered %v", answer)
		}
	})
}

// An entry that was proposed before a split, and stands behind it in the log, is refused on every store alike.
func TestTiKVEpochAtApply(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.mustPut("a", "1")
		c.mustPut("z", "1")
		c.pass(second)
		leader := c.mustLeaderOf(1)
		// All of it is in the log before any of it is applied.
		split := c.start(leader, 1, administer(splitAt("m")))
		behind := []uint64{
			c.start(leader, 1, command(putRequest("z", "2"))),
			c.start(leader, 1, command(putRequest("a", "2"))),
			c.start(leader, 1, administer(splitAt("c"))),
			c.start(leader, 1, administer(changePeers(removePeer(c.others(leader)[0])))),
		}
		if answer := c.wait(split); reason(answer) != "" {
			c.t.Fatalf("the split is answered %v", answer)
		}
		for _, operation := range behind {
			c.wantReason(c.wait(operation), "stale_epoch", notApplied)
		}
		c.mustGet("a", "1")
		c.mustGet("z", "1")
		for _, id := range c.stores() {
			if n := len(c.w.Store(id).RegionIDs()); n != 2 {
				c.t.Fatalf("S%d has %d regions", id, n)
			}
		}
		c.mustChange(1, removePeer(c.others(leader)[0]))
	})
}

// A command whose form is wrong never reaches a log.
func TestTiKVMalformedAdmin(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		c.mustPut("k", "v")
		leader := c.mustLeaderOf(1)
		c.pass(second)
		before := c.engines()
		many := make([]*raftcmdpb.PeerChange, 10_000)
		for i := range many {
			many[i] = addVoter(uint64(i))
		}
		for name, request := range map[string]*raftcmdpb.RaftCommandRequest{
			"nothing":         administer(&raftcmdpb.AdminRequest{}),
			"and data":        {Admin: splitAt("c"), Requests: []*raftcmdpb.Request{putRequest("k", "x")}},
			"and a status":    {Admin: splitAt("c"), Status: &raftcmdpb.StatusRequest{Type: raftcmdpb.StatusType_STATUS_TYPE_REGION_LEADER}},
			"no changes":      administer(changePeers()),
			"an empty change": administer(changePeers(&raftcmdpb.PeerChange{})),
			"no peer":         administer(changePeers(&raftcmdpb.PeerChange{Type: addVoter(1).Type})),
			"no split key":    administer(splitAt("")),
			"a long key":      administer(splitAt(string(make([]byte, 5000)))),
			"to nobody":       administer(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{}}),
			"too many":        administer(changePeers(many...)),
			"leave and more": administer(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{
				ChangePeers: &raftcmdpb.ChangePeersRequest{LeaveJoint: true, Changes: []*raftcmdpb.PeerChange{removePeer(2)}}}}),
		} {
			request.Header = &raftcmdpb.RequestHeader{RegionId: 1}
			operation, err := c.w.Act(proposalTo(leader, request))
			if err == nil && c.wait(operation).GetHeader().GetError().GetOutcome() != notApplied {
				c.t.Errorf("%s is answered %v", name, c.answers[operation])
			}
		}
		c.pass(second)
		if c.engines() != before {
			c.t.Fatal("what was refused has changed an engine")
		}
	})
}

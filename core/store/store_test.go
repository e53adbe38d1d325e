package store

import (
	"strings"
	"testing"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	errorpb "raftplay/core/pb/errorpb/v1"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

type errorOutcome = errorpb.Outcome

func TestCommandIsAppliedOnEveryStoreAndAnsweredOnce(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	r := c.call(1, command(put("city", "Kyoto"), put("lang", "Go"), get("city")))
	wantEqual(t, "value seen within the command", string(r.GetResponses()[2].GetGet().GetValue()), "Kyoto")
	c.tick(3) // the next heartbeat tells the commit
	for id := uint64(1); id <= 3; id++ {
		wantEqual(t, "data", c.data(id), "city=Kyoto@2 lang=Go@2 ")
	}
}

func TestOnlyTheLeaderAcceptsAndOthersNameIt(t *testing.T) {
	c := newCluster(t, 3)
	r := c.call(2, command(put("a", "1")))
	wantFailure(t, r, "not_leader", notApplied)
	wantEqual(t, "leader", r.GetHeader().GetError().GetNotLeader().GetLeader() == nil, true)
	c.elect(1)
	r = c.call(2, command(put("a", "1")))
	wantFailure(t, r, "not_leader", notApplied)
	wantEqual(t, "leader", r.GetHeader().GetError().GetNotLeader().GetLeader().GetStoreId(), uint64(1))
	wantFailure(t, c.call(2, command(get("a"))), "not_leader", notApplied)
	wantEqual(t, "data", c.data(2), "")
}

func TestAnswersComeOnlyInsideAdvance(t *testing.T) {
	c := newCluster(t, 3)
	got := c.start(2, command(put("a", "1")))
	wantEqual(t, "answers after Propose", len(*got), 0)
	rd, ok := c.stores[2].Ready()
	wantEqual(t, "a Ready is owed for the answer alone", ok && rd.Batch.Len() == 0, true)
	wantEqual(t, "answers after Ready", len(*got), 0)
	c.stores[2].Advance()
	wantEqual(t, "answers after Advance", len(*got), 1)
}

func TestAnswersThatAreKnownNeedNotWaitForTheDisk(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	leader := c.stores[1]
	put := c.start(1, command(put("a", "1")))
	read := c.start(1, command(get("a")))
	refused := c.start(1, command(get("")))
	leader.Answer()
	wantEqual(t, "the refusal, before any Ready", len(*refused), 1)
	for range 20 {
		rd, ok := leader.Ready()
		if !ok {
			break
		}
		c.post(rd.Messages)
		leader.Answer()
		answered := len(*put) + len(*read)
		must(t, c.engines[1].Write(rd.Batch))
		must(t, c.engines[1].Sync())
		c.post(rd.AfterSync)
		leader.Advance()
		wantEqual(t, "answers that waited for the disk", len(*put)+len(*read), answered)
		c.deliverTo(2, 3)
		c.deliverTo(1)
	}
	wantEqual(t, "answers", len(*put)+len(*read), 2)
	wantEqual(t, "the read", (*read)[0].GetHeader().GetError() == nil, true)
}

func TestReadIndexSeesEveryAcknowledgedWrite(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.call(1, command(put("b", "2"), put("a", "1"), put("c", "3")))
	r := c.call(1, command(get("a"), get("x"), seek("aa"), scan("a", "c", 1)))
	wantEqual(t, "mode", r.GetHeader().GetReadMode(), raftcmdpb.ReadMode_READ_MODE_READ_INDEX)
	wantEqual(t, "get", string(r.GetResponses()[0].GetGet().GetValue()), "1")
	wantEqual(t, "get of nothing", r.GetResponses()[1].GetGet().GetFound(), false)
	wantEqual(t, "seek", string(r.GetResponses()[2].GetSeek().GetKey()), "b")
	wantEqual(t, "scan", r.GetResponses()[3].GetScan().GetMore() && len(r.GetResponses()[3].GetScan().GetPairs()) == 1, true)
	last := c.stores[1].peers[1].log.hard.LastIndex
	viaLog := command(get("a"))
	viaLog.Header.ReadMode = raftcmdpb.ReadMode_READ_MODE_LOG
	r = c.call(1, viaLog)
	wantEqual(t, "the log's mode", r.GetHeader().GetReadMode(), raftcmdpb.ReadMode_READ_MODE_LOG)
	wantEqual(t, "a read through the log is an entry", r.GetHeader().GetIndex(), last+1)
}

func TestReadWaitsForAQuorum(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.call(1, command(put("a", "1")))
	c.cut = func(Message) bool { return true }
	got := c.start(1, command(get("a")))
	c.settle()
	wantEqual(t, "answers without a quorum", len(*got), 0)
	c.cut = func(Message) bool { return false }
	c.tick(3)
	wantEqual(t, "answers after the heal", len(*got), 1)
	wantEqual(t, "value", string((*got)[0].GetResponses()[0].GetGet().GetValue()), "1")
}

func TestCommandsAreAllOrNothing(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.call(1, command(put("a", "1")))
	req := command(put("a", "2"), del("a"), put("b", "2"))
	req.Compares = []*raftcmdpb.Compare{
		{Key: []byte("a"), Expect: &raftcmdpb.Compare_Value{Value: []byte("1")}},
		{Key: []byte("b"), Expect: &raftcmdpb.Compare_Value{Value: []byte("9")}},
	}
	r := c.call(1, req)
	wantEqual(t, "position", r.GetCompareFailed().GetPosition(), uint32(1))
	wantEqual(t, "data after a failed compare", c.data(1), "a=1@2 ")
	req.Compares = req.Compares[:1]
	req.Compares = append(req.Compares, &raftcmdpb.Compare{Key: []byte("b"), Expect: &raftcmdpb.Compare_Absent{Absent: true}})
	r = c.call(1, req)
	wantEqual(t, "delete saw the put before it", r.GetResponses()[1].GetDelete().GetFound(), true)
	wantEqual(t, "data", c.data(1), "b=2@4 ")
}

func TestLeaderThatStepsDownTellsThatTheCommandMayStillApply(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.cut = func(m Message) bool { return m.FromStore == 1 || m.ToStore == 1 }
	got := c.start(1, command(put("a", "old")))
	reading := c.start(1, command(get("a")))
	c.settle()
	wantEqual(t, "answers while cut off", len(*got), 0)
	c.tick(40) // CheckQuorum ends the old leadership, the others elect
	wantEqual(t, "answers", len(*got), 1)
	wantFailure(t, (*got)[0], "not_leader", mayApply)
	wantFailure(t, (*reading)[0], "not_leader", notApplied)
	c.cut = func(Message) bool { return false }
	c.tick(40)
	wantEqual(t, "answers after the heal", len(*got), 1)
	wantEqual(t, "the overwritten put", c.data(1), "")
}

func TestOldLeadersEntryCommitsUnderTheNewOne(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	// The append reaches S2, the acknowledgement never comes back.
	c.cut = func(m Message) bool { return m.ToStore == 1 || m.ToStore == 3 }
	got := c.start(1, command(put("a", "1")))
	c.settle()
	wantEqual(t, "answers", len(*got), 0)
	c.stores[1] = nil
	c.cut = func(Message) bool { return false }
	c.tick(60)
	wantEqual(t, "S2's data", c.data(2), "a=1@2 ")
	wantEqual(t, "S3's data", c.data(3), "a=1@2 ")
}

func TestRestartKeepsWhatWasSynced(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.call(1, command(put("a", "1")))
	before := *c.stores[2].peers[1].inside.term
	for id := uint64(1); id <= 3; id++ {
		c.restart(id)
	}
	view, _ := c.stores[2].View(1)
	wantEqual(t, "term after the restart", view.Term, before)
	wantEqual(t, "role", view.Role, raft.StateFollower)
	c.tick(40)
	for id := uint64(1); id <= 3; id++ {
		wantEqual(t, "data", c.data(id), "a=1@2 ")
	}
}

func TestQuitAnswersEverybodyOnce(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.cut = func(Message) bool { return true }
	writing, reading := c.start(1, command(put("a", "1"))), c.start(1, command(get("a")))
	c.settle()
	c.stores[1].Quit()
	c.stores[1].Quit()
	wantFailure(t, (*writing)[0], "store_stopped", mayApply)
	wantFailure(t, (*reading)[0], "store_stopped", notApplied)
	late := c.start(1, command(put("a", "1")))
	wantFailure(t, (*late)[0], "store_stopped", notApplied)
	wantEqual(t, "answers", len(*writing)+len(*reading)+len(*late), 3)
}

func TestWrongEpochRegionAndStatus(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	req := command(put("a", "1"))
	req.Header.RegionEpoch = &metapb.RegionEpoch{ConfVer: 1, Version: 9}
	r := c.call(1, req)
	wantFailure(t, r, "stale_epoch", notApplied)
	wantEqual(t, "regions told", r.GetHeader().GetError().GetStaleEpoch().GetCurrentRegions()[0].GetId(), uint64(1))
	req = command(put("a", "1"))
	req.Header.RegionId = 5
	wantFailure(t, c.call(1, req), "region_not_found", notApplied)
	status := &raftcmdpb.RaftCommandRequest{Header: command().Header,
		Status: &raftcmdpb.StatusRequest{Type: raftcmdpb.StatusType_STATUS_TYPE_REGION_LEADER}}
	wantEqual(t, "leader as S3 knows it", c.call(3, status).GetStatus().GetLeader().GetStoreId(), uint64(1))
	status.Status.Type = raftcmdpb.StatusType_STATUS_TYPE_REGION_DETAIL
	wantFailure(t, c.call(3, status), "not_leader", notApplied)
	wantEqual(t, "peers in detail", len(c.call(1, status).GetStatus().GetDetail().GetProgress()), 3)
}

func TestMalformedCommandsGetOneSentenceAndChangeNothing(t *testing.T) {
	c := newCluster(t, 3)
	c.limits.RequestsMax = 3
	for id := uint64(1); id <= 3; id++ {
		c.restart(id)
	}
	c.elect(1)
	last := c.stores[1].peers[1].log.hard.LastIndex
	for name, req := range map[string]*raftcmdpb.RaftCommandRequest{
		"no header":       {Requests: []*raftcmdpb.Request{put("a", "1")}},
		"nothing":         command(),
		"empty key":       command(put("", "1")),
		"long key":        command(put(strings.Repeat("k", 5000), "1")),
		"long value":      command(put("a", strings.Repeat("v", 2<<20))),
		"too many":        command(put("a", "1"), put("b", "1"), put("c", "1"), put("d", "1")),
		"empty request":   command(&raftcmdpb.Request{}),
		"scan backwards":  command(scan("b", "a", 1)),
		"scan of nothing": command(scan("a", "b", 0)),
		"reads too much":  command(put("a", "1"), scan("a", "b", 17)),
		"no sequence":     from(command(put("a", "1")), 5, 0),
		"no client":       from(command(put("a", "1")), 0, 5),
	} {
		t.Run(name, func(t *testing.T) {
			r := c.call(1, req)
			wantFailure(t, r, "invalid_request", notApplied)
			wantEqual(t, "the log", c.stores[1].peers[1].log.hard.LastIndex, last)
		})
	}
}

func TestLeadersAppendsTravelWhileItsDiskWorks(t *testing.T) {
	c := newCluster(t, 3)
	c.elect(1)
	c.start(1, command(put("a", "1")))
	rd, _ := c.stores[1].Ready()
	wantEqual(t, "appends at once", len(rd.Messages), 2)
	wantEqual(t, "must sync", rd.MustSync, true)
	c.post(rd.Messages)
	m := c.mail[0]
	c.mail = c.mail[1:]
	must(t, c.stores[m.ToStore].Step(m))
	follower, _ := c.stores[m.ToStore].Ready()
	wantEqual(t, "a follower's acknowledgement waits", len(follower.Messages), 0)
	wantEqual(t, "a follower's acknowledgement waits", follower.AfterSync[0].Raft.GetType(), raftpb.MsgAppResp)
}

func TestOpenRefusesAForeignOrEmptyEngine(t *testing.T) {
	c := newCluster(t, 3)
	cfg := DefaultConfig()
	cfg.StoreID, cfg.Engine, cfg.Now = 2, c.engines[1], func() int64 { return 0 }
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "belongs to store 1") {
		t.Fatalf("got %v", err)
	}
}

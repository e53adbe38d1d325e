package client_test

import (
	"errors"
	"strings"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
	"raftplay/server/client/clienttest"
)

func TestCommandsFollowASplit(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	other := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	for _, key := range []string{"b", "d", "f", "h"} {
		must(t, c.Put(ctx, []byte(key), []byte(key+"1")))
	}
	for _, at := range []string{"e", "g"} {
		left, right, err := other.Split(ctx, []byte(at))
		if err != nil || string(left.GetEndKey()) != at || string(right.GetStartKey()) != at {
			t.Fatalf("split at %s: %v, %v, %v", at, left, right, err)
		}
	}
	// The first client still takes it for one region.
	must(t, c.Put(ctx, []byte("h"), []byte("h2")))
	must(t, c.Put(ctx, []byte("b"), []byte("b2")))
	if b, f, h := read(t, c, "b"), read(t, c, "f"), read(t, c, "h"); b != "b2" || f != "f1" || h != "h2" {
		t.Errorf("read %s, %s, %s", b, f, h)
	}
	pair, err := c.Seek(ctx, []byte("e"), 0)
	if err != nil || string(pair.GetKey()) != "f" {
		t.Errorf("seek: %v, %v", pair, err)
	}
	if pair, err = c.Seek(ctx, []byte("i"), 0); err != nil || pair != nil {
		t.Errorf("seek past the end: %v, %v", pair, err)
	}
	for _, s := range []struct {
		r    client.Range
		want string
		more bool
	}{
		{client.Range{Limit: 10}, "b d f h", false},
		{client.Range{Limit: 3}, "b d f", true},
		{client.Range{Limit: 4}, "b d f h", false},
		{client.Range{Start: []byte("c"), End: []byte("h"), Limit: 10}, "d f", false},
		{client.Range{Limit: 10, Reverse: true}, "h f d b", false},
		{client.Range{Limit: 2, Reverse: true}, "h f", true},
		{client.Range{Start: []byte("c"), End: []byte("h"), Limit: 10, Reverse: true}, "f d", false},
	} {
		pairs, more, err := c.Scan(ctx, s.r, 0)
		var keys []string
		for _, p := range pairs {
			keys = append(keys, string(p.GetKey()))
		}
		if got := strings.Join(keys, " "); err != nil || got != s.want || more != s.more {
			t.Errorf("scan %+v: %q, more %v, %v", s.r, got, more, err)
		}
	}
	_, err = c.Do(ctx, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{get("b"), get("h")}})
	var refused *client.NotApplied
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), `"b" and "h" lie in different regions`) {
		t.Errorf("a command over two regions: %v", err)
	}
}

func get(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}
}

// A scan whose client learned of the regions before a split still misses nothing.
func TestAReverseScanSurvivesASplitItDoesNotKnowOf(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	for _, key := range []string{"b", "d", "f"} {
		must(t, c.Put(ctx, []byte(key), []byte(key)))
	}
	other := open(t, client.Config{Endpoints: cluster.Endpoints()})
	_, _, err := other.Split(ctx, []byte("c"))
	must(t, err)
	pairs, more, err := c.Scan(ctx, client.Range{Limit: 10, Reverse: true}, 0)
	if err != nil || more || len(pairs) != 3 || string(pairs[0].GetKey()) != "f" {
		t.Errorf("%v, %v, %v", pairs, more, err)
	}
}

func TestMembersAndLeadersAreChanged(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Spare: 1})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	must(t, c.Put(ctx, []byte("a"), []byte("1")))
	change := func(kind raftcmdpb.PeerChangeType, storeID uint64) error {
		_, err := c.ChangePeers(ctx, 1, clienttest.Change(kind, storeID))
		return err
	}
	must(t, change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER, 4))
	cluster.Eventually("S4 has the data", func() bool { return cluster.Data(4, 1)["a"] == "1" })
	must(t, change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, 4))
	cluster.Eventually("S4 leads", func() bool {
		if cluster.Leader(1) == 4 {
			return true
		}
		_, _ = c.TransferLeader(ctx, 1, 4) // advice, which may come to nothing
		return false
	})
	must(t, change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE, 1))
	status, err := c.Status(ctx, 1)
	if err != nil || len(status.GetDetail().GetRegion().GetPeers()) != 3 || status.GetLeader().GetStoreId() != 4 {
		t.Errorf("status: %v, %v", status, err)
	}
	first, err := c.CompactLog(ctx, 1, 0)
	if err != nil || first < 3 {
		t.Errorf("compacted: %d, %v", first, err)
	}
	stats, err := c.StoreStats(ctx, 4)
	if err != nil || stats.GetLeaders() != 1 || stats.GetStoreId() != 4 {
		t.Errorf("stats: %v, %v", stats, err)
	}
	var refused *client.NotApplied
	if err := change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE, 1); !errors.As(err, &refused) || refused.Answer.GetConfChangeRefused() == nil {
		t.Errorf("a store that is no member is removed: %v", err)
	}
	if _, err := c.TransferLeader(ctx, 9, 4); !errors.As(err, &refused) || !strings.Contains(err.Error(), "there is no region 9") {
		t.Errorf("a region that does not exist: %v", err)
	}
	if _, _, err := c.Split(ctx, nil); !errors.As(err, &refused) {
		t.Errorf("a split without a key: %v", err)
	}
}

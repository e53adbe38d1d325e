package client_test

import (
	"errors"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
	"raftplay/server/client/clienttest"
)

func TestAStoreThatIsAskedByNameAnswersForItself(t *testing.T) {
	c := clienttest.Start(t, clienttest.Options{})
	cl := open(t, client.Config{Endpoints: c.Endpoints()})
	leader := c.Leader(1)
	write := &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{put("fruit", "quince")}}
	answer, err := cl.DoAt(patience(t), leader, write)
	if must(t, err); answer.GetHeader().GetError() != nil || read(t, cl, "fruit") != "quince" {
		t.Errorf("the leader says %v", answer)
	}
	answer, err = cl.DoAt(patience(t), leader%3+1, write)
	if must(t, err); answer.GetHeader().GetError().GetNotLeader().GetLeader().GetStoreId() != leader {
		t.Errorf("a follower says %v", answer)
	}
	if _, err = cl.DoAt(patience(t), 9, write); !isNotApplied(err) {
		t.Errorf("a store that nobody knows: %v", err)
	}
}

func isNotApplied(err error) bool {
	_, ok := errors.AsType[*client.NotApplied](err)
	return ok
}

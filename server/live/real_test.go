package live

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// until asks until something holds, for a minute at most.
func (w *watcher) until(what string, holds func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); {
		if w.ask(); time.Now().After(end) || w.closed != "" {
			w.t.Fatalf("never: %s (closed %q, unreachable %v)", what, w.closed, w.status.GetLive().GetUnreachable())
		}
	}
}

// leader is the store that leads a region, as the viewer sees it, or 0.
func (w *watcher) leader(regionID uint64) uint64 {
	if w.fold == nil {
		return 0
	}
	for _, s := range w.fold.stores {
		if p := peerOf(s, regionID); s.Up && p.Role == sessionpb.Role_ROLE_LEADER {
			return s.Id
		}
	}
	return 0
}

// act has the operator do something and waits for the reply, which has to be a good one.
func (w *watcher) act(id uint64, a *sessionpb.Action) {
	w.t.Helper()
	w.ask(acting(id, a))
	w.until("a reply", func() bool { return w.replies[id] != nil })
	if r := w.replies[id]; r.Failure != "" {
		w.t.Fatalf("%v: %s", a, r.Failure)
	}
}

func splitting(key string) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{Request: &raftcmdpb.RaftCommandRequest{
		Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{SplitKey: []byte(key)}}}}}}}
}

func compacting() *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{Request: &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: 1},
		Admin:  &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{CompactLog: &raftcmdpb.CompactLogRequest{}}}}}}}
}

// Three real stores under load, crashed, split and compacted: whenever one shows itself, the events so far have told the same.
func TestRealStoresAreShownAsTheyAre(t *testing.T) {
	c := startTrio(t)
	g, cl := c.open()
	v := attach(t, g, operator, nil)
	v.strict = true
	v.until("a leader", func() bool { return v.leader(1) != 0 })

	var compared atomic.Int64
	var wrong atomic.Pointer[string]
	w := g.watch
	w.mu.Lock()
	answered := w.merger.answered
	w.merger.answered = func(picture *sessionpb.StoreState, leftOut uint64) {
		s := w.merger.source(picture.Id)
		if have := w.merger.fold.store(picture.Id); s.shown && leftOut == 0 {
			compared.Add(1)
			if a, b := plainStore(have), plainStore(picture); !proto.Equal(a, b) {
				text := fmt.Sprintf("S%d was told as\n%v\nand is\n%v", picture.Id, a, b)
				wrong.CompareAndSwap(nil, &text)
			}
		}
		answered(picture, leftOut)
	}
	w.mu.Unlock()

	load := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				load <- nil
				return
			case <-time.After(2 * time.Millisecond):
			}
			key := fmt.Appendf(nil, "key-%03d", i%300)
			if err := cl.Put(t.Context(), key, fmt.Appendf(nil, "value %d", i)); err != nil {
				load <- err
				return
			}
		}
	}()
	keyframe := &sessionpb.Command{Id: 1, Command: &sessionpb.Command_GetKeyframe{GetKeyframe: &sessionpb.GetKeyframe{}}}
	look := func(times int) {
		for range times {
			keys := v.keys
			v.ask(keyframe)
			v.until("a keyframe", func() bool { return v.keys > keys })
			time.Sleep(20 * time.Millisecond)
		}
	}
	look(4)
	v.act(10, splitting("key-150"))
	look(3)
	follower := v.leader(1)%3 + 1
	v.act(11, &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: follower}}})
	v.until("the store is gone", func() bool { return len(v.status.Live.Unreachable) == 1 && !v.fold.store(follower).Up })
	if peers := v.fold.store(follower).Peers; len(peers) != 2 {
		t.Errorf("of the crashed store %d peers are shown", len(peers))
	}
	v.act(12, compacting())
	v.act(13, &sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: follower}}})
	v.until("the store is back", func() bool { return len(v.status.Live.Unreachable) == 0 && v.fold.store(follower).Up })
	look(4)
	v.act(14, &sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: &sessionpb.Partition{
		Kind: sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, Sides: []*sessionpb.Side{{StoreIds: []uint64{v.leader(1)}}}}}})
	look(2)
	v.act(15, &sessionpb.Action{Action: &sessionpb.Action_Heal{Heal: &sessionpb.Heal{}}})
	look(3)
	close(stop)
	if err := <-load; err != nil {
		t.Error(err)
	}
	if text := wrong.Load(); text != nil {
		t.Error(*text)
	}
	if n := compared.Load(); n < 30 {
		t.Errorf("only %d pictures were compared", n)
	}
	if v.compared < 10 {
		t.Errorf("only %d keyframes were compared with what the viewer was told", v.compared)
	}
	t.Logf("%d pictures and %d keyframes compared, %d events shown, %d missed", compared.Load(), v.compared, v.seq, v.missed)

	v.act(16, putting())
	v.until("the put is applied everywhere", func() bool {
		for _, s := range v.fold.stores {
			if !hasKey(s, "k") {
				return false
			}
		}
		return true
	})
}

// hasKey tells whether any peer of a store holds a key.
func hasKey(s *sessionpb.StoreState, key string) bool {
	for _, p := range s.Peers {
		if _, found := keyPlace(p.Keys, []byte(key)); found {
			return true
		}
	}
	return false
}

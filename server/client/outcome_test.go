package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
	"raftplay/server/client/clienttest"
)

func TestAWriteThatNobodyAnswersHasAnUnknownOutcome(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	must(t, c.Put(patience(t), []byte("a"), []byte("1")))
	held := cluster.Leader(1)
	cluster.Hold(held, true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.Put(ctx, []byte("a"), []byte("2"))
	var unknown *client.UnknownOutcome
	if !errors.As(err, &unknown) || unknown.Client == 0 || unknown.Sequence == 0 || !strings.Contains(err.Error(), "outcome is unknown") {
		t.Fatalf("a write that its store has taken: %v", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not the deadline's", err)
	}
	cluster.Hold(held, false)
	// The same session goes on, and what it says last stands.
	must(t, c.Put(patience(t), []byte("a"), []byte("3")))
	if got := read(t, c, "a"); got != "3" {
		t.Errorf("read %s", got)
	}
}

// A read changes nothing, so nothing is unknown about it.
func TestAReadThatNobodyAnswersWasNotApplied(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	must(t, c.Put(patience(t), []byte("a"), []byte("1")))
	cluster.Hold(1, true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := c.Get(ctx, []byte("a"), 0)
	var refused *client.NotApplied
	if !errors.As(err, &refused) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// The first leader takes the write and hangs; the next one carries it out. When the first one comes back, its own copy is
// known for a retry.
func TestAWriteGoesOnToTheNextLeaderAndIsAppliedOnce(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints(), AttemptTimeout: 100 * time.Millisecond})
	ctx := patience(t)
	must(t, c.Put(ctx, []byte("count"), []byte("0")))
	for i, want := range []string{"1", "2", "3"} {
		held := cluster.Leader(1)
		cluster.Hold(held, true)
		failed, err := c.PutIf(ctx, []byte("count"), []byte(want), fmt.Append(nil, i))
		if err != nil || failed != nil {
			t.Fatalf("write %s: %v, found %q", want, err, failed.GetValue())
		}
		cluster.Hold(held, false)
		cluster.Eventually("the cluster is whole", func() bool { return cluster.Data(held, 1)["count"] == want })
	}
}

// Each write appends its number to a key, by a compare with what stood there. One that were applied twice would stand there
// twice, or fail its own compare.
func TestEachWriteIsAppliedOnceWhileLeadersChange(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints(), AttemptTimeout: 300 * time.Millisecond})
	ctx := patience(t)
	const writers, shakes = 8, 12
	var logs [writers]string
	var shaken atomic.Bool
	var written atomic.Int64
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			key := fmt.Appendf(nil, "log%d", w)
			for i := 0; !shaken.Load(); i++ {
				next := logs[w] + fmt.Sprintf("%d,", i)
				expected := []byte(logs[w])
				if i == 0 {
					expected = nil
				}
				failed, err := c.PutIf(ctx, key, []byte(next), expected)
				if err != nil || failed != nil {
					t.Errorf("write %d of %s: %v, found %q instead of %q", i, key, err, failed.GetValue(), logs[w])
					return
				}
				logs[w] = next
				written.Add(1)
			}
		})
	}
	for i := range uint64(shakes) {
		if lost := cluster.Leader(1); i%4 == 3 && lost != 0 {
			cluster.Crash(lost)
			cluster.Restart(lost)
		} else {
			cluster.Transfer(1, i%3+1)
		}
		before := written.Load()
		cluster.Eventually("writes go on", func() bool { return written.Load() > before+40 })
	}
	shaken.Store(true)
	writing.Wait()
	for w := range writers {
		if got := read(t, c, fmt.Sprintf("log%d", w)); got != logs[w] || strings.Count(got, ",") < shakes {
			t.Errorf("log%d is\n%s\nand should be\n%s", w, got, logs[w])
		}
	}
}

func TestCommandsWaitForAClusterThatIsDown(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	must(t, c.Put(patience(t), []byte("a"), []byte("1")))
	for id := uint64(1); id <= 3; id++ {
		cluster.Crash(id)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := c.Get(ctx, []byte("a"), 0); err == nil {
		t.Error("a cluster that is down was read")
	}
	// The client has heard that its connection broke, so that nothing was sent to anybody.
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.Put(ctx, []byte("a"), []byte("2"))
	var refused *client.NotApplied
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "gave up after") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write to nobody surely was not applied: %v", err)
	}
	wrote := make(chan error, 1)
	go func() { wrote <- c.Put(patience(t), []byte("a"), []byte("3")) }()
	for id := uint64(1); id <= 3; id++ {
		cluster.Restart(id)
	}
	must(t, <-wrote)
	if got := read(t, c, "a"); got != "3" {
		t.Errorf("read %s", got)
	}
}

// A region remembers three clients; five write in turn. Who was forgotten goes on under a new id.
func TestAForgottenSessionGoesOnUnderANewID(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1, ClientsRememberedMax: 3})
	c := open(t, client.Config{Endpoints: cluster.Endpoints()})
	ctx := patience(t)
	var sessions []*client.Session
	for range 5 {
		sessions = append(sessions, c.NewSession())
	}
	for round := range 3 {
		for i, s := range sessions {
			if _, err := s.Do(ctx, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{put("a", fmt.Sprint(round, i))}}); err != nil {
				t.Fatalf("session %d in round %d: %v", i, round, err)
			}
		}
	}
	if got := read(t, c, "a"); got != "2 4" {
		t.Errorf("read %s", got)
	}
}

package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"raftplay/core/pb/sessionpb/v1"
)

func TestCloseTellsEveryViewer(t *testing.T) {
	waiting := make(chan struct{}, 1)
	h := build(t, Options{Sessions: &tally{answer: func(ctx context.Context, r *sessionpb.Request) *sessionpb.Frame {
		if len(r.GetCommands()) > 0 {
			waiting <- struct{}{}
			<-ctx.Done() // as a session that waits for something to happen
		}
		return &sessionpb.Frame{}
	}}}, ServerOptions{})
	var conns []*websocket.Conn
	for range 20 {
		conns = append(conns, h.attached(t, ""))
	}
	tell(t, conns[0], command(1))
	<-waiting
	conns = append(conns, h.dial(t)) // which has not attached
	closed := make(chan error, 1)
	go func() { closed <- h.Close() }()
	for _, conn := range conns {
		mustEnd(t, conn, CloseGoingAway, "the server is stopping")
	}
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the server did not close")
	}
	if _, _, err := h.tryDial(); err == nil {
		t.Error("a closed server took a viewer")
	}
}

func TestCloseDoesNotWaitForWhoDoesNotRead(t *testing.T) {
	entered := make(chan struct{})
	text := strings.Repeat("x", 8<<20) // more than a connection's buffers hold
	h := build(t, Options{Sessions: &tally{answer: func(_ context.Context, r *sessionpb.Request) *sessionpb.Frame {
		if len(r.GetCommands()) > 0 {
			defer close(entered)
		}
		return &sessionpb.Frame{Replies: []*sessionpb.Reply{{Failure: text}}}
	}}}, ServerOptions{})
	conn := h.dial(t)
	tell(t, conn, attach(""))
	mustHear(t, conn)
	tell(t, conn, command(1))
	<-entered
	if _, _, err := conn.NextReader(); err != nil { // its answer has begun, and goes no further
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseCutsOffWhoDoesNotLeave(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan struct{})
	h := build(t, Options{Sessions: &tally{answer: func(context.Context, *sessionpb.Request) *sessionpb.Frame {
		close(entered)
		<-release // against the contract: it does not look at ctx
		return nil
	}}}, ServerOptions{})
	conn := h.dial(t)
	tell(t, conn, attach(""))
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.handler.Close(ctx); err == nil || err.Error() != "1 viewers had not left in time and were cut off" {
		t.Errorf("got %v", err)
	}
	if _, err := hear(conn); err == nil {
		t.Error("it was not cut off")
	}
	close(release)
}

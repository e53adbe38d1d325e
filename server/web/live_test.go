package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"raftplay/core/pb/sessionpb/v1"
)

var bothTokens = Tokens{Viewer: viewerToken, Operator: operatorToken}

func TestEachRequestIsAnsweredByOneFrameInOrder(t *testing.T) {
	h := build(t, Options{}, ServerOptions{})
	conn := h.dial(t)
	if conn.Subprotocol() != Subprotocol {
		t.Errorf("the subprotocol is %q", conn.Subprotocol())
	}
	first := attach("")
	first.Commands = command(1, 2).Commands
	tell(t, conn, first)
	next := uint64(3)
	for range 12 { // they queue
		tell(t, conn, command(next))
		next++
	}
	want := uint64(1)
	for n := range 13 {
		f := mustHear(t, conn)
		if len(f.Replies) != 1 && n > 0 || n == 0 && len(f.Replies) != 2 {
			t.Fatalf("frame %d is %v", n, f)
		}
		for _, reply := range f.Replies {
			if reply.CommandId != want {
				t.Fatalf("frame %d answers command %d, want %d", n, reply.CommandId, want)
			}
			want++
		}
	}
	if _, _, handled := h.sessions.counts(); handled != 13 {
		t.Errorf("%d requests were handled, want 13", handled)
	}
}

func TestAViewerOffersTheSubprotocol(t *testing.T) {
	h := build(t, Options{}, ServerOptions{})
	for _, c := range []struct {
		offered []string
		status  int
	}{
		{nil, http.StatusBadRequest},
		{[]string{"raftplay.v2"}, http.StatusBadRequest},
		{[]string{"raftplay.v2", Subprotocol}, http.StatusSwitchingProtocols},
	} {
		dialer := websocket.Dialer{Subprotocols: c.offered}
		conn, response, err := dialer.Dial(h.live(), nil)
		if err == nil {
			_ = conn.Close()
		}
		if response == nil || response.StatusCode != c.status {
			t.Errorf("offered %q: %v, error %v, want %d", c.offered, response, err, c.status)
		}
	}
	if r := send(t, "GET", h.URL()+"api/live"); r.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("without an upgrade: %d", r.StatusCode)
	}
}

func TestATokenDecidesTheRole(t *testing.T) {
	const viewer, operator = sessionpb.ViewerRole_VIEWER_ROLE_VIEWER, sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR
	for _, c := range []struct {
		tokens  Tokens
		shown   string
		role    sessionpb.ViewerRole
		refusal *Refusal
	}{
		{Tokens{}, "", operator, nil},
		{Tokens{}, "anything", operator, nil},
		{bothTokens, viewerToken, viewer, nil},
		{bothTokens, operatorToken, operator, nil},
		{bothTokens, "", 0, refusalNoToken},
		{bothTokens, viewerToken + "x", 0, refusalWrongToken},
		{bothTokens, viewerToken[1:], 0, refusalWrongToken},
		{Tokens{Operator: operatorToken}, operatorToken, operator, nil},
		{Tokens{Operator: operatorToken}, "", 0, refusalNoToken},
		{Tokens{Viewer: viewerToken}, viewerToken, viewer, nil},
		{Tokens{Viewer: viewerToken}, operatorToken, 0, refusalWrongToken},
	} {
		t.Run(c.shown, func(t *testing.T) {
			h := build(t, Options{Tokens: c.tokens}, ServerOptions{})
			conn := h.dial(t)
			tell(t, conn, attach(c.shown))
			if c.refusal != nil {
				mustEnd(t, conn, ClosePolicy, c.refusal.Sentence)
				if opened, _, _ := h.sessions.counts(); opened != 0 {
					t.Errorf("of %v: a session was opened", c.tokens)
				}
				return
			}
			mustHear(t, conn)
			if !slices.Equal(h.sessions.roles, []sessionpb.ViewerRole{c.role}) {
				t.Errorf("of %v: the roles are %v, want %v", c.tokens, h.sessions.roles, c.role)
			}
			if !slices.Equal(h.sessions.tokens, []string{"", ""}) {
				t.Errorf("the session was shown a token: %q", h.sessions.tokens)
			}
		})
	}
}

func TestEachRefusalHasItsSentenceAndCode(t *testing.T) {
	otherVersion := attach("")
	otherVersion.Attach.ProtocolVersion = 7
	for _, c := range []struct {
		name     string
		open     error
		requests []*sessionpb.Request
		code     int
		sentence string
	}{
		{"no attach", nil, []*sessionpb.Request{command(1)}, CloseProtocol,
			"the first request says nothing of who asks: attach is missing"},
		{"attach twice", nil, []*sessionpb.Request{attach(""), attach("")}, CloseProtocol,
			"attach belongs into the first request, and came again"},
		{"another version", nil, []*sessionpb.Request{otherVersion}, ClosePolicy,
			"this server speaks version 1 of the session protocol, and the viewer version 7: reload the page"},
		{"too many commands", nil, []*sessionpb.Request{attach(""), command(make([]uint64, commandsBurst+1)...)}, ClosePolicy,
			"too many commands: at most 50 a second are taken"},
		{"the source is full", &Refusal{Code: CloseTryLater, Sentence: "the source is full"}, []*sessionpb.Request{attach("")},
			CloseTryLater, "the source is full"},
		{"the source fails", errors.New("no store answers"), []*sessionpb.Request{attach("")}, CloseInternal, "no store answers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, Options{Sessions: &tally{refuse: c.open}}, ServerOptions{})
			conn := h.dial(t)
			tell(t, conn, c.requests...)
			mustEnd(t, conn, c.code, c.sentence)
		})
	}
}

func TestASessionsLastFrameIsTheOnlyGoodbye(t *testing.T) {
	h := build(t, Options{Sessions: &tally{answer: func(context.Context, *sessionpb.Request) *sessionpb.Frame {
		return &sessionpb.Frame{Closed: "the cluster is gone"}
	}}}, ServerOptions{})
	conn := h.dial(t)
	tell(t, conn, attach(""))
	mustEnd(t, conn, CloseTryLater, "the cluster is gone")
	h.log.await(t, `msg="viewer left"`, 1)
}

func TestAnAnswerBeyondTheLimitEndsTheViewer(t *testing.T) {
	h := build(t, Options{Limits: Limits{FrameBytesMax: 100}, Sessions: &tally{
		answer: func(context.Context, *sessionpb.Request) *sessionpb.Frame {
			return &sessionpb.Frame{Replies: []*sessionpb.Reply{{Failure: strings.Repeat("x", 200)}}}
		},
	}}, ServerOptions{})
	conn := h.dial(t)
	tell(t, conn, attach(""))
	mustEnd(t, conn, CloseInternal, "an answer of 206 bytes is beyond the limit of 100")
}

func TestViewersAreCountedInTotalAndByAddress(t *testing.T) {
	for _, c := range []struct {
		limits   Limits
		sentence string
	}{
		{Limits{ViewersMax: 2}, "too many viewers are attached: this server takes 2"},
		{Limits{ViewersPerAddressMax: 2}, "too many viewers are attached from this address: this server takes 2"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			h := build(t, Options{Limits: c.limits}, ServerOptions{})
			first, second := h.attached(t, ""), h.attached(t, "")
			mustEnd(t, h.dial(t), CloseTryLater, c.sentence)
			_ = first.Close()
			waitForViewers(t, h, 1)
			h.attached(t, "")
			tell(t, second, command(1))
			mustHear(t, second)
		})
	}
}

// waitForViewers returns when so many are counted.
func waitForViewers(t *testing.T, h *house, n int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		h.handler.viewers.mu.Lock()
		counted, all := h.handler.viewers.counted, len(h.handler.viewers.all)
		h.handler.viewers.mu.Unlock()
		if counted == n && all == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d viewers are counted and %d are there, want %d", counted, all, n)
		}
	}
}

func TestWrongTokensAreLimitedByAddress(t *testing.T) {
	h := build(t, Options{Tokens: bothTokens, Limits: Limits{WrongTokensBurst: 3, WrongTokensPerMinute: 1}}, ServerOptions{})
	for range 3 {
		conn := h.dial(t)
		tell(t, conn, attach("a-wrong-token-0123456789"))
		mustEnd(t, conn, ClosePolicy, refusalWrongToken.Sentence)
	}
	conn := h.dial(t)
	tell(t, conn, attach(operatorToken))
	f, err := hear(conn)
	if err != nil || !strings.HasPrefix(f.GetClosed(), "too many wrong tokens came from this address: try again in ") {
		t.Errorf("heard %v, error %v", f, err)
	}
	mustCode(t, conn, ClosePolicy)
}

func TestUpgradesAreLimitedByAddress(t *testing.T) {
	h := build(t, Options{Limits: Limits{UpgradesBurst: 2, UpgradesPerSecond: 1}}, ServerOptions{})
	for range 5 { // a foreign page in the same browser uses nothing up
		_, _, _ = h.tryDial("Origin", "http://evil.example")
		send(t, "GET", h.URL()+"api/live")
	}
	h.dial(t)
	h.dial(t)
	for range 10 { // a slow machine earns one more now and then
		conn, response, err := h.tryDial()
		if err != nil {
			if response.StatusCode != http.StatusTooManyRequests {
				t.Errorf("got %v, %v", response, err)
			}
			return
		}
		_ = conn.Close()
	}
	t.Error("no number of upgrades is too many")
}

func TestComingAndGoingAreOneLineEach(t *testing.T) {
	h := build(t, Options{Tokens: bothTokens}, ServerOptions{})
	conn := h.attached(t, viewerToken)
	tell(t, conn, command(1))
	mustHear(t, conn)
	_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	h.log.await(t, `msg="viewer left"`, 1)
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("the log is:\n%s", h.log)
	}
	address := conn.LocalAddr().String()
	for i, want := range []string{
		`msg="viewer attached" address=` + address + ` role=viewer`,
		`msg="viewer left" address=` + address + ` role=viewer reason="it left" frames=2`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %q, want it to hold %q", i, lines[i], want)
		}
	}
}

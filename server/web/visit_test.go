package web

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"raftplay/core/pb/sessionpb/v1"
)

const (
	version       = 1
	viewerToken   = "viewer-token-0123456789"
	operatorToken = "operator-token-0123456789"
	// patience is how long a test waits for what must come.
	patience = 10 * time.Second
)

// tally gives sessions that answer a request with a reply for each of its commands, and counts.
type tally struct {
	// answer replaces the answer above unless nil; refuse is what Open returns unless nil.
	answer func(ctx context.Context, r *sessionpb.Request) *sessionpb.Frame
	refuse error

	mu                      sync.Mutex
	opened, closed, handled int
	commands                []uint64
	roles                   []sessionpb.ViewerRole
	tokens                  []string
}

type tallied struct {
	*tally
	closed bool
}

func (c *tally) Open(role sessionpb.ViewerRole, attach *sessionpb.Attach) (Session, error) {
	if c.refuse != nil {
		return nil, c.refuse
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened++
	c.roles = append(c.roles, role)
	c.tokens = append(c.tokens, attach.GetToken())
	return &tallied{tally: c}, nil
}

// ours is a frame that is still to be encoded.
type ours struct{ *sessionpb.Frame }

func (f ours) Closed() string { return f.GetClosed() }

// Append gives the last of the events as what is shared.
func (f ours) Append(b []byte) (own, shared []byte) {
	encode := func(b []byte, f *sessionpb.Frame) []byte {
		b, err := proto.MarshalOptions{}.MarshalAppend(b, f)
		if err != nil {
			panic(err) // of a sentence that is valid
		}
		return b
	}
	n := len(f.Events)
	if n == 0 {
		return encode(b, f.Frame), nil
	}
	rest := &sessionpb.Frame{Closed: f.GetClosed(), Status: f.GetStatus(), Hello: f.Hello, Replies: f.Replies, Events: f.Events[:n-1]}
	return encode(b, rest), encode(nil, &sessionpb.Frame{Events: f.Events[n-1:]})
}

func (s *tallied) Handle(ctx context.Context, r *sessionpb.Request) Frame {
	f := s.frame(ctx, r)
	if f == nil {
		f = &sessionpb.Frame{}
	}
	return ours{f}
}

func (s *tallied) Ended() <-chan struct{} { return nil }

func (s *tallied) frame(ctx context.Context, r *sessionpb.Request) *sessionpb.Frame {
	s.mu.Lock()
	s.handled++
	f := &sessionpb.Frame{}
	for _, c := range r.GetCommands() {
		s.commands = append(s.commands, c.GetId())
		f.Replies = append(f.Replies, &sessionpb.Reply{CommandId: c.GetId()})
	}
	s.tokens = append(s.tokens, r.GetAttach().GetToken())
	s.mu.Unlock()
	if s.answer != nil {
		return s.answer(ctx, r)
	}
	return f
}

func (s *tallied) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		panic("closed twice")
	}
	s.closed = true
	s.tally.closed++
}

// counts returns how many sessions were opened and closed, and how many requests they were given.
func (c *tally) counts() (opened, closed, handled int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened, c.closed, c.handled
}

// journal is a log that tests wait on.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newJournal() *journal { return &journal{changed: make(chan struct{}, 1)} }

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case j.changed <- struct{}{}:
	default:
	}
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// await returns when n lines hold text.
func (j *journal) await(t *testing.T, text string, n int) {
	t.Helper()
	deadline := time.After(patience)
	for strings.Count(j.String(), text) < n {
		select {
		case <-j.changed:
		case <-deadline:
			t.Fatalf("the log says %q %d times, want %d:\n%s", text, strings.Count(j.String(), text), n, j)
		}
	}
}

// house is a server with sessions behind it.
type house struct {
	*Server
	handler  *Handler
	sessions *tally
	log      *journal
}

// build opens a house, and has the test fail when it leaves a goroutine or a session behind.
func build(t *testing.T, options Options, listen ServerOptions) *house {
	t.Helper()
	h := &house{sessions: &tally{}, log: newJournal()}
	if c, ok := options.Sessions.(*tally); ok {
		h.sessions = c
	}
	options.Sessions, options.ProtocolVersion = h.sessions, version
	options.Log = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	listen.Log = options.Log
	t.Cleanup(func() { checkNothingIsLeft(t, h) })
	var err error
	if h.handler, err = NewHandler(page(), options); err != nil {
		t.Fatal(err)
	}
	if h.Server, err = Open("127.0.0.1:0", h.handler, listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func checkNothingIsLeft(t *testing.T, h *house) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if left = ourGoroutines(); len(left) == 0 {
			break
		}
	}
	if len(left) > 0 {
		t.Errorf("%d goroutines are left, among them:\n%s", len(left), left[0])
	}
	if opened, closed, _ := h.sessions.counts(); opened != closed {
		t.Errorf("%d sessions were opened and %d closed", opened, closed)
	}
	for _, token := range []string{viewerToken, operatorToken} {
		if strings.Contains(h.log.String(), token) {
			t.Errorf("a token is in the log:\n%s", h.log)
		}
	}
}

// ourGoroutines are those that serve: of this package or of net/http, tests aside.
func ourGoroutines() (found []string) {
	buffer := make([]byte, 4<<20)
	for one := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if (strings.Contains(one, "raftplay/server/web.") || strings.Contains(one, "net/http.(*conn)")) &&
			!strings.Contains(one, "testing.tRunner") && !strings.Contains(one, "testing.(*B)") {
			found = append(found, one)
		}
	}
	return found
}

func (h *house) host() string { return h.listener.Addr().String() }

func (h *house) live() string { return "ws" + strings.TrimPrefix(h.URL(), "http") + "api/live" }

// dial upgrades; header is names and values.
func (h *house) dial(t testing.TB, header ...string) *websocket.Conn {
	t.Helper()
	conn, response, err := h.tryDial(header...)
	if err != nil {
		t.Fatalf("%v (%v)", err, response)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (h *house) tryDial(header ...string) (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{Subprotocols: []string{Subprotocol}, HandshakeTimeout: patience}
	headers := http.Header{}
	for i := 0; i < len(header); i += 2 {
		headers.Add(header[i], header[i+1])
	}
	return dialer.Dial(h.live(), headers)
}

func attach(token string) *sessionpb.Request {
	return &sessionpb.Request{Attach: &sessionpb.Attach{ProtocolVersion: version, Token: token}}
}

func command(ids ...uint64) *sessionpb.Request {
	r := &sessionpb.Request{}
	for _, id := range ids {
		r.Commands = append(r.Commands, &sessionpb.Command{Id: id, Command: &sessionpb.Command_GetKeyframe{}})
	}
	return r
}

func tell(t testing.TB, conn *websocket.Conn, requests ...*sessionpb.Request) {
	t.Helper()
	for _, r := range requests {
		raw, err := proto.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.WriteMessage(websocket.BinaryMessage, raw); err != nil {
			t.Fatal(err)
		}
	}
}

func hear(conn *websocket.Conn) (*sessionpb.Frame, error) {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	kind, raw, err := conn.ReadMessage()
	if err != nil {
		return nil, err
	}
	if kind != websocket.BinaryMessage {
		return nil, fmt.Errorf("a frame came as a message of kind %d", kind)
	}
	f := &sessionpb.Frame{}
	return f, proto.Unmarshal(raw, f)
}

// mustHear wants an ordinary frame.
func mustHear(t testing.TB, conn *websocket.Conn) *sessionpb.Frame {
	t.Helper()
	f, err := hear(conn)
	if err != nil || f.GetClosed() != "" {
		t.Fatalf("heard %v, error %v", f, err)
	}
	return f
}

// mustEnd wants the viewer to be told the sentence, then the code, after any number of answers.
func mustEnd(t testing.TB, conn *websocket.Conn, code int, sentence string) {
	t.Helper()
	for {
		f, err := hear(conn)
		if err != nil {
			t.Fatalf("the connection ended with %v, want the sentence %q first", err, sentence)
		}
		if f.GetClosed() == "" {
			continue
		}
		if f.GetClosed() != sentence {
			t.Errorf("it was told %q, want %q", f.GetClosed(), sentence)
		}
		break
	}
	mustCode(t, conn, code)
}

func mustCode(t testing.TB, conn *websocket.Conn, code int) {
	t.Helper()
	_, err := hear(conn)
	if !websocket.IsCloseError(err, code) {
		t.Errorf("the connection ended with %v, want code %d", err, code)
	}
}

// attached dials and attaches.
func (h *house) attached(t testing.TB, token string) *websocket.Conn {
	t.Helper()
	conn := h.dial(t)
	tell(t, conn, attach(token))
	mustHear(t, conn)
	return conn
}

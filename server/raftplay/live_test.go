package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// visitor is a page's end of a live session.
type visitor struct {
	t      *testing.T
	conn   *websocket.Conn
	nextID uint64
	hello  *sessionpb.Hello
	// seen are the kinds of events that came, and stores the newest pictures of whole stores.
	roles   map[uint64]sessionpb.Role
	applied map[uint64]map[string]string
	replies map[uint64]*sessionpb.Reply
	sent    map[uint64]bool
	flights int
}

// visit serves with the arguments and attaches to the live cluster there.
func visit(t *testing.T, token string, args ...string) (*Program, *visitor) {
	t.Helper()
	p := &Program{Stdout: io.Discard, Stderr: io.Discard, Site: onePage}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if err := p.ParseFlags(append([]string{"serve", "--listen", "127.0.0.1:0", "--tick", "10ms"}, args...)); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, attach(t, p, token)
}

func attach(t *testing.T, p *Program, token string) *visitor {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"raftplay.v1"}}
	conn, _, err := dialer.Dial(strings.Replace(p.server.URL(), "http", "ws", 1)+"api/live", http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	v := &visitor{
		t: t, conn: conn, roles: map[uint64]sessionpb.Role{}, applied: map[uint64]map[string]string{},
		replies: map[uint64]*sessionpb.Reply{}, sent: map[uint64]bool{},
	}
	v.hello = v.ask(&sessionpb.Request{Attach: &sessionpb.Attach{ProtocolVersion: 1, Token: token}}).GetHello()
	return v
}

func (v *visitor) ask(r *sessionpb.Request) *sessionpb.Frame {
	v.t.Helper()
	data, err := proto.Marshal(r)
	if err != nil {
		v.t.Fatal(err)
	}
	if err := v.conn.WriteMessage(websocket.BinaryMessage, data); err != nil {
		v.t.Fatal(err)
	}
	if err := v.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		v.t.Fatal(err)
	}
	_, data, err = v.conn.ReadMessage()
	if err != nil {
		v.t.Fatal(err)
	}
	frame := &sessionpb.Frame{}
	if err := proto.Unmarshal(data, frame); err != nil {
		v.t.Fatal(err)
	}
	v.take(frame)
	return frame
}

func (v *visitor) take(f *sessionpb.Frame) {
	for _, s := range f.GetKeyframe().GetStores() {
		v.shown(s)
	}
	for _, e := range f.GetEvents() {
		switch body := e.GetBody().(type) {
		case *sessionpb.Event_RoleChanged:
			v.roles[e.GetStoreId()] = body.RoleChanged.GetRole()
		case *sessionpb.Event_StoreShown:
			v.shown(body.StoreShown.GetStore())
		case *sessionpb.Event_Applied:
			for _, c := range body.Applied.GetChanges() {
				v.keys(e.GetStoreId())[string(c.GetKey())] = string(c.GetValue())
			}
		case *sessionpb.Event_MessageSent:
			v.sent[body.MessageSent.GetMessage().GetId()] = true
		case *sessionpb.Event_MessageDelivered:
			if v.sent[body.MessageDelivered.GetId()] {
				v.flights++
			}
		}
	}
	for _, r := range f.GetReplies() {
		v.replies[r.GetCommandId()] = r
	}
}

func (v *visitor) keys(storeID uint64) map[string]string {
	if v.applied[storeID] == nil {
		v.applied[storeID] = map[string]string{}
	}
	return v.applied[storeID]
}

func (v *visitor) shown(s *sessionpb.StoreState) {
	if !s.GetUp() {
		delete(v.roles, s.GetId())
	}
	for _, p := range s.GetPeers() {
		if s.GetUp() {
			v.roles[s.GetId()] = p.GetRole()
		}
		for _, k := range p.GetKeys() {
			v.keys(s.GetId())[string(k.GetKey())] = string(k.GetValue())
		}
	}
}

// until asks for frames until something is so.
func (v *visitor) until(what string, is func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(deadline) {
			v.t.Fatalf("it never came: %s; roles %v, keys %v", what, v.roles, v.applied)
		}
		v.ask(&sessionpb.Request{})
	}
}

// act does something to the cluster and waits for the reply.
func (v *visitor) act(a *sessionpb.Action) *sessionpb.Reply {
	v.t.Helper()
	v.nextID++
	id := v.nextID
	v.ask(&sessionpb.Request{Commands: []*sessionpb.Command{{Id: id, Command: &sessionpb.Command_Act{Act: &sessionpb.Act{Action: a}}}}})
	v.until("a reply", func() bool { return v.replies[id] != nil })
	return v.replies[id]
}

func (v *visitor) leader() uint64 {
	for id, role := range v.roles {
		if role == sessionpb.Role_ROLE_LEADER {
			return id
		}
	}
	return 0
}

func put(key, value string) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{Request: &raftcmdpb.RaftCommandRequest{
		Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}}}}}}
}

func TestTheLiveClusterIsWatchedAndOperated(t *testing.T) {
	_, v := visit(t, "")
	if v.hello.GetSourceKind() != sessionpb.SourceKind_SOURCE_KIND_LIVE || !v.hello.GetLive().GetEmbedded() ||
		v.hello.GetLive().GetRole() != sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR || len(v.hello.GetLive().GetStores()) != 3 {
		t.Fatalf("hello is %v", v.hello)
	}
	v.until("a leader", func() bool { return v.leader() != 0 })
	if r := v.act(put("city", "Oslo")); r.GetFailure() != "" || r.GetAct().GetResponse().GetHeader().GetIndex() == 0 {
		t.Fatalf("put: %v", r)
	}
	everywhere := func(value string) func() bool {
		return func() bool {
			for id := uint64(1); id <= 3; id++ {
				if v.applied[id]["city"] != value {
					return false
				}
			}
			return true
		}
	}
	v.until("the put on every store", everywhere("Oslo"))
	v.until("messages that are sent and arrive", func() bool { return v.flights > 3 })

	leader := v.leader()
	crash := &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: leader}}}
	if r := v.act(crash); r.GetFailure() != "" {
		t.Fatalf("crash: %v", r)
	}
	v.until("another leader", func() bool { return v.leader() != 0 && v.leader() != leader })
	if r := v.act(put("city", "Kyoto")); r.GetFailure() != "" {
		t.Fatalf("put: %v", r)
	}
	restart := &sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: leader}}}
	if r := v.act(restart); r.GetFailure() != "" {
		t.Fatalf("restart: %v", r)
	}
	v.until("what the store missed, there too", everywhere("Kyoto"))
}

func TestAViewersTokenOnlyWatches(t *testing.T) {
	viewer, operator := tokenFile(t, "viewer-token-0123456789"), tokenFile(t, "operator-token-0123456789")
	p, v := visit(t, "viewer-token-0123456789", "--viewer-token-file", viewer, "--operator-token-file", operator)
	v.until("a leader", func() bool { return v.leader() != 0 })
	if r := v.act(put("city", "Oslo")); !strings.Contains(r.GetFailure(), "operator") {
		t.Errorf("a viewer's put was answered %v", r)
	}
	if r := attach(t, p, "operator-token-0123456789").act(put("city", "Kyoto")); r.GetFailure() != "" {
		t.Errorf("an operator's put was answered %v", r)
	}
	stranger := attachFrame(t, p, "nobody-knows-this-token")
	if stranger.GetClosed() == "" || stranger.GetHello() != nil {
		t.Errorf("a stranger was told %v", stranger)
	}
}

func tokenFile(t *testing.T, token string) string {
	t.Helper()
	return writeFile(t, "token", token+"\n")
}

// attachFrame is what a token is answered with.
func attachFrame(t *testing.T, p *Program, token string) *sessionpb.Frame {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"raftplay.v1"}}
	conn, _, err := dialer.Dial(strings.Replace(p.server.URL(), "http", "ws", 1)+"api/live", http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	v := &visitor{t: t, conn: conn}
	return v.ask(&sessionpb.Request{Attach: &sessionpb.Attach{ProtocolVersion: 1, Token: token}})
}

func TestCtlFindsTheServedCluster(t *testing.T) {
	_, _ = visit(t, "")
	for _, c := range []struct{ args, want string }{
		{"ctl put city Oslo", "ok\n"}, {"ctl get city", "Oslo\n"}, {"ctl split m", ""}, {"ctl status", "REGION"},
	} {
		code, stdout, stderr := try(t, strings.Fields(c.args)...)
		if code != exitFine || !strings.Contains(stdout, c.want) {
			t.Errorf("%s: code %d, %s%s", c.args, code, stdout, stderr)
		}
	}
}

func TestAttachShowsAClusterThatRunsElsewhere(t *testing.T) {
	p, _ := visit(t, "")
	var out bytes.Buffer
	q := &Program{Stdout: &out, Stderr: io.Discard, Site: onePage}
	if err := q.ParseFlags([]string{"serve", "--listen", "127.0.0.1:0", "--attach", p.endpoints}); err != nil {
		t.Fatal(err)
	}
	if err := q.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	v := attach(t, q, "")
	if v.hello.GetLive().GetEmbedded() {
		t.Error("a cluster that runs elsewhere is said to run here")
	}
	v.until("a leader", func() bool { return v.leader() != 0 })
	crash := &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: 1}}}
	if r := v.act(crash); r.GetFailure() == "" {
		t.Error("a store that runs elsewhere was crashed")
	}
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

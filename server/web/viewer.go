package web

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"raftplay/core/pb/sessionpb/v1"
)

// viewer is one websocket. Two goroutines belong to it: run answers, pings and says the last word; read takes what comes.
// Whatever ends it goes through end, whose first caller decides the reason.
type viewer struct {
	h       *Handler
	conn    *websocket.Conn
	remote  string
	key     string // of remote, for limits
	counted bool   // guarded by viewers
	began   time.Time

	ctx    context.Context
	cancel context.CancelCauseFunc
	// queue holds messages as they came, since a message may be many times as large once it is decoded.
	queue chan []byte

	// Of run.
	role     sessionpb.ViewerRole
	session  Session
	commands bucket
	frames   uint64

	// closing says that the deadline for reading is the last one.
	mu      sync.Mutex
	closing bool
}

// socketBufferBytes bounds what the system keeps for a viewer that does not read.
const socketBufferBytes = 256 << 10

func newViewer(h *Handler, conn *websocket.Conn, remote, key string) *viewer {
	v := &viewer{h: h, conn: conn, remote: remote, key: key, began: time.Now(), queue: make(chan []byte, h.limits.RequestsWaitingMax)}
	v.ctx, v.cancel = context.WithCancelCause(context.Background())
	if tcp, ok := tcpOf(conn.NetConn()); ok {
		_ = tcp.SetWriteBuffer(socketBufferBytes) // the system's own bound holds otherwise
	}
	return v
}

func tcpOf(c net.Conn) (interface{ SetWriteBuffer(int) error }, bool) {
	if secure, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = secure.NetConn()
	}
	tcp, ok := c.(interface{ SetWriteBuffer(int) error })
	return tcp, ok
}

// gone is the reason of a viewer that left by itself: there is nobody to tell.
type gone string

func (g gone) Error() string { return string(g) }

// end has the viewer sent away for a reason: a *Refusal, of which it is told, or gone. A frame that is being written has
// only a moment left. It may be called from any goroutine and more than once; the first reason stays.
func (v *viewer) end(reason error) {
	v.cancel(reason)
	_ = v.conn.NetConn().SetWriteDeadline(time.Now().Add(v.h.limits.CloseTimeout))
}

// run serves the viewer until the end.
func (v *viewer) run() {
	readDone := make(chan struct{})
	defer v.finish(readDone)
	go func() {
		defer close(readDone)
		v.read()
	}()
	ping := time.NewTicker(v.h.limits.PingInterval)
	defer ping.Stop()
	for v.ctx.Err() == nil {
		select {
		case <-v.ctx.Done():
		case raw := <-v.queue:
			v.answer(raw)
		case <-v.ended():
			v.tell(v.session.Handle(v.ctx, &sessionpb.Request{}))
		case <-ping.C:
			if err := v.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(v.h.limits.WriteTimeout)); err != nil {
				v.end(v.writeFailed(err))
			}
		}
	}
}

// answer does one request, unless the viewer's end came first.
func (v *viewer) answer(raw []byte) {
	r, refusal := decode(raw)
	if refusal == nil {
		refusal = v.admit(r)
	}
	if refusal != nil {
		v.end(refusal)
		return
	}
	v.tell(v.session.Handle(v.ctx, r))
}

// tell gives the viewer a frame of its session.
func (v *viewer) tell(f Frame) {
	if v.ctx.Err() != nil && f.Closed() == "" {
		return
	}
	if err := v.write(f); err != nil {
		v.end(err)
	} else if f.Closed() != "" {
		v.end(told{refuse(CloseTryLater, "%s", f.Closed())})
	}
}

// ended is closed when the session is over, also while the viewer asks for nothing.
func (v *viewer) ended() <-chan struct{} {
	if v.session == nil {
		return nil
	}
	return v.session.Ended()
}

// decode reads what a viewer sent.
func decode(raw []byte) (*sessionpb.Request, *Refusal) {
	r := &sessionpb.Request{}
	if err := proto.Unmarshal(raw, r); err != nil {
		return nil, refusalMalformed // the parser's words would mean nothing to a viewer
	}
	return r, nil
}

// admit checks a request, and opens the session with the first one. The token goes no further.
func (v *viewer) admit(r *sessionpb.Request) *Refusal {
	n := float64(len(r.GetCommands()))
	if !v.commands.take(time.Now(), n, float64(v.h.limits.CommandsPerSecond), float64(v.h.limits.CommandsBurst)) {
		return refusalCommands(v.h.limits.CommandsPerSecond)
	}
	switch {
	case v.session != nil && r.GetAttach() != nil:
		return refusalAttachTwice
	case v.session != nil:
		return nil
	case r.GetAttach() == nil:
		return refusalNoAttach
	}
	return v.attach(r.GetAttach())
}

func (v *viewer) attach(a *sessionpb.Attach) *Refusal {
	token := a.GetToken()
	a.Token = ""
	role, refusal := v.h.authorise(token, v.key)
	if refusal != nil {
		return refusal
	}
	if a.GetProtocolVersion() != v.h.options.ProtocolVersion {
		return refusalVersion(v.h.options.ProtocolVersion, a.GetProtocolVersion())
	}
	session, err := v.h.options.Sessions.Open(role, a)
	if err != nil {
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			return refusal
		}
		return refuse(CloseInternal, "%v", err)
	}
	v.role, v.session = role, session
	v.h.log.Info("viewer attached", "address", v.remote, "role", roleName(role))
	return nil
}

func roleName(role sessionpb.ViewerRole) string {
	switch role {
	case sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR:
		return "operator"
	case sessionpb.ViewerRole_VIEWER_ROLE_VIEWER:
		return "viewer"
	}
	return "none"
}

// frameBuffers are shared, so that a viewer keeps none while nothing is written. Those that grew large are not kept.
var frameBuffers = sync.Pool{New: func() any { return new([]byte) }}

const frameBufferBytesMax = 1 << 20

// write returns the reason to end when the frame could not be written whole.
func (v *viewer) write(f Frame) error {
	buffer := frameBuffers.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= frameBufferBytesMax {
			frameBuffers.Put(buffer)
		}
	}()
	own, shared := f.Append((*buffer)[:0])
	*buffer = own
	if n := len(own) + len(shared); n > v.h.limits.FrameBytesMax {
		return refusalFrame(n, v.h.limits.FrameBytesMax)
	}
	_ = v.conn.SetWriteDeadline(time.Now().Add(v.h.limits.WriteTimeout)) // it never fails
	if err := v.send(own, shared); err != nil {
		return v.writeFailed(err)
	}
	v.frames++
	return nil
}

// send writes one message. What is shared goes out from where it stands: a crowd that is told the same at once needs no copy
// of it for each.
func (v *viewer) send(own, shared []byte) error {
	if len(shared) == 0 {
		return v.conn.WriteMessage(websocket.BinaryMessage, own)
	}
	w, err := v.conn.NextWriter(websocket.BinaryMessage)
	if err != nil {
		return err
	}
	if _, err := w.Write(own); err != nil {
		return err
	}
	if _, err := w.Write(shared); err != nil {
		return err
	}
	return w.Close()
}

func (v *viewer) writeFailed(err error) error {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return refusalSlowReader(v.h.limits.WriteTimeout)
	}
	return gone("the connection was lost")
}

// told wraps the refusal that the session's own last frame has told.
type told struct{ *Refusal }

// finish tells the viewer why it must go, waits a moment for it to hear that, and leaves nothing behind.
func (v *viewer) finish(readDone <-chan struct{}) {
	defer v.conn.Close()
	reason := context.Cause(v.ctx)
	if reason == nil { // run panicked
		reason = refuse(CloseInternal, "the server failed")
		v.end(reason)
	}
	v.logEnd(reason)
	if v.session != nil {
		v.session.Close()
	}
	deadline := time.Now().Add(v.h.limits.CloseTimeout)
	switch r := reason.(type) {
	case told:
		v.sayClosed(r.Refusal, deadline)
	case *Refusal:
		if encoded, err := proto.Marshal(&sessionpb.Frame{Closed: r.Sentence}); err == nil {
			_ = v.conn.SetWriteDeadline(deadline)
			_ = v.conn.WriteMessage(websocket.BinaryMessage, encoded) // who does not take it is cut off without
		}
		v.sayClosed(r, deadline)
	default:
		_ = v.conn.Close()
	}
	v.mu.Lock()
	v.closing = true
	_ = v.conn.SetReadDeadline(time.Now().Add(v.h.limits.CloseTimeout))
	v.mu.Unlock()
	<-readDone // which waits for the viewer's own goodbye, within that time
}

// closeReasonBytesMax is what of a sentence fits beside the code (RFC 6455, 5.5).
const closeReasonBytesMax = 123

func (v *viewer) sayClosed(r *Refusal, deadline time.Time) {
	sentence := r.Sentence
	for i := range sentence {
		if i > closeReasonBytesMax-4 { // a rune has at most four bytes
			sentence = sentence[:i]
			break
		}
	}
	_ = v.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(r.Code, sentence), deadline)
}

func (v *viewer) logEnd(reason error) {
	if v.session == nil {
		v.h.log.Warn("viewer refused", "address", v.remote, "reason", reason.Error())
		return
	}
	v.h.log.Info("viewer left", "address", v.remote, "role", roleName(v.role), "reason", reason.Error(), "frames", v.frames,
		"after", time.Since(v.began).Round(time.Millisecond))
}

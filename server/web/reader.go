package web

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// reader is what read knows of the messages that come, for the deadlines and their reasons.
type reader struct {
	*viewer
	requests bucket
	// first says that no whole message has come yet, within that one has begun, over that nothing counts any more.
	first, within, over bool
	pongAt              time.Time
}

// read puts what comes into the queue until the viewer ends, for which it often is the reason.
func (v *viewer) read() {
	r := &reader{viewer: v, first: true}
	v.conn.SetPongHandler(r.pong)
	v.conn.SetPingHandler(r.ping)
	r.setDeadline(v.h.limits.FirstTimeout)
	defer r.drain()
	for v.ctx.Err() == nil {
		raw, err := r.next()
		if err != nil {
			v.end(err)
			return
		}
		if err := r.spend(); err != nil {
			v.end(err)
			return
		}
		select {
		case v.queue <- raw:
		default:
			v.end(refusalWaiting(v.h.limits.RequestsWaitingMax))
			return
		}
	}
}

// lingerBytesMax bounds what is read and forgotten of a viewer that goes on sending after its end. Without reading it, the
// viewer might not hear the last word: TCP resets a connection that is closed with bytes unread.
const lingerBytesMax = 1 << 20

// drain forgets what comes until the viewer says goodbye; finish sets it a deadline.
func (r *reader) drain() {
	r.over = true
	for left := int64(lingerBytesMax); left > 0; {
		_, message, err := r.conn.NextReader()
		if err != nil {
			if _, goodbye := errors.AsType[*websocket.CloseError](err); !goodbye {
				_, _ = io.CopyN(io.Discard, r.conn.NetConn(), left)
			}
			return
		}
		n, _ := io.CopyN(io.Discard, message, left)
		left -= max(n, 1)
	}
}

// setDeadline gives the connection so long for what comes next, unless it has its last deadline.
func (r *reader) setDeadline(after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closing {
		_ = r.conn.SetReadDeadline(time.Now().Add(after)) // a connection that is closed says so when it is read
	}
}

// next returns one whole message, or the reason to end.
func (r *reader) next() ([]byte, error) {
	kind, message, err := r.conn.NextReader()
	if err != nil {
		return nil, r.readFailed(err)
	}
	if kind != websocket.BinaryMessage {
		return nil, refusalText
	}
	if !r.first { // the first one's time runs from the beginning
		r.within = true
		r.setDeadline(r.h.limits.MessageTimeout)
	}
	// The package's own limit would say its code before the reason could be told in a frame.
	most := r.h.limits.RequestBytesMax
	var raw bytes.Buffer
	n, err := raw.ReadFrom(io.LimitReader(message, int64(most)+1))
	if n > int64(most) {
		return nil, refusalTooLarge(most)
	}
	if err != nil {
		return nil, r.readFailed(err)
	}
	if r.first {
		r.pongAt = time.Now() // until now nobody waited for one
	}
	r.first, r.within = false, false
	r.setDeadline(time.Until(r.pongAt.Add(r.h.limits.PongTimeout)))
	return raw.Bytes(), nil
}

func (r *reader) pong(string) error {
	r.pongAt = time.Now()
	if !r.first && !r.within {
		r.setDeadline(r.h.limits.PongTimeout)
	}
	return r.spend()
}

// ping answers as the protocol asks; pings cost the viewer as much as requests.
func (r *reader) ping(payload string) error {
	if err := r.spend(); err != nil {
		return err
	}
	err := r.conn.WriteControl(websocket.PongMessage, []byte(payload), time.Now().Add(r.h.limits.CloseTimeout))
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil
	}
	return err
}

// spend returns the reason to end when the viewer sends more than it may.
func (r *reader) spend() error {
	l := r.h.limits
	if !r.over && !r.requests.take(time.Now(), 1, float64(l.RequestsPerSecond), float64(l.RequestsBurst)) {
		return refusalRequests(l.RequestsPerSecond)
	}
	return nil
}

// readFailed turns an error of the connection into the reason to end.
func (r *reader) readFailed(err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok { // of pong and ping
		return refusal
	}
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		if closed.Code == websocket.CloseAbnormalClosure {
			return gone("the connection was lost")
		}
		return gone("it left")
	}
	if failed, ok := errors.AsType[net.Error](err); ok {
		switch {
		case !failed.Timeout():
			return gone("the connection was lost")
		case r.first:
			return refusalSlowFirst(r.h.limits.FirstTimeout)
		case r.within:
			return refusalSlowMessage(r.h.limits.MessageTimeout)
		}
		return refusalSilent(r.h.limits.PongTimeout)
	}
	if errors.Is(err, websocket.ErrReadLimit) { // a length beyond what a number holds
		return refusalTooLarge(r.h.limits.RequestBytesMax)
	}
	if words, ok := strings.CutPrefix(err.Error(), "websocket: "); ok {
		return refusalProtocol(errors.New(words))
	}
	if _, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return refusalProtocol(err)
	}
	return gone("the connection was lost")
}

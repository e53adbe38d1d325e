package web

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"raftplay/core/pb/sessionpb/v1"
)

// flood writes until the connection fails, and returns then.
func flood(conn *websocket.Conn, bytes []byte) {
	_ = conn.NetConn().SetWriteDeadline(time.Now().Add(patience))
	for {
		if _, err := conn.NetConn().Write(bytes); err != nil {
			return
		}
	}
}

func TestFragmentsWithoutEndEndTheViewer(t *testing.T) {
	for _, c := range []struct {
		name     string
		payload  []byte
		code     int
		sentence string
	}{
		{"of nothing", nil, ClosePolicy, "too slow: a message did not end within 100ms"},
		{"of bytes", make([]byte, 1000), CloseTooLarge, "a message is too large: at most 65536 bytes are taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, Options{Limits: Limits{MessageTimeout: 100 * time.Millisecond}}, ServerOptions{})
			conn := h.attached(t, "")
			if _, err := conn.NetConn().Write(rawFrame(binaryFrame, 0, nil)); err != nil {
				t.Fatal(err)
			}
			flooded := make(chan struct{})
			go func() {
				defer close(flooded)
				flood(conn, rawFrame(continuation, uint64(len(c.payload)), c.payload))
			}()
			mustEnd(t, conn, c.code, c.sentence)
			<-flooded
		})
	}
}

func TestEndlessCommandsEndTheViewer(t *testing.T) {
	raw := encode(t, command(1))
	requests := "too many commands: at most 120 requests a second are taken"
	waiting := "too many commands: more than 16 requests wait for their answers"
	commands := "too many commands: at most 50 a second are taken"
	h := build(t, Options{}, ServerOptions{})
	conn := h.attached(t, "")
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		flood(conn, rawFrame(final|binaryFrame, uint64(len(raw)), raw))
	}()
	for {
		f, err := hear(conn)
		if err != nil {
			t.Fatal(err)
		}
		if said := f.GetClosed(); said != "" {
			if said != requests && said != waiting && said != commands {
				t.Errorf("it was told %q", said)
			}
			break
		}
	}
	mustCode(t, conn, ClosePolicy)
	<-flooded
	if _, _, handled := h.sessions.counts(); handled > requestsBurst+requestsPerSecond {
		t.Errorf("%d requests were handled", handled)
	}
}

func TestEndlessPingsEndTheViewer(t *testing.T) {
	h := build(t, Options{}, ServerOptions{})
	conn := h.attached(t, "")
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		flood(conn, []byte{final | pingFrame, 0x80, 0, 0, 0, 0})
	}()
	mustEnd(t, conn, ClosePolicy, "too many commands: at most 120 requests a second are taken")
	<-flooded
}

func TestMoreRequestsThanMayWaitEndTheViewer(t *testing.T) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	h := build(t, Options{Sessions: &tally{answer: func(ctx context.Context, r *sessionpb.Request) *sessionpb.Frame {
		if len(r.GetCommands()) > 0 {
			entered <- struct{}{}
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		return &sessionpb.Frame{}
	}}}, ServerOptions{})
	conn := h.attached(t, "")
	tell(t, conn, command(1))
	<-entered // it is being answered, and none waits
	for range 17 {
		tell(t, conn, &sessionpb.Request{})
	}
	mustEnd(t, conn, ClosePolicy, "too many commands: more than 16 requests wait for their answers")
	close(release)
}

// A connection that is closed with bytes unread is reset, and what was sent last may be lost with it.
func TestWhoIsSentAwayHearsItAlthoughMoreWasSent(t *testing.T) {
	release := make(chan struct{})
	h := build(t, Options{Sessions: &tally{answer: func(ctx context.Context, _ *sessionpb.Request) *sessionpb.Frame {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return &sessionpb.Frame{}
	}}}, ServerOptions{})
	conn := h.dial(t)
	raw := encode(t, attach(""))
	many := rawFrame(final|binaryFrame, uint64(len(raw)), raw)
	for range 2000 {
		many = append(many, rawFrame(final|binaryFrame, 0, nil)...)
	}
	if _, err := conn.NetConn().Write(many); err != nil {
		t.Fatal(err)
	}
	mustEnd(t, conn, ClosePolicy, "too many commands: more than 16 requests wait for their answers")
	if _, err := conn.NetConn().Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection ended with %v, want %v", err, io.EOF)
	}
	close(release)
}

func TestAViewerThatNeverAttachesIsSentAway(t *testing.T) {
	limits := Limits{FirstTimeout: 100 * time.Millisecond, PingInterval: 10 * time.Millisecond}
	sentence := "too slow: the first request did not come within 100ms"
	t.Run("in silence", func(t *testing.T) {
		h := build(t, Options{Limits: limits}, ServerOptions{})
		mustEnd(t, h.dial(t), ClosePolicy, sentence) // reading, it answers pings, which buy no time
	})
	t.Run("byte by byte", func(t *testing.T) {
		h := build(t, Options{Limits: limits}, ServerOptions{})
		conn := h.dial(t)
		conn.SetPingHandler(func(string) error { return nil }) // a pong would come between the bytes
		done := make(chan struct{})
		go func() {
			defer close(done)
			frame := rawFrame(final|binaryFrame, 1000, make([]byte, 1000))
			for i := range frame {
				if _, err := conn.NetConn().Write(frame[i : i+1]); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond) // it is what makes it slow
			}
		}()
		mustEnd(t, conn, ClosePolicy, sentence)
		<-done
	})
}

func TestAViewerThatAnswersNoPingIsGone(t *testing.T) {
	h := build(t, Options{Limits: Limits{PingInterval: 10 * time.Millisecond, PongTimeout: 200 * time.Millisecond}}, ServerOptions{})
	conn := h.attached(t, "")
	conn.SetPingHandler(func(string) error { return nil })
	mustEnd(t, conn, ClosePolicy, "too slow: no ping was answered for 200ms")
}

func TestAViewerThatAnswersPingsMayBeSilent(t *testing.T) {
	h := build(t, Options{Limits: Limits{PingInterval: 10 * time.Millisecond, PongTimeout: 500 * time.Millisecond}}, ServerOptions{})
	conn := h.attached(t, "")
	pings := 0
	conn.SetPingHandler(func(payload string) error {
		if pings++; pings == 60 { // longer than the timeout
			tell(t, conn, command(1))
		}
		return conn.WriteControl(websocket.PongMessage, []byte(payload), time.Now().Add(patience))
	})
	if f := mustHear(t, conn); len(f.Replies) != 1 {
		t.Errorf("heard %v", f)
	}
}

// answerAtLength answers with frames of 256 KiB.
func answerAtLength(context.Context, *sessionpb.Request) *sessionpb.Frame {
	return &sessionpb.Frame{Replies: []*sessionpb.Reply{{Failure: strings.Repeat("x", 256<<10)}}}
}

func TestAViewerThatNeverReadsIsCutOff(t *testing.T) {
	h := build(t, Options{Limits: Limits{WriteTimeout: 100 * time.Millisecond, CloseTimeout: 100 * time.Millisecond}, Sessions: &tally{answer: answerAtLength}}, ServerOptions{})
	conn := h.dial(t)
	_ = conn.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10)
	tell(t, conn, attach(""))
	for range 12 {
		tell(t, conn, &sessionpb.Request{})
	}
	h.log.await(t, "too slow: a frame was not taken within 100ms", 1)
	waitForViewers(t, h, 0)
	if _, _, handled := h.sessions.counts(); handled > 12 {
		t.Errorf("%d frames were made for who reads none", handled)
	}
}

func TestSlowHeadersEndTheConnection(t *testing.T) {
	h := build(t, Options{}, ServerOptions{HeaderTimeout: 100 * time.Millisecond})
	conn, err := net.Dial("tcp", h.host())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, conn)
	}()
	if _, err := io.WriteString(conn, "GET /api/live HTTP/1.1\r\nX-Long: "); err != nil {
		t.Fatal(err)
	}
	drip := time.NewTicker(5 * time.Millisecond)
	defer drip.Stop()
	began := time.Now()
	for {
		select {
		case <-drip.C:
			_, _ = io.WriteString(conn, "x")
		case <-ended:
			if took := time.Since(began); took < 50*time.Millisecond {
				t.Errorf("it ended after %s: something else ended it", took)
			}
			return
		case <-time.After(patience):
			t.Fatal("a byte now and then keeps a connection open")
		}
	}
}

func TestLargeHeadersAndBodiesAreRefused(t *testing.T) {
	h := build(t, Options{}, ServerOptions{})
	for _, c := range []struct {
		request string
		status  int
	}{
		{"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", headerBytesMax+8<<10) + "\r\n\r\n",
			http.StatusRequestHeaderFieldsTooLarge},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", http.StatusRequestEntityTooLarge},
		{"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", http.StatusRequestEntityTooLarge},
	} {
		conn, err := net.Dial("tcp", h.host())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, c.request)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != c.status {
			t.Errorf("%.40q: %v, error %v, want %d", c.request, response, err, c.status)
		}
		_ = conn.Close()
	}
}

func TestConnectionsAreCountedInTotalAndByAddress(t *testing.T) {
	for _, options := range []ServerOptions{{ConnectionsMax: 2}, {ConnectionsPerAddressMax: 2}} {
		t.Run("", func(t *testing.T) {
			h := build(t, Options{}, options)
			first, second := h.attached(t, ""), h.attached(t, "")
			if _, _, err := h.tryDial(); err == nil {
				t.Error("a third connection was taken")
			}
			_ = first.Close()
			waitForViewers(t, h, 1)
			for end := time.Now().Add(patience); ; { // the connection closes just after its viewer has left
				conn, _, err := h.tryDial()
				if err == nil {
					_ = conn.Close()
					break
				}
				if time.Now().After(end) {
					t.Fatal(err)
				}
			}
			tell(t, second, command(1))
			mustHear(t, second)
		})
	}
}

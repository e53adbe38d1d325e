package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"raftplay/core/pb/sessionpb/v1"
)

// FuzzFrame gives a server what a viewer might send, byte for byte, through a real connection: after it attached, or instead.
// The server may answer or end the viewer, but it neither panics nor hangs, and without the token, which nothing here could
// guess, no session opens and nothing is handled.
func FuzzFrame(f *testing.F) {
	first, err := proto.Marshal(attach("a-token-that-is-none"))
	if err != nil {
		f.Fatal(err)
	}
	second, err := proto.Marshal(command(1))
	if err != nil {
		f.Fatal(err)
	}
	message := func(raw []byte) []byte { return rawFrame(final|binaryFrame, uint64(len(raw)), raw) }
	for _, sent := range [][]byte{
		message(first),
		message(second),
		append(message(second), message(first)...),
		append(message(second), rawFrame(final|pingFrame, 4, []byte("ping"))...),
		append(rawFrame(binaryFrame, 2, second[:2]), rawFrame(final|continuation, uint64(len(second)-2), second[2:])...),
		rawFrame(final|binaryFrame, 1<<63, nil),
		rawFrame(final|8, 2, []byte{3, 232}),
		{final | binaryFrame, 0x80, 0, 0, 0, 0},
		message([]byte{0x22, 0xff, 0xff, 0xff, 0xff, 0x0f}),
	} {
		f.Add(false, sent)
		f.Add(true, sent)
	}
	sessions, token := &tally{}, rand.Text()
	h, err := NewHandler(page(), Options{
		Sessions: sessions, ProtocolVersion: version, Tokens: Tokens{Operator: token},
		Limits: Limits{
			UpgradesBurst: 1 << 30, WrongTokensBurst: 1 << 30, FirstTimeout: time.Second, MessageTimeout: time.Second,
			CloseTimeout: 200 * time.Millisecond,
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	s, err := Open("127.0.0.1:0", h, ServerOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	dialer := websocket.Dialer{Subprotocols: []string{Subprotocol}}
	f.Fuzz(func(t *testing.T, attached bool, sent []byte) {
		opened, _, handled := sessions.counts()
		conn, _, err := dialer.Dial("ws://"+s.listener.Addr().String()+"/api/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if attached {
			tell(t, conn, attach(token))
			mustHear(t, conn)
		}
		_, _ = conn.NetConn().Write(sent) // the server may end it before all is sent
		_ = conn.NetConn().(*net.TCPConn).CloseWrite()
		hearOut(t, conn)
		openedAfter, _, handledAfter := sessions.counts()
		if !attached && (openedAfter != opened || handledAfter != handled) {
			t.Fatal("something was handled without the token")
		}
	})
}

// hearOut reads to the end, which must come.
func hearOut(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	for {
		_, err := hear(conn)
		if failed, ok := errors.AsType[net.Error](err); ok && failed.Timeout() {
			t.Fatal("the connection stays open with nobody there")
		}
		if err != nil {
			if errors.Is(err, proto.Error) {
				t.Fatalf("an answer does not parse: %v", err)
			}
			return
		}
	}
}

// events are a hundred events as a busy leader makes them: appends and their arrivals.
func events(n int) []*sessionpb.Event {
	var list []*sessionpb.Event
	for i := range uint64(n) {
		e := &sessionpb.Event{Seq: i + 1, Step: i, TimeMicros: int64(i) * 731, StoreId: i%3 + 1}
		switch i % 4 {
		case 0, 1:
			e.Body = &sessionpb.Event_MessageSent{MessageSent: &sessionpb.MessageSent{Message: &sessionpb.Message{
				Id: i, RegionId: 2, FromStore: 1, ToStore: i%2 + 2, FromPeer: 3, ToPeer: 4 + i%2, Term: 7, LogTerm: 7,
				Index: 1000 + i, Commit: 998 + i, EntryTerms: []uint64{7}, SizeBytes: 212, SentMicros: int64(i) * 731,
			}}}
		case 2:
			e.Body = &sessionpb.Event_MessageDelivered{MessageDelivered: &sessionpb.MessageDelivered{Id: i - 2}}
		default:
			e.Body = &sessionpb.Event_Committed{Committed: &sessionpb.Committed{}}
		}
		list = append(list, e)
	}
	return list
}

// BenchmarkFrame is a viewer that asks for the next frame as soon as it has one: frames of a hundred events, and the
// bytes of each on the wire.
func BenchmarkFrame(b *testing.B) {
	frame := &sessionpb.Frame{Events: events(100)}
	for _, c := range []struct {
		name     string
		compress bool
	}{{"plain", false}, {"deflate", true}} {
		b.Run(c.name, func(b *testing.B) {
			h, err := NewHandler(nil, Options{
				Sessions: &tally{answer: func(context.Context, *sessionpb.Request) *sessionpb.Frame { return frame }}, ProtocolVersion: version,
				Compress: c.compress, Limits: Limits{RequestsPerSecond: 1 << 30, RequestsBurst: 1 << 30},
			})
			if err != nil {
				b.Fatal(err)
			}
			s, err := Open("127.0.0.1:0", h, ServerOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			dialer := websocket.Dialer{Subprotocols: []string{Subprotocol}, EnableCompression: c.compress}
			var wire *countingConn
			dialer.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				wire = &countingConn{Conn: conn}
				return wire, err
			}
			conn, _, err := dialer.Dial("ws://"+s.listener.Addr().String()+"/api/live", http.Header{})
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			tell(b, conn, attach(""))
			mustHear(b, conn)
			wire.read = 0
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := conn.WriteMessage(websocket.BinaryMessage, nil); err != nil {
					b.Fatal(err)
				}
				if _, _, err := conn.ReadMessage(); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
			b.ReportMetric(float64(wire.read)/float64(n), "wire-bytes/frame")
		})
	}
}

// countingConn counts what its one reader reads.
type countingConn struct {
	net.Conn
	read int
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read += n
	return n, err
}

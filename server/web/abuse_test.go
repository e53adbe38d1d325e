package web

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"raftplay/core/pb/sessionpb/v1"
)

// rawFrame is one frame of a websocket, masked with zeros as a client must mask, whose header claims length bytes.
func rawFrame(first byte, length uint64, payload []byte) []byte {
	frame := append([]byte{first, 0x80 | 127}, binary.BigEndian.AppendUint64(nil, length)...)
	frame = append(frame, 0, 0, 0, 0)
	return append(frame, payload...)
}

const (
	final        = 0x80
	continuation = 0
	binaryFrame  = 2
	pingFrame    = 9
)

func encode(t *testing.T, r *sessionpb.Request) []byte {
	t.Helper()
	raw, err := proto.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestBrokenMessagesEndTheViewer(t *testing.T) {
	whole := encode(t, command(1, 2, 3))
	oversized := make([]byte, requestBytesMax+1)
	tooLarge := "a message is too large: at most 65536 bytes are taken"
	for _, c := range []struct {
		name     string
		kind     int
		message  []byte
		code     int
		sentence string
	}{
		{"malformed", websocket.BinaryMessage, []byte{0xff, 0xff, 0xff}, CloseInvalid, refusalMalformed.Sentence},
		{"truncated", websocket.BinaryMessage, whole[:len(whole)-1], CloseInvalid, refusalMalformed.Sentence},
		{"oversized", websocket.BinaryMessage, oversized, CloseTooLarge, tooLarge},
		{"of text", websocket.TextMessage, []byte("{}"), CloseUnsupported, refusalText.Sentence},
	} {
		for _, before := range []string{"first", "later"} {
			t.Run(c.name+" "+before, func(t *testing.T) {
				h := build(t, Options{}, ServerOptions{})
				conn := h.dial(t)
				if before == "later" {
					tell(t, conn, attach(""))
					mustHear(t, conn)
				}
				if err := conn.WriteMessage(c.kind, c.message); err != nil {
					t.Fatal(err)
				}
				mustEnd(t, conn, c.code, c.sentence)
			})
		}
	}
}

func TestAMessageOfExactlyTheLimitIsTaken(t *testing.T) {
	h := build(t, Options{}, ServerOptions{})
	r := attach(strings.Repeat("x", 65400))
	for proto.Size(r) < requestBytesMax {
		r.Attach.Token += "x"
	}
	conn := h.dial(t)
	tell(t, conn, r)
	mustHear(t, conn)
}

func TestABrokenWebsocketIsClosedAsThat(t *testing.T) {
	for name, frame := range map[string][]byte{
		"an opcode that is none":      rawFrame(final|3, 0, nil),
		"a reserved bit":              rawFrame(final|0x40|binaryFrame, 0, nil),
		"no mask":                     {final | binaryFrame, 0},
		"a continuation of nothing":   rawFrame(final|continuation, 0, nil),
		"a control frame in parts":    rawFrame(pingFrame, 0, nil),
		"a control frame of 64 bytes": rawFrame(final|pingFrame, 64, nil),
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, Options{}, ServerOptions{})
			conn := h.attached(t, "")
			if _, err := conn.NetConn().Write(frame); err != nil {
				t.Fatal(err)
			}
			mustCode(t, conn, CloseProtocol)
			h.log.await(t, "the viewer broke the websocket protocol: ", 1)
		})
	}
}

func TestAClaimedLengthCostsNothing(t *testing.T) {
	h := build(t, Options{Limits: Limits{MessageTimeout: 100 * time.Millisecond}}, ServerOptions{})
	conn := h.attached(t, "")
	if _, err := conn.NetConn().Write(rawFrame(final|binaryFrame, 1<<62, []byte("few"))); err != nil {
		t.Fatal(err)
	}
	mustEnd(t, conn, ClosePolicy, "too slow: a message did not end within 100ms")
}

func TestAMessageCutOffByTheConnectionIsNotHandled(t *testing.T) {
	h := build(t, Options{}, ServerOptions{})
	conn := h.attached(t, "")
	raw := encode(t, command(1))
	if _, err := conn.NetConn().Write(rawFrame(final|binaryFrame, uint64(len(raw)), raw[:len(raw)-1])); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	h.log.await(t, `reason="the connection was lost"`, 1)
	if _, _, handled := h.sessions.counts(); handled != 1 {
		t.Errorf("%d requests were handled, want the attach alone", handled)
	}
}

func TestFragmentsMakeOneMessage(t *testing.T) {
	h := build(t, Options{}, ServerOptions{})
	conn := h.attached(t, "")
	raw := encode(t, command(7))
	var bytes []byte
	for i, b := range raw {
		first := byte(continuation)
		if i == 0 {
			first = binaryFrame
		}
		if i == len(raw)-1 {
			first |= final
		}
		bytes = append(bytes, rawFrame(first, 1, []byte{b})...)
	}
	if _, err := conn.NetConn().Write(bytes); err != nil {
		t.Fatal(err)
	}
	if f := mustHear(t, conn); len(f.Replies) != 1 || f.Replies[0].CommandId != 7 {
		t.Errorf("heard %v", f)
	}
}

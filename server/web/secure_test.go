package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/protobuf/proto"

	"raftplay/core/pb/sessionpb/v1"
)

// certified returns a server's side of TLS for 127.0.0.1, and a client's that trusts it.
func certified(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	lender := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	return &tls.Config{Certificates: lender.TLS.Certificates, MinVersion: tls.VersionTLS10}, &tls.Config{RootCAs: roots}
}

func TestTheWebsocketRunsOverTLS(t *testing.T) {
	server, client := certified(t)
	h := build(t, Options{Tokens: bothTokens}, ServerOptions{TLS: server})
	if !strings.HasPrefix(h.URL(), "https://127.0.0.1:") {
		t.Errorf("the page is at %s", h.URL())
	}
	dialer := websocket.Dialer{Subprotocols: []string{Subprotocol}, TLSClientConfig: client}
	conn, _, err := dialer.Dial(h.live(), http.Header{"Origin": {"https://" + h.host()}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tell(t, conn, attach(viewerToken))
	mustHear(t, conn)
	closed := make(chan error, 1)
	go func() { closed <- h.Close() }()
	mustEnd(t, conn, CloseGoingAway, "the server is stopping")
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestOverTLSAPlainPageIsOfAnotherOrigin(t *testing.T) {
	server, client := certified(t)
	h := build(t, Options{Tokens: bothTokens}, ServerOptions{TLS: server})
	dialer := websocket.Dialer{Subprotocols: []string{Subprotocol}, TLSClientConfig: client}
	_, response, err := dialer.Dial(h.live(), http.Header{"Origin": {"http://" + h.host()}})
	if err == nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("got %v, error %v", response, err)
	}
}

func TestAViewerOverTLSThatNeverReadsIsCutOff(t *testing.T) {
	server, client := certified(t)
	h := build(t, Options{Limits: Limits{WriteTimeout: 100 * time.Millisecond, CloseTimeout: 100 * time.Millisecond}, Sessions: &tally{answer: answerAtLength}}, ServerOptions{TLS: server})
	dialer := websocket.Dialer{Subprotocols: []string{Subprotocol}, TLSClientConfig: client}
	conn, _, err := dialer.Dial(h.live(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.NetConn().(*tls.Conn).NetConn().(*net.TCPConn).SetReadBuffer(4 << 10)
	tell(t, conn, attach(""))
	for range 12 {
		tell(t, conn, &sessionpb.Request{})
	}
	h.log.await(t, "too slow: a frame was not taken within 100ms", 1)
}

func TestOldVersionsOfTLSAreNotSpoken(t *testing.T) {
	server, client := certified(t)
	h := build(t, Options{}, ServerOptions{TLS: server})
	for version, spoken := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		old := client.Clone()
		old.MinVersion, old.MaxVersion = version, version
		conn, err := tls.Dial("tcp", h.host(), old)
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != spoken {
			t.Errorf("%s: error %v", tls.VersionName(version), err)
		}
	}
	if server.MinVersion != tls.VersionTLS10 {
		t.Error("the caller's configuration was changed")
	}
}

func TestCompressionIsSpokenOnlyWhereItIsAskedFor(t *testing.T) {
	for _, compress := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			h := build(t, Options{Compress: compress, Limits: Limits{MessageTimeout: 5 * time.Second}, Sessions: &tally{answer: answerAtLength}}, ServerOptions{})
			dialer := websocket.Dialer{Subprotocols: []string{Subprotocol}, EnableCompression: true}
			conn, response, err := dialer.Dial(h.live(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if got := strings.Contains(response.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate"); got != compress {
				t.Errorf("compression is offered: %v, want %v", got, compress)
			}
			tell(t, conn, attach(""))
			if f := mustHear(t, conn); len(f.Replies) != 1 || len(f.Replies[0].Failure) != 256<<10 {
				t.Error("the frame came changed")
			}
			// What is small on the wire and large when inflated is as large as it is.
			bomb, err := proto.Marshal(&sessionpb.Request{Attach: &sessionpb.Attach{Token: strings.Repeat("0", 8<<20)}})
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.WriteMessage(websocket.BinaryMessage, bomb) // without compression it is cut off on the way
			mustEnd(t, conn, CloseTooLarge, "a message is too large: at most 65536 bytes are taken")
		})
	}
}

func TestASessionThatPanicsEndsItsViewerAlone(t *testing.T) {
	h := build(t, Options{Sessions: &tally{answer: func(_ context.Context, r *sessionpb.Request) *sessionpb.Frame {
		if len(r.GetCommands()) > 0 {
			panic("a broken session")
		}
		return nil
	}}}, ServerOptions{})
	other, conn := h.attached(t, ""), h.attached(t, "")
	tell(t, conn, command(1))
	mustEnd(t, conn, CloseInternal, "the server failed")
	h.log.await(t, `msg="a request panicked" path=/api/live panic="a broken session"`, 1)
	tell(t, other, &sessionpb.Request{})
	mustHear(t, other)
	waitForViewers(t, h, 1)
}

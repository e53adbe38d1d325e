package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestOnlyPagesOfKnownOriginsAttach(t *testing.T) {
	h := build(t, Options{
		Tokens:       bothTokens,
		AllowOrigins: []string{"https://play.example", "http://lab.example:8080"},
	}, ServerOptions{})
	_, port, _ := strings.Cut(h.host(), ":")
	for origin, admitted := range map[string]bool{
		"":                             true, // no page
		"http://" + h.host():           true,
		"HTTP://" + h.host():           true,
		"https://play.example":         true,
		"https://PLAY.example:443":     true,
		"http://lab.example:8080":      true,
		"https://" + h.host():          false, // this server speaks no TLS
		"http://localhost:" + port:     false, // another host to a browser
		"http://127.0.0.1:1":           false,
		"http://127.0.0.1":             false,
		"http://play.example":          false,
		"https://play.example:8443":    false,
		"https://play.example.evil":    false,
		"https://evil-play.example":    false,
		"https://evil.play.example":    false,
		"http://lab.example":           false,
		"null":                         false,
		"file://":                      false,
		"https://play.example/":        false,
		"https://a@play.example":       false,
		"https://play.example#":        false,
		"javascript:alert(1)":          false,
		"http://" + h.host() + ".evil": false,
		"http://[::1":                  false,
	} {
		var header []string
		if origin != "" {
			header = []string{"Origin", origin}
		}
		conn, response, err := h.tryDial(header...)
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != admitted || !admitted && response.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %v, error %v; admitted must be %v", origin, response, err, admitted)
		}
	}
	if _, response, err := h.tryDial("Origin", "http://"+h.host(), "Origin", "https://play.example"); err == nil {
		t.Errorf("two origins are admitted: %v", response)
	}
}

func TestWithoutTokensAForeignNameIsRefused(t *testing.T) {
	h := build(t, Options{AllowOrigins: []string{"http://lab.example:8080"}, Hosts: []string{"studio"}}, ServerOptions{})
	_, port, _ := strings.Cut(h.host(), ":")
	for host, admitted := range map[string]bool{
		h.host():               true,
		"localhost:" + port:    true,
		"LOCALHOST.:" + port:   true,
		"127.9.9.9:" + port:    true,
		"[::1]:" + port:        true,
		"lab.example:8080":     true,
		"studio:" + port:       true,
		"evil.example:" + port: false, // made to resolve to 127.0.0.1
		"evil.example":         false,
		"localhost.evil":       false,
		"10.1.2.3:" + port:     false,
		"[fe80::1]:" + port:    false,
	} {
		// The page of that name is of the same origin then: nothing but the name gives it away.
		conn, response, err := h.tryDial("Host", host, "Origin", "http://"+host)
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != admitted || !admitted && response.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("host %q: %v, error %v; admitted must be %v", host, response, err, admitted)
		}
	}
}

func TestWithTokensTheNameDoesNotMatter(t *testing.T) {
	h := build(t, Options{Tokens: bothTokens}, ServerOptions{})
	conn := h.dial(t, "Host", "cluster.example", "Origin", "http://cluster.example")
	tell(t, conn, attach(viewerToken))
	mustHear(t, conn)
}

func TestOriginsHostsAndSourcesAreChecked(t *testing.T) {
	for _, c := range []struct {
		options Options
		err     string
	}{
		{Options{AllowOrigins: []string{"*"}}, `the allowed origin "*" is not scheme://host or scheme://host:port`},
		{Options{AllowOrigins: []string{"null"}}, `the allowed origin "null" is not scheme://host or scheme://host:port`},
		{Options{AllowOrigins: []string{"ws://x"}}, `the allowed origin "ws://x" is neither of http nor of https`},
		{Options{AllowOrigins: []string{"http://x/"}}, `the allowed origin "http://x/" says more than scheme://host:port`},
		{Options{Hosts: []string{"a b"}}, `the host "a b" is not a name or an address`},
		{Options{AllowConnect: []string{"wss://x; script-src *"}},
			`the page cannot be allowed to connect to "wss://x; script-src *": write wss://host:port, or ws: for any`},
		{Options{AllowConnect: []string{"*"}}, `the page cannot be allowed to connect to "*": write wss://host:port, or ws: for any`},
		{Options{Sessions: &tally{}}, "live sessions need a protocol version"},
		{Options{Limits: Limits{ViewersMax: -1}}, "the limit ViewersMax is negative"},
		{Options{Limits: Limits{PongTimeout: 1}}, "a viewer pinged every 10s cannot be gone after 1ns without a pong"},
		{Options{Tokens: Tokens{Viewer: "short"}},
			"the viewer's token is too short: it has 5 bytes, and less than 16 can be guessed"},
		{Options{Tokens: Tokens{Viewer: viewerToken, Operator: viewerToken}},
			"the viewer's and the operator's token are the same: every viewer would be an operator"},
	} {
		if _, err := NewHandler(page(), c.options); err == nil || err.Error() != c.err {
			t.Errorf("got %v, want %s", err, c.err)
		}
	}
}

func TestThePageMayConnectToWhereItComesFromAndWhatIsListed(t *testing.T) {
	h := build(t, Options{AllowConnect: []string{"wss://other.example:8443", "ws:"}}, ServerOptions{})
	for _, c := range []struct{ host, want string }{
		{h.host(), "connect-src 'self' ws://" + h.host() + " wss://" + h.host() + " wss://other.example:8443 ws:; "},
		{"x;script-src *", "connect-src 'self' wss://other.example:8443 ws:; "},
		{"[::1]:80", "connect-src 'self' wss://other.example:8443 ws:; "},
	} {
		recorder := newRecorder()
		request := newRequest(t, "/", c.host)
		h.handler.ServeHTTP(recorder, request)
		if policy := recorder.Header().Get("Content-Security-Policy"); !strings.Contains(policy, c.want) {
			t.Errorf("host %q: the policy is %q, want %q in it", c.host, policy, c.want)
		}
	}
}

package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newRequest(t *testing.T, path, host string) *http.Request {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Host = host
	return request
}

// askAs asks a handler as if its server listened beyond this machine, or on it alone.
func askAs(t *testing.T, h *Handler, loopback bool, path, host, authorization string) (int, string) {
	t.Helper()
	request := newRequest(t, path, host)
	request = request.WithContext(context.WithValue(request.Context(), loopbackKey{}, loopback))
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	recorder := newRecorder()
	h.ServeHTTP(recorder, request)
	body, err := io.ReadAll(recorder.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return recorder.Code, string(body)
}

func handlerOf(t *testing.T, options Options) *Handler {
	t.Helper()
	h, err := NewHandler(nil, options)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func commits() prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "raftplay_commits_total", Help: "Entries committed."})
	registry.MustRegister(counter)
	counter.Add(7)
	return registry
}

func TestReadinessSaysWhyNot(t *testing.T) {
	failure := errors.New("no leader is known of region 2")
	for _, c := range []struct {
		name          string
		ready         func() error
		loopback      bool
		authorization string
		status        int
		body          string
	}{
		{"nothing to wait for", nil, false, "", 200, "ready\n"},
		{"ready", func() error { return nil }, false, "", 200, "ready\n"},
		{"not ready", func() error { return failure }, true, "", 503, "not ready: no leader is known of region 2\n"},
		{"not ready, beyond", func() error { return failure }, false, "", 503, "not ready\n"},
		{"not ready, to an operator", func() error { return failure }, false, "Bearer " + operatorToken, 503,
			"not ready: no leader is known of region 2\n"},
	} {
		h := handlerOf(t, Options{Ready: c.ready, Tokens: bothTokens})
		if status, body := askAs(t, h, c.loopback, "/readyz", "localhost", c.authorization); status != c.status || body != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.name, status, body, c.status, c.body)
		}
		if status, body := askAs(t, h, false, "/healthz", "any.example", ""); status != 200 || body != "ok\n" {
			t.Errorf("%s: the process's health is %d %q", c.name, status, body)
		}
	}
}

func TestMetricsAndProfilesAreTheOperators(t *testing.T) {
	for _, c := range []struct {
		name          string
		tokens        Tokens
		loopback      bool
		host          string
		authorization string
		status        int
	}{
		{"on this machine", bothTokens, true, "localhost", "", 200},
		{"on this machine, by a foreign name", bothTokens, true, "evil.example", "", 421},
		{"without tokens", Tokens{}, false, "127.0.0.1:80", "", 200},
		{"without tokens, by a foreign name", Tokens{}, false, "evil.example", "", 421},
		{"beyond, with nothing", bothTokens, false, "x", "", 401},
		{"beyond, as a viewer", bothTokens, false, "x", "Bearer " + viewerToken, 401},
		{"beyond, as nobody", bothTokens, false, "x", "Bearer nonsense", 401},
		{"beyond, by a password", bothTokens, false, "x", "Basic " + operatorToken, 401},
		{"beyond, as an operator", bothTokens, false, "x", "bearer " + operatorToken, 200},
	} {
		h := handlerOf(t, Options{Tokens: c.tokens, Metrics: commits(), Pprof: true})
		for path, want := range map[string]string{"/metrics": "raftplay_commits_total 7", "/debug/pprof/": "goroutine"} {
			status, body := askAs(t, h, c.loopback, path, c.host, c.authorization)
			if status != c.status || (status == 200) != strings.Contains(body, want) {
				t.Errorf("%s, %s: %d %.80q, want %d", c.name, path, status, body, c.status)
			}
		}
	}
}

func TestMetricsCanBeOpenAndProfilesStayShut(t *testing.T) {
	h := handlerOf(t, Options{Tokens: bothTokens, Metrics: commits(), MetricsOpen: true, Pprof: true})
	if status, _ := askAs(t, h, false, "/metrics", "x", ""); status != 200 {
		t.Errorf("the metrics are %d", status)
	}
	if status, _ := askAs(t, h, false, "/debug/pprof/heap", "x", ""); status != 401 {
		t.Errorf("the profiles are %d", status)
	}
}

func TestWhatIsNotAskedForIsNotThere(t *testing.T) {
	h := handlerOf(t, Options{})
	for _, path := range []string{"/", "/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/api/live"} {
		if status, _ := askAs(t, h, true, path, "localhost", ""); status != 404 {
			t.Errorf("%s is %d", path, status)
		}
	}
}

func TestWrongBearersAreLimited(t *testing.T) {
	h := handlerOf(t, Options{Tokens: bothTokens, Metrics: commits(), Limits: Limits{WrongTokensBurst: 2, WrongTokensPerMinute: 1}})
	for range 2 {
		if status, _ := askAs(t, h, false, "/metrics", "x", "Bearer nonsense"); status != 401 {
			t.Errorf("a wrong token is %d", status)
		}
	}
	if status, _ := askAs(t, h, false, "/metrics", "x", "Bearer "+operatorToken); status != 429 {
		t.Errorf("after too many it is %d", status)
	}
}

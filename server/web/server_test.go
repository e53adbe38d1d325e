package web

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, handler http.Handler) *Server {
	t.Helper()
	s, err := Open("127.0.0.1:0", handler, ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestHeadSaysWhatGetWouldSend(t *testing.T) {
	handler, err := NewHandler(page(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, handler)
	for _, path := range []string{"", "assets/core-9a8b.wasm", "healthz", "nowhere"} {
		get := send(t, "GET", s.URL()+path)
		head := send(t, "HEAD", s.URL()+path)
		sent, err := io.ReadAll(head.Body)
		if err != nil || len(sent) != 0 {
			t.Errorf("HEAD /%s sent %d bytes, error %v", path, len(sent), err)
		}
		get.Header.Del("Date")
		head.Header.Del("Date")
		for name := range get.Header {
			if get.Header.Get(name) != head.Header.Get(name) {
				t.Errorf("/%s: %s is %q for GET, %q for HEAD", path, name, get.Header.Get(name), head.Header.Get(name))
			}
		}
		if get.StatusCode != head.StatusCode || get.ContentLength < 1 {
			t.Errorf("/%s: GET %d of %d bytes, HEAD %d", path, get.StatusCode, get.ContentLength, head.StatusCode)
		}
	}
}

func send(t *testing.T, method, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "br")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func TestATakenPortIsNamed(t *testing.T) {
	first := open(t, http.NotFoundHandler())
	address := strings.Trim(strings.TrimPrefix(first.URL(), "http://"), "/")
	_, err := Open(address, http.NotFoundHandler(), ServerOptions{})
	if err == nil || !strings.HasPrefix(err.Error(), address+" is taken by another program") {
		t.Errorf("got %v", err)
	}
}

func TestCloseWaitsForAnswersOnTheirWay(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		_, _ = io.WriteString(w, "whole")
	}))
	answers := make(chan string, 1)
	go func() {
		response, err := http.Get(s.URL())
		if err != nil {
			answers <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answers <- string(body)
	}()
	<-asked
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case <-closed:
		t.Error("closed while an answer was on its way")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if got := <-answers; got != "whole" {
		t.Errorf("the answer on its way was %q", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	select {
	case err := <-s.Failed():
		t.Errorf("a closed server failed with %v", err)
	default:
	}
}

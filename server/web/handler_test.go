package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// page is a small built page: each encoding's content tells which one it is.
func page() fstest.MapFS {
	files := fstest.MapFS{".gitkeep": {}}
	for name, content := range map[string]string{
		"index.html":               "<p>plain",
		"index.html.br":            "br page",
		"index.html.gz":            "gz page",
		"assets/app-1f2e.js":       "plain script",
		"assets/app-1f2e.js.br":    "br script",
		"assets/app-1f2e.js.gz":    "gz script",
		"assets/core-9a8b.wasm":    "\x00asm",
		"assets/core-9a8b.wasm.br": "br wasm",
		"assets/notes.gz":          "an archive of its own",
		"icon.png":                 "png",
		".hidden/secret.txt":       "secret",
	} {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return files
}

// ask sends one request to a handler of page.
func ask(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	handler, err := NewHandler(page(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAFileComesInTheEncodingLikedBest(t *testing.T) {
	for _, c := range []struct{ path, accept, encoding, body string }{
		{"/", "", "", "<p>plain"},
		{"/", "br", "br", "br page"},
		{"/", "gzip, deflate, br, zstd", "br", "br page"},
		{"/", "gzip, deflate", "gzip", "gz page"},
		{"/", "x-gzip", "gzip", "gz page"},
		{"/", "GZIP;Q=0.5", "gzip", "gz page"},
		{"/", "br;q=0.2, gzip;q=0.8", "gzip", "gz page"},
		{"/", "br;q=0, gzip;q=0", "", "<p>plain"},
		{"/", "br;q=0, *", "gzip", "gz page"},
		{"/", "*", "br", "br page"},
		{"/", "*;q=0", "", "<p>plain"},
		{"/", "identity;q=0, br", "br", "br page"},
		{"/", "identity, br;q=0.5", "", "<p>plain"},
		{"/", "br;q=nonsense", "", "<p>plain"},
		{"/", "deflate, zstd", "", "<p>plain"},
		{"/index.html", "br", "br", "br page"},
		{"/assets/core-9a8b.wasm", "gzip", "", "\x00asm"},
		{"/assets/core-9a8b.wasm", "gzip, br", "br", "br wasm"},
		{"/icon.png", "br", "", "png"},
		{"/assets/notes.gz", "gzip", "", "an archive of its own"},
	} {
		r := ask(t, "GET", c.path, "Accept-Encoding", c.accept)
		if got := body(t, r); r.StatusCode != 200 || r.Header.Get("Content-Encoding") != c.encoding || got != c.body {
			t.Errorf("GET %s, Accept-Encoding %q: %d, encoding %q, body %q; want encoding %q, body %q",
				c.path, c.accept, r.StatusCode, r.Header.Get("Content-Encoding"), got, c.encoding, c.body)
		}
		if varies := r.Header.Get("Vary") == "Accept-Encoding"; varies == (c.path == "/icon.png" || c.path == "/assets/notes.gz") {
			t.Errorf("GET %s: Vary is %q", c.path, r.Header.Get("Vary"))
		}
	}
}

func TestAFileHasItsContentTypeAndCaching(t *testing.T) {
	const forEver = "public, max-age=31536000, immutable"
	for _, c := range []struct{ path, contentType, caching string }{
		{"/", "text/html; charset=utf-8", "no-cache"},
		{"/icon.png", "image/png", "no-cache"},
		{"/assets/app-1f2e.js", "text/javascript; charset=utf-8", forEver},
		{"/assets/core-9a8b.wasm", "application/wasm", forEver},
		{"/assets/notes.gz", "application/octet-stream", forEver},
		{"/healthz", "text/plain; charset=utf-8", "no-store"},
		{"/nowhere", "text/plain; charset=utf-8", "no-store"},
	} {
		r := ask(t, "GET", c.path, "Accept-Encoding", "br")
		if got := r.Header.Get("Content-Type"); got != c.contentType {
			t.Errorf("GET %s: Content-Type is %q, want %q", c.path, got, c.contentType)
		}
		if got := r.Header.Get("Cache-Control"); got != c.caching {
			t.Errorf("GET %s: Cache-Control is %q, want %q", c.path, got, c.caching)
		}
	}
}

func TestAnUnchangedFileIsNotSentAgain(t *testing.T) {
	plain := ask(t, "GET", "/").Header.Get("ETag")
	small := ask(t, "GET", "/", "Accept-Encoding", "br").Header.Get("ETag")
	if plain == "" || plain == small {
		t.Fatalf("the encodings' tags are %q and %q, want two different ones", plain, small)
	}
	for _, c := range []struct {
		tag    string
		status int
	}{
		{small, 304}, {"W/" + small, 304}, {`"other", ` + small, 304}, {"*", 304}, {plain, 200}, {`"other"`, 200}, {"", 200},
	} {
		r := ask(t, "GET", "/", "Accept-Encoding", "br", "If-None-Match", c.tag)
		if r.StatusCode != c.status || r.Header.Get("ETag") != small || r.Header.Get("Cache-Control") == "" {
			t.Errorf("If-None-Match %s: %d with tag %s, want %d with %s", c.tag, r.StatusCode, r.Header.Get("ETag"), c.status, small)
		}
		if sent := body(t, r); (sent == "") != (c.status == 304) {
			t.Errorf("If-None-Match %s: %d with body %q", c.tag, r.StatusCode, sent)
		}
	}
}

func TestThereIsNothingButFiles(t *testing.T) {
	for _, path := range []string{
		"/assets", "/assets/", "/nowhere", "/.gitkeep", "/.hidden/secret.txt", "/assets/app-1f2e.js.br", "/index.html.gz",
		"/index.html/", "/index.html%00", "/%2e%2e/static.go", "/assets%2fapp-1f2e.js%2f..",
	} {
		r := ask(t, "GET", path)
		got := body(t, r)
		if moved := r.StatusCode/100 == 3; moved {
			continue // to the cleaned path, which is asked on its own
		}
		if path == "/index.html/" {
			continue // the same file as without the slash
		}
		if r.StatusCode != 404 || strings.Count(got, "\n") != 1 {
			t.Errorf("GET %s: %d %q, want 404 and one sentence", path, r.StatusCode, got)
		}
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"} {
		r := ask(t, method, "/")
		if r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, r.StatusCode, r.Header.Get("Allow"))
		}
	}
}

func TestEveryAnswerRestrictsThePage(t *testing.T) {
	for _, path := range []string{"/", "/assets/app-1f2e.js", "/healthz", "/nowhere"} {
		header := ask(t, "GET", path).Header
		policy := header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self' 'wasm-unsafe-eval';") ||
			strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "'unsafe-eval'") {
			t.Errorf("GET %s: the policy is %q", path, policy)
		}
		for name, want := range headersAlways {
			if header.Get(name) != want {
				t.Errorf("GET %s: %s is %q, want %q", path, name, header.Get(name), want)
			}
		}
	}
}

func TestWithoutAPageThereIsNoHandler(t *testing.T) {
	_, err := NewHandler(fstest.MapFS{".gitkeep": {}}, Options{})
	if !errors.Is(err, ErrNotBuilt) {
		t.Errorf("got %v, want ErrNotBuilt", err)
	}
}

package web

import (
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// headersAlways go with every answer. The page runs only its own files; 'wasm-unsafe-eval' lets it compile WebAssembly
// and nothing else.
var headersAlways = map[string]string{
	"Content-Security-Policy": strings.Join([]string{
		"default-src 'none'",
		"script-src 'self' 'wasm-unsafe-eval'",
		"style-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self'",
		"worker-src 'self'",
		"font-src 'self'",
		"manifest-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; "),
	"Cross-Origin-Opener-Policy": "same-origin",
	"Referrer-Policy":            "no-referrer",
	"X-Content-Type-Options":     "nosniff",
}

// NewHandler serves the page in files, and /healthz. Files lie in memory from then on. Without a page it returns
// ErrNotBuilt.
func NewHandler(files fs.FS) (http.Handler, error) {
	s, err := loadSite(files)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", serveHealth)
	mux.Handle("/", s)
	return guard(mux), nil
}

// guard sets the headers that every answer has and refuses every method but GET and HEAD.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headersAlways {
			w.Header().Set(name, value)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			answer(w, http.StatusMethodNotAllowed, "This address can only be read, with GET or HEAD.\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func serveHealth(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "ok\n")
}

// answer writes a short text that no cache keeps.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", contentTypes[".txt"])
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	// A client that has gone away is no concern of ours.
	_, _ = w.Write([]byte(text))
}

// ServeHTTP serves one file of the page, in the encoding the client likes best. Folders are not files: they have no
// listing.
func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = indexFile
	}
	f, found := s[name]
	if !found {
		answer(w, http.StatusNotFound, "There is nothing here; the playground is at / on this server.\n")
		return
	}
	v := choose(f.variants, strings.Join(r.Header.Values("Accept-Encoding"), ","))
	header := w.Header()
	header.Set("Cache-Control", f.cacheControl)
	header.Set("ETag", v.etag)
	if len(f.variants) > 1 {
		header.Set("Vary", "Accept-Encoding")
	}
	if matches(r.Header.Get("If-None-Match"), v.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.contentType)
	header.Set("Content-Length", strconv.Itoa(len(v.body)))
	if v.encoding != identity {
		header.Set("Content-Encoding", v.encoding)
	}
	// net/http drops the body of an answer to HEAD.
	_, _ = w.Write(v.body)
}

// matches tells whether an If-None-Match header names etag, compared weakly (RFC 9110, 13.1.2).
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}

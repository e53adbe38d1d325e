package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// headersAlways go with every answer, and so does the policy.
var headersAlways = map[string]string{
	"Cross-Origin-Opener-Policy": "same-origin",
	"Referrer-Policy":            "no-referrer",
	"X-Content-Type-Options":     "nosniff",
}

// bodyBytesMax bounds what a client may send with a request; nothing here reads any of it.
const bodyBytesMax = 4 << 10

// Handler serves everything there is over HTTP. The caller closes it, or the Server that serves it.
type Handler struct {
	options     Options
	limits      Limits
	log         *slog.Logger
	address     *address
	policy      *policy
	wrongTokens *limiter
	upgrades    *limiter
	viewers     viewers
	mux         http.Handler
}

// NewHandler serves the page in files and what the options say. Files lie in memory from then on; nil stands for no page.
// Without a page in files it returns ErrNotBuilt.
func NewHandler(files fs.FS, options Options) (*Handler, error) {
	options.Limits = options.Limits.withDefaults()
	if err := options.check(); err != nil {
		return nil, err
	}
	h := &Handler{options: options, limits: options.Limits, log: options.Log}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if h.address, err = newAddress(options.AllowOrigins, options.Hosts); err != nil {
		return nil, err
	}
	if h.policy, err = newPolicy(options.AllowConnect); err != nil {
		return nil, err
	}
	h.wrongTokens = newLimiter(float64(h.limits.WrongTokensPerMinute)/60, h.limits.WrongTokensBurst)
	h.upgrades = newLimiter(float64(h.limits.UpgradesPerSecond), h.limits.UpgradesBurst)
	mux := http.NewServeMux()
	h.addHealth(mux)
	if options.Sessions != nil {
		mux.HandleFunc("/api/live", h.serveLive)
	}
	s := site{}
	if files != nil {
		if s, err = loadSite(files); err != nil {
			return nil, err
		}
	}
	mux.Handle("/", s)
	h.mux = mux
	return h, nil
}

// ServeHTTP sets the headers that every answer has, and refuses every method but GET and HEAD and every body that somebody
// would have to read.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range headersAlways {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Security-Policy", h.policy.of(r.Host))
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		answer(w, http.StatusMethodNotAllowed, "This address can only be read, with GET or HEAD.\n")
		return
	}
	if r.ContentLength < 0 || r.ContentLength > bodyBytesMax {
		w.Header().Set("Connection", "close")
		answer(w, http.StatusRequestEntityTooLarge, "Nothing here takes a body.\n")
		return
	}
	defer h.logPanic(r)
	h.mux.ServeHTTP(w, r)
}

// logPanic reports a panic as what it is, and ends the request.
func (h *Handler) logPanic(r *http.Request) {
	if p := recover(); p != nil {
		if p != http.ErrAbortHandler {
			h.log.Error("a request panicked", "path", cut(r.URL.Path), "panic", p, "stack", string(debug.Stack()))
		}
		panic(http.ErrAbortHandler)
	}
}

// Close sends every viewer away, with a sentence, and returns when all are gone. When ctx is done first, it cuts them off
// and says so.
func (h *Handler) Close(ctx context.Context) error {
	return h.viewers.close(ctx)
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

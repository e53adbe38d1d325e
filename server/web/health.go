package web

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"raftplay/core/pb/sessionpb/v1"

	"raftplay/server/token"
)

// Bounds of the gathering of metrics.
const (
	metricsTimeout     = 10 * time.Second
	metricsInFlightMax = 4
)

// addHealth adds what operators ask for. /healthz and the status of /readyz tell nothing and are for everybody, which is how
// load balancers ask; the rest is the operator's.
func (h *Handler) addHealth(mux *http.ServeMux) {
	mux.HandleFunc("/healthz", serveHealth)
	mux.HandleFunc("/readyz", h.serveReady)
	if h.options.Metrics != nil {
		metrics := promhttp.HandlerFor(h.options.Metrics, promhttp.HandlerOpts{
			Timeout: metricsTimeout, MaxRequestsInFlight: metricsInFlightMax,
		})
		mux.Handle("/metrics", h.forOperators(metrics, h.options.MetricsOpen))
	}
	if h.options.Pprof {
		for path, serve := range map[string]http.HandlerFunc{
			"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
		} {
			mux.Handle("/debug/pprof/"+path, h.forOperators(serve, false))
		}
	}
}

func serveHealth(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "ok\n")
}

// serveReady says why the process is not ready only to whom it may concern.
func (h *Handler) serveReady(w http.ResponseWriter, r *http.Request) {
	if h.options.Ready == nil {
		answer(w, http.StatusOK, "ready\n")
		return
	}
	err := h.options.Ready()
	switch {
	case err == nil:
		answer(w, http.StatusOK, "ready\n")
	case h.mayOperate(r) == http.StatusOK:
		answer(w, http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
	default:
		answer(w, http.StatusServiceUnavailable, "not ready\n")
	}
}

// forOperators serves next to operators; to everybody when open is set.
func (h *Handler) forOperators(next http.Handler, open bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if !open {
			status = h.mayOperate(r)
		}
		switch status {
		case http.StatusOK:
			w.Header().Set("Cache-Control", "no-store")
			next.ServeHTTP(w, r)
		case http.StatusMisdirectedRequest:
			answer(w, status, "This server goes by another name; see --allow-origin.\n")
		case http.StatusTooManyRequests:
			answer(w, status, "Too many wrong tokens came from this address: try again later.\n")
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="raftplay"`)
			answer(w, status, "This needs the operator's token: Authorization: Bearer <token>.\n")
		}
	})
}

// mayOperate returns StatusOK when a request is an operator's, and what to answer when not. A server that listens on this
// machine alone, or has no tokens, asks for none.
func (h *Handler) mayOperate(r *http.Request) int {
	loopback, _ := r.Context().Value(loopbackKey{}).(bool)
	if loopback || !h.options.Tokens.Any() {
		if !h.address.admitsHost(r) {
			return http.StatusMisdirectedRequest
		}
		return http.StatusOK
	}
	shown, _ := token.OfHeader(r.Header.Get("Authorization"))
	if shown == "" {
		return http.StatusUnauthorized
	}
	role, refusal := h.authorise(shown, addressKey(r.RemoteAddr))
	switch {
	case role == sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR:
		return http.StatusOK
	case refusal == nil || refusal == refusalWrongToken:
		return http.StatusUnauthorized
	}
	return http.StatusTooManyRequests
}

// authorise returns what a token is worth, or why its bearer is sent away. Wrong ones are counted by the address, and with
// too many of them nothing is compared any more.
func (h *Handler) authorise(shown, address string) (sessionpb.ViewerRole, *Refusal) {
	const none = sessionpb.ViewerRole_VIEWER_ROLE_UNSPECIFIED
	if !h.options.Tokens.Any() {
		return sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR, nil
	}
	if shown == "" {
		return none, refusalNoToken
	}
	now := time.Now()
	if wait := h.wrongTokens.exhausted(now, address); wait > 0 {
		return none, refusalTokensTried(wait)
	}
	role := roleOf(h.options.Tokens, shown)
	if role == none {
		h.wrongTokens.take(now, address)
		return none, refusalWrongToken
	}
	return role, nil
}

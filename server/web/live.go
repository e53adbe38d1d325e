package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Subprotocol is what a viewer's websocket must offer.
const Subprotocol = "raftplay.v1"

// writeBufferBytes holds most frames, which then are one write. The buffers are shared: who writes nothing has none.
const writeBufferBytes = 16 << 10

var writeBuffers sync.Pool

// serveLive makes a websocket of a request, and serves the viewer until one of both ends it. What a browser's page cannot be
// told in a frame, because it may not even connect, is an HTTP status.
func (h *Handler) serveLive(w http.ResponseWriter, r *http.Request) {
	key := addressKey(r.RemoteAddr)
	switch {
	case !h.address.admitsOrigin(r):
		h.log.Warn("viewer refused", "address", r.RemoteAddr, "reason", "its page is of another origin", "origin", originOf(r))
		answer(w, http.StatusForbidden, "Pages of that origin may not attach; see --allow-origin.\n")
	case !h.options.Tokens.Any() && !h.address.admitsHost(r):
		h.log.Warn("viewer refused", "address", r.RemoteAddr, "reason", "it calls this server by a name that is not its own", "host", cut(r.Host))
		answer(w, http.StatusMisdirectedRequest, "This server goes by another name; see --allow-origin.\n")
	case !websocket.IsWebSocketUpgrade(r):
		w.Header().Set("Upgrade", "websocket")
		answer(w, http.StatusUpgradeRequired, "Viewers come here with a websocket.\n")
	case !slices.Contains(websocket.Subprotocols(r), Subprotocol):
		answer(w, http.StatusBadRequest, "A viewer offers the websocket subprotocol "+Subprotocol+".\n")
	case !h.upgrades.take(time.Now(), key): // last, so that no page of another origin can use it up for this one
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusTooManyRequests, "Too many viewers come from this address at once.\n")
	default:
		h.upgrade(w, r, key)
	}
}

// loggedBytesMax bounds what of a client's text is logged.
const loggedBytesMax = 200

func cut(s string) string { return s[:min(len(s), loggedBytesMax)] }

func originOf(r *http.Request) string { return cut(r.Header.Get("Origin")) }

func (h *Handler) upgrade(w http.ResponseWriter, r *http.Request, key string) {
	upgrader := websocket.Upgrader{
		HandshakeTimeout:  h.limits.HandshakeTimeout,
		WriteBufferSize:   writeBufferBytes,
		WriteBufferPool:   &writeBuffers,
		Subprotocols:      []string{Subprotocol},
		EnableCompression: h.options.Compress,
		CheckOrigin:       func(*http.Request) bool { return true }, // it was checked, more strictly
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		h.log.Warn("viewer refused", "address", r.RemoteAddr, "reason", err.Error())
		return
	}
	v := newViewer(h, conn, r.RemoteAddr, key)
	if refusal := h.viewers.add(v, h.limits); refusal != nil {
		v.end(refusal)
	}
	defer h.viewers.remove(v)
	v.run()
}

// viewers are those there are. Who is refused for their number stays among them, uncounted, until it has been told.
type viewers struct {
	mu        sync.Mutex
	stopping  bool
	all       map[*viewer]struct{}
	counted   int
	addresses map[string]int
	// gone is signalled, by being closed, when the last one leaves after close.
	gone chan struct{}
}

// add takes a viewer in, or says why it must go. It is to be removed in either case.
func (v *viewers) add(one *viewer, l Limits) *Refusal {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all, v.addresses = map[*viewer]struct{}{}, map[string]int{}
	}
	v.all[one] = struct{}{}
	switch {
	case v.stopping:
		return refusalStopping
	case v.counted >= l.ViewersMax:
		return refusalViewers(l.ViewersMax)
	case v.addresses[one.key] >= l.ViewersPerAddressMax:
		return refusalViewersOfAddress(l.ViewersPerAddressMax)
	}
	one.counted = true
	v.counted++
	v.addresses[one.key]++
	return nil
}

func (v *viewers) remove(one *viewer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.all, one)
	if one.counted {
		v.counted--
		if v.addresses[one.key]--; v.addresses[one.key] == 0 {
			delete(v.addresses, one.key)
		}
	}
	if v.gone != nil && len(v.all) == 0 {
		close(v.gone)
		v.gone = nil
	}
}

// close ends all viewers and waits for them.
func (v *viewers) close(ctx context.Context) error {
	v.mu.Lock()
	v.stopping = true
	for one := range v.all {
		one.end(refusalStopping)
	}
	left := len(v.all)
	if left > 0 && v.gone == nil {
		v.gone = make(chan struct{})
	}
	gone := v.gone
	v.mu.Unlock()
	if left == 0 {
		return nil
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for one := range v.all {
		_ = one.conn.Close() // they were told, or could not be
	}
	return fmt.Errorf("%d viewers had not left in time and were cut off", len(v.all))
}

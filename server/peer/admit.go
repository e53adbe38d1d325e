package peer

import (
	"crypto/x509"
	"fmt"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// sender is who speaks on a stream.
type sender struct {
	store, incarnation uint64
	// newest is the newest incarnation of the store that was seen.
	newest *atomic.Uint64
	// chunks: the stream is for snapshots' chunks.
	chunks  bool
	invalid int
}

// admit looks at who speaks to whom, and at the certificate that was shown, if any; it refuses with a sentence.
func (s *Server) admit(e *rpcpb.Envelope, certificate *x509.Certificate) (*sender, error) {
	from := e.GetFromStore()
	switch {
	case e == nil:
		return nil, s.refuse(0, "the stream does not say who speaks")
	case e.GetClusterId() != s.cfg.ClusterID:
		return nil, s.refuse(from, "this is a store of cluster %d, not of cluster %d", s.cfg.ClusterID, e.GetClusterId())
	case e.GetToStore() != s.cfg.StoreID:
		return nil, s.refuse(from, "this is S%d, not S%d", s.cfg.StoreID, e.GetToStore())
	case from == 0:
		return nil, s.refuse(from, "a store has an id, and this stream is of none")
	case from == s.cfg.StoreID:
		return nil, s.refuse(from, "S%d does not speak to itself: another process has its id, or its own address is in its list", from)
	case e.GetFromIncarnation() == 0:
		return nil, s.refuse(from, "S%d does not say which of its lives it is in", from)
	case len(e.GetFromAddress()) > addressBytesMax:
		return nil, s.refuse(from, "the address of S%d is longer than %d bytes", from, addressBytesMax)
	}
	if certificate != nil {
		if err := mayBeStore(certificate, from); err != nil {
			return nil, s.refuse(from, "%s", err)
		}
	}
	newest, why := s.census.admit(from, e.GetFromIncarnation(), e.GetFromAddress())
	if why != "" {
		return nil, s.refuse(from, "%s", why)
	}
	if s.cfg.Learned != nil && e.GetFromAddress() != "" {
		s.cfg.Learned(from, e.GetFromAddress())
	}
	return &sender{store: from, incarnation: e.GetFromIncarnation(), newest: newest}, nil
}

// refuse makes the status that ends a stream, counts it, and logs it once for each store and reason.
func (s *Server) refuse(from uint64, format string, args ...any) error {
	why := fmt.Sprintf(format, args...)
	s.refused.Add(1)
	if s.census.news(from, why) {
		s.cfg.Logger.Warn("a stream is refused", "store", s.cfg.StoreID, "from", from, "why", why)
	}
	return status.Error(codes.FailedPrecondition, why)
}

// census knows the stores that have spoken, in which of their lives, and what they were refused for.
type census struct {
	storesMax int

	mu      sync.Mutex
	lives   map[uint64]*life
	refused map[uint64]string
}

// life is a store's newest life that was seen, and where it serves.
type life struct {
	incarnation atomic.Uint64
	address     string
}

func newCensus(storesMax int) *census {
	return &census{storesMax: storesMax, lives: map[uint64]*life{}, refused: map[uint64]string{}}
}

// admit notes who speaks, or says why it is not listened to. Of two processes that are the same store the newer life is
// heard; of one life there is only one process, which serves at one address.
func (c *census) admit(store, incarnation uint64, address string) (newest *atomic.Uint64, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.lives[store]
	switch {
	case seen == nil && len(c.lives) >= c.storesMax:
		return nil, fmt.Sprintf("S%d is one store too many: at most %d are heard", store, c.storesMax)
	case seen == nil:
		seen = &life{}
		c.lives[store] = seen
	case incarnation < seen.incarnation.Load():
		return nil, fmt.Sprintf("S%d has started again since: it is in its life %d at %q, and this is life %d at %q",
			store, seen.incarnation.Load(), seen.address, incarnation, address)
	case incarnation == seen.incarnation.Load() && address != seen.address:
		return nil, fmt.Sprintf("S%d is two processes: its life %d is at %q and at %q", store, incarnation, seen.address, address)
	}
	if incarnation > seen.incarnation.Load() {
		seen.address = address
		seen.incarnation.Store(incarnation)
		delete(c.refused, store)
	}
	return &seen.incarnation, ""
}

// news tells whether a refusal is another one than the store's last. Beyond the bound of stores nothing is news.
func (c *census) news(store uint64, why string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.refused[store]
	if last == why || !known && len(c.refused) >= c.storesMax {
		return false
	}
	c.refused[store] = why
	return true
}

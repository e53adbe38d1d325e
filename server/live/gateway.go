package live

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Gateway gives a live cluster to viewers. It is safe for use from several goroutines.
type Gateway struct {
	cfg    Config
	limits Limits
	log    *slog.Logger
	opened time.Time

	mu       sync.Mutex
	closed   bool
	sessions map[*Session]struct{}
	// viewers is how many sessions there are; came counts all that there ever were.
	viewers atomic.Int64
	came    uint64
	// watch is nil while nobody watches.
	watch *watch
	// left is when the last viewer left, if there is none.
	left time.Time
	// checked is when the viewers were last looked through for idle ones.
	checked  time.Time
	watching sync.WaitGroup

	// numbers and links outlive a watch. Only the present watch uses them, under its mutex.
	numbers numbers
	links   []*sessionpb.Link
	// operating is held while the cluster is operated, one thing at a time.
	operating sync.Mutex
}

// Open makes a gateway. It does nothing before the first viewer comes.
func Open(cfg Config) (*Gateway, error) {
	if cfg.Cluster == nil {
		return nil, errors.New("a live gateway needs a cluster")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Gateway{
		cfg: cfg, limits: cfg.Limits.filled(), log: cfg.Logger, opened: cfg.Now(), sessions: map[*Session]struct{}{},
	}, nil
}

// micros is the session clock: since the gateway was opened.
func (g *Gateway) micros() int64 { return g.cfg.Now().Sub(g.opened).Microseconds() }

// ErrTooManyViewers is why one more is not let in.
var ErrTooManyViewers = errors.New("viewers are attached already, which is the most")

// ErrClosed is what a gateway answers that was closed.
var ErrClosed = errors.New("the server is ending")

// Open begins a viewer's session with the role that its token gave it. The error is a sentence for the viewer.
func (g *Gateway) Open(role sessionpb.ViewerRole, attach *sessionpb.Attach) (*Session, error) {
	if role != sessionpb.ViewerRole_VIEWER_ROLE_VIEWER && role != sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR {
		return nil, errors.New("a viewer needs a role")
	}
	if v := attach.GetProtocolVersion(); v != ProtocolVersion {
		return nil, fmt.Errorf("the page speaks version %d of the session protocol and this server version %d: reload the page", v, ProtocolVersion)
	}
	if err := checkInterest(attach.GetInterest()); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return nil, ErrClosed
	case len(g.sessions) >= g.limits.ViewersMax:
		return nil, fmt.Errorf("%d %w", g.limits.ViewersMax, ErrTooManyViewers)
	}
	if g.watch == nil {
		g.begin()
	}
	s := newSession(g, g.watch, role, newInterest(attach.GetInterest()))
	g.came++
	_, s.phase = math.Modf(float64(g.came) / math.Phi) // Any number of neighbours lie apart.
	g.sessions[s] = struct{}{}
	g.viewers.Store(int64(len(g.sessions)))
	return s, nil
}

// begin starts a watch. The caller holds the mutex.
func (g *Gateway) begin() {
	w := startWatch(g)
	g.watch = w
	g.watching.Go(func() {
		w.run(func() bool { return g.over(w) })
	})
}

// over looks after the viewers, and tells whether a watch has to end.
func (g *Gateway) over(w *watch) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.cfg.Now()
	if now.Sub(g.checked) >= time.Second {
		g.checked = now
		for s := range g.sessions {
			if s.idle(now) {
				g.forget(s)
				s.end(fmt.Sprintf("nothing was asked for %v: attach again to go on", g.limits.IdleMax))
				g.left = now
			}
		}
	}
	if !g.closed && (len(g.sessions) > 0 || now.Sub(g.left) < g.limits.Linger) {
		return false
	}
	if g.watch == w {
		// A viewer that comes now begins another watch; this one's hands are off what it shares with that.
		w.mu.Lock()
		w.cancel()
		g.links, w.merger.numbers = w.merger.fold.links, &numbers{}
		w.mu.Unlock()
		g.watch = nil
	}
	return true
}

// leave takes a session out.
func (g *Gateway) leave(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, here := g.sessions[s]; here {
		g.forget(s)
		g.left = g.cfg.Now()
	}
}

// forget takes a session out. The caller holds the mutex.
func (g *Gateway) forget(s *Session) {
	delete(g.sessions, s)
	g.viewers.Store(int64(len(g.sessions)))
}

// frameInterval is the least time between two frames of a viewer: with many viewers each gets fewer, for the cluster may run
// on the same machine.
func (g *Gateway) frameInterval() time.Duration {
	return max(g.limits.FrameInterval, time.Duration(g.Viewers())*time.Second/time.Duration(g.limits.FramesPerSecondMax))
}

// frameWait is how long an answer waits for something to happen.
func (g *Gateway) frameWait() time.Duration {
	return max(g.limits.FrameWait, min(2*g.frameInterval(), g.limits.FrameWaitMax))
}

// Viewers is how many are attached.
func (g *Gateway) Viewers() int { return int(g.viewers.Load()) }

// Close ends every session and the watch, and waits for its goroutines.
func (g *Gateway) Close() error {
	g.mu.Lock()
	g.closed = true
	for s := range g.sessions {
		g.forget(s)
		s.end(ErrClosed.Error())
	}
	if w := g.watch; w != nil {
		w.mu.Lock()
		w.cancel()
		w.mu.Unlock()
	}
	g.mu.Unlock()
	g.watching.Wait()
	return nil
}

func checkInterest(i *sessionpb.Interest) error {
	if n := max(len(i.GetRegionIds()), len(i.GetStoreIds()), len(i.GetWithoutTypes())); n > interestIDsMax {
		return fmt.Errorf("an interest names at most %d of a kind, not %d", interestIDsMax, n)
	}
	return nil
}

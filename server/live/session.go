package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const (
	// requestCommandsMax bounds a request: each command has a reply.
	requestCommandsMax = 1_024
	// overflowsMax is how often a viewer may fall off the log within overflowSpan.
	overflowsMax = 5
	overflowSpan = time.Minute
)

// Session is one viewer of a live cluster. Handle is called by one goroutine at a time; the other methods by any.
type Session struct {
	g    *Gateway
	w    *watch
	role sessionpb.ViewerRole

	// ended is closed when the session is over; closed says why, and is written before.
	ended  chan struct{}
	ending sync.Once
	closed string

	// mu guards what other goroutines of the session, or the gateway, also touch.
	mu      sync.Mutex
	replies []*sessionpb.Reply
	asked   time.Time // the last request
	asking  bool      // one is being answered
	waiting int       // commands that wait for the cluster
	// replied has room for one: a reply came.
	replied chan struct{}

	// The rest is Handle's alone.
	greeted  uint64 // 1 more than the hello it was told
	interest *interest
	seq      uint64
	position uint64 // of the log: what it is told next
	// blank: it holds nothing that events could continue, and waits for a snapshot later than afterRound.
	blank      bool
	afterRound uint64
	// renewing: it asked for a keyframe, and is told all before that; interested is what it wants to be told from then on.
	renewing   bool
	interested *interest
	gap        *sessionpb.Gap // what its next keyframe takes the place of
	pictured   []uint64       // commands that the next keyframe answers
	pace       pace
	// phase is where within an interval its frames are when all viewers are told of something at once, from 0 to 1.
	phase     float64
	metrics   uint64 // the number of its next point
	overflows []time.Time
	framed    time.Time // its last frame
	began     time.Time
	commands  allowance
	unreached string // the stores it was last told are not reached
}

func newSession(g *Gateway, w *watch, role sessionpb.ViewerRole, of *interest) *Session {
	now := g.cfg.Now()
	s := &Session{
		g: g, w: w, role: role, interest: of, interested: of, asked: now, began: now, blank: true,
		ended: make(chan struct{}), replied: make(chan struct{}, 1),
		pace:     pace{most: g.limits.EventsPerSecondMax, began: g.micros()},
		commands: allowance{perSecond: g.limits.CommandsPerSecondMax},
	}
	w.mu.Lock()
	s.afterRound, s.pace.slice = w.want(), w.slice.number
	w.mu.Unlock()
	return s
}

// Ended is closed when the session is over: by Close, by its gateway's, or because the viewer did not ask for too long or
// could not keep up. The next Handle says why.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// Close ends the session. Commands on their way are still carried out.
func (s *Session) Close() {
	s.g.leave(s)
	s.end("the session was closed")
}

func (s *Session) end(why string) {
	s.ending.Do(func() {
		s.closed = why
		close(s.ended)
	})
}

func (s *Session) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// idle tells whether the viewer has not asked for too long.
func (s *Session) idle(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.asking && now.Sub(s.asked) >= s.g.limits.IdleMax
}

// Handle answers a request with one frame. It does what is asked, and then waits until there is something to tell, but for
// no longer than FrameWait, and not sooner than FrameInterval after the last frame; a reply that is there is given at once.
// The frame's parts are shared with other viewers and must not be changed. After the session's end it says why it ended.
func (s *Session) Handle(ctx context.Context, request *sessionpb.Request) *sessionpb.Frame {
	return s.handle(ctx, request).complete()
}

func (s *Session) handle(ctx context.Context, request *sessionpb.Request) *Draft {
	s.noteAsking(true)
	defer s.noteAsking(false)
	if n := len(request.GetCommands()); n > requestCommandsMax {
		s.g.leave(s)
		s.end(fmt.Sprintf("a request has at most %d commands, not %d", requestCommandsMax, n))
	}
	if !s.over() {
		for _, c := range request.GetCommands() {
			s.command(c)
		}
		s.wait(ctx)
	}
	if s.over() {
		return &Draft{frame: &sessionpb.Frame{Replies: s.takeReplies(), Closed: s.closed}}
	}
	f := s.draw()
	s.framed = s.g.cfg.Now()
	if f.frame.Closed != "" {
		s.g.leave(s)
		s.end(f.frame.Closed)
	}
	return f
}

func (s *Session) noteAsking(asking bool) {
	s.mu.Lock()
	s.asking, s.asked = asking, s.g.cfg.Now()
	s.mu.Unlock()
}

// reply queues a reply for the next frame.
func (s *Session) reply(r *sessionpb.Reply) {
	s.mu.Lock()
	s.replies = append(s.replies, r)
	s.mu.Unlock()
	select {
	case s.replied <- struct{}{}:
	default:
	}
}

func (s *Session) refuse(commandID uint64, format string, values ...any) {
	s.reply(&sessionpb.Reply{CommandId: commandID, Failure: fmt.Sprintf(format, values...)})
}

func (s *Session) takeReplies() []*sessionpb.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	replies := s.replies
	s.replies = nil
	select {
	case <-s.replied:
	default:
	}
	return replies
}

// wait returns when a frame is due.
func (s *Session) wait(ctx context.Context) {
	now := s.g.cfg.Now()
	longest := s.g.frameWait()
	if s.greeted == 0 {
		longest = s.g.limits.FirstFrameWait
	}
	interval := s.g.frameInterval()
	timer := time.NewTimer(min(interval-now.Sub(s.framed), interval))
	defer timer.Stop()
	for due, woken := false, false; ; {
		var noted, told chan struct{} // Not yet, whatever happens.
		if due {
			s.w.mu.Lock()
			ready := s.ready()
			noted = s.w.noted
			if !s.waits() {
				told = s.w.told
			}
			s.w.mu.Unlock()
			if ready && woken {
				s.spread(ctx, interval)
			}
			if ready {
				return
			}
		}
		woken = due
		select {
		case <-timer.C:
			if due {
				return
			}
			due = true
			timer.Reset(longest - min(s.g.cfg.Now().Sub(now), longest))
		case <-noted:
		case <-told:
		case <-s.replied:
			return
		case <-s.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// spread waits for the viewer's turn among many who were woken by the same: otherwise all of their frames would be made and
// written at once, and whatever else runs on the machine would have to wait.
func (s *Session) spread(ctx context.Context, interval time.Duration) {
	turn := time.Duration(s.phase * float64(interval-s.g.limits.FrameInterval))
	if turn <= 0 {
		return
	}
	timer := time.NewTimer(turn)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.replied:
	case <-s.ended:
	case <-ctx.Done():
	}
}

// waits tells whether no event concerns the viewer at present: it waits for a snapshot, or for the next slice. The caller
// holds the watch's mutex.
func (s *Session) waits() bool { return s.blank || s.pace.room() == 0 }

// ready tells whether there is something to show. The caller holds the watch's mutex.
func (s *Session) ready() bool {
	w := s.w
	if fresh := w.latest != nil && w.latest.round > s.afterRound; s.blank || s.renewing && s.gap == nil && fresh {
		return fresh
	}
	if s.follow(s.g.micros()) {
		return true
	}
	if s.blank { // It has just leapt.
		return w.latest != nil && w.latest.round > s.afterRound
	}
	for s.position < w.log.next && !s.interest.wants(w.log.at(s.position).subject) {
		s.pace.events += w.log.at(s.position).leftOut
		s.position++
	}
	if s.position < w.log.next && s.pace.room() > 0 {
		return true
	}
	return s.metrics < w.meter.made || s.greeted != w.hellos+1 || s.unreached != unreachedText(w.unreachable())
}

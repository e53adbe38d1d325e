package live

import (
	"fmt"
	"strings"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Draft is a frame that is not encoded yet, whose events and stores are still those that all viewers share.
type Draft struct {
	frame    *sessionpb.Frame
	snapshot *snapshot // of its keyframe
	interest *interest // whose keyframe it is
	keySeq   uint64
	events   [][]byte  // encoded, without their numbers
	list     *[][]byte // where they stand
	bytes    int       // of them
	firstSeq uint64    // of the first event
}

// draw makes the viewer's next frame.
func (s *Session) draw() *Draft {
	w := s.w
	d := &Draft{frame: &sessionpb.Frame{Replies: s.takeReplies()}}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := s.g.micros()
	if s.greeted != w.hellos+1 {
		s.greeted = w.hellos + 1
		d.frame.Hello = helloTo(w.hello, s.role, s.g.cfg.Operator != nil)
	}
	if s.follow(now) {
		s.overflow(d)
	}
	if s.blank {
		s.start(d)
	}
	if !s.blank {
		s.read(d, s.renew(d))
	}
	d.frame.Metrics, s.metrics = w.meter.after(s.metrics)
	d.frame.Status = s.status(now)
	return d
}

// follow brings the viewer to the present slice, and tells whether the log has forgotten its position, which is then its
// own fault. The caller holds the watch's mutex; so it is with all below.
func (s *Session) follow(now int64) (fell bool) {
	w := s.w
	if !s.blank && s.position < w.log.first {
		if !s.held(now) {
			return true
		}
		s.forgo()
	}
	if s.pace.slice == w.slice.number {
		return false
	}
	if ahead := w.log.next - s.position; !s.blank && (s.pace.cut && (s.gap != nil || ahead > uint64(s.pace.most/4)) || w.slice.wasCut) {
		s.leapToSlice()
	}
	s.pace.roll(w.slice.number, now)
	return false
}

// leapToSlice has the viewer go on from where the present slice begins for everybody, or as soon as there is something to go
// on from.
func (s *Session) leapToSlice() {
	w := s.w
	until, afterRound := w.log.next, w.slice.afterRound
	snap := w.latest
	switch begun := snap != nil && snap.round > afterRound; {
	case !w.slice.wasCut || begun && snap.position < s.position:
		afterRound = w.want()
	case begun:
		until = snap.position
	}
	s.skip(s.count(until))
	s.leap(s.tooMany(), afterRound)
}

func (s *Session) tooMany() string { return fmt.Sprintf("more than %d events a second", s.pace.most) }

// held tells whether the viewer was shown all that it is in this slice, and waits for the next one, or has only just been
// able to ask for that.
func (s *Session) held(now int64) bool {
	slice := &s.w.slice
	return s.pace.cut && s.pace.room() == 0 &&
		(s.pace.slice == slice.number || s.pace.slice+1 == slice.number && now-slice.began < secondMicros)
}

// forgo gives up what the log no longer holds of what a held viewer would not be shown: it fell behind because it was told
// to wait. The gap has it given the present when the slice ends, and nothing before.
func (s *Session) forgo() {
	lost := s.w.log.first - s.position
	s.position = s.w.log.first
	s.skip(lost)
	s.gap.Why = s.tooMany()
}

// overflow is what becomes of a viewer whose position the log no longer holds.
func (s *Session) overflow(d *Draft) {
	lost := s.w.log.first - s.position
	s.position = s.w.log.first
	s.skip(lost + s.count(s.w.log.next))
	s.leap("the viewer did not keep up", s.w.want())
	s.pace.roll(s.w.slice.number, s.g.micros())
	now := s.g.cfg.Now()
	s.overflows = append(s.overflows, now)
	for now.Sub(s.overflows[0]) > overflowSpan {
		s.overflows = s.overflows[1:]
	}
	if len(s.overflows) >= overflowsMax {
		d.frame.Closed = fmt.Sprintf("the viewer fell behind %d times within %v: attach again, or narrow what is shown", overflowsMax, overflowSpan)
	}
}

// count goes on to a position without showing anything, and tells how many events this viewer misses by that.
func (s *Session) count(to uint64) (missed uint64) {
	for ; s.position < to; s.position++ {
		r := s.w.log.at(s.position)
		if s.interest.wants(r.subject) {
			missed++
		}
		missed += r.leftOut
	}
	return missed
}

// skip notes events that the viewer is not shown.
func (s *Session) skip(missed uint64) {
	s.pace.events += missed
	if s.gap == nil {
		s.gap = &sessionpb.Gap{}
	}
	s.gap.Events += missed
}

// leap has the viewer wait for the present, as a later round finds it.
func (s *Session) leap(why string, afterRound uint64) {
	s.blank, s.afterRound = true, max(s.afterRound, afterRound)
	if s.gap == nil {
		s.gap = &sessionpb.Gap{}
	}
	s.gap.Why = why
}

// start gives a viewer the keyframe that it waits for, if it is there.
func (s *Session) start(d *Draft) {
	snap := s.w.latest
	if snap == nil || snap.round <= s.afterRound {
		return
	}
	if snap.position < s.w.log.first {
		s.afterRound = s.w.want()
		return
	}
	if s.position < snap.position && s.gap != nil {
		if first := s.w.log.first; s.position < first {
			s.skip(first - s.position)
			s.position = first
		}
		s.skip(s.count(snap.position))
	}
	s.position = snap.position
	s.give(d, snap)
}

// renew gives a viewer that asked for it a keyframe in the midst of its events, when it has been told all before that. It
// returns how far the viewer may be told.
func (s *Session) renew(d *Draft) (until uint64) {
	snap := s.w.latest
	if !s.renewing || s.gap != nil || snap == nil || snap.round <= s.afterRound {
		return s.w.log.next // With a gap it stands behind the snapshot, perhaps, and is given a later one soon.
	}
	if s.position < snap.position {
		return snap.position
	}
	s.give(d, snap)
	return s.w.log.next
}

// give puts a keyframe into the frame, and whatever waited for one.
func (s *Session) give(d *Draft, snap *snapshot) {
	if s.renewing {
		s.interest = s.interested
	}
	s.blank, s.renewing = false, false
	d.snapshot, d.interest, d.keySeq = snap, s.interest, s.seq
	if s.gap.GetEvents() > 0 {
		d.frame.Gap = s.gap
	}
	s.gap = nil
	for _, id := range s.pictured {
		d.frame.Replies = append(d.frame.Replies, &sessionpb.Reply{CommandId: id})
	}
	s.pictured = nil
}

// read takes what the viewer is told next, at most until a position.
func (s *Session) read(d *Draft, until uint64) {
	limits := &s.g.limits
	room := min(limits.FrameEventsMax, s.pace.room())
	d.firstSeq = s.seq + 1
	if s.position < until {
		d.list = eventLists.Get().(*[][]byte)
		d.events = (*d.list)[:0]
	}
	for ; s.position < until; s.position++ {
		r := s.w.log.at(s.position)
		if s.interest.wants(r.subject) {
			if len(d.events) >= room || d.bytes > 0 && d.bytes+r.bytes > limits.FrameBytesMax {
				break
			}
			encoded := s.w.log.encoded(r)
			d.bytes += len(encoded)
			d.events = append(d.events, encoded)
			s.pace.events++
		}
		s.pace.events += r.leftOut
	}
	s.pace.shown += uint64(len(d.events))
	s.seq += uint64(len(d.events))
	if s.pace.room() == 0 {
		s.pace.cut, s.w.slice.cut = true, true
	}
}

func (s *Session) status(now int64) *sessionpb.Status {
	w := s.w
	unreachable := w.unreachable()
	s.unreached = unreachedText(unreachable)
	status := &sessionpb.Status{
		NowMicros: max(now, w.merger.last), Seq: s.seq, HeadSeq: s.seq, Playing: true, SpeedPpm: secondMicros,
		MessagesInFlight: uint32(len(w.merger.flights.byParcel)),
		Live: &sessionpb.Live{
			Unreachable: unreachable, Viewers: uint32(s.g.Viewers()), Events: s.pace.lastEvents, EventsShown: s.pace.lastShown,
		},
	}
	if s.blank || s.renewing {
		status.Work = &sessionpb.Work{What: "asking the stores how they stand"}
	}
	return status
}

func unreachedText(list []*sessionpb.StoreUnreachable) string {
	var text strings.Builder
	for _, u := range list {
		fmt.Fprintf(&text, "%d %s\n", u.GetStoreId(), u.GetWhy())
	}
	return text.String()
}

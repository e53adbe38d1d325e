package live

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Draft is a frame that is not encoded yet, whose events and stores are still those that all viewers share.
type Draft struct {
	frame    *sessionpb.Frame
	snapshot *snapshot // its keyframe's stores
	records  []*record
	firstSeq uint64 // of the first record
}

// draw makes the viewer's next frame.
func (s *Session) draw() *Draft {
	viewers := s.g.Viewers()
	w := s.w
	d := &Draft{frame: &sessionpb.Frame{Replies: s.takeReplies()}}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := s.g.micros()
	if s.greeted != w.hellos+1 {
		s.greeted = w.hellos + 1
		d.frame.Hello = helloTo(w.hello, s.role, s.g.cfg.Operator != nil)
	}
	if !s.blank && s.position < w.log.first {
		if s.held(now) {
			s.forgo()
		} else {
			s.overflow(d)
		}
	}
	s.second(now, viewers)
	if s.blank {
		s.start(d)
	}
	if !s.blank {
		s.read(d, s.renew(d))
	}
	d.frame.Metrics, s.metrics = w.meter.after(s.metrics)
	d.frame.Status = s.status(now, uint32(viewers))
	return d
}

// second ends a second of the viewer's, if it is over. One that was cut, and left much behind, is followed by the present.
func (s *Session) second(now int64, viewers int) {
	if !s.pace.over(now) {
		return
	}
	if !s.blank && s.pace.cut && (s.gap != nil || s.w.log.next-s.position > uint64(s.pace.perSecond/4)) {
		s.skip(s.count(s.w.log.next))
		s.leap(fmt.Sprintf("more than %d events a second", s.pace.perSecond))
	}
	s.pace.roll(now, viewers)
}

// held tells whether the viewer was shown all that it is in this slice, and waits for the next one, or has only just been
// able to ask for that.
func (s *Session) held(now int64) bool {
	return s.pace.cut && s.pace.room() == 0 && !s.pace.over(now-secondMicros)
}

// forgo gives up what the log no longer holds of what a held viewer would not be shown: it fell behind because it was told
// to wait. The gap has it given the present when the slice ends, and nothing before.
func (s *Session) forgo() {
	lost := s.w.log.first - s.position
	s.position = s.w.log.first
	s.skip(lost)
	s.gap.Why = fmt.Sprintf("more than %d events a second", s.pace.perSecond)
}

// overflow is what becomes of a viewer whose position the log no longer holds. The caller holds the watch's mutex; so it is
// with all below.
func (s *Session) overflow(d *Draft) {
	lost := s.w.log.first - s.position
	s.position = s.w.log.first
	s.skip(lost + s.count(s.w.log.next))
	s.leap("the viewer did not keep up")
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

// leap has the viewer wait for the present.
func (s *Session) leap(why string) {
	s.blank, s.afterRound = true, s.w.want()
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
	d.snapshot, d.frame.Keyframe, d.frame.Gap = snap, snap.keyframe(s.seq, s.interest, false), s.gap
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
	bytes := 0
	d.firstSeq = s.seq + 1
	for ; s.position < until; s.position++ {
		r := s.w.log.at(s.position)
		if s.interest.wants(r.subject) {
			if len(d.records) >= room || bytes > 0 && bytes+len(r.encoded) > limits.FrameBytesMax {
				break
			}
			bytes += len(r.encoded)
			d.records = append(d.records, r)
			s.pace.events++
		}
		s.pace.events += r.leftOut
	}
	s.pace.shown += uint64(len(d.records))
	s.seq += uint64(len(d.records))
	s.pace.cut = s.pace.cut || s.pace.room() == 0
}

func (s *Session) status(now int64, viewers uint32) *sessionpb.Status {
	w := s.w
	unreachable := w.unreachable()
	s.unreached = unreachedText(unreachable)
	status := &sessionpb.Status{
		NowMicros: max(now, w.merger.last), Seq: s.seq, HeadSeq: s.seq, Playing: true, SpeedPpm: secondMicros,
		MessagesInFlight: uint32(len(w.merger.flights.byParcel)),
		Live: &sessionpb.Live{
			Unreachable: unreachable, Viewers: viewers, Events: s.pace.lastEvents, EventsShown: s.pace.lastShown,
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

// complete fills in the events and stores. Events are copies of the shared ones, with the viewer's numbers.
func (d *Draft) complete() {
	if d.snapshot != nil {
		d.frame.Keyframe.Stores = d.snapshot.stores
	}
	if len(d.records) == 0 {
		return
	}
	copies := make([]sessionpb.Event, len(d.records))
	d.frame.Events = make([]*sessionpb.Event, len(d.records))
	for i, r := range d.records {
		e := &copies[i]
		e.Seq, e.TimeMicros, e.StoreId, e.Body = d.firstSeq+uint64(i), r.event.TimeMicros, r.event.StoreId, r.event.Body
		d.frame.Events[i] = e
	}
}

// Fields of a Frame, and of an Event.
const (
	keyframeField = 2
	eventsField   = 3
	seqField      = 1
)

// Closed is the frame's: the sentence with which the session ends, or empty.
func (d *Draft) Closed() string { return d.frame.GetClosed() }

// Append appends the frame in its encoding, put together of what is encoded already. A viewer of protobuf does not mind the
// order of the fields.
func (d *Draft) Append(b []byte) []byte {
	size := 0
	for _, r := range d.records {
		size += len(r.encoded) + 2*protowire.SizeVarint(1<<32)
	}
	var stores []byte
	keyframe := d.frame.GetKeyframe()
	if d.snapshot != nil {
		stores = d.snapshot.encodedStores()
		d.frame.Keyframe = nil
	}
	b = appendProto(slices.Grow(b, size+proto.Size(d.frame)+proto.Size(keyframe)+len(stores)+16), d.frame)
	d.frame.Keyframe = keyframe
	if d.snapshot != nil {
		b = protowire.AppendTag(b, keyframeField, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(proto.Size(keyframe)+len(stores)))
		b = append(appendProto(b, keyframe), stores...)
	}
	for i, r := range d.records {
		seq := d.firstSeq + uint64(i)
		b = protowire.AppendTag(b, eventsField, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(protowire.SizeTag(seqField)+protowire.SizeVarint(seq)+len(r.encoded)))
		b = protowire.AppendVarint(protowire.AppendTag(b, seqField, protowire.VarintType), seq)
		b = append(b, r.encoded...)
	}
	return b
}

// appendProto appends a message's encoding. It panics when there is none: all text here is UTF-8.
func appendProto(b []byte, m proto.Message) []byte {
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		panic(fmt.Sprintf("live: %T does not encode: %v", m, err))
	}
	return b
}

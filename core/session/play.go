package session

import (
	"fmt"
	"math/bits"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// How fast playing may be, and how fast the story passes over time in which nothing is in flight.
const (
	ppm              = 1_000_000
	speedMin         = ppm / 100
	speedMax         = ppm * 100
	quickSpeed       = ppm * 5
	flightMicrosMin  = 50_000
	flightMicrosMax  = 10_000_000
	elapsedMicrosMax = 100_000 // of one request: a viewer that was away does not leap
)

func (s *Session) startPlay(p *sessionpb.Play) error {
	switch p.GetPace() {
	case sessionpb.Pace_PACE_STORY:
		if f := p.GetFlightMicros(); f < flightMicrosMin || f > flightMicrosMax {
			return fmt.Errorf("a flight lasts %d ms to %d ms for the eye, not %d ms",
				flightMicrosMin/1000, flightMicrosMax/1000, f/1000)
		}
	case sessionpb.Pace_PACE_FIXED:
		if v := p.GetSpeedPpm(); v < speedMin || v > speedMax {
			return fmt.Errorf("the speed is from 1/100 to 100 times, not %d millionths", v)
		}
	default:
		return fmt.Errorf("there is no pace %d", p.GetPace())
	}
	s.play = p
	return nil
}

// playOn moves the cluster on by what a viewer's eyes have waited, at the pace of the play.
func (s *Session) playOn(elapsedMicros int64, more func() bool) {
	left := min(max(elapsedMicros, 0), elapsedMicrosMax)
	s.showWaiting()
	for {
		world := s.line.world
		s.speed, s.quick = s.pace()
		due, _, ok := s.line.due()
		reach := world.Now() + mulDiv(left, s.speed, ppm)
		if !ok || due > reach {
			// What is left of the wait passes without anything happening.
			if err := world.AdvanceTo(reach); err != nil {
				s.play = nil
			}
			return
		}
		left -= mulDiv(due-world.Now(), ppm, s.speed)
		left = max(left, 0)
		s.forward()
		s.showWaiting()
		if s.play == nil || len(s.frame.GetEvents()) >= eventsFrameMax || !more() {
			return
		}
	}
}

// pace is the speed of virtual time just now, in millionths, and whether the story is passing quickly.
func (s *Session) pace() (speed int64, quick bool) {
	if s.play.GetPace() == sessionpb.Pace_PACE_FIXED {
		return s.play.GetSpeedPpm(), false
	}
	if !s.line.world.Busy() {
		return quickSpeed, true
	}
	shortest := shortestFlight(s.line.world.Config())
	return min(max(mulDiv(shortest, ppm, s.play.GetFlightMicros()), 1), quickSpeed), false
}

// shortestFlight is how long a message is on its way at least, on the quickest of all links.
func shortestFlight(cfg *sessionpb.Config) int64 {
	of := func(n *sessionpb.Network) int64 { return max(n.GetLatencyMicros()-n.GetJitterMicros(), 100) }
	shortest := of(cfg.GetNetwork())
	for _, l := range cfg.GetLinks() {
		if l.GetNetwork() != nil {
			shortest = min(shortest, of(l.GetNetwork()))
		}
	}
	return shortest
}

// forward does the branch's next thing, watched: judges see it, and its events wait to be shown.
func (s *Session) forward() bool {
	if !s.line.next() {
		return false
	}
	events := s.line.take()
	s.waiting = append(s.waiting, events...)
	s.line.noteMark()
	s.stopAtViolation(events)
	return true
}

// stopAtViolation ends playing when a judge has complained, if the run asks for that.
func (s *Session) stopAtViolation(events []*sessionpb.Event) {
	for _, e := range events {
		if e.GetViolation() != nil && s.line.branch.config.GetStopAtViolation() {
			s.play = nil
		}
	}
}

// mulDiv is a*b/c for numbers that are not negative, without overflow in between.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return 1<<63 - 1
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(min(q, 1<<62))
}

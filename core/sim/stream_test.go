package sim

import (
	"slices"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func TestStreamsAreFixedAndIndependent(t *testing.T) {
	// These numbers are part of every recorded run: when they change, old runs no longer replay.
	a, b := newStream(7, "latency/1/2"), newStream(7, "latency/2/1")
	var drawnA, drawnB []uint64
	for range 4 {
		drawnA, drawnB = append(drawnA, a.below(1_000)), append(drawnB, b.below(1_000))
	}
	if want := []uint64{115, 907, 70, 107}; !slices.Equal(drawnA, want) {
		t.Errorf("latency/1/2 draws %v, want %v", drawnA, want)
	}
	if slices.Equal(drawnA, drawnB) {
		t.Errorf("two streams draw the same: %v", drawnA)
	}
	if got := streamName("latency", 1, 2); got != "latency/1/2" {
		t.Errorf("stream name %q", got)
	}
	for range 1_000 {
		if v := a.between(-3, 3); v < -3 || v > 3 {
			t.Fatalf("drew %d from [-3, 3]", v)
		}
	}
}

// A knob that is turned moves what it is about, and nothing else that chance has for a message.
func TestEachFaultIsDrawnApart(t *testing.T) {
	draws := func(turn func(*sessionpb.Network)) []draw {
		s := &sessionpb.Network{LatencyMicros: 20_000, JitterMicros: 5_000, SlowMicros: 1_000_000}
		turn(s)
		l := newLink(3, 1, 2)
		drawn := make([]draw, 1_000)
		for i := range drawn {
			drawn[i] = l.draw(s)
		}
		return drawn
	}
	calm := draws(func(*sessionpb.Network) {})
	for i, d := range calm {
		if d.lost || d.reordered || d.copied || d.copyLost || d.latency < 15_000 || d.latency > 25_000 {
			t.Fatalf("message %d draws %+v on a calm network", i+1, d)
		}
		if d.late < 1 || d.late > 80_000 || d.copyLatency < 15_000 || d.copyLatency > 25_000 {
			t.Fatalf("message %d would be late by %d µs, its copy on its way for %d µs", i+1, d.late, d.copyLatency)
		}
	}
	for name, c := range map[string]struct {
		turn func(*sessionpb.Network)
		// hit tells of a message that the fault is about, and undo makes it what it was without.
		hit  func(d *draw) bool
		undo func(d *draw)
	}{
		"loss": {func(s *sessionpb.Network) { s.LossPpm = 100_000 }, func(d *draw) bool { return d.lost },
			func(d *draw) { d.lost, d.copyLost = false, false }},
		"slow": {func(s *sessionpb.Network) { s.SlowPpm = 100_000 }, func(d *draw) bool { return d.latency > 1_000_000 },
			func(d *draw) { d.latency %= 1_000_000 }},
		"reorder": {func(s *sessionpb.Network) { s.ReorderPpm = 100_000 }, func(d *draw) bool { return d.reordered },
			func(d *draw) { d.reordered = false }},
		"duplicate": {func(s *sessionpb.Network) { s.DuplicatePpm = 100_000 }, func(d *draw) bool { return d.copied },
			func(d *draw) { d.copied = false }},
	} {
		hits := 0
		for i, d := range draws(c.turn) {
			if c.hit(&d) {
				hits++
			}
			if c.undo(&d); d != calm[i] {
				t.Fatalf("%s changes what else message %d draws: %+v, want %+v", name, i+1, d, calm[i])
			}
		}
		if hits < 70 || hits > 130 {
			t.Errorf("%s hits %d of 1000 messages, want about 100", name, hits)
		}
	}
}

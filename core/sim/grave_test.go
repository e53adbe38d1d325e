package sim_test

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// A peer is removed and its tombstone still on the way to the disk: a late message must not bring the peer back, for it
// would have forgotten its term and its vote.
func TestNoMessageBringsBackAPeerWhoseTombstoneIsOnItsWay(t *testing.T) {
	var seen recording
	cfg := sim.DefaultConfig()
	cfg.Stores = 3
	cfg.Network = &sessionpb.Network{LatencyMicros: 1_000_000}
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	// Messages are at once where they go, but for one append to the peer that goes.
	out, late := uint64(0), uint64(0)
	run := func(until func() bool) {
		t.Helper()
		for !until() && w.Now() < 60_000_000 {
			for _, m := range w.Keyframe().Messages {
				if late == 0 && m.ToStore == out && m.Type == sessionpb.MessageType_MESSAGE_TYPE_APPEND {
					late = m.Id
				}
				if m.Id != late {
					act(t, w, deliver(m.Id))
				}
			}
			if !until() {
				w.Step()
			}
		}
	}
	run(func() bool { return w.Leader() != 0 })
	leader := w.Leader()
	first := act(t, w, put(0, "a", "1"))
	run(func() bool { return seen.ended(first) != nil })
	out = 1 + leader%3
	act(t, w, put(0, "a", "2"))
	run(func() bool { return late != 0 })
	act(t, w, changeOf(1, removePeer(out)))
	gone := func() bool { return w.Store(out).Region(1) == nil }
	run(gone)
	if act(t, w, deliver(late)); !gone() {
		t.Fatalf("message %d brings the peer on S%d back", late, out)
	}
}

package live

import (
	"fmt"
	"testing"
	"time"

	metapb "raftplay/core/pb/metapb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// stately is a store as a picture shows it: a region with a few hundred entries and keys of 128 bytes.
func stately(id uint64) *sessionpb.StoreState {
	p := &sessionpb.PeerState{Region: &metapb.Region{Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}, PeerId: 100 + id, Term: 6}
	for i := range uint64(300) {
		p.Keys = append(p.Keys, &sessionpb.KeyChange{Key: fmt.Appendf(nil, "bench-%05d", i), Value: make([]byte, 128), Revision: i + 1})
		p.Entries = append(p.Entries, &sessionpb.LogEntry{Index: i + 1, Term: 6, Command: make([]byte, 170), Digest: i})
	}
	return &sessionpb.StoreState{Id: id, Up: true, Peers: []*sessionpb.PeerState{p}}
}

// One slice for so many viewers: a snapshot of three stores, a thousand events, and a frame with both for each.
func BenchmarkSlice(b *testing.B) {
	const events = 1_000
	for _, viewers := range []int{1, 200} {
		b.Run(fmt.Sprintf("viewers=%d", viewers), func(b *testing.B) {
			limits := Limits{FrameInterval: time.Nanosecond, FramesPerSecondMax: 1 << 30, EventsPerSecondMax: 1 << 30}.filled()
			g := &Gateway{cfg: Config{Now: time.Now}, limits: limits, opened: time.Now(), sessions: map[*Session]struct{}{}}
			w := &watch{
				g: g, log: newEventLog(limits.LogEventsMax, limits.LogBytesMax), merger: newMerger(&g.limits, &g.numbers),
				meter: newMeter(0), hello: &sessionpb.Hello{ConfigDefault: &sessionpb.Config{}}, noted: make(chan struct{}), told: make(chan struct{}),
			}
			for id := range uint64(3) {
				w.merger.add(id + 1)
				w.merger.fold.put(stately(id + 1))
			}
			all := make([]*Session, viewers)
			for i := range all {
				all[i] = newSession(g, w, viewer, nil)
				all[i].greeted = 1
			}
			var buffer []byte
			bytes := 0
			b.ReportAllocs()
			for b.Loop() {
				w.rounds++
				w.snap(w.rounds)
				for i := range events {
					w.publish(frequent(i), subject{}, 0)
				}
				for _, s := range all {
					s.blank, s.afterRound = true, w.rounds-1
					own, shared := s.draw().Append(buffer[:0])
					buffer, bytes = own, bytes+len(own)+len(shared)
				}
			}
			b.ReportMetric(float64(bytes)/float64(b.N*viewers), "bytes/frame")
		})
	}
}

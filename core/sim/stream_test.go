package sim

import (
	"slices"
	"testing"
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

func TestLatencyAndLossAreDrawnApart(t *testing.T) {
	depart := func(loss uint32) (dues []int64, doomed int) {
		var n network
		n.begin(3)
		for i := range int64(1_000) {
			f := n.flights[n.depart(storeMessage(1, 2), i*1_000_000, networkOf(20_000, 5_000, loss))]
			dues = append(dues, f.due)
			if f.doomed {
				doomed++
			}
		}
		return dues, doomed
	}
	calm, none := depart(0)
	lossy, some := depart(100_000)
	if none != 0 || some < 70 || some > 130 {
		t.Errorf("%d and %d of 1000 messages doomed, want 0 and about 100", none, some)
	}
	if !slices.Equal(calm, lossy) {
		t.Error("loss changes when messages arrive")
	}
	for i, due := range calm {
		if latency := due - int64(i)*1_000_000; latency < 15_000 || latency > 25_000 {
			t.Fatalf("message %d takes %d µs, want 20 ms ± 5 ms", i+1, latency)
		}
	}
}

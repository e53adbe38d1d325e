//go:build unix

package torture

import (
	"math/rand/v2"
	"testing"
	"time"
)

// cyclesShort is how many cycles run when nobody asks for more.
const cyclesShort = 8

func TestProcessesThatAreKilledAndFrozenKeepWhatTheyAcknowledged(t *testing.T) {
	cycles := *cyclesFlag
	if cycles == 0 {
		cycles = cyclesShort
		if testing.Short() {
			cycles = 4
		}
	}
	seed := *seedFlag
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay: make torture CYCLES=%d SEED=%d", cycles, seed)
		}
	})
	g := startGroup(t, 3)
	began := time.Now()
	l := startLoad(t, g.endpoints(), seed)
	o := l.operate(3, seed, operatorPauseMax)
	draw := rand.New(rand.NewPCG(seed, 0))
	for n := range cycles {
		l.epoch.Store(int64(n))
		c := drawCycle(draw, 3)
		if testing.Verbose() {
			t.Logf("%v, cycle %d: %v", time.Since(began).Round(time.Millisecond), n+1, c)
		}
		if err := g.deal(c); err != nil {
			t.Fatalf("cycle %d, %v: %v", n+1, c, err)
		}
		if err := l.serves(t); err != nil {
			t.Fatalf("cycle %d, %v: %v", n+1, c, err)
		}
		must(t, g.alive())
	}
	l.stop()
	must(t, l.readBack(t))
	must(t, o.restoreAll(t.Context()))
	must(t, o.caughtUp(t.Context()))
	took := time.Since(began)
	t.Logf("%d cycles in %v, %v each", cycles, took.Round(time.Millisecond), (took / time.Duration(cycles)).Round(time.Millisecond))
	t.Logf("the operator's: %v", o.done)
	l.h.mustBeLinearizable(t, g.dir)
}

//go:build unix

package torture

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// blow is what happens to one store in a cycle.
type blow struct {
	store uint64
	kind  blowKind
	// lasts is until the store is back.
	lasts time.Duration
	// again is until a store that was killed is killed once more after it was started; 0: never. It may not even serve then.
	again time.Duration
}

type blowKind uint8

const (
	killed  blowKind = iota // kill -9
	frozen                  // SIGSTOP, and later SIGCONT: its clock jumps
	stopped                 // SIGTERM: it hands over
)

func (b blow) String() string {
	s := fmt.Sprintf("S%d %s for %v", b.store, []string{"killed", "frozen", "stopped"}[b.kind], b.lasts)
	if b.again > 0 {
		s += fmt.Sprintf(" and killed again %v after its start", b.again)
	}
	return s
}

// cycle is what happens to a cluster in one cycle: after a while of work, blows to some stores at the same time.
type cycle struct {
	after time.Duration
	blows []blow
}

func (c cycle) String() string {
	var all []string
	for _, b := range c.blows {
		all = append(all, b.String())
	}
	return fmt.Sprintf("after %v: %s", c.after, strings.Join(all, ", "))
}

const (
	workMax  = 400 * time.Millisecond
	blowMax  = 800 * time.Millisecond
	againMax = 150 * time.Millisecond
	// A frozen leader is replaced within 600 ms, so some freezes have to last longer.
	freezeMax = 1500 * time.Millisecond
)

func drawMillis(draw *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(draw.Int64N(most.Milliseconds())+1) * time.Millisecond
}

// drawCycle draws what happens to stores 1 to n: mostly to one, sometimes to two or all.
func drawCycle(draw *rand.Rand, n int) cycle {
	c := cycle{after: drawMillis(draw, workMax)}
	victims := 1
	switch chance := draw.IntN(100); {
	case chance < 12:
		victims = n
	case chance < 35:
		victims = 2
	}
	for _, at := range draw.Perm(n)[:victims] {
		b := blow{store: uint64(at + 1), lasts: drawMillis(draw, blowMax)}
		switch chance := draw.IntN(100); {
		case chance < 25:
			b.kind, b.lasts = frozen, drawMillis(draw, freezeMax)
		case chance < 35:
			b.kind = stopped
		case chance < 60:
			b.again = drawMillis(draw, againMax)
		}
		c.blows = append(c.blows, b)
	}
	return c
}

// deal deals the blows of a cycle, and returns when all stores are back.
func (g *group) deal(c cycle) error {
	time.Sleep(c.after)
	failed := make(chan error, len(c.blows))
	for _, b := range c.blows {
		go func() { failed <- g.strike(b) }()
	}
	var err error
	for range c.blows {
		err = errors.Join(err, <-failed)
	}
	return err
}

func (g *group) strike(b blow) error {
	if b.kind == frozen {
		err := g.freeze(b.store)
		time.Sleep(b.lasts)
		return errors.Join(err, g.thaw(b.store))
	}
	end := g.kill
	if b.kind == stopped {
		end = g.stop
	}
	if err := end(b.store); err != nil {
		return err
	}
	time.Sleep(b.lasts)
	if b.again > 0 {
		if _, err := g.launch(b.store); err != nil {
			return err
		}
		time.Sleep(b.again)
		if err := g.store(b.store).alive(); err != nil {
			return fmt.Errorf("%w: %s", err, g.lastWords(b.store))
		}
		if err := g.kill(b.store); err != nil {
			return err
		}
	}
	return g.start(b.store)
}

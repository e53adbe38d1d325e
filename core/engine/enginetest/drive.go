package enginetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"raftplay/core/engine"
)

// Seeds runs a random test once per seed; a failing one is replayed by its name. The package is as go test takes it.
func Seeds(t *testing.T, pkg string, n uint64, run func(t *testing.T, draw *rand.Rand)) {
	for seed := uint64(1); seed <= n; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("replay: go test %s -count=1 -run '^%s$'", pkg, strings.ReplaceAll(t.Name(), "/", "$/^"))
				}
			})
			run(t, rand.New(rand.NewPCG(seed, 1)))
		})
	}
}

// Subject is an engine under test.
type Subject struct {
	Engine engine.Engine
	// Crash takes the engine's power away and returns the engine that is there afterwards; it tells the model what is left.
	// The snapshots of before are gone when it returns another engine.
	Crash func(m *Model) engine.Engine
	// Check looks at what only this engine has, after every step; it may be nil.
	Check func(step int, m *Model)
}

// frozen is a snapshot and what it must show for ever.
type frozen struct {
	snapshot engine.Snapshot
	pairs    map[string]string
}

// lent is a value that an engine gave out: it stays as it was.
type lent struct {
	value []byte
	was   string
}

// Exercise does random things to an engine and the model and compares them after each of the steps.
func Exercise(t *testing.T, draw *rand.Rand, s Subject, steps int) {
	m := NewModel()
	var snapshots []frozen
	var values []lent
	for step := range steps {
		switch n := draw.IntN(20); {
		case n < 10:
			m.Write(t, s.Engine, draw)
		case n < 13:
			if err := s.Engine.Sync(); err != nil {
				t.Fatal(err)
			}
			m.Sync()
		case n < 14:
			if after := s.Crash(m); after != s.Engine {
				s.Engine, snapshots = after, nil
			}
		case n < 16 && len(snapshots) < 4:
			snapshots = append(snapshots, frozen{s.Engine.Snapshot(), maps.Clone(m.Now)})
		case n < 17 && len(snapshots) > 0:
			i := draw.IntN(len(snapshots))
			snapshots[i].snapshot.Close()
			snapshots = slices.Delete(snapshots, i, i+1)
		default:
			if value, found, _ := s.Engine.Get([]byte(AnyKey(draw))); found && len(values) < 50 {
				values = append(values, lent{value, string(value)})
			}
		}
		Compare(t, fmt.Sprintf("step %d", step), s.Engine, m.Now, draw)
		for i, f := range snapshots {
			Compare(t, fmt.Sprintf("step %d, snapshot %d", step, i), f.snapshot, f.pairs, draw)
		}
		for _, v := range values {
			if string(v.value) != v.was {
				t.Fatalf("step %d: a value given out as %q is now %q", step, v.was, v.value)
			}
		}
		if s.Check != nil {
			s.Check(step, m)
		}
	}
	for _, f := range snapshots {
		f.snapshot.Close()
	}
}

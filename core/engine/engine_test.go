package engine_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"raftplay/core/engine"
	"raftplay/core/engine/enginetest"
)

const pkg = "./core/engine"

// exercise does random things to an engine in memory, and returns a transcript of what the engine said.
func exercise(t *testing.T, draw *rand.Rand) string {
	e := engine.NewMemory()
	var transcript strings.Builder
	enginetest.Exercise(t, draw, enginetest.Subject{
		Engine: e,
		Crash: func(m *enginetest.Model) engine.Engine {
			keep := draw.IntN(3)
			if got, want := e.Crash(keep), m.Crash(keep); got != want {
				t.Fatalf("a crash that keeps %d batches lost %d bytes, want %d", keep, got, want)
			}
			return e
		},
		Check: func(step int, m *enginetest.Model) {
			wantBatches, wantBytes := m.Unsynced()
			if batches, bytes := e.Unsynced(); batches != wantBatches || bytes != wantBytes {
				t.Fatalf("step %d: a crash would lose %d batches of %d bytes, want %d of %d", step, batches, bytes, wantBatches, wantBytes)
			}
			fmt.Fprintln(&transcript, e)
		},
	}, 300)
	return transcript.String()
}

func TestMemoryIsAMapWithASyncedLine(t *testing.T) {
	enginetest.Seeds(t, pkg, 12, func(t *testing.T, draw *rand.Rand) { exercise(t, draw) })
}

func TestMemoryDoesTheSameThingTwice(t *testing.T) {
	if a, b := exercise(t, rand.New(rand.NewPCG(5, 5))), exercise(t, rand.New(rand.NewPCG(5, 5))); a != b {
		t.Fatalf("one list of operations, two histories:\n%s\n%s", a, b)
	}
}

func TestCrashLosesExactlyWhatWasNotSynced(t *testing.T) {
	e := engine.NewMemory()
	write := func(fill func(*engine.Batch)) {
		b := &engine.Batch{}
		fill(b)
		if err := e.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	write(func(b *engine.Batch) { b.Put([]byte("kept"), []byte("1")); b.Put([]byte("changed"), []byte("1")) })
	if err := e.Sync(); err != nil {
		t.Fatal(err)
	}
	write(func(b *engine.Batch) { b.Put([]byte("changed"), []byte("2")); b.Put([]byte("new"), []byte("2")) })
	write(func(b *engine.Batch) {
		b.Delete([]byte("kept"))
		b.Put([]byte("kept"), []byte("3"))
		b.Delete([]byte("kept"))
		b.Delete([]byte("was never there"))
	})
	if got := fmt.Sprint(e); got != "2 keys, 2 batches not synced" {
		t.Fatalf("before the crash: %s", got)
	}
	for range 2 { // a second crash finds nothing to lose
		e.Crash(0)
		got := ""
		if err := e.Ascend(nil, nil, func(key, value []byte) bool { got += fmt.Sprintf("%s=%s ", key, value); return true }); err != nil {
			t.Fatal(err)
		}
		if got != "changed=1 kept=1 " {
			t.Fatalf("after the crash: %s", got)
		}
	}
}

func TestATornBatchLeavesTheFirstHalfOfItsOperations(t *testing.T) {
	for keep, want := range []string{"a=1 ", "a=2 b=1 ", "a=2 b=2 c=3 "} {
		e := engine.NewMemory()
		for i, keys := range []string{"ab", "ab", "cd"} {
			b := &engine.Batch{}
			for _, key := range keys {
				b.Put([]byte{byte(key)}, fmt.Append(nil, i+1))
			}
			if err := e.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		if lost := e.CrashTorn(keep); lost != 4*(3-keep) {
			t.Errorf("keeping %d batches lost %d bytes, want %d", keep, lost, 4*(3-keep))
		}
		got := ""
		if err := e.Ascend(nil, nil, func(key, value []byte) bool { got += fmt.Sprintf("%s=%s ", key, value); return true }); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("keeping %d batches and an operation leaves %s, want %s", keep, got, want)
		}
		if batches, _ := e.Unsynced(); batches != 0 {
			t.Errorf("what a crash left is not durable: %d batches", batches)
		}
	}
}

func TestCorruptionChangesAValueForGood(t *testing.T) {
	e := engine.NewMemory()
	b := &engine.Batch{}
	b.Put([]byte("a"), []byte("1"))
	if err := e.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := e.Sync(); err != nil {
		t.Fatal(err)
	}
	frozen := e.Snapshot()
	e.Corrupt([]byte("a"), []byte("x"))
	e.Corrupt([]byte("b"), []byte("x"))
	e.Crash(0)
	if got := fmt.Sprint(e); got != "1 keys, 0 batches not synced" {
		t.Errorf("the engine has %s", got)
	}
	for reader, want := range map[engine.Reader]string{e: "x", frozen: "1"} {
		if value, found, _ := reader.Get([]byte("a")); !found || string(value) != want {
			t.Errorf("a reads %q, %v, want %q", value, found, want)
		}
	}
}

func TestOverlayReadsAsIfItsWritesStoodInTheBase(t *testing.T) {
	enginetest.Seeds(t, pkg, 12, func(t *testing.T, draw *rand.Rand) {
		base, m := engine.NewMemory(), enginetest.NewModel()
		for range 6 {
			m.Write(t, base, draw)
		}
		o, want := engine.NewOverlay(base), maps.Clone(m.Now)
		for step := range 200 {
			key := enginetest.AnyKey(draw)
			switch n := draw.IntN(12); {
			case n < 6:
				value := fmt.Sprint(step)
				o.Put([]byte(key), []byte(value))
				want[key] = value
			case n < 10:
				o.Delete([]byte(key))
				delete(want, key)
			case n == 10:
				o.Reset()
				m.Write(t, base, draw)
				want = maps.Clone(m.Now)
			}
			enginetest.Compare(t, fmt.Sprintf("step %d", step), o, want, draw)
			enginetest.Compare(t, fmt.Sprintf("step %d, the base", step), base, m.Now, draw)
		}
	})
}

func TestBatchesAreVisitedInOrderAndTheLastWins(t *testing.T) {
	b := &engine.Batch{}
	b.Put([]byte("a"), []byte("1"))
	b.Delete([]byte("a"))
	b.Put([]byte("a"), []byte("2"))
	told := ""
	b.Visit(func(key, value []byte) { told += fmt.Sprintf("%s=%s ", key, value) }, func(key []byte) { told += fmt.Sprintf("-%s ", key) })
	if told != "a=1 -a a=2 " {
		t.Fatalf("visited %s", told)
	}
	e := engine.NewMemory()
	if err := e.Write(b); err != nil {
		t.Fatal(err)
	}
	if value, found, _ := e.Get([]byte("a")); !found || string(value) != "2" {
		t.Fatalf("a is %q, %v", value, found)
	}
}

package engine_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"raftplay/core/engine"
)

// seeds runs a random test once per seed; a failing one is replayed by its name.
func seeds(t *testing.T, n uint64, run func(t *testing.T, draw *rand.Rand)) {
	for seed := uint64(1); seed <= n; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("replay: go test ./core/engine -count=1 -run '^%s$'", strings.ReplaceAll(t.Name(), "/", "$/^"))
				}
			})
			run(t, rand.New(rand.NewPCG(seed, 1)))
		})
	}
}

// Keys are few and share prefixes, so that they meet; the empty key and bytes at the ends of the order are among them.
var keys = []string{"", "\x00", "\x00\x00", "a", "a\x00", "aa", "ab", "b", "ba", "c", "z", "\x7f", "\x80", "\xff", "\xff\xff"}

func anyKey(draw *rand.Rand) string { return keys[draw.IntN(len(keys))] }

// model is what an engine does, as plainly as it can be said: the pairs now, and the pairs that a crash may leave.
type model struct {
	now map[string]string
	// before are the pairs as they stood before each batch that is not synced, bytes those batches' sizes.
	before []map[string]string
	bytes  []int
}

func newModel() *model { return &model{now: map[string]string{}} }

func (m *model) sync() { m.before, m.bytes = nil, nil }

// crash keeps the first batches that are not synced, and returns how many bytes are lost.
func (m *model) crash(keep int) (lost int) {
	if keep < len(m.before) {
		m.now = m.before[keep]
		for _, bytes := range m.bytes[keep:] {
			lost += bytes
		}
	}
	m.sync()
	return lost
}

// unsynced is what a crash that keeps nothing would lose.
func (m *model) unsynced() (batches, bytes int) {
	for _, b := range m.bytes {
		bytes += b
	}
	return len(m.bytes), bytes
}

// write draws a batch and writes it to the engine and the model; the batch may name a key twice.
func (m *model) write(t *testing.T, e engine.Engine, draw *rand.Rand) {
	b, size, before := &engine.Batch{}, 0, maps.Clone(m.now)
	ops := draw.IntN(5)
	for range ops {
		key := anyKey(draw)
		size += len(key)
		if draw.IntN(3) == 0 {
			b.Delete([]byte(key))
			delete(m.now, key)
			continue
		}
		value := strings.Repeat("v", draw.IntN(3)) + fmt.Sprint(draw.IntN(100))
		size += len(value)
		b.Put([]byte(key), []byte(value))
		m.now[key] = value
	}
	if b.Len() != ops || b.SizeBytes() != size {
		t.Fatalf("the batch says %d operations of %d bytes, it has %d of %d", b.Len(), b.SizeBytes(), ops, size)
	}
	if err := e.Write(b); err != nil {
		t.Fatal(err)
	}
	if ops > 0 {
		m.before, m.bytes = append(m.before, before), append(m.bytes, size)
	}
}

// compare reads a reader in every way and holds it against the pairs it should have.
func compare(t *testing.T, what string, r engine.Reader, want map[string]string, draw *rand.Rand) {
	t.Helper()
	key := anyKey(draw)
	value, found, err := r.Get([]byte(key))
	if wantValue, wantFound := want[key]; err != nil || found != wantFound || string(value) != wantValue {
		t.Fatalf("%s: get %q gives %q, %v, %v; want %q, %v", what, key, value, found, err, wantValue, wantFound)
	}
	from, to, limit := anyKey(draw), anyKey(draw), 1+draw.IntN(len(keys)+1)
	if draw.IntN(3) == 0 {
		from, to = "", ""
	}
	var inside []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if key >= from && (to == "" || key < to) {
			inside = append(inside, key+"="+want[key])
		}
	}
	walk := func(ascend func(from, to []byte, visit func(key, value []byte) bool) error) string {
		var pairs []string
		if err := ascend([]byte(from), []byte(to), func(key, value []byte) bool {
			pairs = append(pairs, fmt.Sprintf("%s=%s", key, value))
			return len(pairs) < limit
		}); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%q", pairs)
	}
	if got, want := walk(r.Ascend), fmt.Sprintf("%q", inside[:min(limit, len(inside))]); got != want {
		t.Fatalf("%s: ascending [%q, %q), at most %d: got %s, want %s", what, from, to, limit, got, want)
	}
	slices.Reverse(inside)
	if got, want := walk(r.Descend), fmt.Sprintf("%q", inside[:min(limit, len(inside))]); got != want {
		t.Fatalf("%s: descending [%q, %q), at most %d: got %s, want %s", what, from, to, limit, got, want)
	}
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

// exercise does random things to an engine and the model, and returns a transcript of what the engine said.
func exercise(t *testing.T, draw *rand.Rand) string {
	e, m := engine.NewMemory(), newModel()
	var snapshots []frozen
	var values []lent
	var transcript strings.Builder
	for step := range 300 {
		switch n := draw.IntN(20); {
		case n < 10:
			m.write(t, e, draw)
		case n < 13:
			if err := e.Sync(); err != nil {
				t.Fatal(err)
			}
			m.sync()
		case n < 14:
			keep := draw.IntN(3)
			if got, want := e.Crash(keep), m.crash(keep); got != want {
				t.Fatalf("step %d: a crash that keeps %d batches lost %d bytes, want %d", step, keep, got, want)
			}
		case n < 16 && len(snapshots) < 4:
			snapshots = append(snapshots, frozen{e.Snapshot(), maps.Clone(m.now)})
		case n < 17 && len(snapshots) > 0:
			i := draw.IntN(len(snapshots))
			snapshots[i].snapshot.Close()
			snapshots = slices.Delete(snapshots, i, i+1)
		default:
			if value, found, _ := e.Get([]byte(anyKey(draw))); found && len(values) < 50 {
				values = append(values, lent{value, string(value)})
			}
		}
		compare(t, fmt.Sprintf("step %d", step), e, m.now, draw)
		for i, s := range snapshots {
			compare(t, fmt.Sprintf("step %d, snapshot %d", step, i), s.snapshot, s.pairs, draw)
		}
		for _, v := range values {
			if string(v.value) != v.was {
				t.Fatalf("step %d: a value given out as %q is now %q", step, v.was, v.value)
			}
		}
		wantBatches, wantBytes := m.unsynced()
		if batches, bytes := e.Unsynced(); batches != wantBatches || bytes != wantBytes {
			t.Fatalf("step %d: a crash would lose %d batches of %d bytes, want %d of %d", step, batches, bytes, wantBatches, wantBytes)
		}
		fmt.Fprintln(&transcript, e)
	}
	return transcript.String()
}

func TestMemoryIsAMapWithASyncedLine(t *testing.T) {
	seeds(t, 12, func(t *testing.T, draw *rand.Rand) { exercise(t, draw) })
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
	seeds(t, 12, func(t *testing.T, draw *rand.Rand) {
		base, m := engine.NewMemory(), newModel()
		for range 6 {
			m.write(t, base, draw)
		}
		o, want := engine.NewOverlay(base), maps.Clone(m.now)
		for step := range 200 {
			key := anyKey(draw)
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
				m.write(t, base, draw)
				want = maps.Clone(m.now)
			}
			compare(t, fmt.Sprintf("step %d", step), o, want, draw)
			compare(t, fmt.Sprintf("step %d, the base", step), base, m.now, draw)
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

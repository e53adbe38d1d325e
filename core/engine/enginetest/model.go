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

// Keys are few and share prefixes, so that they meet; the empty key and bytes at the ends of the order are among them.
var Keys = []string{"", "\x00", "\x00\x00", "a", "a\x00", "aa", "ab", "b", "ba", "c", "z", "\x7f", "\x80", "\xff", "\xff\xff"}

// AnyKey draws one of the keys.
func AnyKey(draw *rand.Rand) string { return Keys[draw.IntN(len(Keys))] }

// Model is what an engine does, as plainly as it can be said: the pairs now, and the pairs that a crash may leave.
type Model struct {
	Now map[string]string
	// before are the pairs as they stood before each batch that is not synced, bytes those batches' sizes.
	before []map[string]string
	bytes  []int
}

// NewModel returns a model without pairs.
func NewModel() *Model { return &Model{Now: map[string]string{}} }

// Sync makes what was written so far durable.
func (m *Model) Sync() { m.before, m.bytes = nil, nil }

// Crash keeps the first batches that are not synced, and returns how many bytes are lost.
func (m *Model) Crash(keep int) (lost int) {
	if keep < len(m.before) {
		m.Now = m.before[keep]
		for _, bytes := range m.bytes[keep:] {
			lost += bytes
		}
	}
	m.Sync()
	return lost
}

// CrashTo is Crash for an engine that chooses itself how many batches it keeps: it finds out by what is left. It gives an
// error when that is no prefix of what was written, or less than was synced.
func (m *Model) CrashTo(left map[string]string) (kept int, err error) {
	states := append(slices.Clone(m.before), m.Now)
	for kept, pairs := range slices.Backward(states) {
		if maps.Equal(left, pairs) {
			m.Crash(kept)
			return kept, nil
		}
	}
	return 0, fmt.Errorf("a crash left %q, and not one of the states since the last sync: %q", left, states)
}

// Unsynced is what a crash that keeps nothing would lose.
func (m *Model) Unsynced() (batches, bytes int) {
	for _, b := range m.bytes {
		bytes += b
	}
	return len(m.bytes), bytes
}

// Write draws a batch and writes it to the engine and the model; the batch may name a key twice.
func (m *Model) Write(t *testing.T, e engine.Engine, draw *rand.Rand) {
	t.Helper()
	if err := e.Write(m.Batch(t, draw)); err != nil {
		t.Fatal(err)
	}
}

// Batch draws a batch and writes it to the model.
func (m *Model) Batch(t *testing.T, draw *rand.Rand) *engine.Batch {
	t.Helper()
	b, size, before := &engine.Batch{}, 0, maps.Clone(m.Now)
	ops := draw.IntN(5)
	for range ops {
		key := AnyKey(draw)
		size += len(key)
		if draw.IntN(3) == 0 {
			b.Delete([]byte(key))
			delete(m.Now, key)
			continue
		}
		value := strings.Repeat("v", draw.IntN(3)) + fmt.Sprint(draw.IntN(100))
		size += len(value)
		b.Put([]byte(key), []byte(value))
		m.Now[key] = value
	}
	if b.Len() != ops || b.SizeBytes() != size {
		t.Fatalf("the batch says %d operations of %d bytes, it has %d of %d", b.Len(), b.SizeBytes(), ops, size)
	}
	if ops > 0 {
		m.before, m.bytes = append(m.before, before), append(m.bytes, size)
	}
	return b
}

// Pairs reads everything.
func Pairs(t *testing.T, r engine.Reader) map[string]string {
	t.Helper()
	pairs := map[string]string{}
	if err := r.Ascend(nil, nil, func(key, value []byte) bool { pairs[string(key)] = string(value); return true }); err != nil {
		t.Fatal(err)
	}
	return pairs
}

// Compare reads a reader in every way and holds it against the pairs it should have.
func Compare(t *testing.T, what string, r engine.Reader, want map[string]string, draw *rand.Rand) {
	t.Helper()
	key := AnyKey(draw)
	value, found, err := r.Get([]byte(key))
	if wantValue, wantFound := want[key]; err != nil || found != wantFound || string(value) != wantValue {
		t.Fatalf("%s: get %q gives %q, %v, %v; want %q, %v", what, key, value, found, err, wantValue, wantFound)
	}
	from, to, limit := AnyKey(draw), AnyKey(draw), 1+draw.IntN(len(Keys)+1)
	if draw.IntN(3) == 0 {
		from, to = "", ""
	}
	var inside []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if key >= from && (to == "" || key < to) {
			inside = append(inside, key+"="+want[key])
		}
	}
	// The pairs are put together after the walk: an engine may not take back what it gave out.
	walk := func(ascend func(from, to []byte, visit func(key, value []byte) bool) error) string {
		var given [][2][]byte
		if err := ascend([]byte(from), []byte(to), func(key, value []byte) bool {
			given = append(given, [2][]byte{key, value})
			return len(given) < limit
		}); err != nil {
			t.Fatal(err)
		}
		var pairs []string
		for _, pair := range given {
			pairs = append(pairs, fmt.Sprintf("%s=%s", pair[0], pair[1]))
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

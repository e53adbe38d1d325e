package disk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"raftplay/core/engine"
	"raftplay/core/engine/enginetest"
)

const pkg = "./server/disk"

// options are those of store 1 of cluster 7 on a file system in memory.
func options(fs vfs.FS) Options { return Options{Dir: "/stores/1", FS: fs, ClusterID: 7, StoreID: 1} }

func mustOpen(t testing.TB, o Options) *Engine {
	t.Helper()
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// put makes a batch of keys and values in turn.
func put(pairs ...string) *engine.Batch {
	b := &engine.Batch{}
	for i := 0; i < len(pairs); i += 2 {
		b.Put([]byte(pairs[i]), []byte(pairs[i+1]))
	}
	return b
}

func mustCommit(t testing.TB, e *Engine, sync bool, pairs ...string) {
	t.Helper()
	if err := e.Commit(put(pairs...), sync); err != nil {
		t.Fatal(err)
	}
}

func value(t testing.TB, r engine.Reader, key string) string {
	t.Helper()
	value, found, err := r.Get([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return "nothing"
	}
	return string(value)
}

// drive exercises an engine whose crashes leave some of what was not synced.
func drive(t *testing.T, draw *rand.Rand, withoutSync bool) (err error) {
	disk := vfs.NewCrashableMem()
	o := options(disk)
	o.WithoutSync = withoutSync
	e := mustOpen(t, o)
	enginetest.Exercise(t, draw, enginetest.Subject{
		Engine: e,
		Crash: func(m *enginetest.Model) engine.Engine {
			disk = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: draw.IntN(101), RNG: draw})
			o.FS = disk
			after := mustOpen(t, o)
			if _, why := m.CrashTo(enginetest.Pairs(t, after)); why != nil {
				err = errors.Join(err, why)
				m.Now = enginetest.Pairs(t, after)
				m.Sync()
			}
			return after
		},
	}, 150)
	return err
}

func TestTheEngineIsAMapWithASyncedLine(t *testing.T) {
	enginetest.Seeds(t, pkg, 8, func(t *testing.T, draw *rand.Rand) {
		if err := drive(t, draw, false); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnEngineThatDoesNotSyncIsFoundOut(t *testing.T) {
	for seed := range uint64(8) {
		if err := drive(t, rand.New(rand.NewPCG(seed, 2)), true); err != nil {
			return
		}
	}
	t.Error("8 runs of an engine that does not sync lost nothing: the test would not notice one")
}

func TestTheEngineReadsWhatMemoryReads(t *testing.T) {
	enginetest.Seeds(t, pkg, 3, func(t *testing.T, draw *rand.Rand) {
		o := options(vfs.NewMem())
		o.MemTableBytes = 64 << 10
		e, memory := mustOpen(t, o), engine.NewMemory()
		for range 300 {
			b := &engine.Batch{}
			for range draw.IntN(8) {
				key := fmt.Appendf(nil, "key-%03d", draw.IntN(400))
				if draw.IntN(4) == 0 {
					b.Delete(key)
				} else {
					b.Put(key, make([]byte, draw.IntN(600)))
				}
			}
			if err := errors.Join(e.Commit(b, draw.IntN(10) == 0), memory.Write(b)); err != nil {
				t.Fatal(err)
			}
		}
		if e.Stats().Flushes == 0 {
			t.Error("nothing was flushed: the test reads memory only")
		}
		want := enginetest.Pairs(t, memory)
		for range 200 {
			from, to := fmt.Sprintf("key-%03d", draw.IntN(400)), fmt.Sprintf("key-%03d", draw.IntN(400))
			for _, walk := range []func(engine.Reader, []byte, []byte, func(k, v []byte) bool) error{engine.Reader.Ascend, engine.Reader.Descend} {
				if got, want := list(t, e, walk, from, to), list(t, memory, walk, from, to); got != want {
					t.Fatalf("in [%s, %s): %s\nwant %s", from, to, got, want)
				}
			}
			if value, found, err := e.Get([]byte(from)); err != nil || string(value) != want[from] || found != (value != nil) {
				t.Fatalf("get %s: %q, %v, %v", from, value, found, err)
			}
		}
	})
}

func list(
	t *testing.T, r engine.Reader, walk func(engine.Reader, []byte, []byte, func(k, v []byte) bool) error, from, to string,
) string {
	t.Helper()
	pairs := ""
	if err := walk(r, []byte(from), []byte(to), func(key, value []byte) bool {
		pairs += fmt.Sprintf("%s=%d ", key, len(value))
		return len(pairs) < 200
	}); err != nil {
		t.Fatal(err)
	}
	return pairs
}

func TestAVisitorMayUseTheEngine(t *testing.T) {
	e := mustOpen(t, options(vfs.NewMem()))
	mustCommit(t, e, true, "a", "1", "b", "2")
	if err := e.Ascend(nil, nil, func(key, _ []byte) bool {
		mustCommit(t, e, false, "seen-"+string(key), value(t, e, string(key)))
		s := e.Snapshot()
		defer s.Close()
		return value(t, s, "seen-"+string(key)) != "nothing"
	}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(enginetest.Pairs(t, e)); got != "map[a:1 b:2 seen-a:1 seen-b:2]" {
		t.Errorf("the engine holds %s", got)
	}
}

func TestAnEngineIsEmptyUntilSomethingIsWritten(t *testing.T) {
	e := mustOpen(t, options(vfs.NewMem()))
	for _, want := range []bool{true, false} {
		if empty, err := e.Empty(); err != nil || empty != want {
			t.Fatalf("empty is %v, %v, want %v", empty, err, want)
		}
		mustCommit(t, e, false, "", "")
	}
}

func TestABatchThatIsTooLargeIsRefusedAndTheEngineGoesOn(t *testing.T) {
	e := mustOpen(t, options(vfs.NewMem()))
	b, large := &engine.Batch{}, make([]byte, CommitBytesMax/16)
	for range 16 {
		b.Put([]byte("k"), large) // one array many times: the sum is what counts
	}
	if err := e.Commit(b, true); err == nil || err.Error() != "a batch of 536870928 bytes is too large: at most 536870912" {
		t.Fatalf("the answer is %v", err)
	}
	mustCommit(t, e, true, "k", "v")
	if got := value(t, e, "k"); got != "v" {
		t.Errorf("k is %s", got)
	}
}

func TestABatchLargerThanAMemTableIsKeptWhole(t *testing.T) {
	disk := vfs.NewCrashableMem()
	o := options(disk)
	o.MemTableBytes = 64 << 10
	e := mustOpen(t, o)
	b := &engine.Batch{}
	for i := range 100 {
		b.Put(fmt.Appendf(nil, "%03d", i), make([]byte, 10<<10))
	}
	if err := e.Commit(b, true); err != nil {
		t.Fatal(err)
	}
	o.FS = disk.CrashClone(vfs.CrashCloneCfg{})
	if got := len(enginetest.Pairs(t, mustOpen(t, o))); got != 100 {
		t.Errorf("%d of 100 keys are left", got)
	}
}

func TestAClosedEngineSaysSo(t *testing.T) {
	e := mustOpen(t, options(vfs.NewMem()))
	mustCommit(t, e, true, "a", "1")
	frozen := e.Snapshot()
	for range 2 { // a second Close does nothing
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for what, err := range everyCall(e, frozen) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s gives %v", what, err)
		}
	}
	if e.NewID(1) != 0 {
		t.Error("a closed engine makes ids")
	}
	if stats := e.Stats(); stats != (Stats{}) {
		t.Errorf("its figures are %+v", stats)
	}
	frozen.Close()
	e.Snapshot().Close()
}

// everyCall makes each call that can fail.
func everyCall(e *Engine, frozen engine.Snapshot) map[string]error {
	stop := func(_, _ []byte) bool { return false }
	errs := map[string]error{
		"write": e.Write(put("k", "v")), "synced commit": e.Commit(put("k", "v"), true), "sync": e.Sync(),
		"ascend": e.Ascend(nil, nil, stop), "descend": e.Descend(nil, nil, stop),
		"snapshot ascend": frozen.Ascend(nil, nil, stop), "snapshot descend": frozen.Descend(nil, nil, stop),
	}
	_, _, errs["get"] = e.Get([]byte("k"))
	_, _, errs["snapshot get"] = frozen.Get([]byte("k"))
	_, _, errs["new snapshot get"] = e.Snapshot().Get([]byte("k"))
	_, errs["empty"] = e.Empty()
	_, errs["reserve"] = e.ReserveIDs(1, 1)
	return errs
}

func TestAClosedEngineLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it waits for all that were started
		e, err := Open(options(vfs.NewMem()))
		if err != nil {
			t.Fatal(err)
		}
		mustCommit(t, e, true, "a", "1")
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheFiguresCountWhatWasDone(t *testing.T) {
	e := mustOpen(t, Options{Dir: t.TempDir(), ClusterID: 7, StoreID: 1})
	mustCommit(t, e, false, "a", "123")
	mustCommit(t, e, true, "b", "456")
	if err := e.Sync(); err != nil {
		t.Fatal(err)
	}
	defer e.Snapshot().Close()
	s := e.Stats()
	if s.Commits != 2 || s.CommitBytes != 8 || s.Syncs != 2 || s.Snapshots != 1 {
		t.Errorf("%d commits of %d bytes, %d syncs, %d snapshots", s.Commits, s.CommitBytes, s.Syncs, s.Snapshots)
	}
	if s.DiskBytes == 0 || s.LogWrittenBytes == 0 || s.MemTableBytes == 0 || s.FreeBytes == 0 {
		t.Errorf("figures are missing: %+v", s)
	}
}

func BenchmarkCommitSynced(b *testing.B) {
	for _, size := range []int{128, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%d bytes", size), func(b *testing.B) {
			e := mustOpen(b, Options{Dir: b.TempDir(), ClusterID: 7, StoreID: 1})
			value, i := make([]byte, size), 0
			b.SetBytes(int64(size))
			for b.Loop() {
				batch := &engine.Batch{}
				batch.Put(fmt.Appendf(nil, "key-%d", i%10_000), value)
				if err := e.Commit(batch, true); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

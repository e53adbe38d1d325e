package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"raftplay/core/engine"
	"raftplay/core/engine/enginetest"
)

const (
	stepsBytesMax = 3 << 10
	slots         = 50
)

// step is the n-th batch: it sets one of some slots to n, and says that it was the last. Its filler makes memtables full,
// so that tables are flushed and merged meanwhile.
func step(n int) *engine.Batch {
	b := &engine.Batch{}
	value := append(fmt.Appendf(nil, "%d ", n), bytes.Repeat([]byte("x"), n*977%stepsBytesMax)...)
	b.Put(fmt.Appendf(nil, "slot-%02d", n%slots), value)
	b.Put([]byte("last"), fmt.Append(nil, n))
	return b
}

// steps checks that a reader holds the first batches, all of them up to the last and none of a later, and returns the last.
func steps(r engine.Reader) (last int, err error) {
	get := func(key string) (n int) {
		value, found, readErr := r.Get([]byte(key))
		if readErr != nil {
			err = readErr
		}
		if !found {
			return 0
		}
		number, _, _ := bytes.Cut(value, []byte(" "))
		n, _ = strconv.Atoi(string(number))
		return n
	}
	last = get("last")
	for n := last; n > 0 && n > last-slots && err == nil; n-- {
		if got := get(fmt.Sprintf("slot-%02d", n%slots)); got != n {
			err = fmt.Errorf("batch %d is there and of batch %d there is %d", last, n, got)
		}
	}
	return last, err
}

func TestACrashLeavesAPrefixAndAllThatWasSynced(t *testing.T) {
	kept, lost := 0, 0
	enginetest.Seeds(t, pkg, 6, func(t *testing.T, draw *rand.Rand) {
		disk := vfs.NewCrashableMem()
		o := options(disk)
		o.MemTableBytes = 64 << 10
		e, n, synced, flushes, incarnation := mustOpen(t, o), 0, 0, uint64(0), uint64(1)
		for crash := range 6 {
			for range 30 + draw.IntN(150) {
				n++
				sync := draw.IntN(10) == 0
				if err := e.Commit(step(n), sync); err != nil {
					t.Fatal(err)
				}
				if sync {
					synced = n
				}
			}
			flushes += e.Stats().Flushes
			// Flushes and compactions run on while the power goes.
			disk = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50 * draw.IntN(3), RNG: draw})
			o.FS = disk
			e = mustOpen(t, o)
			last, err := steps(e)
			if err != nil || last < synced || last > n {
				t.Fatalf("crash %d: the last batch is %d (%v), %d was synced and %d written", crash, last, err, synced, n)
			}
			if incarnation++; e.Incarnation() != incarnation {
				t.Fatalf("crash %d: the incarnation is %d, want %d", crash, e.Incarnation(), incarnation)
			}
			kept, lost = kept+last-synced, lost+n-last
			// What a crash left is read and answered from: it must be durable from here on.
			n, synced = last, last
		}
		if flushes == 0 {
			t.Error("nothing was flushed: the test tries too little")
		}
	})
	if kept == 0 || lost == 0 {
		t.Errorf("of what was not synced, crashes left %d batches and took %d: the test tries too little", kept, lost)
	}
}

func TestAFolderThatACrashLeftHalfMadeIsMadeWhole(t *testing.T) {
	// The first start is repeated on what a crash leaves after each of its syncs.
	whole := 0
	for syncs := 0; ; syncs++ {
		disk := vfs.NewCrashableMem()
		var crashed *vfs.MemFS
		left := syncs
		o := options(&tapped{FS: disk, afterSync: func() {
			if left--; left == 0 {
				crashed = disk.CrashClone(vfs.CrashCloneCfg{})
			}
		}})
		mustCommit(t, mustOpen(t, o), true, "a", "1")
		if crashed == nil && syncs > 0 {
			break
		}
		if crashed == nil {
			crashed = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0})
		}
		o.FS = crashed
		e := mustOpen(t, o)
		mustCommit(t, e, true, "b", "2")
		whole++
	}
	if whole < 10 {
		t.Errorf("a first start syncs %d times: the test tries too little", whole)
	}
}

package disk

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"raftplay/core/engine"
)

// It is not the flag that rewrites transcripts: what an old version wrote is kept for as long as it must be read.
var rewrite = flag.Bool("rewrite-format", false, "write the folder of the present format, and what it holds, anew")

// makeFolder makes what an upgrade has to read: tables, a log that was not flushed, deletions, starts and ids.
func makeFolder(t *testing.T, o Options) {
	t.Helper()
	open := func() *Engine {
		e, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	done := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	e := open()
	first := &engine.Batch{}
	first.Put(nil, []byte("of the empty key"))
	for i := range 40 {
		first.Put(fmt.Appendf(nil, "table-%02d", i), []byte(strings.Repeat("v", i)))
	}
	done(e.Commit(first, true), e.db.Flush(), e.Close())
	e = open()
	second := put("log-1", "one", "log-2", "two", "table-03", "overwritten", "\xff\xff", "last")
	second.Delete([]byte("table-04"))
	second.Delete([]byte("log-1"))
	e.NewID(1)
	e.NewID(2)
	done(e.Commit(second, true))
	if _, err := e.ReserveIDs(2, 10); err != nil {
		t.Fatal(err)
	}
	done(e.Close())
}

// tell is all that can be read of an engine.
func tell(t *testing.T, e *Engine) string {
	t.Helper()
	var told strings.Builder
	fmt.Fprintf(&told, "incarnation %d\n", e.Incarnation())
	fmt.Fprintf(&told, "next ids: %d of kind 1, %d of kind 2\n", e.NewID(1), e.NewID(2))
	if err := e.Ascend(nil, nil, func(key, value []byte) bool {
		fmt.Fprintf(&told, "%q %q\n", key, value)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return told.String()
}

func TestAFolderOfFormatOneIsRead(t *testing.T) {
	kept := filepath.Join("testdata", "format-1", "folder")
	golden := filepath.Join("testdata", "format-1", "golden.txt")
	o := Options{ClusterID: 7, StoreID: 3}
	if *rewrite {
		o.Dir = kept
		if err := os.RemoveAll(kept); err != nil {
			t.Fatal(err)
		}
		makeFolder(t, o)
	}
	o.Dir = filepath.Join(t.TempDir(), "folder")
	if err := os.CopyFS(o.Dir, os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	got := tell(t, mustOpen(t, o))
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it reads\n%s\nwant\n%s", got, want)
	}
}

func TestAFolderOfTodayIsReadAsThatOfFormatOne(t *testing.T) {
	// Else the folder that is kept would no longer be what this code writes, and a new format is due.
	o := Options{Dir: filepath.Join(t.TempDir(), "folder"), ClusterID: 7, StoreID: 3}
	makeFolder(t, o)
	want, err := os.ReadFile(filepath.Join("testdata", "format-1", "golden.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := tell(t, mustOpen(t, o)); got != string(want) {
		t.Errorf("it reads\n%s\nwant\n%s", got, want)
	}
}

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// store makes a store's folder on the disk of the machine, with something in it.
func store(t *testing.T) Options {
	t.Helper()
	o := Options{Dir: filepath.Join(t.TempDir(), "store"), ClusterID: 7, StoreID: 1}
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, e, true, "a", "1")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return o
}

// contents are a folder's files.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestAFolderThatIsNotThisStoresIsRefusedAndNotTouched(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *Options) error
		kind   error
		want   string
	}{
		"another cluster": {
			func(o *Options) error { o.ClusterID = 8; return nil },
			ErrOtherCluster, "folder DIR belongs to cluster 7, not to cluster 8",
		},
		"another store": {
			func(o *Options) error { o.StoreID = 2; return nil },
			ErrOtherStore, "folder DIR belongs to store 1, not to store 2",
		},
		"a newer format": {
			func(o *Options) error {
				return os.WriteFile(filepath.Join(o.Dir, identityName), []byte(`{"format":2,"more":true}`+"\nsha 1\n"), 0o600)
			},
			ErrNewerFormat, "folder DIR has format 2, and this version reads formats up to 1",
		},
		"no identity": {
			func(o *Options) error { return os.Remove(filepath.Join(o.Dir, identityName)) },
			ErrForeign, "it is not empty (",
		},
		"something else in it": {
			func(o *Options) error {
				o.Dir = filepath.Dir(o.Dir)
				return nil
			},
			ErrForeign, "folder DIR is not a store's: it is not empty (store) and has no identity.json",
		},
		"a file": {
			func(o *Options) error {
				o.Dir = filepath.Join(o.Dir, identityName)
				return nil
			},
			ErrNotFolder, "DIR is a file, and a store needs a folder",
		},
		"a spoiled identity": {
			func(o *Options) error {
				name := filepath.Join(o.Dir, identityName)
				data, err := os.ReadFile(name)
				return errors.Join(err, os.WriteFile(name, []byte(strings.Replace(string(data), `"starts":1`, `"starts":0`, 1)), 0o600))
			},
			ErrCorrupt, "folder DIR cannot be opened: what the disk holds is corrupt: DIR/identity.json: its checksum is wrong",
		},
		"its data gone": {
			func(o *Options) error {
				names, err := filepath.Glob(filepath.Join(o.Dir, "*"))
				for _, name := range names {
					if filepath.Base(name) != identityName {
						err = errors.Join(err, os.Remove(name))
					}
				}
				return err
			},
			ErrDataMissing, "folder DIR has the identity of store 1, and its data is missing",
		},
		"no folder":       {func(o *Options) error { o.Dir = ""; return nil }, nil, "a store needs a folder"},
		"no cluster's id": {func(o *Options) error { o.ClusterID = 0; return nil }, nil, "the cluster's id is 0: it must be larger"},
		"no store's id":   {func(o *Options) error { o.StoreID = 0; return nil }, nil, "the store's id is 0: it must be between 1 and 999"},
		"too large an id": {func(o *Options) error { o.StoreID = 1000; return nil }, nil, "the store's id is 1000: it must be between 1 and 999"},
	} {
		t.Run(name, func(t *testing.T) {
			o := store(t)
			dir := o.Dir
			if err := c.change(&o); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			e, err := Open(o)
			if err == nil {
				_ = e.Close()
				t.Fatal("it was opened")
			}
			if got := strings.ReplaceAll(err.Error(), o.Dir, "DIR"); o.Dir != "" && !strings.Contains(got, c.want) {
				t.Errorf("the refusal is %q, want %q", got, c.want)
			}
			if c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("%v is not %v", err, c.kind)
			}
			// Whoever asks first which cluster it is gets the same sentence, where that much cannot be read.
			switch c.kind {
			case ErrNotFolder, ErrNewerFormat, ErrCorrupt:
				if _, asked := ClusterOf(o.FS, o.Dir); !errors.Is(asked, c.kind) || asked.Error() != err.Error() {
					t.Errorf("asked for its cluster it says %v, opened %v", asked, err)
				}
			}
			if _, again := Open(o); again == nil || again.Error() != err.Error() {
				t.Errorf("the second time it says %v, the first time %v", again, err)
			}
			after := contents(t, dir)
			delete(before, filepath.Join(dir, "LOCK"))
			delete(after, filepath.Join(dir, "LOCK"))
			if c.kind != ErrDataMissing && !maps.Equal(before, after) {
				t.Errorf("the folder had %v and has %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
		})
	}
}

func TestAFolderInUseIsRefusedUnderEachOfItsNames(t *testing.T) {
	o := store(t)
	e := mustOpen(t, o)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(o.Dir, link); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(o.Dir))
	before := contents(t, o.Dir)
	for _, dir := range []string{o.Dir, "store", "./store/../store/", link} {
		again := o
		again.Dir, again.ClusterID = dir, 9 // in use comes before whose it is
		_, err := Open(again)
		if !errors.Is(err, ErrInUse) || err.Error() != fmt.Sprintf("folder %s is in use by a running process", e.folder.dir) {
			t.Errorf("%s: the second open says %v", dir, err)
		}
	}
	if !maps.Equal(before, contents(t, o.Dir)) {
		t.Error("the folder was changed")
	}
	mustCommit(t, e, true, "b", "2")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, o)
	if got := value(t, again, "b"); got != "2" || again.Incarnation() != 3 {
		t.Errorf("b is %s in incarnation %d", got, again.Incarnation())
	}
}

// heldFolder is set in the process that TestAFolderInUseByAnotherProcessIsRefused starts.
const heldFolder = "RAFTPLAY_HELD_FOLDER"

func TestAFolderInUseByAnotherProcessIsRefused(t *testing.T) {
	if dir := os.Getenv(heldFolder); dir != "" {
		_, err := Open(Options{Dir: dir, ClusterID: 7, StoreID: 1})
		fmt.Println("the other process:", err)
		return
	}
	o := store(t)
	mustOpen(t, o)
	other := exec.Command(os.Args[0], "-test.run=^TestAFolderInUseByAnotherProcessIsRefused$", "-test.v")
	other.Env = append(os.Environ(), heldFolder+"="+o.Dir)
	out, err := other.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the other process: folder "+o.Dir+" is in use by a running process\n") {
		t.Errorf("it says %s (%v)", out, err)
	}
}

func TestAFolderWithoutPermissionIsRefused(t *testing.T) {
	refused := func(t *testing.T, o Options) {
		t.Helper()
		if _, err := Open(o); !errors.Is(err, ErrPermission) || !strings.HasPrefix(err.Error(), "no permission for folder "+o.Dir+": ") {
			t.Errorf("the refusal is %v", err)
		}
	}
	for _, kind := range []errorfs.OpKind{errorfs.OpStat, errorfs.OpMkdirAll, errorfs.OpLock, errorfs.OpList, errorfs.OpCreate} {
		denies := errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == kind {
				return &fs.PathError{Op: "open", Path: op.Path, Err: fs.ErrPermission}
			}
			return nil
		})
		refused(t, options(errorfs.Wrap(vfs.NewMem(), denies)))
	}
	if os.Geteuid() == 0 {
		return // who may do everything is refused nothing
	}
	o := store(t)
	if err := os.Chmod(o.Dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(o.Dir, 0o700) })
	refused(t, o)
}

func TestAnEmptyFolderAndAMountPointBecomeAStores(t *testing.T) {
	for _, inside := range []string{"", "lost+found"} {
		o := Options{Dir: t.TempDir(), ClusterID: 7, StoreID: 1}
		if inside != "" {
			if err := os.Mkdir(filepath.Join(o.Dir, inside), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if e := mustOpen(t, o); e.Incarnation() != 1 {
			t.Errorf("the first start is incarnation %d", e.Incarnation())
		}
	}
}

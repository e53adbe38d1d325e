package disk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func TestIdsAreGivenOnceInACluster(t *testing.T) {
	given := map[uint64]string{}
	for _, storeID := range []uint64{1, 2, 999} {
		o := options(vfs.NewCrashableMem())
		o.StoreID = storeID
		for start := range 3 {
			e := mustOpen(t, o)
			for i := range idBlock + 5 {
				id := e.NewID(1)
				if who := fmt.Sprintf("store %d, start %d, id %d", storeID, start, i); given[id] != "" || id%1000 != storeID || id < 1000 {
					t.Fatalf("%s is %d, which was given to %q", who, id, given[id])
				} else {
					given[id] = who
				}
			}
			// An id that was given is taken, whatever was synced afterwards.
			o.FS = o.FS.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{})
		}
	}
}

func TestIdsOfTwoKindsAreCountedApartAndInOrder(t *testing.T) {
	e := mustOpen(t, options(vfs.NewMem()))
	if got := fmt.Sprint(e.NewID(1), e.NewID(1), e.NewID(2), e.NewID(1)); got != "1001 2001 1001 3001" {
		t.Errorf("the ids are %s", got)
	}
	first, err := e.ReserveIDs(2, 10)
	if err != nil || first != idBlock+1 {
		t.Errorf("the reservation begins at %d, %v", first, err)
	}
	if got := e.NewID(2); got != 2001 {
		t.Errorf("a reservation takes from those at hand: %d", got)
	}
	for _, c := range []struct {
		kind uint8
		n    uint64
		want string
	}{
		{0, 1, "ids of kind 0 do not exist: kinds are 1 to 16"},
		{17, 1, "ids of kind 17 do not exist: kinds are 1 to 16"},
		{1, 0, "0 ids cannot be reserved at once: 1 to 1048576 can"},
		{1, idsMax + 1, "1048577 ids cannot be reserved at once: 1 to 1048576 can"},
	} {
		if _, err := e.ReserveIDs(c.kind, c.n); err == nil || err.Error() != c.want {
			t.Errorf("the answer is %v, want %s", err, c.want)
		}
	}
}

func TestIdsTouchTheDiskOnceABlock(t *testing.T) {
	renames := 0
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpRename && strings.HasSuffix(op.Path, identityNext) {
			renames++
		}
		return nil
	}))
	e := mustOpen(t, options(fs))
	before := renames
	for range 3 * idBlock {
		e.NewID(1)
	}
	if renames-before != 3 {
		t.Errorf("%d ids took %d writes, want 3", 3*idBlock, renames-before)
	}
}

//go:build unix

package torture

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"raftplay/server/cluster"
	"raftplay/server/disk"
)

const (
	fullValueBytes = 64 << 10
	// fullWritesMax are more than a small disk takes.
	fullWritesMax = 1000
)

// fill writes large values until stop says that it is enough, and returns the keys that were acknowledged.
func fill(t testing.TB, put func(key string, value []byte) error, stop func() bool) (acknowledged []string) {
	t.Helper()
	value := make([]byte, fullValueBytes)
	for i := 0; i < fullWritesMax && !stop(); i++ {
		key := fmt.Sprint("large", i)
		must(t, put(key, value))
		acknowledged = append(acknowledged, key)
	}
	if !stop() {
		t.Fatalf("after %d writes the disk is not full", fullWritesMax)
	}
	return acknowledged
}

// A store on a small disk of its own stops with a reason when that is full; the others go on, and nothing is lost. With more
// room it catches up.
func TestAStoreWhoseDiskIsFullStopsWithItsReason(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 3)
	must(t, os.MkdirAll(g.folder(1), 0o700))
	if said, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", g.folder(1)).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be mounted here: %v: %s", err, said)
	}
	t.Cleanup(func() {
		must(t, g.kill(1))
		must(t, exec.Command("umount", g.folder(1)).Run())
	})
	g.startAll()
	c := open(t, g.endpoints())
	full := g.store(1)
	full.expectEnd()
	keys := fill(t, func(key string, value []byte) error { return c.Put(within(t), []byte(key), value) }, func() bool {
		select {
		case <-full.ended:
			return true
		default:
			return false
		}
	})
	if code, said := full.command.ProcessState.ExitCode(), g.lastWords(1); code != exitFailed ||
		!strings.Contains(said[strings.LastIndex(said, "\n")+1:], "raftplay: store 1 has stopped: ") || !strings.Contains(said, "the disk is full") {
		t.Errorf("code %d: %s", code, said)
	}
	mustPut(t, c, "after", "1")
	// It says so again for as long as there is no room.
	if p, err := g.launch(1); err != nil || p.up() == nil {
		t.Log("it has room for its start") // Pebble may have left some
		p.expectEnd()
		must(t, p.kill())
	} else {
		p.expectEnd()
	}
	must(t, exec.Command("mount", "-o", "remount,size=256m", g.folder(1)).Run())
	must(t, g.start(1))
	holds(t, c, 1, "after", "1")
	for _, key := range keys {
		if value, found, err := c.Get(within(t), []byte(key), readIndex); err != nil || !found || len(value) != fullValueBytes {
			t.Fatalf("%s was acknowledged and is %d bytes, %v, %v", key, len(value), found, err)
		}
	}
}

// The same in one process, where the disk fills up at a moment of our choice, under the leader.
func TestALeaderWhoseDiskFillsUpMakesRoomForAnother(t *testing.T) {
	t.Parallel()
	peers := freeAddresses(t, 3)
	memory := vfs.NewMem()
	var full atomic.Uint64 // the store whose disk is
	stores := map[uint64]*cluster.Store{}
	start := func(id uint64) {
		t.Helper()
		fs := errorfs.Wrap(memory, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if full.Load() == id && op.Kind == errorfs.OpFileWrite {
				return syscall.ENOSPC
			}
			return nil
		}))
		s, err := cluster.Open(cluster.Config{
			StoreID: id, Peers: peers, DataDir: fmt.Sprint("/", id), FS: fs, Timing: quick,
		})
		must(t, err)
		stores[id] = s
	}
	for id := range peers {
		start(id)
	}
	t.Cleanup(func() {
		for _, s := range stores {
			s.Kill()
		}
	})
	var endpoints []string
	for _, id := range peers.IDs() {
		endpoints = append(endpoints, peers[id])
	}
	c := open(t, endpoints)
	mustPut(t, c, "a", "1")
	leader := leaderOf(t, c)
	full.Store(leader)
	mustPut(t, c, "a", "2") // by another leader
	<-stores[leader].Done()
	if err := stores[leader].Err(); !errors.Is(err, disk.ErrFull) {
		t.Errorf("S%d stopped because of %v", leader, err)
	}
	stores[leader].Kill()
	full.Store(0)
	start(leader)
	holds(t, c, leader, "a", "2")
}

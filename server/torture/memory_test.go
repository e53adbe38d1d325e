//go:build unix

package torture

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/server/cluster"
)

// machine is a store in this process, on a disk in memory whose power can be cut.
type machine struct {
	id          uint64
	peers       cluster.Peers
	withoutSync bool
	log         *slog.Logger

	disk  *power
	store *cluster.Store // nil while it is down
}

// quick makes elections short: 75 to 150 ms.
var quick = cluster.Timing{BaseTick: 5 * time.Millisecond, HeartbeatTicks: 3, ElectionTicks: 15}

func (m *machine) start() error {
	listener, err := net.Listen("tcp", m.peers[m.id])
	if err != nil {
		return err
	}
	m.store, err = cluster.Open(cluster.Config{
		StoreID: m.id, ClusterID: 1, Peers: m.peers, Listener: listener, DataDir: "/store", FS: m.disk, WithoutSync: m.withoutSync,
		Timing: quick, Logger: m.log,
	})
	if err != nil {
		return fmt.Errorf("S%d: %w", m.id, err)
	}
	return nil
}

// crash cuts the power, and leaves a part of what was not synced.
func (m *machine) crash(unsyncedPercent int, draw *rand.Rand) {
	m.disk = m.disk.cut(unsyncedPercent, draw)
	m.store.Kill()
	m.store = nil
}

// stoppedByItself is why a store does not run any more, or nil.
func (m *machine) stoppedByItself() error {
	if m.store == nil || m.store.Err() == nil {
		return nil
	}
	return fmt.Errorf("S%d has stopped: %w", m.id, m.store.Err())
}

// machines are a cluster in this process.
type machines []*machine

func startMachines(t testing.TB, withoutSync bool) machines {
	t.Helper()
	peers := freeAddresses(t, 3)
	var all machines
	for _, id := range peers.IDs() {
		all = append(all, &machine{
			id: id, peers: peers, withoutSync: withoutSync, disk: newPower(vfs.NewCrashableMem()),
			log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
	}
	t.Cleanup(func() {
		for _, m := range all {
			if m.store != nil {
				m.store.Kill()
			}
		}
	})
	for _, m := range all {
		must(t, m.start())
	}
	return all
}

func (all machines) endpoints() (endpoints []string) {
	for _, m := range all {
		endpoints = append(endpoints, m.peers[m.id])
	}
	return endpoints
}

func (all machines) stoppedByThemselves() (failed error) {
	for _, m := range all {
		failed = errors.Join(failed, m.stoppedByItself())
	}
	return failed
}

// blackout cuts the power of some machines, each after a moment of its own, and starts them again.
func (all machines) blackout(draw *rand.Rand) error {
	victims := 1
	switch chance := draw.IntN(100); {
	case chance < 25:
		victims = len(all)
	case chance < 50:
		victims = 2
	}
	failed := make([]error, len(all))
	var work sync.WaitGroup
	for _, at := range draw.Perm(len(all))[:victims] {
		own := rand.New(rand.NewPCG(draw.Uint64(), 0))
		work.Go(func() { failed[at] = all[at].falter(own) })
	}
	work.Wait()
	return errors.Join(failed...)
}

func (m *machine) falter(draw *rand.Rand) error {
	const momentMax, downMax = 10 * time.Millisecond, 80 * time.Millisecond
	for again := true; again; again = draw.IntN(4) == 0 {
		time.Sleep(drawMillis(draw, momentMax))
		if err := m.stoppedByItself(); err != nil {
			return err
		}
		m.crash(50*draw.IntN(3), draw)
		time.Sleep(drawMillis(draw, downMax))
		if err := m.start(); err != nil {
			return err
		}
	}
	return nil
}

// replays prints the command that runs a failed test once more.
func replays(t testing.TB) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay: go test ./server/torture -count=1 -run '^%s$' -seed=%d", t.Name(), *seedFlag)
		}
	})
}

func TestDisksThatLoseWhatWasNotSyncedLoseNothingAcknowledged(t *testing.T) {
	t.Parallel()
	replays(t)
	cycles := 30
	if testing.Short() {
		cycles = 10
	}
	all := startMachines(t, false)
	l := startLoad(t, all.endpoints(), *seedFlag)
	o := l.operate(3, *seedFlag, operatorPauseMax/10)
	draw := rand.New(rand.NewPCG(*seedFlag, 0))
	for n := range cycles {
		l.epoch.Store(int64(n))
		time.Sleep(drawMillis(draw, 100*time.Millisecond))
		must(t, all.blackout(draw))
		must(t, l.serves(t))
		must(t, all.stoppedByThemselves())
	}
	l.stop()
	must(t, l.readBack(t))
	must(t, o.restoreAll(t.Context()))
	must(t, o.caughtUp(t.Context()))
	must(t, all.stoppedByThemselves())
	t.Logf("the operator's: %v", o.done)
	l.h.mustBeLinearizable(t, "")
}

// A store that does not wait for its disk is a lie that this trial must see through, or it would see nothing.
func TestADiskThatIsNotWaitedForIsNoticed(t *testing.T) {
	t.Parallel()
	replays(t)
	const cyclesMax = 10
	all := startMachines(t, true)
	l := startLoad(t, all.endpoints(), *seedFlag)
	draw := rand.New(rand.NewPCG(*seedFlag, 0))
	for n := range cyclesMax {
		l.epoch.Store(int64(n))
		time.Sleep(drawMillis(draw, 100*time.Millisecond))
		for _, m := range all {
			m.crash(0, draw)
		}
		for _, m := range all {
			if err := m.start(); err != nil {
				t.Logf("a store noticed it in cycle %d: %v", n+1, err)
				return
			}
		}
		_ = l.serves(t)
		if err := all.stoppedByThemselves(); err != nil {
			t.Logf("a store noticed it in cycle %d: %v", n+1, err)
			return
		}
		if v := l.h.judge(); v.GetKind() == sessionpb.VerdictKind_VERDICT_KIND_VIOLATED {
			t.Logf("the judge noticed it in cycle %d: %s", n+1, v.GetMessage())
			return
		}
	}
	t.Errorf("nobody noticed it in %d cycles", cyclesMax)
}

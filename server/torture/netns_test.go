//go:build linux

package torture

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"raftplay/server/cluster"
)

// wires are stores' network namespaces with a cable each to a bridge, where the clients are. A store's cable can be pulled,
// and its way to another store be lost: the kernel's own network drops what is sent, and says nothing.
type wires struct {
	t      testing.TB
	name   string // of the bridge; what belongs to a store has its number behind
	subnet string
}

func ip(args ...string) error {
	said, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(said)))
	}
	return nil
}

// newWires makes namespaces for stores 1 to n; the test is skipped where that may not be done.
func newWires(t testing.TB, n uint64) *wires {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces are for root")
	}
	w := &wires{t: t, name: fmt.Sprintf("rp%d", os.Getpid()%100_000), subnet: fmt.Sprintf("10.254.%d", 1+rand.IntN(254))}
	t.Cleanup(func() {
		for id := range n {
			_ = ip("netns", "del", w.of(id+1)) // with its end of the cable
		}
		_ = ip("link", "del", w.name)
	})
	commands := [][]string{
		{"link", "add", w.name, "type", "bridge"}, {"addr", "add", w.subnet + ".254/24", "dev", w.name}, {"link", "set", w.name, "up"},
	}
	for id := uint64(1); id <= n; id++ {
		space := w.of(id)
		commands = append(commands,
			[]string{"netns", "add", space},
			[]string{"link", "add", space, "type", "veth", "peer", "name", "wire", "netns", space},
			[]string{"link", "set", space, "master", w.name, "up"},
			[]string{"-n", space, "addr", "add", w.host(id) + "/24", "dev", "wire"},
			[]string{"-n", space, "link", "set", "wire", "up"},
			[]string{"-n", space, "link", "set", "lo", "up"})
	}
	for _, command := range commands {
		if err := ip(command...); err != nil {
			t.Skipf("no network can be built here: %v", err)
		}
	}
	return w
}

func (w *wires) of(id uint64) string   { return fmt.Sprintf("%s-%d", w.name, id) }
func (w *wires) host(id uint64) string { return fmt.Sprintf("%s.%d", w.subnet, id) }

// pull pulls a store's cable, or puts it back.
func (w *wires) pull(id uint64, pulled bool) {
	w.t.Helper()
	state := "up"
	if pulled {
		state = "down"
	}
	must(w.t, ip("link", "set", w.of(id), state))
}

// lose has a store lose its way to another, or find it again. What the other one sends arrives, but no answer to it.
func (w *wires) lose(from, to uint64, lost bool) {
	w.t.Helper()
	verb := "del"
	if lost {
		verb = "add"
	}
	must(w.t, ip("-n", w.of(from), "route", verb, "blackhole", w.host(to)+"/32"))
}

func TestABrokenNetworkOfTheKernelBreaksNoPromise(t *testing.T) {
	t.Parallel()
	replays(t)
	cycles := 5
	if testing.Short() {
		cycles = 2
	}
	w := newWires(t, 3)
	g := newGroup(t, 3)
	g.peers = cluster.Peers{}
	for id := uint64(1); id <= 3; id++ {
		g.peers[id] = w.host(id) + ":7000"
	}
	// `ip netns exec` becomes the program: its process is the store's.
	program := g.program
	g.program = "ip"
	g.before = func(id uint64) []string { return []string{"netns", "exec", w.of(id), program} }
	g.args = func(uint64) []string { return []string{"--insecure"} }
	g.startAll()
	l := startLoad(t, g.endpoints(), *seedFlag)
	draw := rand.New(rand.NewPCG(*seedFlag, 0))
	for n := range cycles {
		l.epoch.Store(int64(n))
		time.Sleep(drawMillis(draw, 200*time.Millisecond))
		at := draw.Perm(3)
		a, b := uint64(at[0]+1), uint64(at[1]+1)
		pulled := n%2 == 0
		if pulled {
			w.pull(a, true)
		} else {
			w.lose(a, b, true)
		}
		time.Sleep(time.Second + drawMillis(draw, time.Second))
		if pulled {
			// The majority serves meanwhile.
			if err := l.serves(t); err != nil {
				t.Fatalf("cycle %d, without S%d: %v", n+1, a, err)
			}
			w.pull(a, false)
		} else {
			w.lose(a, b, false)
		}
		if err := l.serves(t); err != nil {
			t.Fatalf("cycle %d: %v", n+1, err)
		}
		must(t, g.alive())
	}
	l.stop()
	must(t, l.readBack(t))
	key := keyOf(int64(cycles-1), 0)
	mustPut(t, l.clients[0], key+"/last", "1")
	for id := range g.peers {
		holds(t, l.clients[0], id, key+"/last", "1")
	}
	l.h.mustBeLinearizable(t, g.dir)
}

//go:build unix

package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"raftplay/server/client"
	"raftplay/server/cluster"
)

// group is a cluster of processes.
type group struct {
	t       testing.TB
	program string
	dir     string // a folder and a log for each store
	peers   cluster.Peers
	// before and args are arguments before and after those of every store, and env is what its environment has besides. They
	// may be nil.
	before func(id uint64) []string
	args   func(id uint64) []string
	env    func(id uint64) []string

	mu     sync.Mutex
	stores map[uint64]*process
}

// tickText is how long a tick of the processes lasts: leaders are elected within a second.
const tickText = "20ms"

// newGroup prepares a cluster of so many stores; nothing runs yet. The folders are kept when the test fails.
func newGroup(t testing.TB, stores int) *group {
	t.Helper()
	g := &group{t: t, program: raftplay(t), dir: keptDir(t), peers: freeAddresses(t, stores), stores: map[uint64]*process{}}
	t.Cleanup(g.end)
	return g
}

// startGroup runs a cluster of so many stores.
func startGroup(t testing.TB, stores int) *group {
	t.Helper()
	g := newGroup(t, stores)
	g.startAll()
	return g
}

// keptDir is a folder that goes away unless the test fails.
func keptDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "raftplay-torture-")
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the stores left is in %s", dir)
			return
		}
		must(t, os.RemoveAll(dir))
	})
	return dir
}

// freeAddresses are addresses of this machine that nobody listens on. Where every address of 127.0.0.0/8 is this machine, one
// drawn by chance keeps others from taking the port meanwhile.
func freeAddresses(t testing.TB, n int) cluster.Peers {
	t.Helper()
	host := "127.0.0.1"
	if runtime.GOOS == "linux" {
		host = fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	}
	peers := cluster.Peers{}
	for id := uint64(1); id <= uint64(n); id++ {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		must(t, err)
		defer listener.Close() // after all are taken, so that they differ
		peers[id] = listener.Addr().String()
	}
	return peers
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// launch starts a store without waiting for it.
func (g *group) launch(id uint64) (*process, error) {
	var args []string
	if g.before != nil {
		args = g.before(id)
	}
	args = append(args, "store", "--id", fmt.Sprint(id), "--peers", g.peers.String(), "--data-dir", g.folder(id), "--tick", tickText,
		"--log-level", "warn")
	if g.args != nil {
		args = append(args, g.args(id)...)
	}
	var env []string
	if g.env != nil {
		env = g.env(id)
	}
	p, err := spawn(g.program, id, args, env, g.log(id))
	if err == nil {
		g.mu.Lock()
		g.stores[id] = p
		g.mu.Unlock()
	}
	return p, err
}

// start starts a store and waits until it serves.
func (g *group) start(id uint64) error {
	p, err := g.launch(id)
	if err == nil {
		err = p.up()
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, g.lastWords(id))
	}
	return nil
}

// startAll starts every store at the same time.
func (g *group) startAll() {
	g.t.Helper()
	must(g.t, g.each(g.peers.IDs(), g.start))
}

// each does something to some stores at the same time.
func (g *group) each(ids []uint64, do func(id uint64) error) error {
	failed := make([]error, len(ids))
	var work sync.WaitGroup
	for i, id := range ids {
		work.Go(func() { failed[i] = do(id) })
	}
	work.Wait()
	return errors.Join(failed...)
}

func (g *group) store(id uint64) *process {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stores[id]
}

func (g *group) kill(id uint64) error   { return g.store(id).kill() }
func (g *group) stop(id uint64) error   { return g.store(id).stop() }
func (g *group) freeze(id uint64) error { return g.store(id).signal(syscall.SIGSTOP) }
func (g *group) thaw(id uint64) error   { return g.store(id).signal(syscall.SIGCONT) }

func (g *group) folder(id uint64) string { return filepath.Join(g.dir, fmt.Sprintf("store-%d", id)) }
func (g *group) log(id uint64) string    { return filepath.Join(g.dir, fmt.Sprintf("store-%d.log", id)) }

// lastWords are the last lines of a store's log.
func (g *group) lastWords(id uint64) string {
	const linesMax = 5
	text, err := os.ReadFile(g.log(id))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-linesMax):], "\n")
}

// alive says which stores have ended by themselves.
func (g *group) alive() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var failed error
	for id, p := range g.stores {
		if err := p.alive(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%w: %s", err, g.lastWords(id)))
		}
	}
	return failed
}

// end kills what runs. A store that has ended by itself fails the test.
func (g *group) end() {
	if err := g.alive(); err != nil {
		g.t.Error(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.stores {
		if err := p.kill(); err != nil {
			g.t.Error(err)
		}
	}
}

func (g *group) endpoints() []string {
	var all []string
	for _, id := range g.peers.IDs() {
		all = append(all, g.peers[id])
	}
	return all
}

// open returns a client of stores that are tried to destruction: it does not wait long for any of them.
func open(t testing.TB, endpoints []string) *client.Client {
	t.Helper()
	c, err := client.Open(client.Config{
		Endpoints: endpoints, AttemptTimeout: 500 * time.Millisecond, ConnectTimeout: 500 * time.Millisecond, BackoffMax: 100 * time.Millisecond,
	})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// servesWithin is how long a cluster may take to serve again when nothing is wrong any more, on a machine that others use too.
const servesWithin = 30 * time.Second

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servesWithin)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(servesWithin); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", servesWithin, what)
		}
	}
}

//go:build unix

package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Exit codes of the program.
const (
	exitFailed = 1
	exitUsage  = 2
)

// try runs the program until it ends, and returns how, and what it says.
func try(t testing.TB, args ...string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startsWithin)
	defer cancel()
	command := exec.CommandContext(ctx, raftplay(t), args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	err := command.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Errorf("%v did not end by itself", args)
	}
	return command.ProcessState.ExitCode(), stderr.String()
}

// refusesToStart wants one clear sentence and the code of wrong usage.
func refusesToStart(t testing.TB, what, want string, args ...string) {
	t.Helper()
	code, said := try(t, args...)
	var sentences []string
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "time=") { // its log
			sentences = append(sentences, line)
		}
	}
	if code != exitUsage || len(sentences) != 1 || !strings.HasPrefix(sentences[0], "raftplay: ") || !strings.Contains(sentences[0], want) {
		t.Errorf("%s: code %d, and it should say that %s:\n%s", what, code, want, said)
	}
}

// storeArgs are of a store that could start, before what comes after them.
func storeArgs(t testing.TB, more ...string) []string {
	t.Helper()
	args := []string{"store", "--id", "1", "--peers", "1=" + freeAddresses(t, 1)[1], "--data-dir", filepath.Join(t.TempDir(), "store")}
	return append(args, more...)
}

func TestWhatAStoreCannotStartWithIsOneSentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(content), mode))
		must(t, os.Chmod(path, mode)) // whatever the umask
		return path
	}
	for _, c := range []struct {
		what, want string
		args       []string
	}{
		{"peers that do not parse", `"1:7000" is no peer`, []string{"--peers", "1:7000"}},
		{"peers without itself", "store 1 is not among --peers", []string{"--peers", "2=127.0.0.1:7000"}},
		{"two peers at one address", "have the same address", []string{"--peers", "1=127.0.0.1:7000,2=127.0.0.1:7000"}},
		{"an id that cannot be", "--id", []string{"--id", "-1"}},
		{"no id", "--id says which store this is", []string{"--id", "0"}},
		{"a certificate that is not there", "no such file", []string{"--tls-cert", dir + "/none", "--tls-key", dir + "/none"}},
		{"a certificate that is none", "certificate", []string{"--tls-cert", file("cert", "x", 0o600), "--tls-key", file("key", "x", 0o600)}},
		{"a certificate without its key", "TLS needs a certificate and its key", []string{"--tls-cert", file("alone", "x", 0o600)}},
		{"an empty token file", "is empty", []string{"--operator-token-file", file("empty", "", 0o600)}},
		{"a token that others can write", "chmod", []string{"--operator-token-file", file("open", "long-enough-a-token\n", 0o666)}},
		{"a folder that is a file", "is a file", []string{"--data-dir", file("folder", "x", 0o600)}},
		{"a folder of something else", "is not a store's", []string{"--data-dir", dir}},
		{"a tick that cannot be", "a tick lasts from", []string{"--tick", "1us"}},
		{"heartbeats longer than elections", "election timeout", []string{"--heartbeat-ticks", "20"}},
		{"a setting that is none", "unknown", []string{"--nothing"}},
		{"an address that is not this machine's", "cannot", []string{"--listen", "192.0.2.1:7000", "--insecure"}},
		{"everybody let in", "--insecure", []string{"--listen", "0.0.0.0:0"}},
	} {
		refusesToStart(t, c.what, c.want, storeArgs(t, c.args...)...)
	}
}

func TestAPortInUseIsOneSentence(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	taken := listener.Addr().String()
	refusesToStart(t, "a port in use", taken+" is taken by another program", storeArgs(t, "--peers", "1="+taken)...)
	refusesToStart(t, "a port in use for HTTP", "--http: "+taken+" is taken", storeArgs(t, "--http", taken)...)
}

// A folder belongs to one store of one cluster, and to one process at a time. Nobody who is refused has changed anything.
func TestAFolderOfAnotherIsOneSentence(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 1)
	c := open(t, g.endpoints())
	mustPut(t, c, "a", "1")
	folder := []string{"--data-dir", g.folder(1)}
	refusesToStart(t, "a folder in use", "is in use by a running process", storeArgs(t, folder...)...)
	must(t, g.kill(1))
	refusesToStart(t, "another store's folder", "belongs to store 1, not to store 2",
		storeArgs(t, append(folder, "--id", "2", "--peers", "2=127.0.0.1:7000", "--cluster-id", fmt.Sprint(c.ClusterID()))...)...)
	refusesToStart(t, "another cluster's folder", fmt.Sprintf("belongs to cluster %d, not to cluster 77", c.ClusterID()),
		storeArgs(t, append(folder, "--cluster-id", "77")...)...)
	must(t, g.start(1))
	mustGet(t, c, "a", "1")
}

// twinsFor is some election timeouts.
const twinsFor = 1500 * time.Millisecond

// Two processes that are the same store: the second one has the first one's folder, or an empty one of its own. Neither way
// is anything lost that was acknowledged.
func TestTwoStoresOfOneIDLoseNothing(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	c := open(t, g.endpoints())
	mustPut(t, c, "a", "1")
	args := []string{"store", "--id", "2", "--peers", g.peers.String(), "--tick", tickText}
	refusesToStart(t, "the same folder at the same address", "taken", append(args, "--data-dir", g.folder(2))...)
	elsewhere := freeAddresses(t, 1)[1]
	refusesToStart(t, "the same folder elsewhere", "is in use", append(args, "--data-dir", g.folder(2), "--listen", elsewhere)...)

	twin, err := spawn(g.program, 2, append(args, "--data-dir", filepath.Join(g.dir, "twin"), "--listen", elsewhere), nil, filepath.Join(g.dir, "twin.log"))
	must(t, err)
	defer func() { must(t, twin.kill()) }()
	must(t, twin.up())
	l := startLoad(t, g.endpoints(), *seedFlag)
	time.Sleep(twinsFor)
	must(t, l.serves(t))
	// The true one starts once more, and the twin is a life that is over: nobody hears it now.
	must(t, g.kill(2))
	must(t, g.start(2))
	time.Sleep(twinsFor)
	must(t, l.serves(t))
	mustGet(t, c, "a", "1")
	l.stop()
	must(t, l.readBack(t))
	l.h.mustBeLinearizable(t, g.dir)
	must(t, g.alive())
}

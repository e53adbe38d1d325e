//go:build unix

package torture

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

var (
	cyclesFlag = flag.Int("cycles", 0, "cycles of faults in the trial of processes; 0: a few")
	seedFlag   = flag.Uint64("seed", 1, "what decides the faults and the clients' commands")
)

// keeperVariable makes the test binary a keeper; see keep.
const keeperVariable = "RAFTPLAY_TORTURE_KEEPER"

func TestMain(m *testing.M) {
	if os.Getenv(keeperVariable) == "1" {
		keep()
	}
	flag.Parse()
	// Most of every test is waiting for elections: more of them at a time than there are processors, unless told otherwise.
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set("4") // a number
	}
	code := m.Run()
	built.remove()
	os.Exit(code)
}

// keep waits until the test has ended, in whatever way, and ends its group of processes: no store outlives its test, though
// it may be frozen. It never returns.
func keep() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = syscall.Kill(0, syscall.SIGKILL)
	select {}
}

// keeper leads the group of processes that the stores are in.
var keeper = sync.OnceValues(func() (pid int, err error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), keeperVariable+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Its other end is this process's alone, and closes when it ends. It is never written to.
	if _, err := command.StdinPipe(); err != nil {
		return 0, err
	}
	if err := command.Start(); err != nil {
		return 0, err
	}
	keeping = command
	return command.Process.Pid, nil
})

// keeping holds on to the pipe.
var keeping *exec.Cmd

// binary is raftplay itself, built once for all tests.
type binary struct {
	once sync.Once
	dir  string
	err  error
}

var built binary

// raftplay returns the path of the program.
func raftplay(t testing.TB) string {
	t.Helper()
	built.once.Do(built.build)
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "raftplay")
}

func (b *binary) build() {
	if b.dir, b.err = os.MkdirTemp("", "raftplay-torture-bin-"); b.err != nil {
		return
	}
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(b.dir, "raftplay"), "raftplay/server/raftplay")
	if said, err := command.CombinedOutput(); err != nil {
		b.err = fmt.Errorf("raftplay is not built: %w\n%s", err, said)
	}
}

func (b *binary) remove() {
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

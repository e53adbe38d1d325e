package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// block is a fenced piece of docs/operating.md.
type block struct {
	kind, name, text string
	line             int
}

func blocksOf(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var open *block
	line := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line++
		fence, is := strings.CutPrefix(lines.Text(), "```")
		switch {
		case is && open == nil:
			kind, name, _ := strings.Cut(fence, " ")
			open = &block{kind: kind, name: name, line: line}
		case is:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += lines.Text() + "\n"
		}
	}
	return blocks
}

// The page's machines are this one: each address becomes a free port of the loopback.
func onThisMachine(t *testing.T) func(string) string {
	t.Helper()
	ports := map[string]string{}
	address := regexp.MustCompile(`10\.0\.0\.\d(:\d+)?`)
	return func(text string) string {
		return address.ReplaceAllStringFunc(text, func(of string) string {
			if !strings.Contains(of, ":") {
				return "127.0.0.1"
			}
			if ports[of] == "" {
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				ports[of] = listener.Addr().String()
				_ = listener.Close()
			}
			return ports[of]
		})
	}
}

func TestTheCommandsOfOperatingMdBringUpACluster(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl on this machine, which the page's commands use")
	}
	dir := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The page says raftplay; here that is this test's binary.
	if err := os.Symlink(program, filepath.Join(dir, "raftplay")); err != nil {
		t.Fatal(err)
	}
	environment := append(os.Environ(), "RAFTPLAY_TEST_MAIN=1", "PATH="+dir+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+dir)
	here := onThisMachine(t)
	shells, started := 0, 0
	for _, b := range blocksOf(t, filepath.Join("..", "..", "docs", "operating.md")) {
		text := here(b.text)
		where := fmt.Sprintf("docs/operating.md:%d", b.line)
		switch {
		case b.kind == "yaml":
			if err := os.WriteFile(filepath.Join(dir, b.name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		case b.kind == "bash" && b.name == "background":
			started++
			runInBackground(t, dir, environment, where, strings.TrimSpace(text))
		case b.kind == "bash":
			shells++
			// A store that has just started may have no leader yet: what asks for one waits, but for curl.
			text = strings.ReplaceAll(text, "curl -sf", "curl -sf --retry 20 --retry-delay 1 --retry-all-errors")
			command := exec.Command("bash", "-euo", "pipefail", "-c", text)
			command.Dir, command.Env = dir, environment
			if out, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s\n%s", where, err, text, out)
			} else {
				t.Logf("%s:\n%s", where, out)
			}
		}
	}
	if shells < 6 || started != 5 {
		t.Errorf("the page has %d pieces to run and %d to start: has its form changed?", shells, started)
	}
}

// runInBackground starts a long-running command and waits until it says that it serves.
func runInBackground(t *testing.T, dir string, environment []string, where, text string) {
	t.Helper()
	command := exec.Command("bash", "-c", "exec "+text)
	command.Dir, command.Env = dir, environment
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan bool, 1)
	ended := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		serving <- lines.Scan()
		for lines.Scan() {
		}
		ended <- command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %s ended with %v: %s", where, text, err, stderr.String())
			}
		case <-time.After(30 * time.Second):
			_ = command.Process.Kill()
			t.Errorf("%s: %s does not end", where, text)
		}
	})
	select {
	case is := <-serving:
		if !is {
			t.Fatalf("%s: %s ended: %s", where, text, stderr.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("%s: %s does not serve: %s", where, text, stderr.String())
	}
}

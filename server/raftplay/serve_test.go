package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"raftplay/core"
)

var onePage = fstest.MapFS{"index.html": {Data: []byte("<title>raftplay</title>")}}

// try runs the whole program until it is done and returns its exit code and what it printed.
func try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code = execute(ctx, &Program{Stdout: &out, Stderr: &err, Site: onePage}, args)
	return code, out.String(), err.String()
}

// oneSentence fails the test unless text is one line of words.
func oneSentence(t *testing.T, what, text string) {
	t.Helper()
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "raftplay: ") || len(text) > 300 {
		t.Errorf("%s: stderr is not one sentence:\n%s", what, text)
	}
}

func TestServeShowsThePageUntilItIsClosed(t *testing.T) {
	var out bytes.Buffer
	p := &Program{Stdout: &out, Stderr: io.Discard, Site: onePage}
	if err := p.ParseFlags([]string{"serve", "--listen", "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`^raftplay is at (http://127\.0\.0\.1:[1-9]\d*/)\n` +
		`the cluster's data is in \S+ until the end; --data-dir keeps it\n` +
		`endpoints 127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\n$`).FindStringSubmatch(out.String())
	if found == nil {
		t.Fatalf("printed %q", out.String())
	}
	response, err := http.Get(found[1])
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if page, err := io.ReadAll(response.Body); err != nil || string(page) != "<title>raftplay</title>" {
		t.Errorf("got %q, %v", page, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(found[1]); err == nil {
		t.Error("the page is still there after Close")
	}
}

func TestServeSaysWhyItCannot(t *testing.T) {
	p := &Program{Stdout: io.Discard, Stderr: io.Discard, Site: onePage}
	if err := p.ParseFlags([]string{"serve", "--listen", "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	taken := strings.Trim(strings.TrimPrefix(p.server.URL(), "http://"), "/")
	code, _, stderr := try(t, "serve", "--stores", "0", "--listen", taken)
	if code != exitUsage || !strings.Contains(stderr, taken+" is taken") {
		t.Errorf("a taken port: code %d, %s", code, stderr)
	}
	oneSentence(t, "a taken port", stderr)

	var out, errs bytes.Buffer
	empty := &Program{Stdout: &out, Stderr: &errs, Site: fstest.MapFS{".gitkeep": {}}}
	code = execute(t.Context(), empty, []string{"serve", "--stores", "0", "--listen", "127.0.0.1:0"})
	if code != exitFailed || !strings.Contains(errs.String(), "make build") || out.Len() > 0 {
		t.Errorf("no page: code %d, %s%s", code, out.String(), errs.String())
	}
	oneSentence(t, "no page", errs.String())
}

func TestWrongUsageIsOneSentence(t *testing.T) {
	for _, args := range [][]string{
		{"nothing"}, {"--nothing"}, {"serve", "there"}, {"serve", "--listen"}, {"serve", "--port", "1"}, {"sim", "walk"},
	} {
		what := strings.Join(args, " ")
		code, stdout, stderr := try(t, args...)
		if code != exitUsage || stdout != "" {
			t.Errorf("%s: code %d, stdout %q", what, code, stdout)
		}
		oneSentence(t, what, stderr)
	}
}

func TestHelpVersionAndCompletion(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "Available Commands"}, {"--help", "Examples"}, {"serve --help", "--listen"}, {"sim", "Usage"},
		{"--version", "raftplay " + core.Version + "\n"}, {"completion bash", "bash completion"}, {"completion fish", "fish completion"},
	} {
		code, stdout, stderr := try(t, strings.Fields(c.args)...)
		if code != exitFine || !strings.Contains(stdout, c.want) || stderr != "" {
			t.Errorf("raftplay %s: code %d, no %q in\n%s%s", c.args, code, c.want, stdout, stderr)
		}
	}
}

// TestMain lets the test binary stand in for the program, so that signals can be tried on a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("RAFTPLAY_TEST_MAIN") == "1" {
		os.Exit(untilSignal(onePage))
	}
	os.Exit(m.Run())
}

func TestSignalsEndServeInOrder(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		out, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
		if err != nil {
			t.Fatal(err)
		}
		command := exec.Command(program, "serve", "--listen", "127.0.0.1:0")
		command.Env = append(os.Environ(), "RAFTPLAY_TEST_MAIN=1")
		command.Stdout = out
		var stderr bytes.Buffer
		command.Stderr = &stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		waitForAddress(t, out.Name(), ended)
		if err := command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%v: ended with %v: %s", signal, err, stderr.String())
			}
		case <-time.After(10 * time.Second):
			_ = command.Process.Kill()
			t.Errorf("%v: still running after 10 s", signal)
		}
	}
}

// waitForAddress returns when the program has printed where it is.
func waitForAddress(t *testing.T, stdout string, ended <-chan error) {
	t.Helper()
	for range 1000 {
		if printed, err := os.ReadFile(stdout); err == nil && strings.Contains(string(printed), "\n") {
			return
		}
		select {
		case err := <-ended:
			t.Fatalf("ended by itself: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("no address after 10 s")
}

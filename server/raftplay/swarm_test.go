package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestASwarmEndsWithItsCount(t *testing.T) {
	code, stdout, stderr := try(t, "sim", "swarm", "--seeds", "6", "--start", "40")
	if code != exitFine || stderr != "" || !strings.HasSuffix(stdout, "\n6 passed, 0 failed\n") {
		t.Errorf("code %d, stderr %q, stdout\n%s", code, stderr, stdout)
	}
	again, one, _ := try(t, "sim", "swarm", "--seeds", "6", "--start", "40", "--workers", "1")
	if again != exitFine || one != stdout {
		t.Errorf("with one worker: code %d\n%s\nwith one for each core:\n%s", again, one, stdout)
	}
}

var failedLine = regexp.MustCompile(`(?m)^seed (\d+) failed: (.*); replay: raftplay (sim run --swarm --seed \d+ --bug no-fsync)$`)

// A line for each failing run holds the command that shows it again.
func TestAFailingRunIsALineThatReplays(t *testing.T) {
	code, stdout, stderr := try(t, "sim", "swarm", "--seeds", "4", "--bug", "no-fsync")
	found := failedLine.FindStringSubmatch(stdout)
	if code != exitFailed || found == nil || !strings.Contains(stderr, "of 4 runs failed") {
		t.Fatalf("code %d, stderr %q, stdout\n%s", code, stderr, stdout)
	}
	if !regexp.MustCompile(`\n[0-3] passed, [1-4] failed\n$`).MatchString(stdout) {
		t.Errorf("no count at the end of\n%s", stdout)
	}
	code, stdout, _ = try(t, strings.Fields(found[3])...)
	if code != exitFailed {
		t.Errorf("%s: code %d\n%s", found[3], code, stdout)
	}
}

func TestASwarmsJSONIsOneObjectALine(t *testing.T) {
	_, stdout, _ := try(t, "sim", "swarm", "--seeds", "3", "--bug", "no-fsync", "--coverage", "--json")
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	var failed swarmLine
	if err := json.Unmarshal([]byte(lines[0]), &failed); err != nil || failed.Seed == 0 || len(failed.Failures) == 0 || failed.Replay == "" {
		t.Errorf("%v: %s", err, lines[0])
	}
	var s swarmSummary
	last := lines[len(lines)-1]
	if err := json.Unmarshal([]byte(last), &s); err != nil || s.Passed+s.Failed != 3 || s.Failed != len(lines)-1 || len(s.Coverage) < 50 || s.Events == 0 {
		t.Errorf("%v: %s", err, last)
	}
}

func TestAShortenedRunFailsToo(t *testing.T) {
	folder := t.TempDir()
	if _, stdout, _ := try(t, "sim", "swarm", "--seeds", "1", "--start", "1", "--bug", "send-before-sync", "--minimize", "--out", folder); !strings.Contains(stdout, "short: raftplay sim run --recover --actions ") {
		t.Fatal(stdout)
	}
	name := filepath.Join(folder, "raftplay-seed-1.json")
	if _, err := os.Stat(name); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := try(t, "sim", "run", "--recover", "--actions", name); code != exitFailed {
		t.Errorf("code %d\n%s", code, stdout)
	}
}

func TestWhatNoSwarmCanDoIsOneSentence(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--seeds 0", "--seeds must be 1 to"},
		{"--seeds -1", "invalid argument"},
		{"--start 18446744073709551615", "leaves no room"},
		{"--workers -2", "--workers must be"},
		{"--bug nonsense", "there is no bug"},
		{"extra", "unknown command"},
	} {
		code, stdout, stderr := try(t, append([]string{"sim", "swarm"}, strings.Fields(c.args)...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: code %d, stdout %q, stderr %q", c.args, code, stdout, stderr)
		}
	}
}

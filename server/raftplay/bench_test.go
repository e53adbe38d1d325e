package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"raftplay/server/client/clienttest"
)

func TestBenchPrintsATableOrLinesOfJSON(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	endpoints := strings.Join(cluster.Endpoints(), ",")
	code, stdout, stderr := try(t, "bench", "--endpoints", endpoints, "--clients", "1,16", "--for", "200ms")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != exitFine || stderr != "" || len(lines) != 3 ||
		strings.Join(strings.Fields(lines[0]), " ") != "op clients per second p50 p99 errors" ||
		!regexp.MustCompile(`^put 16 [1-9]\d* \S+s \S+s 0$`).MatchString(strings.Join(strings.Fields(lines[2]), " ")) {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
	wrote := len(cluster.Data(cluster.Leader(1), 1))
	if wrote == 0 {
		t.Error("nothing was written")
	}
	for reads, op := range map[string]string{"100": "get", "50": "mixed"} {
		code, stdout, stderr = try(t, "bench", "--endpoints", endpoints, "--clients", "4", "--for", "100ms", "--reads", reads, "--json")
		var line benchLine
		if err := json.Unmarshal([]byte(stdout), &line); err != nil || code != exitFine || line.System != "raftplay" || line.Op != op ||
			line.Clients != 4 || line.PerSecond == 0 || line.P50Micros == 0 || line.P99Micros < line.P50Micros || line.Errors != 0 {
			t.Errorf("%s reads: code %d, %v, %s%s", reads, code, err, stdout, stderr)
		}
	}
}

func TestBenchCountsWhatFails(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	code, _, stderr := try(t, "bench", "--endpoints", cluster.Address(1), "--clients", "2", "--for", "100ms", "--value-bytes", "1048576")
	if code != exitFine {
		t.Errorf("values as large as they may be: code %d, %s", code, stderr)
	}
	for id := uint64(1); id <= 3; id++ {
		cluster.Cut(id, true)
	}
	cluster.Eventually("nobody leads", func() bool { return cluster.Leader(1) == 0 })
	code, stdout, stderr := try(t, "bench", "--endpoints", cluster.Address(1), "--timeout", "100ms", "--for", "100ms")
	if code != exitFailed || strings.Contains(stdout, "put") || !strings.Contains(stderr, "gave up after") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
	for _, c := range []struct{ args, want string }{
		{"--clients 0", "--clients must be 1 to 1000"},
		{"--for 0s", "--for must be"},
		{"--value-bytes -1", "--value-bytes must be"},
		{"--reads 101", "--reads must be 0 to 100"},
	} {
		code, _, stderr := try(t, append([]string{"bench"}, strings.Fields(c.args)...)...)
		if code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: code %d, %s", c.args, code, stderr)
		}
	}
}

// A percentile is off by no more than 1 part in 32.
func TestLatenciesAreCountedFinely(t *testing.T) {
	for _, micros := range []int64{0, 1, 31, 32, 63, 64, 65, 1000, 123_456, 9_999_999_999} {
		if got := latencyAt(latencyBucket(micros)); got < micros-micros/32 || got > micros+micros/32 {
			t.Errorf("%d µs are counted as %d", micros, got)
		}
	}
	l := &latencies{}
	for i := range int64(1000) {
		l.note(i + 1)
	}
	if p50, p99 := l.percentile(50), l.percentile(99); p50 < 490 || p50 > 510 || p99 < 970 || p99 > 1010 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	if (&latencies{}).percentile(99) != 0 {
		t.Error("there is a percentile of nothing")
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// The members of a test are this test's binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == memberArgument {
		exit(runMember(os.Args[2:], os.Stdin))
		return
	}
	os.Exit(m.Run())
}

func TestALineIsPrintedForEachMeasurement(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--clients", "1,20", "--seconds", "0.3", "--value-bytes", "16"}, &out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.System != "etcd" || !strings.HasPrefix(r.Version, "3.7.") || r.ValueBytes != 16 || r.Errors != 0 {
			t.Errorf("the line is %s", line)
		}
		if r.PerSecond <= 0 || r.P50Micros <= 0 || r.P99Micros < r.P50Micros {
			t.Errorf("the figures are %s", line)
		}
		got = append(got, r.Op+" "+strings.Repeat("c", r.Clients))
	}
	twenty := strings.Repeat("c", 20)
	if strings.Join(got, ",") != "put c,get c,put "+twenty+",get "+twenty {
		t.Errorf("measured %v", got)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("folders are left: %v, %v", left, err)
	}
}

func TestQuantilesAreValuesThatWereSeen(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	for _, c := range []struct {
		of       []int64
		p50, p99 int64
	}{{nil, 0, 0}, {[]int64{7}, 7, 7}, {[]int64{1, 9}, 1, 9}, {hundred, 50, 99}} {
		if p50, p99 := quantile(c.of, 50), quantile(c.of, 99); p50 != c.p50 || p99 != c.p99 {
			t.Errorf("of %v: %d and %d, want %d and %d", c.of, p50, p99, c.p50, c.p99)
		}
	}
}

func TestErrorsAreCountedAndHaveNoLatency(t *testing.T) {
	r := summary([]tally{{[]int64{10, 30}, 1}, {[]int64{20}, 2}}, 2*time.Second)
	if r.PerSecond != 1.5 || r.P50Micros != 20 || r.P99Micros != 30 || r.Errors != 3 {
		t.Errorf("the summary is %+v", r)
	}
}

func TestWhatCannotBeMeasuredIsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--clients 0":                `"0" is no number of clients: 1 to 10000 are possible`,
		"--clients 1,,2":             `"" is no number of clients: 1 to 10000 are possible`,
		"--seconds 0":                "a measurement cannot take 0 seconds: at most 600",
		"--value-bytes -1":           "a value cannot have -1 bytes: at most 1048576",
		"--clients-per-connection 0": "0 clients cannot share a connection: at least 1",
	} {
		if _, err := parsePlan(strings.Fields(args)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"raftplay/server/api"
	"raftplay/server/client/clienttest"
)

// ctlTry runs `ctl` against a cluster, with something on standard input.
func ctlTry(t *testing.T, cluster *clienttest.Cluster, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args = append([]string{"ctl", "--endpoints", strings.Join(cluster.Endpoints(), ",")}, args...)
	code = execute(ctx, &Program{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Site: onePage}, args)
	return code, out.String(), errs.String()
}

// ctlScript runs commands one after the other and compares what they print.
func ctlScript(t *testing.T, cluster *clienttest.Cluster, script []ctlStep) {
	t.Helper()
	for _, step := range script {
		code, stdout, stderr := ctlTry(t, cluster, step.stdin, strings.Fields(step.args)...)
		if code != step.code || stdout != step.stdout {
			t.Errorf("ctl %s: code %d, want %d; stderr %q; stdout\n%s\nwant\n%s", step.args, code, step.code, stderr, stdout, step.stdout)
		}
		if step.stderr == "" && stderr != "" || !strings.Contains(stderr, step.stderr) {
			t.Errorf("ctl %s: stderr %q, want %q in it", step.args, stderr, step.stderr)
		}
		if stderr != "" {
			oneSentence(t, "ctl "+step.args, stderr)
		}
	}
}

type ctlStep struct {
	args, stdin    string
	code           int
	stdout, stderr string
}

func TestCtlReadsAndWritesKeys(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	ctlScript(t, cluster, []ctlStep{
		{args: "get a", code: exitFailed, stderr: `there is no key "a"`},
		{args: "get a --json", code: exitFailed, stdout: `{"key":"a","found":false,"encoding":"text"}` + "\n", stderr: `there is no key "a"`},
		{args: "put a 1", stdout: "ok\n"},
		{args: "put long-name - --json", stdin: "two\n", stdout: `{"applied":true}` + "\n"},
		{args: "get a", stdout: "1\n"},
		{args: "get a --read stale", stdout: "1\n"},
		{args: "get long-name", stdout: "two\n\n"},
		{args: "get a --json", stdout: `{"key":"a","found":true,"value":"1","encoding":"text"}` + "\n"},
		{args: "put a 2 --if 0", code: exitFailed, stderr: `nothing was written: key "a" has the value "1"`},
		{args: "put a 2 --if-absent", code: exitFailed, stderr: `key "a" has the value "1"`},
		{args: "put a 2 --if 1", stdout: "ok\n"},
		{args: "put b 2 --if 1", code: exitFailed, stderr: `nothing was written: there is no key "b"`},
		{args: "put --hex 6300 00ff", stdout: "ok\n"},
		{args: "get --base64 YwA=", stdout: "AP8=\n"},
		{args: "scan c d --json", stdout: `{"pairs":[{"key":"YwA=","value":"AP8="}],"more":false,"encoding":"base64"}` + "\n"},
		{args: "scan a b", stdout: "a  2\n"},
		{args: "scan d", stdout: "long-name  two\n\n"},
		{args: "scan --limit 1", stdout: "a  2\nand more: --limit is 1\n"},
		{args: "scan --limit 1 --reverse --hex", stdout: "6c6f6e672d6e616d65  74776f0a\nand more: --limit is 1\n"},
		{args: "scan x --json", stdout: `{"pairs":[],"more":false,"encoding":"text"}` + "\n"},
		{args: "seek b --hex", code: exitUsage, stderr: `the key "b" is not hex`},
		{args: "seek a1 --hex", code: exitFailed, stderr: "there is no key at or after"},
		{args: "seek", stdout: "a  2\n"},
		{args: "seek x", code: exitFailed, stderr: `there is no key at or after "x"`},
		{args: "seek a --json", stdout: `{"key":"a","found":true,"value":"2","encoding":"text"}` + "\n"},
		{args: "delete a", stdout: "ok\n"},
		{args: "delete a", stdout: "ok, there was no such key\n"},
		{args: "delete a --json", stdout: `{"found":false}` + "\n"},
	})
}

func TestCtlChangesACluster(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Spare: 1})
	ctlScript(t, cluster, []ctlStep{
		{args: "put a 1", stdout: "ok\n"},
		{args: "peer add-learner 4", stdout: "region 1 is on S1, S2, S3 and S4 (learner)\n"},
		{args: "peer add 9", code: exitUsage, stderr: "no store knows of S9; there are S1, S2, S3, S4"},
	})
	cluster.Eventually("S4 has the data", func() bool { return cluster.Data(4, 1)["a"] == "1" })
	ctlScript(t, cluster, []ctlStep{
		{args: "peer add 4", stdout: "region 1 is on S1, S2, S3 and S4\n"},
		{args: "transfer 4 --timeout 20s", stdout: "S4 leads region 1\n"},
		{args: "peer remove 1", stdout: "region 1 is on S2, S3 and S4\n"},
		{args: "peer remove 1", code: exitFailed, stderr: "S1"},
		{args: "transfer 1", code: exitFailed, stderr: "S1"},
		{args: "split m", stdout: "region 1 now ends before m, where region 1002 begins\n"},
		{args: "split m", code: exitFailed, stderr: `region 1002 cannot be split at "m"`},
		{args: "compact", code: exitUsage, stderr: "the cluster has 2 regions: say which one is meant with --region"},
		{args: "compact --region 7", code: exitFailed, stderr: "there is no region 7"},
		{args: "compact --region 1 --index 1000000", code: exitFailed, stderr: "entry 1000000 is not applied yet"},
	})
	code, stdout, stderr := ctlTry(t, cluster, "", "compact", "--region", "1")
	if code != exitFine || !strings.HasPrefix(stdout, "the log of region 1 begins at entry ") {
		t.Errorf("compact: code %d, %s%s", code, stdout, stderr)
	}
}

func TestCtlShowsTheStatusOfACluster(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{})
	cluster.Crash(3)
	cluster.Transfer(1, 2)
	code, stdout, stderr := ctlTry(t, cluster, "", "status", "--json")
	var got statusResult
	if err := json.Unmarshal([]byte(stdout), &got); code != exitFine || err != nil {
		t.Fatalf("code %d, %v: %s%s", code, err, stdout, stderr)
	}
	if got.ClusterID != 7 || len(got.Stores) != 3 || got.Stores[1].Leaders != 1 || got.Stores[1].Address != cluster.Address(2) ||
		!strings.Contains(got.Stores[2].Error, "connection refused") {
		t.Errorf("stores: %s", stdout)
	}
	if r := got.Regions[0]; len(got.Regions) != 1 || r.Leader != 2 || r.Log == nil || r.Log.Applied == 0 || len(r.Peers) != 3 || r.Peers[0].Role != "voter" {
		t.Errorf("regions: %s", stdout)
	}
	code, stdout, stderr = ctlTry(t, cluster, "", "status")
	lines := strings.Split(stdout, "\n")
	if code != exitFine || len(lines) < 9 || lines[0] != "cluster 7" ||
		strings.Join(strings.Fields(lines[2]), " ") != "STORE ADDRESS REGIONS LEADS VERSION" ||
		strings.Join(strings.Fields(lines[4]), " ") != "S2 "+cluster.Address(2)+" 1 1 test" ||
		strings.Join(strings.Fields(lines[5]), " ") != "S3 "+cluster.Address(3)+" - - does not answer" ||
		!strings.HasPrefix(strings.Join(strings.Fields(lines[8]), " "), "1 - - 1.1 S2 ") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
}

func TestCtlSaysWhenAnOutcomeIsUnknown(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1})
	ctlScript(t, cluster, []ctlStep{{args: "put a 1", stdout: "ok\n"}})
	cluster.Hold(1, true)
	ctlScript(t, cluster, []ctlStep{{args: "put a 2 --timeout 200ms", code: exitFailed, stderr: "the outcome is unknown after"}})
}

func TestCtlIsLetInWithAToken(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1, Tokens: api.Tokens{Operator: "at-the-wheel-01234"}})
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("at-the-wheel-01234\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctlScript(t, cluster, []ctlStep{
		{args: "put a 1", code: exitFailed, stderr: "this store wants a token"},
		{args: "put a 1 --token-file " + file, stdout: "ok\n"},
		{args: "put a 1 --token-file " + file + "x", code: exitUsage, stderr: "cannot read the token file"},
		{args: "put a 1 --tls-ca " + file, code: exitUsage, stderr: "holds no certificate"},
	})
}

func TestCtlSaysWhatIsWrongWithItsInput(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"get", exitUsage, "accepts 1 arg(s), received 0; see `raftplay ctl get --help`"},
		{"get a --read now", exitUsage, "--read is one of read-index, log, lease, stale"},
		{"put a", exitUsage, "accepts 2 arg(s)"},
		{"put a 1 --if 2 --if-absent", exitUsage, "[if if-absent]"},
		{"scan b a", exitUsage, "START must be before END"},
		{"scan --limit 0", exitUsage, "--limit must be 1 to"},
		{"transfer S2", exitUsage, "a store is named by its number"},
		{"peer remove 0", exitUsage, "a store is named by its number"},
		{"compact --index 0", exitUsage, "--index must be at least 1"},
		{"get a --hex --base64", exitUsage, "[base64 hex]"},
		{"get a --timeout 0s", exitUsage, "--timeout must be"},
		{"get a --tls-cert x", exitUsage, "--tls-cert and --tls-key go together"},
		{"get a --tls-cert x --tls-key y", exitUsage, "goes with --tls-ca"},
		{"get a --endpoints nowhere", exitUsage, `the endpoint "nowhere" is not host:port`},
		{"get a --endpoints " + nobody, exitFailed, "no store answers: " + nobody + ": connection refused"},
		{"frobnicate", exitUsage, "unknown command"},
	} {
		code, stdout, stderr := try(t, append([]string{"ctl"}, strings.Fields(c.args)...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("ctl %s: code %d, stdout %q, stderr %q", c.args, code, stdout, stderr)
		}
		oneSentence(t, c.args, stderr)
	}
	for _, args := range []string{"ctl", "ctl put --help", "ctl peer", "ctl peer add-learner --help", "bench --help"} {
		code, stdout, _ := try(t, strings.Fields(args)...)
		if code != exitFine || !strings.Contains(stdout, "Examples:") || !strings.Contains(stdout, "  raftplay "+strings.Fields(args)[0]) {
			t.Errorf("%s: code %d, no examples in\n%s", args, code, stdout)
		}
	}
}

// The note of a running `serve` is found without any flag; one that was left behind is told from it.
func TestCtlFindsTheClusterOfThisMachine(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1})
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv(endpointsVariable, "")
	want := func(code int, words string) {
		t.Helper()
		got, stdout, stderr := try(t, "ctl", "put", "a", "1")
		if got != code || !strings.Contains(stdout+stderr, words) {
			t.Errorf("code %d, want %d: %s%s", got, code, stdout, stderr)
		}
	}
	want(exitUsage, "no cluster is served on this machine")
	remove, err := writeEndpoints(cluster.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	want(exitFine, "ok\n")
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	want(exitUsage, "no cluster is served on this machine")
	t.Setenv(endpointsVariable, cluster.Address(1))
	want(exitFine, "ok\n")
	t.Setenv(endpointsVariable, "")

	// A note by a process that has ended, and by one that started later than this one.
	if remove, err = writeEndpoints(cluster.Endpoints()); err != nil {
		t.Fatal(err)
	}
	name, err := endpointsFile()
	if err != nil {
		t.Fatal(err)
	}
	leave := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leave(`{"pid":2147483647,"endpoints":["127.0.0.1:1"]}`)
	want(exitUsage, "has ended")
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err != nil {
		t.Errorf("the note of another process was taken away: %v", err)
	}
	leave("{}")
	want(exitUsage, "is not a note of endpoints")
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

var hashLine = regexp.MustCompile(`(?m)^hash ([0-9a-f]{64})$`)

// hashOf runs `raftplay sim run` with args and returns the hash it prints.
func hashOf(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := try(t, append([]string{"sim", "run"}, args...)...)
	found := hashLine.FindStringSubmatch(stdout)
	if code != exitFine || found == nil || stderr != "" {
		t.Fatalf("sim run %v: code %d, stderr %q, stdout\n%s", args, code, stderr, stdout)
	}
	return found[1]
}

func TestARunTellsWhatHappened(t *testing.T) {
	code, stdout, stderr := try(t, "sim", "run", "--exercise", "--seed", "7")
	if code != exitFine || stderr != "" {
		t.Fatalf("code %d: %s", code, stderr)
	}
	for _, want := range []string{
		`seed +7\n`, `virtual time +\S+s\n`, `steps +\d+\n`, `events +\d+\n`,
		`messages +\d+ sent, \d+ delivered, [1-9]\d* lost\n`, `stores down +[1-9]\d* crashes, [1-9]\d* restarts\n`,
		`terms +newest [2-9], [1-9] with a leader\n`, `leader +(S[1-5]|none)\n`, `acknowledged writes +[2-9]\d\n`,
		`violations +0\n`, `hash [0-9a-f]{64}\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

func TestTheHashIsOfTheRun(t *testing.T) {
	first := hashOf(t, "--seed", "7", "--for", "5s")
	if again := hashOf(t, "--seed", "7", "--for", "5s", "--events"); again != first {
		t.Errorf("the same run gave %s and %s", first, again)
	}
	for _, other := range [][]string{
		{"--seed", "8", "--for", "5s"}, {"--seed", "7", "--for", "6s"}, {"--seed", "7", "--for", "5s", "--stores", "3"},
	} {
		if hashOf(t, other...) == first {
			t.Errorf("%v gave the hash of another run", other)
		}
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	code, stdout, stderr := try(t, "sim", "run", "--for", "3s", "--events", "--json")
	if code != exitFine || stderr != "" {
		t.Fatalf("code %d: %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	events, last := lines[:len(lines)-1], lines[len(lines)-1]
	for i, line := range events {
		event := &sessionpb.Event{}
		if err := protojson.Unmarshal([]byte(line), event); err != nil || event.GetSeq() != uint64(i+1) {
			t.Fatalf("line %d: event %d, error %v: %s", i+1, event.GetSeq(), err, line)
		}
	}
	var s summary
	if err := json.Unmarshal([]byte(last), &s); err != nil {
		t.Fatalf("%v: %s", err, last)
	}
	if s.Events != uint64(len(events)) || s.TimeMicros != 3_000_000 || s.Stores != 5 || len(s.Hash) != 64 || s.Violations == nil {
		t.Errorf("after %d events: %s", len(events), last)
	}
}

// export writes a run as the page does.
func export(t *testing.T, run *sessionpb.Run) string {
	t.Helper()
	text, err := protojson.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "run.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnExportedRunEndsInItsHash(t *testing.T) {
	for flag, run := range map[string]*sessionpb.Run{"--exercise": sim.Exercise(7), "--regions": sim.ExerciseRegions(7)} {
		exportedRunEndsInItsHash(t, flag, run)
	}
}

func exportedRunEndsInItsHash(t *testing.T, flag string, run *sessionpb.Run) {
	t.Helper()
	want := hashOf(t, flag, "--seed", "7")
	name := export(t, run)
	if got := hashOf(t, "--actions", name); got != want {
		t.Errorf("the exported run has the hash %s, want %s", got, want)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := &Program{Stdin: bytes.NewReader(text), Stdout: &out, Stderr: &out, Site: onePage}
	if code := execute(t.Context(), p, []string{"sim", "run", "--actions", "-"}); code != exitFine || !strings.Contains(out.String(), want) {
		t.Errorf("from standard input: code %d, no hash %s in\n%s", code, want, out.String())
	}
}

func TestBadInputIsOneSentenceAndCodeTwo(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	whole, err := os.ReadFile(export(t, sim.Exercise(1)))
	if err != nil {
		t.Fatal(err)
	}
	unreachable := sim.Exercise(1)
	unreachable.Actions, unreachable.NowMicros, unreachable.Steps, unreachable.ByTime = nil, 1000, 100, false
	for _, c := range []struct{ args, want string }{
		{"--seed x", "invalid argument"},
		{"--seed -1", "invalid argument"},
		{"--stores 0", "1 to 9 stores"},
		{"--stores 10", "1 to 9 stores"},
		{"--for 1", "invalid argument"},
		{"--for -1s", "--for must be"},
		{"--for 2000h", "--for must be"},
		{"--actions x --seed 1", "none of the others"},
		{"--exercise --for 1s", "none of the others"},
		{"--exercise --regions", "none of the others"},
		{"--swarm --exercise", "none of the others"},
		{"--unsafe", "goes with --swarm"},
		{"--bug nonsense", "there is no bug"},
		{"--regions --stores 5", "none of the others"},
		{"--actions " + filepath.Join(folder, "missing.json"), "no such file"},
		{"--actions " + folder, "is a directory"},
		{"--actions " + write("empty.json", ""), "is not an exported run"},
		{"--actions " + write("cut.json", string(whole[:len(whole)/2])), "is not an exported run"},
		{"--actions " + write("other.json", `{"hello":1}`), `unknown field "hello"`},
		{"--actions " + write("binary.json", "\x00asm\x01"), "is not an exported run"},
		{"--actions " + write("none.json", "{}"), "no configuration"},
		{"--actions " + export(t, unreachable), "does not go back"},
	} {
		code, stdout, stderr := try(t, append([]string{"sim", "run"}, strings.Fields(c.args)...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("sim run %s: code %d, want %q in %q; stdout %q", c.args, code, c.want, stderr, stdout)
		}
		oneSentence(t, c.args, stderr)
	}
}

func TestAViolationFailsTheRun(t *testing.T) {
	counted := newTally()
	for i := range 2 {
		counted.Event(&sessionpb.Event{Seq: uint64(i + 40), Body: &sessionpb.Event_Violation{
			Violation: &sessionpb.Violation{Judge: "election safety", Message: "S1 and S2 lead term 3"}}})
	}
	run := sim.Exercise(1)
	player, err := sim.NewPlayer(run)
	if err != nil {
		t.Fatal(err)
	}
	s := counted.summary(run, player, "00")
	err = s.verdict()
	if err == nil || !strings.Contains(err.Error(), "2 times, first: election safety, at event 40: S1 and S2 lead term 3") {
		t.Errorf("got %v", err)
	}
	var out bytes.Buffer
	if err := s.print(&out, false); err != nil || !strings.Contains(out.String(), "violations           2\n") ||
		!strings.Contains(out.String(), "at event 41") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if code := report(&out, err); code != exitFailed {
		t.Errorf("code %d for a violation", code)
	}
}

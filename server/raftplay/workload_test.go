package main

import (
	"encoding/json"
	"strings"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func TestClientsWorkAndAreJudged(t *testing.T) {
	code, stdout, stderr := try(t, "sim", "run", "--for", "20s", "--workload", "registers,bank:8", "--json")
	if code != exitFine || stderr != "" {
		t.Fatalf("code %d: %s", code, stderr)
	}
	var s summary
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		t.Fatal(err)
	}
	if s.Judged < 100 || s.Linearizable != "yes" || !strings.Contains(s.LinearizableWhy, "one order explains all answers") {
		t.Errorf("the summary says %s", stdout)
	}
	if _, stdout, _ := try(t, "sim", "run", "--exercise", "--seed", "7"); !strings.Contains(stdout, "linearizable         yes: ") {
		t.Errorf("no verdict in\n%s", stdout)
	}
}

func TestAWorkloadThatIsNoneIsAWrongUse(t *testing.T) {
	for given, want := range map[string]string{
		"queues":          `--workload is registers, sets, counters or bank, not "queues"`,
		"bank:many":       `--workload bank has a number of clients after the colon, not "many"`,
		"bank:65":         "workload 1: it has 1 to 64 clients, not 65",
		"bank:0":          "workload 1: it has 1 to 64 clients, not 0",
		"bank:40,sets:40": "all workloads together have at most 64 clients, not 80",
	} {
		code, _, stderr := try(t, "sim", "run", "--workload", given)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: code %d, %q, want %q", given, code, stderr, want)
		}
	}
}

func TestAHistoryThatIsNotLinearizableFails(t *testing.T) {
	for kind, fails := range map[sessionpb.VerdictKind]bool{
		sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE: false,
		sessionpb.VerdictKind_VERDICT_KIND_UNDECIDED:    false,
		sessionpb.VerdictKind_VERDICT_KIND_VIOLATED:     true,
	} {
		s := &summary{}
		s.judge(&sessionpb.Verdict{Kind: kind, Message: "because"})
		err := s.verdict()
		if (err != nil) != fails || fails && err.Error() != "what clients heard is not linearizable: because" {
			t.Errorf("%v: %v", kind, err)
		}
	}
}

package main

import (
	"os"
	"strings"
	"testing"

	"raftplay/core/pb/sessionpb/v1"
)

// Somebody starts the program a second time: the port is taken, and the first one is still found.
func TestAServeThatCannotStartLeavesTheNoteOfTheOneThatRuns(t *testing.T) {
	p, _ := visit(t, "")
	before, err := readEndpoints()
	if err != nil {
		t.Fatal(err)
	}
	taken := strings.Trim(strings.TrimPrefix(p.server.URL(), "http://"), "/")
	folder := t.TempDir()
	for _, args := range [][]string{
		{"serve", "--listen", taken, "--data-dir", folder}, {"serve", "--listen", "127.0.0.1:0", "--host", "not a name"},
	} {
		code, _, stderr := try(t, args...)
		if code != exitUsage {
			t.Errorf("%v: code %d, %s", args, code, stderr)
		}
		if after, err := readEndpoints(); err != nil || strings.Join(after, ",") != strings.Join(before, ",") {
			t.Errorf("%v: the note was %v and is %v, %v", args, before, after, err)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("a cluster was started in vain: %v, %v", entries, err)
	}
}

// A token is asked of whoever comes to the stores' own ports, too: they are open to every user of the machine.
func TestTheStoresOfAServeWithTokensAskForThem(t *testing.T) {
	operator := tokenFile(t, "operator-token-0123456789")
	p, v := visit(t, "operator-token-0123456789", "--operator-token-file", operator)
	if r := v.act(put("city", "Oslo")); r.GetFailure() != "" {
		t.Fatal(r.GetFailure())
	}
	if code, _, stderr := try(t, "ctl", "put", "city", "Kyoto", "--endpoints", p.endpoints); code == exitFine || !strings.Contains(stderr, "token") {
		t.Errorf("without a token: code %d, %s", code, stderr)
	}
	if code, stdout, stderr := try(t, "ctl", "get", "city", "--endpoints", p.endpoints, "--token-file", operator); code != exitFine || !strings.Contains(stdout, "Oslo") {
		t.Errorf("with the token: code %d, %s%s", code, stdout, stderr)
	}
}

func TestAServeWithAViewersTokenAloneShowsItsCluster(t *testing.T) {
	viewer := tokenFile(t, "viewer-token-0123456789")
	_, v := visit(t, "viewer-token-0123456789", "--viewer-token-file", viewer)
	for range 100 {
		if len(v.roles)+len(v.applied) > 0 {
			return
		}
		v.ask(&sessionpb.Request{})
	}
	t.Error("nothing of the cluster was shown")
}

func TestWhatTheOperatorCanPutRightIsWrongUsage(t *testing.T) {
	for what, args := range map[string][]string{
		"--allow-origin": {"serve", "--stores", "0", "--listen", "127.0.0.1:0", "--allow-origin", "nowhere"},
		"--store-listen": {"serve", "--listen", "127.0.0.1:0", "--store-listen", "0.0.0.0:0"},
		"--listen":       {"store", "--id", "1", "--peers", "1=127.0.0.1:1", "--data-dir", t.TempDir(), "--listen", "nowhere", "--insecure"},
		"an odd folder":  {"serve", "--listen", "127.0.0.1:0", "--data-dir", "/dev/null/folder"},
	} {
		code, _, stderr := try(t, args...)
		if code != exitUsage {
			t.Errorf("%s: code %d, %s", what, code, stderr)
		}
		oneSentence(t, what, stderr)
		if what == "--listen" && strings.Contains(stderr, "--insecure") {
			t.Errorf("it was said already: %s", stderr)
		}
	}
}

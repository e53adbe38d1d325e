package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
	"raftplay/server/live"

	"google.golang.org/protobuf/proto"
)

// recordingOf writes a recording to a file.
func recordingOf(t *testing.T, stretches ...*sessionpb.Stretch) string {
	t.Helper()
	var out bytes.Buffer
	if err := live.WriteRecording(&out, &sessionpb.Recording{
		Version: "0.1.0-test", Hello: &sessionpb.Hello{ProtocolVersion: live.ProtocolVersion}, Stretches: stretches,
	}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "seen.raftplay")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// story is a short one: a put travels, is applied and answered, and a store is lost.
func story(t *testing.T) []*sessionpb.Stretch {
	t.Helper()
	put := &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{RegionId: 1}, Requests: []*raftcmdpb.Request{{
		Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte("fruit"), Value: []byte{0xff, 0}}}}}}
	command, err := proto.Marshal(put)
	if err != nil {
		t.Fatal(err)
	}
	return []*sessionpb.Stretch{{
		Keyframe: &sessionpb.Keyframe{TimeMicros: 10_000_000, Stores: []*sessionpb.StoreState{{Id: 1, Up: true}, {Id: 2, Up: true}}},
		Events: []*sessionpb.Event{
			{Seq: 1, TimeMicros: 11_000_000, StoreId: 1, Body: &sessionpb.Event_OperationStarted{OperationStarted: &sessionpb.OperationStarted{
				Operation: &sessionpb.Operation{Id: 5, ToStore: 1, Request: put}}}},
			{Seq: 2, TimeMicros: 12_000_000, StoreId: 1, Body: &sessionpb.Event_WriteStarted{WriteStarted: &sessionpb.WriteStarted{
				WriteId: 9, MustSync: true, Peers: []*sessionpb.PeerWrite{{RegionId: 1, Entries: []*sessionpb.LogEntry{{
					Index: 7, Term: 2, Type: sessionpb.EntryType_ENTRY_TYPE_COMMAND, Command: command, Digest: 0xab}}}}}}},
			{Seq: 3, TimeMicros: 12_000_100, StoreId: 1, Body: &sessionpb.Event_MessageSent{MessageSent: &sessionpb.MessageSent{
				Message: &sessionpb.Message{Id: 3, RegionId: 1, FromStore: 1, ToStore: 2, Type: sessionpb.MessageType_MESSAGE_TYPE_APPEND, EntryTerms: []uint64{2}}}}},
			{Seq: 4, TimeMicros: 12_000_200, StoreId: 1, Body: &sessionpb.Event_Synced{Synced: &sessionpb.Synced{WriteId: 9}}},
			{Seq: 5, TimeMicros: 13_000_000, StoreId: 2, Body: &sessionpb.Event_MessageDelivered{MessageDelivered: &sessionpb.MessageDelivered{Id: 3}}},
			{Seq: 6, TimeMicros: 13_500_000, StoreId: 1, Body: &sessionpb.Event_OperationEnded{OperationEnded: &sessionpb.OperationEnded{Id: 5}}},
			{Seq: 7, TimeMicros: 14_000_000, StoreId: 2, Body: &sessionpb.Event_RoleChanged{RoleChanged: &sessionpb.RoleChanged{
				RegionId: 2, Role: sessionpb.Role_ROLE_LEADER}}},
		},
	}, {
		Keyframe: &sessionpb.Keyframe{Seq: 7, TimeMicros: 15_000_000}, Gap: &sessionpb.Gap{Events: 8, Why: "the \x1b[31mviewer\" did not keep up"},
		Events: []*sessionpb.Event{{Seq: 8, TimeMicros: 16_000_000, StoreId: 2, Body: &sessionpb.Event_StoreShown{
			StoreShown: &sessionpb.StoreShown{Store: &sessionpb.StoreState{Id: 2}, Why: "it stopped"}}}},
	}}
}

func TestATraceIsAStoryInLinesOfJSON(t *testing.T) {
	name := recordingOf(t, story(t)...)
	want := `{"seq":0,"time_micros":10000000,"store":0,"event":"keyframe","stores":[{"id":1,"up":true,"peers":0},{"id":2,"up":true,"peers":0}],"messages":0}
{"seq":1,"time_micros":11000000,"store":1,"event":"operation_started","operation":{"id":5,"to_store":1,"request":{"header":{"region_id":1},"requests":[{"put":{"key":"fruit","value":{"base64":"/wA="}}}]}}}
{"seq":2,"time_micros":12000000,"store":1,"event":"write_started","write_id":9,"must_sync":true,"peers":[{"region_id":1,"entries":[{"index":7,"term":2,"type":"command","command":{"header":{"region_id":1},"requests":[{"put":{"key":"fruit","value":{"base64":"/wA="}}}]},"digest":"00000000000000ab"}]}]}
{"seq":3,"time_micros":12000100,"store":1,"event":"message_sent","message":{"id":3,"region_id":1,"from_store":1,"to_store":2,"type":"append","entry_terms":[2]}}
{"seq":4,"time_micros":12000200,"store":1,"event":"synced","write_id":9}
{"seq":5,"time_micros":13000000,"store":2,"event":"message_delivered","id":3}
{"seq":6,"time_micros":13500000,"store":1,"event":"operation_ended","id":5}
{"seq":7,"time_micros":14000000,"store":2,"event":"role_changed","region_id":2,"role":"leader"}
{"seq":7,"time_micros":15000000,"store":0,"event":"keyframe","stores":[],"messages":0,"gap":{"events":8,"why":"the \u001b[31mviewer\" did not keep up"}}
{"seq":8,"time_micros":16000000,"store":2,"event":"store_shown","state":{"id":2},"why":"it stopped"}
`
	code, stdout, stderr := try(t, "trace", name)
	if code != exitFine || stderr != "" || stdout != want {
		t.Errorf("code %d, stderr %q, printed\n%s\nwant\n%s", code, stderr, stdout, want)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := &Program{Stdin: bytes.NewReader(content), Stdout: &out, Stderr: &out, Site: onePage}
	if code := execute(t.Context(), p, []string{"trace", "-"}); code != exitFine || out.String() != want {
		t.Errorf("from standard input: code %d\n%s", code, out.String())
	}
}

func TestATraceHoldsWhatWasAskedFor(t *testing.T) {
	name := recordingOf(t, story(t)...)
	for args, want := range map[string][]uint64{
		"--from 2s --to 3s": {2, 3, 4, 5},
		"--from 3500ms":     {6, 7, 7, 8},
		"--to 1s":           {0, 1},
		"--region 1 --type synced,operation_ended,message_delivered,role_changed": {4, 5, 6},
		"--region 2 --from 1s":                      {7, 7, 8},
		"--region 1 --region 2 --type role_changed": {7},
		"--store 2 --from 1s":                       {3, 5, 7, 7, 8},
		"--type keyframe":                           {0, 7},
		"--type message_sent --store 3":             nil,
		"--type append":                             {3, 5},
		"--type append,role_changed --store 2":      {3, 5, 7},
		"--type heartbeat,vote":                     nil,
		"--region 1,2 --type append --from 3s":      {5},
		"--store 1 --store 2 --to 2s":               {0, 1, 2},
		"--from 6s":                                 {8},
	} {
		code, stdout, stderr := try(t, append([]string{"trace", name}, strings.Fields(args)...)...)
		var got []uint64
		for line := range strings.Lines(stdout) {
			var e struct{ Seq uint64 }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Errorf("%v: %s", err, line)
			}
			got = append(got, e.Seq)
		}
		if code != exitFine || stderr != "" || !slices.Equal(got, want) {
			t.Errorf("trace %s: code %d, stderr %q, events %v, want %v", args, code, stderr, got, want)
		}
	}
}

// collector keeps events for a recording.
type collector struct{ events []*sessionpb.Event }

// Event implements sim.Observer.
func (c *collector) Event(e *sessionpb.Event) { c.events = append(c.events, e) }

func TestEveryEventOfABusyRunIsTracedAsJSON(t *testing.T) {
	c := &collector{}
	if _, err := sim.Play(sim.ExerciseRegions(3), c); err != nil {
		t.Fatal(err)
	}
	c.events = c.events[:min(len(c.events), 5_000)]
	code, stdout, stderr := try(t, "trace", recordingOf(t, &sessionpb.Stretch{Keyframe: &sessionpb.Keyframe{}, Events: c.events}))
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if code != exitFine || stderr != "" || len(lines) != len(c.events)+1 {
		t.Fatalf("code %d, stderr %q, %d lines for %d events", code, stderr, len(lines), len(c.events))
	}
	for i, line := range lines[1:] {
		var got struct {
			Seq   uint64
			Store uint64
			Event string
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if e := c.events[i]; got.Seq != e.Seq || got.Store != e.StoreId || got.Event != typeOf(e) || got.Event == "" {
			t.Errorf("event %v is traced as %s", e, line)
		}
	}
}

func TestATraceSaysWhatIsWrongInOneSentence(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := recordingOf(t, story(t)...)
	for args, want := range map[string]string{
		"":                            "accepts 1 arg(s)",
		"a b":                         "accepts 1 arg(s)",
		filepath.Join(folder, "none"): "no such file",
		folder:                        "is a directory",
		text:                          "not a recording: it is not gzipped",
		good + " --from x":            "invalid argument",
		good + " --from -1s":          "must not be negative",
		good + " --from 3s --to 2s":   "--to 2s lies before --from 3s",
		good + " --region x":          "numbers from 1",
		good + " --region 0":          "numbers from 1",
		good + " --store 1,-1":        "numbers from 1",
		good + " --store 1,":          "numbers from 1",
		good + " --to 2":              "missing unit",
		good + " --from 6001ms":       "--from 6.001s lies behind the recording's end: it is 6s long",
	} {
		code, stdout, stderr := try(t, append([]string{"trace"}, strings.Fields(args)...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("trace %s: code %d, want %q in %q; stdout %q", args, code, want, stderr, stdout)
		}
		oneSentence(t, args, stderr)
	}
	code, _, stderr := try(t, "trace", good, "--type", "ticket")
	if code != exitUsage || !strings.Contains(stderr, `no type "ticket"`) || !strings.Contains(stderr, "role_changed") || !strings.Contains(stderr, "append_response") {
		t.Errorf("code %d: %s", code, stderr)
	}
}

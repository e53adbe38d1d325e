package live

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func recorded() *sessionpb.Recording {
	return &sessionpb.Recording{
		Version: "0.1.0-test", Hello: &sessionpb.Hello{ProtocolVersion: ProtocolVersion}, WallMicros: 7,
		Stretches: []*sessionpb.Stretch{{
			Keyframe: &sessionpb.Keyframe{Seq: 4},
			Events:   []*sessionpb.Event{{Seq: 5, StoreId: 1, Body: ticking(0).Event.Body}},
		}, {Keyframe: &sessionpb.Keyframe{Seq: 5}, Gap: &sessionpb.Gap{Events: 9, Why: "too slow"}}},
		Metrics: []*sessionpb.MetricsPoint{{Answered: 3}},
	}
}

func packed(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestARecordingIsReadAsItWasWritten(t *testing.T) {
	var file bytes.Buffer
	if err := WriteRecording(&file, recorded()); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRecording(&file)
	if err != nil || !proto.Equal(got, recorded()) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWhatIsNoRecordingIsRefusedInOneSentence(t *testing.T) {
	var file bytes.Buffer
	if err := WriteRecording(&file, recorded()); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	changed := func(change func(*sessionpb.Recording)) []byte {
		r := recorded()
		change(r)
		encoded, err := proto.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return packed(t, encoded)
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-6] ^= 1
	for want, content := range map[string][]byte{
		"not a recording: it is not gzipped":                                                         []byte("hello, I am a text"),
		"not a recording: it is not gzipped ":                                                        nil,
		"not a recording: it is damaged or cut short":                                                whole[:len(whole)-9],
		"not a recording: it is damaged or cut short ":                                               damaged,
		"not a recording: it is packed, but holds something else":                                    packed(t, []byte("hello, I am a text")),
		"not a recording: it does not begin with a hello":                                            packed(t, nil),
		"not a recording: it has more than 1 MiB unpacked":                                           packed(t, make([]byte, 1<<20+1)),
		"not a recording: stretch 2 has no keyframe":                                                 changed(func(r *sessionpb.Recording) { r.Stretches[1].Keyframe = nil }),
		"not a recording: in stretch 1 event 7 follows event 4":                                      changed(func(r *sessionpb.Recording) { r.Stretches[0].Events[0].Seq = 7 }),
		`the recording is of a newer raftplay ("0.1.0-test", protocol 2): this one reads protocol 1`: changed(func(r *sessionpb.Recording) { r.Hello.ProtocolVersion++ }),
	} {
		if _, err := readRecording(bytes.NewReader(content), 1<<20); err == nil || err.Error() != strings.TrimSpace(want) {
			t.Errorf("it says %v, want %q", err, want)
		}
	}
	broken := errors.New("the disk is gone")
	if _, err := ReadRecording(io.MultiReader(bytes.NewReader(whole[:20]), iotest.ErrReader(broken))); !errors.Is(err, broken) || errors.Is(err, ErrNoRecording) {
		t.Errorf("it says %v", err)
	}
}

package live

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Any bytes as a Request, from a viewer: nothing panics, nothing is done to the cluster, each command has at most one reply,
// and the frame's encoding is the frame.
func FuzzRequest(f *testing.F) {
	seed := func(commands ...*sessionpb.Command) {
		encoded, err := proto.Marshal(&sessionpb.Request{Commands: commands, Attach: &sessionpb.Attach{ProtocolVersion: 1}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	seed()
	for i, a := range deedsOf() {
		seed(acting(uint64(i), a), acting(uint64(i), &sessionpb.Action{}))
	}
	seed(&sessionpb.Command{Command: &sessionpb.Command_GetKeyframe{}}, &sessionpb.Command{Command: &sessionpb.Command_SetInterest{}})
	seed(&sessionpb.Command{Command: &sessionpb.Command_SetInterest{SetInterest: &sessionpb.Interest{
		RegionIds: []uint64{0, 1 << 63}, WithoutTypes: []sessionpb.MessageType{-1, 1 << 30}, WithoutTicks: true}}})
	seed(&sessionpb.Command{}, &sessionpb.Command{Command: &sessionpb.Command_Seek{}}, &sessionpb.Command{Command: &sessionpb.Command_Act{}})
	f.Fuzz(func(t *testing.T, data []byte) {
		request := &sessionpb.Request{}
		if proto.Unmarshal(data, request) != nil {
			return
		}
		synctest.Test(t, func(t *testing.T) { requestOf(t, request) })
	})
}

func requestOf(t *testing.T, request *sessionpb.Request) {
	c := newScripted(1, 2)
	g, err := Open(Config{Cluster: c, Operator: c})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	s, err := g.Open(viewer, &sessionpb.Attach{ProtocolVersion: ProtocolVersion})
	if err != nil {
		t.Fatal(err)
	}
	replies := 0
	for range 3 {
		d := s.Draw(t.Context(), request)
		encoded, closed := whole(d), d.Closed()
		frame := &sessionpb.Frame{}
		if err := proto.Unmarshal(encoded, frame); err != nil || closed != frame.Closed {
			t.Fatalf("the frame does not decode: %v, closed %q", err, closed)
		}
		replies += len(frame.Replies)
	}
	if asked := 3 * len(request.GetCommands()); replies > asked {
		t.Errorf("%d replies for %d commands", replies, asked)
	}
	if done := c.done(); len(done) > 0 {
		t.Errorf("a viewer did %v", done)
	}
}

// Any bytes as a file: reading fails in one sentence, or gives what is written as it was read.
func FuzzRecording(f *testing.F) {
	encoded, err := proto.Marshal(recorded())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded, true)
	f.Add(encoded, false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, data []byte, pack bool) {
		if pack {
			data = packed(t, data)
		}
		r, err := readRecording(bytes.NewReader(data), 1<<20)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is not one sentence", err)
			}
			return
		}
		var out bytes.Buffer
		if err := WriteRecording(&out, r); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadRecording(&out); err != nil || !proto.Equal(again, r) {
			t.Errorf("it comes back as %v, %v", again, err)
		}
	})
}

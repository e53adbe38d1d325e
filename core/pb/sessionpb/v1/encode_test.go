package sessionpb_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// wantProtos fails unless an event is encoded as proto does it, behind what is there already.
func wantProtos(t *testing.T, e *sessionpb.Event) {
	t.Helper()
	want, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend([]byte("head"), e)
	if err != nil {
		t.Fatal(err)
	}
	if got := sessionpb.AppendEvent([]byte("head"), e); !bytes.Equal(got, want) {
		t.Fatalf("not as proto encodes it: %s\n got %x\nwant %x", protojson.Format(e), got, want)
	}
}

type observer func(*sessionpb.Event)

func (o observer) Event(e *sessionpb.Event) { o(e) }

func TestEventsOfRunsAreEncodedAsProtoDoes(t *testing.T) {
	kinds := map[string]int{}
	for seed := uint64(1); seed <= 5; seed++ {
		if _, err := sim.Play(sim.Exercise(seed), observer(func(e *sessionpb.Event) {
			kinds[fmt.Sprintf("%T", e.GetBody())]++
			wantProtos(t, e)
		})); err != nil {
			t.Fatal(err)
		}
	}
	if len(kinds) < 16 {
		t.Errorf("only %d kinds of events: %v", len(kinds), kinds)
	}
}

// Every body there is, with all kinds of contents in all its fields: a field that is added to the schema and forgotten in
// the encoder fails here.
func TestAnyEventIsEncodedAsProtoDoes(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	bodies := (&sessionpb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range bodies.Len() {
		for range 300 {
			e := &sessionpb.Event{}
			m := e.ProtoReflect()
			fill(m, draw, 0)
			m.Set(bodies.Get(i), m.NewField(bodies.Get(i)))
			fill(m.Mutable(bodies.Get(i)).Message(), draw, 1)
			wantProtos(t, e)
		}
	}
}

func TestEventsWithHolesAreEncodedAsProtoDoes(t *testing.T) {
	wantProtos(t, nil)
	for _, e := range []*sessionpb.Event{
		{},
		{Seq: math.MaxUint64, TimeMicros: -1},
		{Body: &sessionpb.Event_Ticked{}},
		{Body: (*sessionpb.Event_Ticked)(nil)},
		{Body: &sessionpb.Event_Ticked{Ticked: &sessionpb.Ticked{Timers: []*sessionpb.PeerTimer{nil, {}}}}},
		{Body: &sessionpb.Event_MessageSent{}},
		{Body: &sessionpb.Event_MessageSent{MessageSent: &sessionpb.MessageSent{}}},
		{Body: &sessionpb.Event_MessageDelivered{}},
		{Body: &sessionpb.Event_MessageLost{}},
		{Body: &sessionpb.Event_WriteStarted{WriteStarted: &sessionpb.WriteStarted{
			Peers: []*sessionpb.PeerWrite{nil, {Entries: []*sessionpb.LogEntry{nil, {}}}}}}},
		{Body: &sessionpb.Event_Applied{Applied: &sessionpb.Applied{
			Changes: []*sessionpb.KeyChange{nil, {Key: []byte{}, Value: make([]byte, 20_000)}}}}},
		{Body: &sessionpb.Event_ProgressChanged{ProgressChanged: &sessionpb.ProgressChanged{
			Progress: []*raftcmdpb.PeerProgress{nil, {}}}}},
		{Body: &sessionpb.Event_OperationStarted{OperationStarted: &sessionpb.OperationStarted{}}},
		{Body: &sessionpb.Event_OperationEnded{OperationEnded: &sessionpb.OperationEnded{
			Response: &raftcmdpb.RaftCommandResponse{}}}},
	} {
		wantProtos(t, e)
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it was encoded, and nobody can decode it")
		}
	}()
	sessionpb.AppendEvent(nil, &sessionpb.Event{Body: &sessionpb.Event_MessageLost{
		MessageLost: &sessionpb.MessageLost{Why: "\xff"}}})
}

func TestEventInAFrameIsReadBack(t *testing.T) {
	want := &sessionpb.Frame{Events: []*sessionpb.Event{{Seq: 1}, {Seq: 2, Body: &sessionpb.Event_Written{
		Written: &sessionpb.Written{WriteId: 3}}}}}
	var encoded []byte
	for _, e := range want.GetEvents() {
		encoded = sessionpb.AppendFrameEvent(encoded, e)
	}
	got := &sessionpb.Frame{}
	if err := proto.Unmarshal(encoded, got); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("read back as %v", got)
	}
}

// fill gives every field of a message, but those of a oneof, a value that is drawn, or none.
func fill(m protoreflect.Message, draw *rand.Rand, depth int) {
	if draw.IntN(8) == 0 {
		m.SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 1_000, protowire.VarintType), 7))
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.ContainingOneof() != nil || depth > 4 || draw.IntN(4) == 0:
		case f.IsList():
			list := m.Mutable(f).List()
			for range draw.IntN(4) {
				if f.Message() == nil {
					list.Append(scalar(f, draw))
					continue
				}
				fill(list.AppendMutable().Message(), draw, depth+1)
			}
		case f.Message() != nil:
			fill(m.Mutable(f).Message(), draw, depth+1)
		default:
			m.Set(f, scalar(f, draw))
		}
	}
}

func scalar(f protoreflect.FieldDescriptor, draw *rand.Rand) protoreflect.Value {
	number := draw.Uint64() >> draw.IntN(64)
	long := make([]byte, draw.IntN(300))
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(number%2 == 1)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(number))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(number))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(number)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(number))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(long)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(string(long[:draw.IntN(2)*len(long)]))
	}
	panic("no value is drawn for a " + f.Kind().String())
}

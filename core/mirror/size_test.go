package mirror

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Every field alone and all of them together, small and large: a field that raft adds fails here.
func TestSizeOfAMessageIsProtos(t *testing.T) {
	for _, number := range []uint64{0, 1, 127, 128, 1 << 40, 1<<64 - 1} {
		all := &raftpb.Message{}
		fields := all.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			one := &raftpb.Message{}
			for _, m := range []*raftpb.Message{one, all} {
				set(m.ProtoReflect(), fields.Get(i), number)
				if got, want := sizeBytes(m), proto.Size(m); got != want {
					t.Errorf("%v has %d bytes, not %d", m, want, got)
				}
			}
		}
	}
	if sizeBytes(&raftpb.Message{}) != 0 {
		t.Error("an empty message has a size")
	}
}

func set(m protoreflect.Message, f protoreflect.FieldDescriptor, number uint64) {
	switch {
	case f.IsList() && f.Message() != nil:
		list := m.Mutable(f).List()
		for range 2 {
			inner := list.AppendMutable().Message()
			for i := range inner.Descriptor().Fields().Len() {
				if field := inner.Descriptor().Fields().Get(i); field.Message() == nil {
					set(inner, field, number)
				}
			}
		}
	case f.Message() != nil:
		m.Mutable(f)
	case f.Kind() == protoreflect.BoolKind:
		m.Set(f, protoreflect.ValueOfBool(number%2 == 1))
	case f.Kind() == protoreflect.EnumKind:
		m.Set(f, protoreflect.ValueOfEnum(protoreflect.EnumNumber(number)))
	case f.Kind() == protoreflect.BytesKind:
		m.Set(f, protoreflect.ValueOfBytes(make([]byte, number%1_000)))
	default:
		m.Set(f, protoreflect.ValueOfUint64(number))
	}
}

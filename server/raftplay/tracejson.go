package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// The JSON here has its fields in the schema's order and no white space, so that equal recordings print equal lines, which
// protojson does not promise. Fields that are not set are left out.

func appendHead(b []byte, seq uint64, micros int64, storeID uint64, event string) []byte {
	return fmt.Appendf(b, `{"seq":%d,"time_micros":%d,"store":%d,"event":%q`, seq, micros, storeID, event)
}

// appendEvent appends an event: its head, and its body's fields.
func appendEvent(b []byte, e *sessionpb.Event) []byte {
	b = appendHead(b, e.GetSeq(), e.GetTimeMicros(), e.GetStoreId(), typeOf(e))
	if field := e.ProtoReflect().WhichOneof(eventBody()); field != nil {
		b = appendFields(b, e.ProtoReflect().Get(field).Message(), true)
	}
	return append(b, '}')
}

// appendKeyframe appends what a stretch begins with, in short.
func appendKeyframe(b []byte, k *sessionpb.Keyframe, gap *sessionpb.Gap) []byte {
	b = appendHead(b, k.GetSeq(), k.GetTimeMicros(), 0, keyframeType)
	b = append(b, `,"stores":[`...)
	for i, s := range k.GetStores() {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"id":%d,"up":%t,"peers":%d}`, s.GetId(), s.GetUp(), len(s.GetPeers()))
	}
	b = fmt.Appendf(b, `],"messages":%d`, len(k.GetMessages()))
	if gap != nil {
		b = append(b, `,"gap":{`...)
		b = fmt.Appendf(b, `"events":%d,"why":`, gap.GetEvents())
		b = append(appendText(b, gap.GetWhy()), '}')
	}
	return append(b, '}')
}

// appendFields appends a message's fields, with a comma before the first if others stand before it.
func appendFields(b []byte, m protoreflect.Message, comma bool) []byte {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		if comma {
			b = append(b, ',')
		}
		comma = true
		name := string(field.Name())
		if name == "store" { // An event's is the number of where it happened.
			name = "state"
		}
		b = append(append(append(b, '"'), name...), `":`...)
		b = appendField(b, field, m.Get(field))
	}
	return b
}

func appendField(b []byte, field protoreflect.FieldDescriptor, v protoreflect.Value) []byte {
	if !field.IsList() {
		return appendValue(b, field, v)
	}
	b = append(b, '[')
	for i := range v.List().Len() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, field, v.List().Get(i))
	}
	return append(b, ']')
}

func appendValue(b []byte, field protoreflect.FieldDescriptor, v protoreflect.Value) []byte {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return append(appendFields(append(b, '{'), v.Message(), false), '}')
	case protoreflect.BytesKind:
		return appendBytes(b, field, v.Bytes())
	case protoreflect.StringKind:
		return appendText(b, v.String())
	case protoreflect.EnumKind:
		return appendEnum(b, field.Enum(), v.Enum())
	case protoreflect.BoolKind:
		return strconv.AppendBool(b, v.Bool())
	case protoreflect.Fixed64Kind: // A digest: nobody counts with it.
		return fmt.Appendf(b, `"%016x"`, v.Uint())
	}
	return append(b, v.String()...) // whole numbers, all of them
}

// appendBytes appends text as such, an entry's command as what it says, and anything else in base64.
func appendBytes(b []byte, field protoreflect.FieldDescriptor, v []byte) []byte {
	if field.FullName() == "sessionpb.v1.LogEntry.command" {
		command := &raftcmdpb.RaftCommandRequest{}
		if proto.Unmarshal(v, command) == nil {
			return append(appendFields(append(b, '{'), command.ProtoReflect(), false), '}')
		}
	}
	if printable(v) {
		return appendText(b, string(v))
	}
	b = append(b, `{"base64":"`...)
	return append(base64.StdEncoding.AppendEncode(b, v), `"}`...)
}

func printable(v []byte) bool {
	return utf8.Valid(v) && strings.IndexFunc(string(v), func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }) < 0
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string. What is not printed stands there by its number, a terminal's controls above all.
func appendText(b []byte, text string) []byte {
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&0xf])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// appendEnum appends a value's name without its type's, in small letters, or the number of one that is not known.
func appendEnum(b []byte, of protoreflect.EnumDescriptor, n protoreflect.EnumNumber) []byte {
	value := of.Values().ByNumber(n)
	if value == nil {
		return strconv.AppendInt(b, int64(n), 10)
	}
	return appendText(b, enumName(value))
}

// enumName is a value's name without its type's, in small letters.
func enumName(value protoreflect.EnumValueDescriptor) string {
	// The names of a type share what its first, UNSPECIFIED, has before that.
	first := value.Parent().(protoreflect.EnumDescriptor).Values().Get(0)
	prefix := strings.TrimSuffix(string(first.Name()), "UNSPECIFIED")
	return strings.ToLower(strings.TrimPrefix(string(value.Name()), prefix))
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/server/live"
)

// keyframeType is what a line is called that begins a stretch.
const keyframeType = "keyframe"

// trace is one `trace`: which recording, and which of its events.
type trace struct {
	file     string
	from, to time.Duration // to 0: the end
	regions  numbers
	stores   numbers
	types    []string // of events, and of messages
}

func (p *Program) traceCommand() *cobra.Command {
	var o trace
	command := &cobra.Command{
		Use:   "trace FILE",
		Short: "Print the events of a recording of a live cluster as lines of JSON",
		Long: "trace prints what a page recorded of a live cluster, one JSON object a line, the same bytes each time. Every line\n" +
			"has seq, time_micros (on the recording's clock), store (0: none in particular) and event; what else it has follows\n" +
			"the session protocol. Keys and values that are not text are objects with base64. A line with the event keyframe\n" +
			"begins each stretch that was seen without a gap, and counts the events between it and the stretch before.\n\n" +
			"--from and --to count from the recording's beginning, which is its first line's time_micros. --type names types of\n" +
			"events, and types of messages for all that becomes of these. All that is asked for must hold at once.\n\n" +
			"It ends with exit code 2 when the file is no recording, or ends before --from.",
		Example: "  raftplay trace seen.raftplay\n" +
			"  raftplay trace seen.raftplay --from 2s --to 5s      # from the recording's beginning\n" +
			"  raftplay trace seen.raftplay --type role_changed,store_shown --store 2\n" +
			"  raftplay trace seen.raftplay --type append,append_response --region 2\n" +
			"  raftplay trace - < seen.raftplay",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.file = args[0]
			if err := o.check(); err != nil {
				return err
			}
			p.job = func(ctx context.Context) error { return p.trace(ctx, &o) }
			return nil
		},
	}
	flags := command.Flags()
	flags.DurationVar(&o.from, "from", 0, "events from then on, counted from the recording's beginning")
	flags.DurationVar(&o.to, "to", 0, "events until then; 0s is the end")
	flags.Var(&o.regions, "region", "events of these regions, and of whole stores")
	flags.Var(&o.stores, "store", "events on these stores, and messages to and from them")
	flags.StringSliceVar(&o.types, "type", nil, "events of these types: role_changed, keyframe, …; or of messages: append, vote, …")
	return command
}

func (o *trace) check() error {
	if o.from < 0 || o.to < 0 {
		return errors.New("--from and --to must not be negative")
	}
	if o.to != 0 && o.to < o.from {
		return fmt.Errorf("--to %v lies before --from %v", o.to, o.from)
	}
	events, messages := eventTypes(), messageTypes()
	for _, t := range o.types {
		if !slices.Contains(events, t) && !slices.Contains(messages, t) {
			return fmt.Errorf("there is no type %q: of events there are %s; and of messages %s",
				t, strings.Join(events, ", "), strings.Join(messages, ", "))
		}
	}
	return nil
}

// numbers is a flag of ids: of stores or regions.
type numbers []uint64

// Set implements pflag.Value: it adds one or several, with commas between them.
func (n *numbers) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseUint(strings.TrimSpace(part), 10, 64)
		if err != nil || id == 0 {
			return errors.New("it takes numbers from 1, such as 2 or 2,5")
		}
		*n = append(*n, id)
	}
	return nil
}

// String implements pflag.Value.
func (n *numbers) String() string { return "" }

// Type implements pflag.Value.
func (n *numbers) Type() string { return "numbers" }

// eventBody is the choice of what an event is.
func eventBody() protoreflect.OneofDescriptor {
	return (&sessionpb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("body")
}

// eventTypes are the types there are, in the order of the schema.
func eventTypes() []string {
	types := []string{keyframeType}
	fields := eventBody().Fields()
	for i := range fields.Len() {
		types = append(types, string(fields.Get(i).Name()))
	}
	return types
}

// messageTypes are the types of messages, as an event's line names them.
func messageTypes() []string {
	values := sessionpb.MessageType(0).Descriptor().Values()
	var types []string
	for i := 1; i < values.Len(); i++ { // 0 is UNSPECIFIED
		types = append(types, enumName(values.Get(i)))
	}
	return types
}

func (p *Program) trace(ctx context.Context, o *trace) error {
	r, err := readRecording(o.file, p.Stdin)
	if err != nil {
		return &usageError{err}
	}
	if length := lengthOf(r); o.from > length {
		return &usageError{fmt.Errorf("--from %v lies behind the recording's end: it is %v long", o.from, length)}
	}
	out := bufio.NewWriter(p.Stdout)
	err = o.print(ctx, out, r)
	return errors.Join(err, out.Flush())
}

// lengthOf is the time from the first stretch's beginning to the last event.
func lengthOf(r *sessionpb.Recording) time.Duration {
	stretches := r.GetStretches()
	if len(stretches) == 0 {
		return 0
	}
	last := stretches[len(stretches)-1]
	end := last.GetKeyframe().GetTimeMicros()
	if n := len(last.GetEvents()); n > 0 {
		end = last.GetEvents()[n-1].GetTimeMicros()
	}
	return time.Duration(end-stretches[0].GetKeyframe().GetTimeMicros()) * time.Microsecond
}

func readRecording(name string, stdin io.Reader) (*sessionpb.Recording, error) {
	in, called := stdin, "standard input"
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the recording: %w", err)
		}
		defer file.Close()
		in, called = file, name
	}
	r, err := live.ReadRecording(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", called, err)
	}
	return r, nil
}

// print writes the lines that are asked for.
func (o *trace) print(ctx context.Context, out io.Writer, r *sessionpb.Recording) error {
	if len(r.GetStretches()) == 0 {
		return nil
	}
	begin := r.GetStretches()[0].GetKeyframe().GetTimeMicros()
	about := newReferences()
	var line []byte
	write := func(b []byte) error {
		line = append(b, '\n')
		_, err := out.Write(line)
		return err
	}
	for _, s := range r.GetStretches() {
		k := s.GetKeyframe()
		about.begin(k)
		if o.wantsTime(k.GetTimeMicros()-begin) && o.wantsType(keyframeType, 0) {
			if err := write(appendKeyframe(line[:0], k, s.GetGap())); err != nil {
				return err
			}
		}
		for i, e := range s.GetEvents() {
			if i%1024 == 0 && ctx.Err() != nil {
				return fmt.Errorf("interrupted at event %d", e.GetSeq())
			}
			subject := about.of(e)
			if !o.wantsTime(e.GetTimeMicros()-begin) || !o.wantsType(typeOf(e), subject.message) || !subject.concerns(o.stores, o.regions) {
				continue
			}
			if err := write(appendEvent(line[:0], e)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *trace) wantsTime(micros int64) bool {
	return micros >= o.from.Microseconds() && (o.to == 0 || micros <= o.to.Microseconds())
}

// wantsType looks at the type of an event, and of the message that it is about, if it is about one.
func (o *trace) wantsType(event string, message sessionpb.MessageType) bool {
	if len(o.types) == 0 || slices.Contains(o.types, event) {
		return true
	}
	value := message.Descriptor().Values().ByNumber(message.Number())
	return message != 0 && value != nil && slices.Contains(o.types, enumName(value))
}

// typeOf is the name of what an event is; empty of one that this version does not know.
func typeOf(e *sessionpb.Event) string {
	field := e.ProtoReflect().WhichOneof(eventBody())
	if field == nil {
		return ""
	}
	return string(field.Name())
}

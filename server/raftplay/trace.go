package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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
	regions  []uint
	stores   []uint
	types    []string
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
			"It ends with exit code 2 when the file is no recording.",
		Example: "  raftplay trace seen.raftplay\n" +
			"  raftplay trace seen.raftplay --from 2s --to 5s      # from the recording's beginning\n" +
			"  raftplay trace seen.raftplay --type role_changed,store_shown --store 2\n" +
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
	flags.UintSliceVar(&o.regions, "region", nil, "events of these regions, and of whole stores")
	flags.UintSliceVar(&o.stores, "store", nil, "events on these stores, and messages to and from them")
	flags.StringSliceVar(&o.types, "type", nil, "events of these types: message_sent, role_changed, keyframe, …")
	return command
}

func (o *trace) check() error {
	if o.from < 0 || o.to < 0 {
		return errors.New("--from and --to must not be negative")
	}
	if o.to != 0 && o.to < o.from {
		return fmt.Errorf("--to %v lies before --from %v", o.to, o.from)
	}
	known := eventTypes()
	for _, t := range o.types {
		if !slices.Contains(known, t) {
			return fmt.Errorf("there is no type %q of events: there are %s", t, strings.Join(known, ", "))
		}
	}
	return nil
}

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

func (p *Program) trace(ctx context.Context, o *trace) error {
	r, err := readRecording(o.file, p.Stdin)
	if err != nil {
		return &usageError{err}
	}
	out := bufio.NewWriter(p.Stdout)
	err = o.print(ctx, out, r)
	return errors.Join(err, out.Flush())
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
		if o.wantsTime(k.GetTimeMicros()-begin) && o.wantsType(keyframeType) {
			if err := write(appendKeyframe(line[:0], k, s.GetGap())); err != nil {
				return err
			}
		}
		for i, e := range s.GetEvents() {
			if i%1024 == 0 && ctx.Err() != nil {
				return fmt.Errorf("interrupted at event %d", e.GetSeq())
			}
			subject := about.of(e)
			if !o.wantsTime(e.GetTimeMicros()-begin) || !o.wantsType(typeOf(e)) || !subject.concerns(o.stores, o.regions) {
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

func (o *trace) wantsType(t string) bool { return len(o.types) == 0 || slices.Contains(o.types, t) }

// typeOf is the name of what an event is; empty of one that this version does not know.
func typeOf(e *sessionpb.Event) string {
	field := e.ProtoReflect().WhichOneof(eventBody())
	if field == nil {
		return ""
	}
	return string(field.Name())
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// print writes the summary as lines of words, or as one line of JSON.
func (s *summary) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(s)
	}
	leader := "none"
	if s.Leader != 0 {
		leader = fmt.Sprintf("S%d", s.Leader)
	}
	var text bytes.Buffer
	line := func(name, format string, values ...any) {
		fmt.Fprintf(&text, "%-20s "+format+"\n", append([]any{name}, values...)...)
	}
	line("seed", "%d", s.Seed)
	line("stores", "%d", s.Stores)
	line("virtual time", "%v", time.Duration(s.TimeMicros)*time.Microsecond)
	line("steps", "%d", s.Steps)
	line("actions", "%d, of them %d refused", s.Actions, s.ActionsRefused)
	line("events", "%d", s.Events)
	line("messages", "%d sent, %d delivered, %d lost", s.MessagesSent, s.MessagesDelivered, s.MessagesLost)
	line("stores down", "%d crashes, %d restarts", s.Crashes, s.Restarts)
	line("terms", "newest %d, %d with a leader", s.Term, s.TermsLed)
	line("leader", "%s", leader)
	line("acknowledged writes", "%d", s.WritesAcknowledged)
	line("violations", "%d", len(s.Violations))
	for _, v := range s.Violations {
		line("", "%s", v)
	}
	line("linearizable", "%s: %s", s.Linearizable, s.LinearizableWhy)
	if s.Recovery != "" {
		line("recovery", "%s", s.Recovery)
	}
	fmt.Fprintf(&text, "hash %s\n", s.Hash)
	_, err := out.Write(text.Bytes())
	return err
}

// eventPrinter is an observer that prints events as lines of JSON. What cannot be written, the final flush reports.
type eventPrinter struct {
	out  io.Writer
	line bytes.Buffer
}

// Event implements sim.Observer.
func (p *eventPrinter) Event(e *sessionpb.Event) {
	text, err := protojson.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("event %d does not encode: %v", e.GetSeq(), err))
	}
	// protojson varies its white space on purpose; equal runs are to print equal lines.
	p.line.Reset()
	if err := json.Compact(&p.line, text); err != nil {
		panic(fmt.Sprintf("event %d is not JSON: %v", e.GetSeq(), err))
	}
	p.line.WriteByte('\n')
	_, _ = p.out.Write(p.line.Bytes())
}

// progress shows on a terminal how far a run is, once it has taken longer than a second.
type progress struct {
	out   io.Writer // nil: nobody looks
	began time.Time
	shown time.Time
}

func newProgress(stderr io.Writer) *progress {
	p := &progress{began: time.Now()}
	if file, ok := stderr.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.out = stderr
		}
	}
	return p
}

// show tells how far a run is in virtual time.
func (p *progress) show(nowMicros, endMicros int64) {
	if endMicros > 0 && p.due() {
		p.bar(uint64(nowMicros), uint64(endMicros), fmt.Sprintf("%v of %v",
			(time.Duration(nowMicros)*time.Microsecond).Truncate(time.Second), time.Duration(endMicros)*time.Microsecond))
	}
}

// count tells how many of something are done.
func (p *progress) count(done, total uint64, what string) {
	if total > 0 && p.due() {
		p.bar(done, total, fmt.Sprintf("%d of %d %s", done, total, what))
	}
}

func (p *progress) due() bool {
	now := time.Now()
	if p.out == nil || now.Sub(p.began) < time.Second || now.Sub(p.shown) < 100*time.Millisecond {
		return false
	}
	p.shown = now
	return true
}

func (p *progress) bar(done, total uint64, words string) {
	const width = 30
	full := min(int(width*done/total), width)
	fmt.Fprintf(p.out, "\r\x1b[K[%-*s] %s ", width, bytes.Repeat([]byte("#"), full), words)
}

func (p *progress) clear() {
	if !p.shown.IsZero() {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

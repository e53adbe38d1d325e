package check

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// bounds are what the judge of histories spends on keys that are judged together. They count work and memory, never time:
// the same history gets the same verdict everywhere.
type bounds struct {
	operationsMax int
	// stepsMax is how many steps of the model are tried.
	stepsMax uint64
	// bytesMax is about how much memory the orders tried so far may take.
	bytesMax uint64
}

func defaultBounds() bounds {
	return bounds{operationsMax: 20_000, stepsMax: 2_000_000, bytesMax: 256 << 20}
}

// JudgeHistory tells whether a history is linearizable: whether each operation can have taken effect at one moment between
// its call and its answer, so that every answer is right (Herlihy and Wing). The history begins with a run: no key is there.
// A write that nobody knows the outcome of may have taken effect at any time after its call, or never.
func JudgeHistory(h *sessionpb.History) *sessionpb.Verdict { return judgeHistory(h, defaultBounds()) }

// JudgeHistoryBytes is JudgeHistory with a sessionpb.History and a sessionpb.Verdict in their encodings.
func JudgeHistoryBytes(history []byte) []byte {
	h, verdict := &sessionpb.History{}, &sessionpb.Verdict{}
	if err := proto.Unmarshal(history, h); err != nil {
		verdict.Kind = sessionpb.VerdictKind_VERDICT_KIND_UNDECIDED
		verdict.Message = fmt.Sprintf("the history is not of the session protocol: %v", err)
	} else {
		verdict = JudgeHistory(h)
	}
	out, err := proto.Marshal(verdict)
	if err != nil {
		panic(fmt.Sprintf("check: the verdict does not encode: %v", err))
	}
	return out
}

func judgeHistory(h *sessionpb.History, b bounds) *sessionpb.Verdict {
	calls, leftOut := callsOf(h)
	v := &sessionpb.Verdict{LeftOut: uint32(leftOut), Judged: uint32(len(calls)), Kind: sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE}
	for _, p := range partsOf(calls) {
		v.Findings = append(v.Findings, p.judge(b))
	}
	// The worst first.
	slices.SortStableFunc(v.Findings, func(a, b *sessionpb.Finding) int { return cmp.Compare(gravity(b.Kind), gravity(a.Kind)) })
	switch {
	case len(v.Findings) == 0:
		v.Message = "there is no operation to judge yet"
	case v.Findings[0].Kind != sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE:
		v.Kind, v.Message = v.Findings[0].Kind, v.Findings[0].Message
	default:
		v.Message = fmt.Sprintf("the history is linearizable: one order explains all answers to its %d operations", len(calls))
	}
	return v
}

func gravity(k sessionpb.VerdictKind) int {
	switch k {
	case sessionpb.VerdictKind_VERDICT_KIND_VIOLATED:
		return 2
	case sessionpb.VerdictKind_VERDICT_KIND_UNDECIDED:
		return 1
	}
	return 0
}

func (p *part) judge(b bounds) *sessionpb.Finding {
	f := &sessionpb.Finding{Keys: p.keys, Judged: uint32(len(p.calls)), Kind: sessionpb.VerdictKind_VERDICT_KIND_UNDECIDED}
	if n := len(p.calls); n > b.operationsMax {
		f.Message = fmt.Sprintf("%d operations are about %s; %d is the most that are judged together", n, p.name(), b.operationsMax)
		return f
	}
	s := newSearch(p, b)
	linearizable := s.run()
	f.States = s.steps
	if linearizable && !s.exhausted {
		f.Kind = sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE
		f.Message = fmt.Sprintf("one order explains all answers about %s", p.name())
		return f
	}
	longest := s.longest()
	misfit, why := s.explain(longest)
	switch {
	case why != "": // a reason holds whether the search came to its end or not
	case s.exhausted:
		f.Message = fmt.Sprintf("too many orders of the %d operations about %s are possible: none was found in %d tries",
			len(p.calls), p.name(), s.steps)
		return f
	default:
		why = fmt.Sprintf("no order explains what operation %d was told (%s): the longest one that explains all of its answers "+
			"holds %d of %d operations", misfit.id, misfit.tale(), len(longest), len(s.transactions))
	}
	f.Kind, f.OperationIds, f.Message = sessionpb.VerdictKind_VERDICT_KIND_VIOLATED, []uint64{misfit.id}, why
	for _, t := range longest {
		f.LongestIds = append(f.LongestIds, t.id)
	}
	return f
}

// name names a part's keys.
func (p *part) name() string {
	if len(p.keys) == 1 {
		return "key " + shownKey(p.keys[0])
	}
	return fmt.Sprintf("%d keys from %s on", len(p.keys), shownKey(p.keys[0]))
}

// search looks for an order of a part's transactions.
type search struct {
	bounds
	transactions []*transaction // but for those that make no difference
	keys         int
	// owed is how many transactions an order must hold: those that may have been done or not can also come last, unheard.
	owed int

	// states are all that were met, each once, by number.
	states  [][]value
	numbers map[string]int
	scratch []value
	encoded []byte

	steps, bytes uint64
	exhausted    bool
	deepest      *node
}

// node is where an order has come to. Two are equal when the same comes after them.
type node struct {
	state int
	// done counts what is owed and in the order; depth all that is in it.
	done, depth int
	parent      *node
	last        *transaction
}

func newSearch(p *part, b bounds) *search {
	l := newLexicon(p.keys)
	all := make([]*transaction, 0, len(p.calls))
	for _, c := range p.calls {
		all = append(all, l.transaction(c))
	}
	settle(all)
	s := &search{bounds: b, keys: len(p.keys), numbers: map[string]int{}, scratch: make([]value, len(p.keys))}
	for _, t := range all {
		if t.fate == dropped {
			continue
		}
		s.transactions = append(s.transactions, t)
		if t.owed() {
			s.owed++
		}
	}
	return s
}

// owed tells whether it is known to have taken its place in the order.
func (t *transaction) owed() bool { return t.answered || t.fate == happened }

// run tells whether there is an order. It means nothing when the search was exhausted.
func (s *search) run() bool {
	if len(s.transactions) == 0 {
		return true
	}
	return porcupine.CheckEvents(porcupine.Model{
		Init: func() any { return &node{state: s.number(make([]value, s.keys))} },
		Step: func(state, input, _ any) (bool, any) {
			next := s.step(state.(*node), input.(*transaction))
			return next != nil, next
		},
		Equal: func(a, b any) bool {
			x, y := a.(*node), b.(*node)
			return x.state == y.state && x.done == y.done
		},
		Hash: func(state any) uint64 { return uint64(state.(*node).state+1) * 0x9e3779b97f4a7c15 },
	}, s.events())
}

// events are the calls and their ends in the order of time. Those of one moment overlap.
func (s *search) events() []porcupine.Event {
	type moment struct {
		micros int64
		event  porcupine.Event
	}
	moments := make([]moment, 0, 2*len(s.transactions))
	for i, t := range s.transactions {
		moments = append(moments,
			moment{t.start, porcupine.Event{Kind: porcupine.CallEvent, Value: t, Id: i}},
			moment{t.until, porcupine.Event{Kind: porcupine.ReturnEvent, Id: i}})
	}
	slices.SortStableFunc(moments, func(a, b moment) int {
		called := func(m moment) int {
			if m.event.Kind == porcupine.CallEvent {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.micros, b.micros), cmp.Compare(called(a), called(b)))
	})
	events := make([]porcupine.Event, 0, len(moments))
	for _, m := range moments {
		events = append(events, m.event)
	}
	return events
}

// step adds a transaction to an order, or returns nil when it does not fit there.
func (s *search) step(at *node, t *transaction) *node {
	if s.exhausted {
		return nil
	}
	s.steps++
	next := &node{done: at.done, depth: at.depth + 1, parent: at, last: t}
	switch {
	case !t.owed() && at.done == s.owed:
		// It was never done: nobody is left who could tell.
		next.state = at.state
	case t.apply(s.states[at.state], s.scratch):
		next.state = s.number(s.scratch)
	default:
		s.exhausted = s.steps >= s.stepsMax
		return nil
	}
	if t.owed() {
		next.done++
	}
	if s.deepest == nil || next.depth > s.deepest.depth {
		s.deepest = next
	}
	// The order's set of transactions and its node are what is kept of it.
	s.bytes += uint64(len(s.transactions)/8 + 128)
	s.exhausted = s.steps >= s.stepsMax || s.bytes >= s.bytesMax
	return next
}

// number returns a state's number. The values stay the caller's.
func (s *search) number(values []value) int {
	s.encoded = s.encoded[:0]
	for _, v := range values {
		s.encoded = binary.LittleEndian.AppendUint32(s.encoded, uint32(v))
	}
	n, known := s.numbers[string(s.encoded)]
	if !known {
		n = len(s.states)
		s.numbers[string(s.encoded)] = n
		s.states = append(s.states, slices.Clone(values))
		s.bytes += uint64(len(values)*8 + 96)
	}
	return n
}

// longest returns the longest order that was found.
func (s *search) longest() []*transaction {
	var order []*transaction
	for n := s.deepest; n != nil && n.last != nil; n = n.parent {
		order = append(order, n.last)
	}
	slices.Reverse(order)
	return order
}

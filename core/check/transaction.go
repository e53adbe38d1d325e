package check

import (
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// value is a value's number within a part; so states are short and quickly compared.
type value int32

const (
	absent value = 0
	// unseen is any value that nobody was told of, nor asked for.
	unseen value = 1
)

// transaction is a call in the terms of its part: what it asks for, and what it was told.
type transaction struct {
	*call
	compares []condition
	actions  []action
	// answered: it has a response, which must be what the state gives; else it may do as it likes.
	answered bool
	// failed is the compare that did not hold, as it was told, and what was there; -1 when none failed.
	failed      int
	failedValue value
	// garbled: its response is no answer to its request.
	garbled bool
	// fate is of one that has no response.
	fate fate
	// vague: nobody was told of a value it wrote, but somebody may have found that there was one.
	vague bool
	// until is when it has taken effect at the latest, if it ever does.
	until int64
	// sightings are what it was told, in words; see told.
	sightings []sighting
}

// fate is what must have become of a call that has no response.
type fate uint8

const (
	// open: it took effect at some time from its start on, or never.
	open fate = iota
	// happened: somebody saw what it wrote.
	happened
	// dropped: whether it took effect makes no difference to anybody.
	dropped
)

// condition is a compare: the key holds the value, or is absent.
type condition struct {
	key  int
	want value
}

type deed uint8

const (
	deedGet deed = iota
	deedPut
	deedDelete
)

// action is one request: of a get, value is what it was told; of a put, what it writes; of a delete, absent if it was told
// that there was nothing.
type action struct {
	deed  deed
	key   int
	value value
}

// lexicon numbers a part's keys and values.
type lexicon struct {
	keys   map[string]int
	values map[string]value
}

func newLexicon(keys [][]byte) *lexicon {
	l := &lexicon{keys: make(map[string]int, len(keys)), values: map[string]value{}}
	for i, key := range keys {
		l.keys[string(key)] = i
	}
	return l
}

func (l *lexicon) value(bytes []byte) value {
	v, known := l.values[string(bytes)]
	if !known {
		v = unseen + 1 + value(len(l.values))
		l.values[string(bytes)] = v
	}
	return v
}

func (l *lexicon) valueIf(found bool, bytes []byte) value {
	if !found {
		return absent
	}
	return l.value(bytes)
}

// transaction puts a call into numbers.
func (l *lexicon) transaction(c *call) *transaction {
	t := &transaction{call: c, answered: c.response != nil, failed: -1, until: c.end}
	for _, compare := range c.request.GetCompares() {
		want := absent
		if v, isValue := compare.GetExpect().(*raftcmdpb.Compare_Value); isValue {
			want = l.value(v.Value)
		}
		t.compares = append(t.compares, condition{l.keys[string(compare.GetKey())], want})
	}
	failed, responses := c.response.GetCompareFailed(), c.response.GetResponses()
	if failed != nil {
		t.failed, t.failedValue = int(failed.GetPosition()), l.valueIf(failed.GetFound(), failed.GetValue())
		t.garbled = t.failed >= len(t.compares) || t.compares[t.failed].key != l.keys[string(failed.GetKey())]
	}
	if t.answered && failed == nil && len(responses) != len(c.request.GetRequests()) {
		t.garbled = true
	}
	for i, r := range c.request.GetRequests() {
		var response *raftcmdpb.Response
		if t.answered && failed == nil && !t.garbled {
			response = responses[i]
		}
		switch r := r.GetRequest().(type) {
		case *raftcmdpb.Request_Get:
			told := l.valueIf(response.GetGet().GetFound(), response.GetGet().GetValue())
			t.actions = append(t.actions, action{deedGet, l.keys[string(r.Get.GetKey())], told})
		case *raftcmdpb.Request_Put:
			t.actions = append(t.actions, action{deedPut, l.keys[string(r.Put.GetKey())], l.value(r.Put.GetValue())})
		case *raftcmdpb.Request_Delete:
			told := absent
			if response.GetDelete().GetFound() {
				told = unseen
			}
			t.actions = append(t.actions, action{deedDelete, l.keys[string(r.Delete.GetKey())], told})
		}
	}
	return t
}

// apply does the transaction to a state, as core/store does (apply.go, execute): all compares look at the state before, and
// each request sees those before it. ok is false when the response is not what this state gives, or when a transaction
// without a response would do nothing. It writes the new state to out, which may not share memory with values.
func (t *transaction) apply(values, out []value) (ok bool) {
	if t.garbled {
		return false
	}
	copy(out, values)
	for i, c := range t.compares {
		if values[c.key] != c.want {
			return t.answered && t.failed == i && t.failedValue == values[c.key]
		}
	}
	if t.failed >= 0 {
		return false
	}
	changed := false
	for _, a := range t.actions {
		switch a.deed {
		case deedGet:
			if t.answered && out[a.key] != a.value {
				return false
			}
		case deedPut:
			changed = changed || out[a.key] == absent || out[a.key] != a.value && !t.vague
			out[a.key] = a.value
		case deedDelete:
			if t.answered && (out[a.key] == absent) != (a.value == absent) {
				return false
			}
			changed = changed || out[a.key] != absent
			out[a.key] = absent
		}
	}
	return changed || t.answered || t.fate == happened
}

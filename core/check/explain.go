package check

import (
	"fmt"
	"strings"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// explainMax is up to how many transactions the judge looks for a plain reason among all of them.
const explainMax = 2_000

// explain returns the operation that shows what is wrong, and why in a sentence, or "" when there is no plain reason. The
// first choice is the one at which the longest order got stuck: it ended before the others could, and has no place.
func (s *search) explain(longest []*transaction) (*transaction, string) {
	placed := map[*transaction]bool{}
	for _, t := range longest {
		placed[t] = true
	}
	var stuck *transaction
	for _, t := range s.transactions {
		if !placed[t] && (stuck == nil || t.until < stuck.until) {
			stuck = t
		}
	}
	if stuck == nil { // all have a place; the search was exhausted just then
		stuck = s.transactions[0]
	}
	if why := s.reason(stuck); why != "" {
		return stuck, why
	}
	if len(s.transactions) <= explainMax {
		for _, t := range s.transactions {
			if why := s.reason(t); why != "" {
				return t, why
			}
		}
	}
	return stuck, ""
}

// reason looks for what a person would point at: a value that nobody wrote, or that had been replaced for certain before
// the operation began. "" when there is nothing of the kind.
func (s *search) reason(t *transaction) string {
	if !t.answered || t.garbled {
		return ""
	}
	for _, told := range t.told() {
		if why := s.reasonFor(t, told); why != "" {
			return why
		}
	}
	return ""
}

func (s *search) reasonFor(t *transaction, told sighting) string {
	since, known, why := s.thereSince(t, told)
	if why != "" || !known {
		return why
	}
	var last *transaction
	for _, o := range s.transactions {
		effect, touched := o.effectOn(told.key)
		replaces := touched && o.answered && o.start > since && o.until < t.start && !effect.same(told)
		if o != t && replaces && !s.undone(t, o, told) && (last == nil || o.until > last.until) {
			last = o
		}
	}
	if last == nil {
		return ""
	}
	return fmt.Sprintf("%s although %s (operation %d) was acknowledged before it began",
		t.heard(told), last.wrote(told.key), last.id)
}

// thereSince returns by when, at the latest, a key held for the first time what t was told of it; or why it never did.
func (s *search) thereSince(t *transaction, told sighting) (micros int64, known bool, why string) {
	if !told.found {
		return -1, true, "" // at the start
	}
	var writer *transaction
	for _, o := range s.transactions {
		if effect, touched := o.effectOn(told.key); o != t && touched && effect.same(told) {
			if writer != nil {
				return 0, false, ""
			}
			writer = o
		}
	}
	switch {
	case writer == nil:
		return 0, false, t.heard(told) + ", which nobody had written"
	case writer.start > t.until:
		return 0, false, fmt.Sprintf("%s before %s (operation %d) began", t.heard(told), writer.wrote(told.key), writer.id)
	}
	micros = writer.until
	for _, o := range s.transactions {
		for _, also := range o.told() {
			if o != t && o.answered && also.same(told) && string(also.key) == string(told.key) {
				micros = min(micros, o.until)
			}
		}
	}
	return micros, true, ""
}

// undone tells whether the key may have come to be absent again behind a write, when t was told that it was absent.
func (s *search) undone(t, write *transaction, told sighting) bool {
	for _, o := range s.transactions {
		effect, touched := o.effectOn(told.key)
		if o != t && !told.found && touched && !effect.found && o.until > write.start && o.start < t.until {
			return true
		}
	}
	return false
}

// sighting is what somebody was told of a key, or left in it.
type sighting struct {
	key   []byte
	found bool
	value []byte
	// asked: by a get; else a compare found it.
	asked bool
}

func (a sighting) same(b sighting) bool {
	return a.found == b.found && string(a.value) == string(b.value)
}

func (a sighting) String() string {
	if !a.found {
		return shownKey(a.key) + " = nothing"
	}
	return shownKey(a.key) + " = " + shown(a.value)
}

// told is all that a transaction was told of keys as they were before it.
func (t *transaction) told() []sighting {
	if t.sightings == nil && t.answered && !t.garbled {
		t.sightings = t.lookUpTold()
	}
	return t.sightings
}

func (t *transaction) lookUpTold() []sighting {
	if failed := t.response.GetCompareFailed(); failed != nil {
		return []sighting{{key: failed.GetKey(), found: failed.GetFound(), value: failed.GetValue()}}
	}
	var all []sighting
	for _, c := range t.request.GetCompares() {
		want, found := c.GetExpect().(*raftcmdpb.Compare_Value)
		told := sighting{key: c.GetKey(), found: found}
		if found {
			told.value = want.Value
		}
		all = append(all, told)
	}
	own := map[string]bool{}
	for i, r := range t.request.GetRequests() {
		switch r := r.GetRequest().(type) {
		case *raftcmdpb.Request_Get:
			if got := t.response.GetResponses()[i].GetGet(); !own[string(r.Get.GetKey())] {
				all = append(all, sighting{key: r.Get.GetKey(), found: got.GetFound(), value: got.GetValue(), asked: true})
			}
		case *raftcmdpb.Request_Put:
			own[string(r.Put.GetKey())] = true
		case *raftcmdpb.Request_Delete:
			own[string(r.Delete.GetKey())] = true
		}
	}
	return all
}

// effectOn is what a transaction leaves in a key, if it takes effect and touches the key.
func (t *transaction) effectOn(key []byte) (effect sighting, touched bool) {
	if t.failed >= 0 {
		return effect, false
	}
	for _, r := range t.request.GetRequests() {
		switch r := r.GetRequest().(type) {
		case *raftcmdpb.Request_Put:
			if string(r.Put.GetKey()) == string(key) {
				effect, touched = sighting{key: key, found: true, value: r.Put.GetValue()}, true
			}
		case *raftcmdpb.Request_Delete:
			if string(r.Delete.GetKey()) == string(key) {
				effect, touched = sighting{key: key}, true
			}
		}
	}
	return effect, touched
}

func (t *transaction) heard(told sighting) string {
	if told.asked {
		return fmt.Sprintf("S%d answered get %v to operation %d", t.storeID, told, t.id)
	}
	return fmt.Sprintf("S%d found %v for operation %d", t.storeID, told, t.id)
}

func (t *transaction) wrote(key []byte) string {
	effect, _ := t.effectOn(key)
	if !effect.found {
		return "delete " + shownKey(key)
	}
	return "put " + effect.String()
}

// tale is what a transaction was told, in short.
func (t *transaction) tale() string {
	var all []string
	for _, told := range t.told() {
		all = append(all, told.String())
	}
	const most = 6
	if len(all) > most {
		all = append(all[:most], "…")
	}
	if len(all) == 0 {
		return "it was done"
	}
	return strings.Join(all, ", ")
}

// shownBytesMax is how much of a key or value a sentence shows.
const shownBytesMax = 40

func shown(bytes []byte) string {
	if len(bytes) > shownBytesMax {
		return fmt.Sprintf("%q…", bytes[:shownBytesMax])
	}
	return fmt.Sprintf("%q", bytes)
}

// shownKey writes a key plainly when that can be read.
func shownKey(key []byte) string {
	quoted := shown(key)
	if quoted == `"`+string(key)+`"` && !strings.ContainsAny(quoted, " =,") {
		return string(key)
	}
	return quoted
}

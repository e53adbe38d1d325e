package engine

import "github.com/tidwall/btree"

// Overlay reads a base as if the writes put into it had been written there. Applying several commands into one batch
// needs it: each sees the ones before.
type Overlay struct {
	base   Reader
	writes btree.Map[string, overlaid]
	// late are the newest writes, not yet in order: most overlays are forgotten before anyone reads them.
	late []write
}

type write struct {
	key []byte
	overlaid
}

type overlaid struct {
	value   []byte
	removed bool
}

var _ Reader = (*Overlay)(nil)

// NewOverlay returns an overlay without writes.
func NewOverlay(base Reader) *Overlay { return &Overlay{base: base} }

// Put sets key to value in the overlay, which owns both from then on, as a batch does.
func (o *Overlay) Put(key, value []byte) {
	o.late = append(o.late, write{key, overlaid{value: value}})
}

// Delete removes key in the overlay, which owns it from then on.
func (o *Overlay) Delete(key []byte) {
	o.late = append(o.late, write{key, overlaid{removed: true}})
}

// settle puts the newest writes in order, for a reader.
func (o *Overlay) settle() {
	for i := range o.late {
		o.writes.Set(string(o.late[i].key), o.late[i].overlaid)
	}
	o.forgetLate()
}

// lateMax is how much room for writes is kept for the next ones.
const lateMax = 1 << 10

func (o *Overlay) forgetLate() {
	if clear(o.late); cap(o.late) > lateMax {
		o.late = nil
	}
	o.late = o.late[:0]
}

// Reset forgets the overlay's writes.
func (o *Overlay) Reset() {
	o.forgetLate()
	if o.writes.Len() > 0 {
		o.writes.Clear()
	}
}

// Get implements Reader.
func (o *Overlay) Get(key []byte) ([]byte, bool, error) {
	o.settle()
	if o.writes.Len() > 0 {
		if w, found := o.writes.Get(string(key)); found {
			return w.value, !w.removed, nil
		}
	}
	return o.base.Get(key)
}

// Ascend implements Reader: a merge of the base and the writes.
func (o *Overlay) Ascend(from, to []byte, visit func(key, value []byte) bool) error {
	return o.merge(from, to, visit, false)
}

// Descend implements Reader.
func (o *Overlay) Descend(from, to []byte, visit func(key, value []byte) bool) error {
	return o.merge(from, to, visit, true)
}

func (o *Overlay) merge(from, to []byte, visit func(key, value []byte) bool, reverse bool) error {
	o.settle()
	type write struct {
		key string
		overlaid
	}
	var writes []write
	collect := func(key string, w overlaid) bool {
		if key >= string(from) && (len(to) == 0 || key < string(to)) {
			writes = append(writes, write{key, w})
		}
		return true
	}
	walk := o.base.Ascend
	if reverse {
		walk = o.base.Descend
		o.writes.Reverse(collect)
	} else {
		o.writes.Scan(collect)
	}
	before := func(a, b string) bool {
		if reverse {
			return a > b
		}
		return a < b
	}
	going := true
	drain := func(until string, all bool) {
		for going && len(writes) > 0 && (all || before(writes[0].key, until)) {
			if w := writes[0]; !w.removed {
				going = visit([]byte(w.key), w.value)
			}
			writes = writes[1:]
		}
	}
	err := walk(from, to, func(key, value []byte) bool {
		drain(string(key), false)
		if !going {
			return false
		}
		if len(writes) > 0 && writes[0].key == string(key) {
			w := writes[0]
			writes = writes[1:]
			if w.removed {
				return true
			}
			value = w.value
		}
		going = visit(key, value)
		return going
	})
	if err != nil {
		return err
	}
	drain("", true)
	return nil
}

package check

// What can be known of writes whose outcome nobody was told, before any order is looked for. A judge that tries each of
// them at every place, and at none, is lost among a few dozen; but clients of sense write values of their own, and then
// whoever read a value tells that its write was done by then, and a value that nobody saw makes no difference.

// cell is a key with a value in it.
type cell struct {
	key   int
	value value
}

// settle decides the fates of transactions without an answer, as far as they can be told.
func settle(transactions []*transaction) {
	s := settling{writers: map[cell][]*transaction{}}
	for _, t := range transactions {
		for _, a := range t.actions {
			if c := (cell{a.key, a.value}); a.deed == deedPut && !s.writes(t, c) {
				s.writers[c] = append(s.writers[c], t)
			}
		}
	}
	for _, t := range transactions {
		if t.answered {
			s.told(t)
		}
	}
	s.drop(transactions)
}

type settling struct {
	writers map[cell][]*transaction
	// mentions count the transactions that were told of a value, or ask for it.
	mentions map[cell]int
}

func (s *settling) writes(t *transaction, c cell) bool {
	w := s.writers[c]
	return len(w) > 0 && w[len(w)-1] == t
}

// told follows what a transaction that was done was told, up to those that must have been done before it.
func (s *settling) told(t *transaction) {
	visitSeen(t, func(c cell) {
		w := s.writers[c]
		if len(w) != 1 || w[0] == t || w[0].answered {
			return
		}
		writer, until := w[0], max(t.until, w[0].start)
		if writer.fate == happened && writer.until <= until {
			return
		}
		writer.fate, writer.until = happened, until
		s.told(writer)
	})
}

// visitSeen shows look the values that a transaction was told of, and those that its compares found.
func visitSeen(t *transaction, look func(cell)) {
	for i, c := range t.compares {
		if t.failed >= 0 && i >= t.failed {
			break
		}
		if c.want != absent {
			look(cell{c.key, c.want})
		}
	}
	if t.garbled {
		return
	}
	if t.failed >= 0 {
		if t.failedValue != absent {
			look(cell{t.compares[t.failed].key, t.failedValue})
		}
		return
	}
	for _, a := range t.actions {
		if t.answered && a.deed == deedGet && a.value != absent {
			look(cell{a.key, a.value})
		}
	}
}

// drop takes those out that make no difference, and forgets the values that nobody asks for.
func (s *settling) drop(transactions []*transaction) {
	s.mentions = map[cell]int{}
	deletes := map[int]bool{} // keys of which somebody was told whether there was something to delete
	for _, t := range transactions {
		s.mention(t, 1)
		for _, a := range t.actions {
			if a.deed == deedDelete && t.answered {
				deletes[a.key] = true
			}
		}
	}
	for again := true; again; {
		again = false
		for i := len(transactions) - 1; i >= 0; i-- {
			if t := transactions[i]; !t.answered && t.fate == open && s.idle(t, deletes) {
				t.fate, again = dropped, true
				s.mention(t, -1)
			}
		}
	}
	for _, t := range transactions {
		t.vague = !t.answered && t.fate == open
		for i, a := range t.actions {
			switch {
			case a.deed == deedPut && s.mentions[cell{a.key, a.value}] == 0:
				t.actions[i].value = unseen
			case a.deed != deedGet:
				t.vague = false
			}
		}
	}
}

func (s *settling) mention(t *transaction, by int) {
	if t.answered {
		visitSeen(t, func(c cell) { s.mentions[c] += by })
	}
	// What it asks for, whether that was so or not.
	for _, c := range t.compares {
		s.mentions[cell{c.key, c.want}] += by
	}
}

// idle tells whether nobody can tell if the transaction was done: it only puts values that nobody asks for or was told of.
func (s *settling) idle(t *transaction, deletes map[int]bool) bool {
	for _, a := range t.actions {
		if a.deed == deedDelete || a.deed == deedPut && (deletes[a.key] || s.mentions[cell{a.key, a.value}] > 0) {
			return false
		}
	}
	return true
}

package live

// hole is a range of numbers, both ends included, that a store did not tell of.
type hole struct{ from, to uint64 }

// holesMax is how many holes are remembered; numbers below the oldest count as one hole.
const holesMax = 32

// life tells which of a store's messages were left out, so that nobody waits to hear of their sending.
type life struct {
	incarnation uint64
	highest     uint64
	// gapped: something was left out since the last message sent.
	gapped bool
	holes  []hole
}

// sent notes the number of a message that the store told of.
func (l *life) sent(id uint64) {
	if l.gapped && id > l.highest+1 {
		l.holes = append(l.holes, hole{l.highest + 1, id - 1})
		if len(l.holes) > holesMax {
			l.holes = l.holes[1:]
			l.holes[0].from = 0
		}
	}
	l.gapped = false
	l.highest = max(l.highest, id)
}

// leftOut tells whether a message's sending was left out.
func (l *life) leftOut(id uint64) bool {
	for _, h := range l.holes {
		if h.from <= id && id <= h.to {
			return true
		}
	}
	return false
}

package live

// pace holds a viewer to so many events a second, and counts honestly what it was shown. A second in which more happens
// shows its beginning; when much was left behind at its end, the viewer goes on from the present (jump), which costs a whole
// picture: with many viewers the next slice comes later.
type pace struct {
	perSecond int
	began     int64 // of the present slice, on the gateway's clock
	// rest is how long a slice that was cut lasts, microseconds.
	rest int64
	// shown are this slice's, and events those that this viewer would have been shown without any bound.
	shown, events uint64
	// cut: the bound was met in this slice.
	cut bool
	// lastShown and lastEvents are the slice's before, for a second of it.
	lastShown, lastEvents uint64
}

const secondMicros = 1_000_000

// pictured is how many viewers are given a picture each second, about.
const pictured = 20

// over tells whether the present slice is.
func (p *pace) over(now int64) bool {
	length := int64(secondMicros)
	if p.cut {
		length = max(length, p.rest)
	}
	return now-p.began >= length
}

// roll begins a new slice of a viewer who is one of so many.
func (p *pace) roll(now int64, viewers int) {
	seconds := uint64(max(1, (now-p.began)/secondMicros))
	p.lastShown, p.lastEvents = p.shown/seconds, p.events/seconds
	if now-p.began >= 2*max(secondMicros, p.rest) {
		p.lastShown, p.lastEvents = 0, 0 // Nothing was asked for before this moment.
	}
	p.began, p.rest = now, secondMicros*int64(viewers)/pictured
	p.shown, p.events, p.cut = 0, 0, false
}

// room is how many events may still be shown in this slice.
func (p *pace) room() int { return max(0, p.perSecond-int(p.shown)) }

// allowance is how many commands a viewer may still give: it fills up again at an even pace, to a second's worth.
type allowance struct {
	perSecond int
	used      float64
	at        int64
}

// take uses up one, if there is one.
func (a *allowance) take(now int64) bool {
	a.used = max(0, a.used-float64(now-a.at)*float64(a.perSecond)/secondMicros)
	a.at = now
	if a.used+1 > float64(a.perSecond) {
		return false
	}
	a.used++
	return true
}

package live

// pace holds a viewer to so many events in a slice (slicing), and counts honestly what it was shown.
type pace struct {
	most  int
	slice uint64 // the present one's number
	began int64  // when the viewer began with it, on the gateway's clock
	// shown are this slice's, and events those that this viewer would have been shown without any bound.
	shown, events uint64
	// cut: the bound was met in this slice.
	cut bool
	// lastShown and lastEvents are the slice's before, for a second of it.
	lastShown, lastEvents uint64
}

const secondMicros = 1_000_000

// roll begins with another slice.
func (p *pace) roll(slice uint64, now int64) {
	seconds := uint64(max(1, (now-p.began+secondMicros/2)/secondMicros))
	p.lastShown, p.lastEvents = p.shown/seconds, p.events/seconds
	p.slice, p.began = slice, now
	p.shown, p.events, p.cut = 0, 0, false
}

// room is how many events may still be shown in this slice.
func (p *pace) room() int { return max(0, p.most-int(p.shown)) }

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

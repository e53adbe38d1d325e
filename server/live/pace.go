package live

// pace holds a viewer to so many events a second, and counts honestly what it was shown. A second in which more happens
// shows its beginning; when much was left behind at its end, the viewer goes on from the present (jump).
type pace struct {
	perSecond int
	began     int64 // of the present second, on the gateway's clock
	// shown are this second's, and events those that this viewer would have been shown without any bound.
	shown, events uint64
	// cut: the bound was met in this second.
	cut bool
	// lastShown and lastEvents are the second's before.
	lastShown, lastEvents uint64
}

const secondMicros = 1_000_000

// over tells whether the present second is.
func (p *pace) over(now int64) bool { return now-p.began >= secondMicros }

// roll begins a new second.
func (p *pace) roll(now int64) {
	p.lastShown, p.lastEvents = p.shown, p.events
	if now-p.began >= 2*secondMicros {
		p.lastShown, p.lastEvents = 0, 0 // Nothing was asked for in the second before this moment.
	}
	p.began, p.shown, p.events, p.cut = now, 0, 0, false
}

// room is how many events may still be shown in this second.
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

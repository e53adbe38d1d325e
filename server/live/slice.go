package live

import "time"

// slicing is how it is shown when more happens than viewers are shown: at the beginning of each slice the stores are shown as
// they stand, what happens then is told in full until the limit is met, and nothing after that until the next slice begins.
// All viewers and all stores have the same slices, so that a slice is one piece of the cluster's life, no store tells what no
// viewer is shown, and one set of pictures is everybody's. A slice in which everything was told ends unnoticed.
type slicing struct {
	number uint64
	began  int64 // on the gateway's clock
	// cut: some viewer met the limit in the present slice. throttled: the stores are asked for less than there is.
	cut, throttled bool
	// wasCut: so it was with the slice before, and everybody goes on from a snapshot later than afterRound.
	wasCut     bool
	afterRound uint64
}

// pictured is how many viewers are given whole pictures each second, about: with more of them slices come less often.
const pictured = 20

// sliceMicros is how long a slice lasts in which not everything is shown.
func (w *watch) sliceMicros() int64 {
	return secondMicros * max(int64(w.g.Viewers()), pictured) / pictured
}

// sliceOver tells whether the present slice is.
func (w *watch) sliceOver(now int64) bool {
	length := int64(secondMicros)
	if w.slice.cut || w.slice.throttled {
		length = w.sliceMicros()
	}
	return now-w.slice.began >= length
}

// turnSlice begins the next slice when it is time to. The caller holds the mutex; so it is with all below.
func (w *watch) turnSlice(now int64) {
	if !w.sliceOver(now) {
		return
	}
	s := &w.slice
	s.number, s.began = s.number+1, now
	s.wasCut, s.cut = s.cut || s.throttled, false
	if s.wasCut {
		s.afterRound = w.want()
	}
	w.demand()
	if s.wasCut {
		w.note()
	}
}

// pacing is what a store is asked for.
type pacing struct {
	perSecond uint32
	rest      time.Duration
}

const (
	// shareMin is how small a store's share of the events can be: what it tells has to be enough to notice that it is busy.
	shareMin = 16
	// busyPart: the busier the stores, the less of their time goes into being looked at, down to this part of the limit. A
	// slice is told as fast as it happens: at 200,000 events a second 5,000 of them would be told for 25 ms of each second,
	// and every command of that time be late.
	busyPart = 5
	// restMargin is how much later than the next slice a store goes on that is not asked to.
	restMargin = 250 * time.Millisecond
)

// demand asks the stores for no more than viewers are shown: when they have more to tell, each for its share, so that all
// of them fall silent at about the same moment.
func (w *watch) demand() {
	most, total := uint64(w.g.limits.EventsPerSecondMax), w.meter.total()
	w.slice.throttled = total > most
	if w.slice.throttled {
		most = max(most*most/total, most/busyPart)
	}
	rest := time.Duration(w.sliceMicros())*time.Microsecond + restMargin
	for id, c := range w.contacts {
		p := pacing{uint32(most), rest}
		if rate := w.meter.rate(id); w.slice.throttled {
			p.perSecond = uint32(max(most*rate/total, most/shareMin, 1))
		}
		// A little more or less is not worth saying.
		if was := c.pacing; was.rest != p.rest || max(was.perSecond, p.perSecond)-min(was.perSecond, p.perSecond) > uint32(most/shareMin/2) {
			c.pacing = p
			c.ask()
		}
	}
}

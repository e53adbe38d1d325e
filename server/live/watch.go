package live

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

const (
	// turn is how often a watch looks at what waits for time to pass.
	turn = 20 * time.Millisecond
	// listEvery is how often the cluster is asked for its stores.
	listEvery = 5 * time.Second
)

// watch is a stretch of watching: from the first viewer's coming until some seconds after the last one's leaving.
type watch struct {
	g      *Gateway
	ctx    context.Context
	cancel context.CancelFunc
	// threads are the goroutines beside the watch's own.
	threads sync.WaitGroup

	mu       sync.Mutex
	merger   *merger
	log      eventLog
	meter    meter
	contacts map[uint64]*contact
	// listed: the cluster was asked for its stores.
	listed bool
	// hello is what every viewer is told, but for its role; hellos counts its changes. It is replaced, never written.
	hello  *sessionpb.Hello
	hellos uint64

	round       *round
	rounds      uint64 // begun
	roundMicros int64
	wanted      uint64
	latest      *snapshot

	slice slicing

	// noted is closed and replaced when there is something for every viewer: a snapshot, a second's figures, a hello. told is
	// when there are events, at most once a turn, for a viewer takes more time to wake than an event to be given to it.
	noted, told chan struct{}
	// telling: told is due.
	telling bool
}

// startWatch begins to watch.
func startWatch(g *Gateway) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	now := g.micros()
	w := &watch{
		g: g, ctx: ctx, cancel: cancel, merger: newMerger(&g.limits, &g.numbers),
		log:   newEventLog(g.limits.LogEventsMax, g.limits.LogBytesMax),
		meter: newMeter(now), contacts: map[uint64]*contact{}, noted: make(chan struct{}), told: make(chan struct{}),
		roundMicros: now - g.limits.RoundInterval.Microseconds(), slice: slicing{began: now},
	}
	w.merger.publish, w.merger.answered = w.publish, func(of *sessionpb.StoreState, _ uint64) { w.answer(of.GetId()) }
	w.merger.last = now
	w.merger.fold.links = g.links
	w.hello = w.greeting()
	w.threads.Go(w.list)
	return w
}

// run turns the watch until over tells that it is no longer wanted, and has cancelled it.
func (w *watch) run(over func() bool) {
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	for !over() {
		select {
		case <-ticker.C:
		case <-w.ctx.Done():
		}
		w.mu.Lock()
		w.turn()
		if w.telling {
			w.telling = false
			close(w.told)
			w.told = make(chan struct{})
		}
		w.mu.Unlock()
	}
	w.threads.Wait() // over has ended them.
}

// turn does what is due. The caller holds the mutex.
func (w *watch) turn() {
	now, before := w.g.micros(), w.log.next
	w.merger.drain(now)
	metered := w.meter.tick(now)
	w.turnSlice(now)
	w.turnRound(now)
	w.telling = w.telling || w.log.next != before
	if metered {
		w.note()
	}
}

// note tells every viewer to look.
func (w *watch) note() {
	close(w.noted)
	w.noted = make(chan struct{})
}

// publish appends an event to the log.
func (w *watch) publish(e *sessionpb.Event, about subject, leftOut uint64) {
	w.log.append(e, about, leftOut)
}

// say makes an event of the gateway's own.
func (w *watch) say(storeID uint64, e *sessionpb.Event) {
	e.StoreId, e.TimeMicros = storeID, w.merger.stamp(w.merger.last)
	w.merger.emit(e, subject{stores: [2]uint64{storeID}}, 0)
	w.telling = true
}

// list asks for the stores, again and again: one may join later.
func (w *watch) list() {
	for {
		ctx, cancel := context.WithTimeout(w.ctx, listEvery)
		stores, err := w.g.cfg.Cluster.Stores(ctx)
		cancel()
		pause := listEvery
		if err != nil {
			w.g.log.Warn("the cluster does not tell its stores", "error", err)
			pause = time.Second
		}
		w.mu.Lock()
		w.know(stores)
		w.listed = true
		w.mu.Unlock()
		if !w.sleep(pause) {
			return
		}
	}
}

// sleep tells whether the watch still goes on.
func (w *watch) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// know follows every store that is new. The caller holds the mutex.
func (w *watch) know(stores []*rpcpb.StoreAddress) {
	changed := false
	for _, s := range stores {
		id := s.GetStoreId()
		if c := w.contacts[id]; c != nil {
			changed = changed || s.GetAddress() != "" && c.address != s.GetAddress()
			c.address = cmp.Or(s.GetAddress(), c.address)
			continue
		}
		if id == 0 || len(w.contacts) >= w.g.limits.StoresMax || w.ctx.Err() != nil {
			continue
		}
		changed = true
		w.contacts[id] = &contact{address: s.GetAddress(), asking: make(chan struct{}, 1)}
		w.merger.add(id)
		w.say(id, &sessionpb.Event{Body: &sessionpb.Event_StoreAdded{StoreAdded: &sessionpb.StoreAdded{Store: &sessionpb.StoreState{Id: id}}}})
		w.threads.Go(func() { w.follow(id) })
	}
	if changed {
		w.demand()
		w.greetAnew()
	}
}

// unreachable lists the stores that are not reached, with why. The caller holds the mutex.
func (w *watch) unreachable() []*sessionpb.StoreUnreachable {
	var list []*sessionpb.StoreUnreachable
	for id, c := range w.contacts {
		if c.why != "" {
			list = append(list, &sessionpb.StoreUnreachable{StoreId: id, Why: c.why})
		}
	}
	slices.SortFunc(list, func(a, b *sessionpb.StoreUnreachable) int { return cmp.Compare(a.GetStoreId(), b.GetStoreId()) })
	return list
}

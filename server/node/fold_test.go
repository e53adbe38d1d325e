package node

import (
	"cmp"
	"fmt"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/mirror/mirrortest"
)

// fold is a store as its events tell it, which must come to what a store_shown says; but for the timers between ticks and
// the votes on their way, and for leases and sizes, which only a picture tells.
type fold struct {
	store *sessionpb.StoreState
	// shown are the pictures that came, leftOut the events that they say are missing, events those that came.
	shown, leftOut, events int
	// wrong is the first picture that the events did not come to.
	wrong string
	// open are the operations without an answer, answered how many have one.
	open     map[uint64]bool
	answered int
	told     map[string]int
	time     int64
	last     uint64 // the last picture's number
}

func newFold() *fold { return &fold{open: map[uint64]bool{}, told: map[string]int{}} }

// see takes an answer of a watcher's.
func (f *fold) see(r *rpcpb.WatchResponse) {
	for _, seen := range r.GetSeen() {
		f.event(seen)
	}
}

func (f *fold) event(seen *rpcpb.Seen) {
	e := seen.GetEvent()
	if e.GetTimeMicros() < f.time {
		f.wrong = cmp.Or(f.wrong, fmt.Sprintf("time goes back from %d to %d", f.time, e.GetTimeMicros()))
	}
	f.time = e.GetTimeMicros()
	if shown := e.GetStoreShown(); shown != nil {
		f.picture(shown)
		f.last = seen.GetShow()
		return
	}
	f.events++
	f.told[fmt.Sprintf("%T", e.GetBody())]++
	if f.store == nil {
		f.wrong = cmp.Or(f.wrong, fmt.Sprintf("%v comes before the store was shown", e))
		return
	}
	switch b := e.Body.(type) {
	case *sessionpb.Event_OperationStarted:
		f.open[b.OperationStarted.GetOperation().GetId()] = true
	case *sessionpb.Event_OperationEnded:
		if f.open[b.OperationEnded.GetId()] {
			f.answered++
		}
		delete(f.open, b.OperationEnded.GetId())
	default:
		mirrortest.Fold(f.store, e)
	}
}

func (f *fold) picture(shown *sessionpb.StoreShown) {
	f.shown++
	f.leftOut += int(shown.GetEventsLeftOut())
	if f.store != nil && shown.GetEventsLeftOut() == 0 {
		got, want := mirrortest.Told(f.store), mirrortest.Told(shown.GetStore())
		if !proto.Equal(got, want) {
			f.wrong = cmp.Or(f.wrong, fmt.Sprintf("picture %d: the events come to\n%v\nbut the store is\n%v", f.shown, got, want))
		}
	}
	f.store = proto.Clone(shown.GetStore()).(*sessionpb.StoreState)
}

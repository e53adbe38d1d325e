package sim_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"raftplay/core/mirror/mirrortest"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// fold is a cluster as its events tell it: what any viewer does. It must come to what a keyframe says, except for the
// election timers between ticks and the votes on their way, which viewers learn from ticks and messages, and for leases and
// sizes, which only a keyframe tells.
type fold struct {
	stores     []*sessionpb.StoreState
	messages   map[uint64]*sessionpb.Message
	operations map[uint64]*sessionpb.Operation
	ended      []uint64
	config     *sessionpb.Config
	modelLeft  []string
	clocks     map[uint64]*clockAsTold
	// told counts the events of each kind.
	told map[string]int
}

func newFold() *fold {
	return &fold{
		messages: map[uint64]*sessionpb.Message{}, operations: map[uint64]*sessionpb.Operation{}, told: map[string]int{},
		clocks: map[uint64]*clockAsTold{},
	}
}

func (f *fold) Event(e *sessionpb.Event) {
	f.told[fmt.Sprintf("%T", e.Body)]++
	switch b := e.Body.(type) {
	case *sessionpb.Event_RunStarted:
		f.config = proto.Clone(b.RunStarted.Config).(*sessionpb.Config)
		for _, s := range b.RunStarted.Stores {
			f.stores = append(f.stores, proto.Clone(s).(*sessionpb.StoreState))
		}
		for _, own := range f.config.Clocks {
			f.clocks[own.StoreId] = &clockAsTold{rate: int64(own.Clock.RatePpm)}
		}
	case *sessionpb.Event_MessageSent:
		f.messages[b.MessageSent.Message.Id] = b.MessageSent.Message
	case *sessionpb.Event_MessageDelivered:
		delete(f.messages, b.MessageDelivered.Id)
	case *sessionpb.Event_MessageLost:
		delete(f.messages, b.MessageLost.Id)
	case *sessionpb.Event_MessageHeld:
		f.message(b.MessageHeld.Id).Held = b.MessageHeld.Reason
	case *sessionpb.Event_MessageRescheduled:
		m := f.message(b.MessageRescheduled.Id)
		m.Held, m.DueMicros = sessionpb.HoldReason_HOLD_REASON_UNSPECIFIED, b.MessageRescheduled.DueMicros
	case *sessionpb.Event_OperationStarted:
		f.operations[b.OperationStarted.Operation.Id] = b.OperationStarted.Operation
	case *sessionpb.Event_OperationEnded:
		op := proto.Clone(f.operations[b.OperationEnded.Id]).(*sessionpb.Operation)
		op.Response, op.EndedMicros = b.OperationEnded.Response, e.TimeMicros
		f.operations[op.Id] = op
		if f.ended = append(f.ended, op.Id); len(f.ended) > 100 {
			delete(f.operations, f.ended[0])
			f.ended = f.ended[1:]
		}
	case *sessionpb.Event_SettingsChanged:
		now := b.SettingsChanged
		f.config.Network, f.config.Links, f.config.Filters = now.Network, now.Links, now.Filters
		f.config.Disk, f.config.Disks, f.config.Workloads = now.Disk, now.Disks, now.Workloads
	case *sessionpb.Event_StoreStarted:
		f.stores[e.StoreId-1] = proto.Clone(b.StoreStarted.Store).(*sessionpb.StoreState)
	case *sessionpb.Event_StoreCrashed:
		f.stores[e.StoreId-1] = proto.Clone(b.StoreCrashed.Store).(*sessionpb.StoreState)
	case *sessionpb.Event_StoreStopped:
		f.stores[e.StoreId-1] = proto.Clone(b.StoreStopped.Store).(*sessionpb.StoreState)
	case *sessionpb.Event_StoreAdded:
		f.stores = append(f.stores, proto.Clone(b.StoreAdded.Store).(*sessionpb.StoreState))
	default:
		if !f.inFaults(e) {
			mirrortest.Fold(f.stores[max(e.StoreId, 1)-1], e)
		}
	}
}

// message is one in flight, to be changed: an event's own is nobody's to write.
func (f *fold) message(id uint64) *sessionpb.Message {
	m := proto.Clone(f.messages[id]).(*sessionpb.Message)
	f.messages[id] = m
	return m
}

// differs compares with a keyframe and tells the first difference, or "".
func (f *fold) differs(k *sessionpb.Keyframe) string {
	if !proto.Equal(f.config, k.Config) {
		return fmt.Sprintf("configuration %v, want %v", f.config, k.Config)
	}
	if !slices.Equal(f.modelLeft, k.ModelLeft) {
		return fmt.Sprintf("outside of the model for %q, want %q", f.modelLeft, k.ModelLeft)
	}
	if len(f.messages) != len(k.Messages) || len(f.operations) != len(k.Operations) {
		return fmt.Sprintf("%d messages and %d operations, want %d and %d",
			len(f.messages), len(f.operations), len(k.Messages), len(k.Operations))
	}
	for _, m := range k.Messages {
		if !proto.Equal(m, f.messages[m.Id]) {
			return fmt.Sprintf("message %v, want %v", f.messages[m.Id], m)
		}
	}
	for _, op := range k.Operations {
		if !proto.Equal(op, f.operations[op.Id]) {
			return fmt.Sprintf("operation %v, want %v", f.operations[op.Id], op)
		}
	}
	for i, want := range k.Stores {
		got, want := mirrortest.Told(f.stores[i]), mirrortest.Told(want)
		got.LocalMicros = f.clocks[want.Id].shows(k.TimeMicros)
		if !proto.Equal(got, want) {
			return fmt.Sprintf("S%d is\n%v\nwant\n%v", want.Id, got, want)
		}
	}
	return ""
}

func TestEventsFoldToTheKeyframe(t *testing.T) {
	for seed := uint64(20); seed < 25; seed++ {
		foldsToKeyframes(t, fmt.Sprintf("exercise %d", seed), sim.Exercise(seed))
	}
}

// foldsToKeyframes plays a run and compares the fold of its events with keyframes on the way. It returns how many events
// of each kind were told.
func foldsToKeyframes(t *testing.T, name string, run *sessionpb.Run) map[string]int {
	t.Helper()
	f := newFold()
	p, err := sim.NewPlayer(run, f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for i := 0; ; i++ {
		more, err := p.Next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if i%17 == 0 || !more {
			if what := f.differs(p.World.Keyframe()); what != "" {
				t.Fatalf("%s after step %d: %s", name, p.World.Steps(), what)
			}
		}
		if !more {
			return f.told
		}
	}
}

func TestAKeyframeIsTheSameWatchedOrNot(t *testing.T) {
	sameWatchedOrNot(t, sim.Exercise(9))
}

func sameWatchedOrNot(t *testing.T, run *sessionpb.Run) {
	t.Helper()
	watched, err := sim.Play(run, &recording{})
	if err != nil {
		t.Fatal(err)
	}
	unwatched, err := sim.Play(run)
	if err != nil {
		t.Fatal(err)
	}
	unwatched.SetSeq(watched.Seq())
	if a, b := watched.Keyframe(), unwatched.Keyframe(); !proto.Equal(a, b) {
		t.Errorf("watched\n%v\nunwatched\n%v", a, b)
	}
}

package sim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"raftplay/core/check"
	"raftplay/core/mirror/mirrortest"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// clockAsTold is a store's clock as ClockSet tells it.
type clockAsTold struct{ at, local, rate int64 }

// shows is what a keyframe says: nothing of a clock that shows the true time.
func (c *clockAsTold) shows(now int64) int64 {
	if c == nil {
		return 0
	}
	if local := c.local + (now-c.at)*c.rate/1_000_000; local != now {
		return local
	}
	return 0
}

// inFaults follows what goes wrong, and tells whether the event was of that.
func (f *fold) inFaults(e *sessionpb.Event) bool {
	message := func(id uint64, change func(*sessionpb.Message)) {
		f.messages[id] = proto.Clone(f.messages[id]).(*sessionpb.Message)
		change(f.messages[id])
	}
	switch b := e.Body.(type) {
	case *sessionpb.Event_MessageHeld:
		message(b.MessageHeld.Id, func(m *sessionpb.Message) { m.Held = b.MessageHeld.Reason })
	case *sessionpb.Event_MessageRescheduled:
		message(b.MessageRescheduled.Id, func(m *sessionpb.Message) { m.Held, m.DueMicros = 0, b.MessageRescheduled.DueMicros })
	case *sessionpb.Event_StorePaused:
		f.stores[e.StoreId-1].Paused = true
	case *sessionpb.Event_StoreResumed:
		f.stores[e.StoreId-1].Paused = false
	case *sessionpb.Event_FaultArmed:
		s, armed := f.stores[e.StoreId-1], b.FaultArmed
		s.DiskFault, s.CrashMoment, s.CrashKeeps = armed.DiskFault, armed.CrashMoment, armed.CrashKeeps
	case *sessionpb.Event_ClockSet:
		how := b.ClockSet.Clock
		f.clocks[e.StoreId] = &clockAsTold{at: e.TimeMicros, local: b.ClockSet.LocalMicros, rate: int64(how.RatePpm)}
		f.config.Clocks = slices.DeleteFunc(f.config.Clocks, func(own *sessionpb.StoreClock) bool { return own.StoreId == e.StoreId })
		if how.RatePpm != 1_000_000 || how.LateMicros != 0 {
			f.config.Clocks = append(f.config.Clocks, &sessionpb.StoreClock{StoreId: e.StoreId, Clock: how})
		}
	case *sessionpb.Event_DiskCorrupted:
		p := mirrortest.Peer(f.stores[e.StoreId-1], b.DiskCorrupted.RegionId)
		for i, k := range p.Keys {
			if slices.Equal(k.Key, b.DiskCorrupted.Key) {
				p.Keys[i] = proto.Clone(k).(*sessionpb.KeyChange)
				p.Keys[i].Value = b.DiskCorrupted.Value
			}
		}
	case *sessionpb.Event_ModelLeft:
		f.modelLeft = append(f.modelLeft, b.ModelLeft.Why)
	default:
		return false
	}
	return true
}

// faulty is an exercise in which disks, processes and clocks fail besides; unsafe: also in ways that Raft does not bear.
func faulty(seed uint64, unsafe bool) *sessionpb.Run {
	run, draw := sim.Exercise(seed), rand.New(rand.NewPCG(seed, 1))
	run.Config.Disk.JitterMicros = 1_000
	run.Config.Disks = []*sessionpb.StoreDisk{{StoreId: 2, Disk: &sessionpb.Disk{WriteMicros: 5_000, FsyncMicros: 20_000}}}
	actions := run.Actions
	run.Actions = nil
	for _, a := range actions {
		run.Actions = append(run.Actions, a)
		if draw.IntN(4) == 0 {
			fault := anyFault(draw, 1+draw.Uint64N(uint64(run.Config.Stores)), unsafe)
			fault.ByTime, fault.AtMicros = true, a.AtMicros
			run.Actions = append(run.Actions, fault)
		}
	}
	return run
}

func anyFault(draw *rand.Rand, store uint64, unsafe bool) *sessionpb.Action {
	keeps := sessionpb.CrashKeeps(draw.IntN(3))
	kinds := 12
	if !unsafe {
		kinds = 9
	}
	switch draw.IntN(kinds) {
	case 0:
		return crashKeeping(store, keeps)
	case 1:
		return crashBeforeSync(store, keeps)
	case 2:
		return failDisk(store, sessionpb.DiskFault(draw.IntN(4)))
	case 3:
		return pause(store)
	case 4, 5:
		return resume(store)
	case 6:
		return setClock(store, &sessionpb.Clock{RatePpm: 999_000 + draw.Uint32N(2_001), LateMicros: draw.Int64N(200_000)}, 0)
	case 7:
		return restart(store)
	case 8:
		return setDisk(store, &sessionpb.Disk{WriteMicros: draw.Int64N(3_000), FsyncMicros: draw.Int64N(30_000)})
	case 9:
		return setClock(store, &sessionpb.Clock{RatePpm: 300_000 + draw.Uint32N(3_000_000)}, draw.Int64N(2_000_000)-1_000_000)
	case 10:
		return corruptDisk(store)
	}
	return restartWiped(store)
}

func TestEventsFoldToTheKeyframeUnderFaults(t *testing.T) {
	told := map[string]int{}
	for seed := uint64(30); seed < 40; seed++ {
		for kind, n := range foldsToKeyframes(t, fmt.Sprintf("faults %d", seed), faulty(seed, true)) {
			told[kind] += n
		}
	}
	for _, kind := range []string{
		"MessageHeld", "MessageRescheduled", "StorePaused", "StoreResumed", "FaultArmed", "ClockSet", "DiskCorrupted",
		"ModelLeft", "StoreCrashed", "StoreStopped",
	} {
		if told["*sessionpb.Event_"+kind] == 0 {
			t.Errorf("%s is never told", kind)
		}
	}
}

// What Raft bears leaves the judges nothing to say.
func TestJudgesFindNothingUnderFaultsThatRaftBears(t *testing.T) {
	for seed := uint64(40); seed < 60; seed++ {
		judges := check.New(func(v *sessionpb.Violation) { t.Errorf("seed %d: %v", seed, v) })
		w, err := sim.Play(faulty(seed, false), judges)
		if err != nil {
			t.Fatal(err)
		}
		if left := w.Keyframe().ModelLeft; len(left) > 0 {
			t.Errorf("seed %d: outside of the model for %q", seed, left)
		}
	}
}

func TestFaultsRepeatToTheSameHash(t *testing.T) {
	for seed := uint64(30); seed < 33; seed++ {
		sums := map[string]bool{}
		for range 2 {
			hasher := sim.NewHasher()
			w, err := sim.Play(faulty(seed, true), hasher)
			if err != nil {
				t.Fatal(err)
			}
			sums[hasher.Sum(w)] = true
		}
		if len(sums) != 1 {
			t.Errorf("seed %d: one run, hashes %v", seed, sums)
		}
	}
}

func TestFaultsAreTheSameWatchedOrNot(t *testing.T) {
	for seed := uint64(30); seed < 34; seed++ {
		sameWatchedOrNot(t, faulty(seed, true))
	}
}

package sim_test

import (
	"bytes"
	"fmt"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// settledLeader is a world of some seed in which a leader's disk rests and everything it wrote is synced.
func settledLeader(t *testing.T, seed uint64, seen *recording, bugs ...sessionpb.Bug) (w *sim.World, leader uint64) {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Seed, cfg.Bugs = seed, bugs
	w, err := sim.New(cfg, seen)
	if err != nil {
		t.Fatal(err)
	}
	leader = elect(t, w)
	act(t, w, put(leader, "city", "Kyoto"))
	w.RunUntil(w.Now() + 2_000_000)
	act(t, w, put(leader, "settle", "down"))
	stepTo(t, w, seen, leader, isSynced)
	w.RunUntil(w.Now() + 1)
	return w, leader
}

func (r *recording) last(is func(*sessionpb.Event) bool) *sessionpb.Event {
	for i := len(*r) - 1; i >= 0; i-- {
		if is((*r)[i]) {
			return (*r)[i]
		}
	}
	return nil
}

func isStopped(e *sessionpb.Event) bool { return e.GetStoreStopped() != nil }
func isCrashed(e *sessionpb.Event) bool { return e.GetStoreCrashed() != nil }

func state(w *sim.World, store uint64) *sessionpb.StoreState { return w.Keyframe().Stores[store-1] }

// wantAgreement runs on, and wants every store to hold that value of a key.
func wantAgreement(t *testing.T, w *sim.World, key, value string) {
	t.Helper()
	w.RunUntil(w.Now() + 5_000_000)
	for _, s := range w.Keyframe().Stores {
		held := ""
		for _, p := range s.Peers {
			for _, k := range p.Keys {
				if string(k.Key) == key {
					held = string(k.Value)
				}
			}
		}
		if held != value {
			t.Errorf("S%d holds %q under %s, want %q", s.Id, held, key, value)
		}
	}
}

// What was not synced is lost, or kept from the first batch on, by chance; what is kept is durable, and nothing contradicts it.
func TestACrashKeepsAPrefixOfWhatIsNotSynced(t *testing.T) {
	kept, lost := 0, 0
	for seed := uint64(1); seed <= 12; seed++ {
		for _, until := range []func(*sessionpb.Event) bool{nil, isWritten} {
			var seen recording
			w, leader := settledLeader(t, seed, &seen)
			before := lastIndex(w, leader)
			act(t, w, put(leader, "city", "Nara"))
			if until != nil {
				stepTo(t, w, &seen, leader, until)
			}
			act(t, w, crashKeeping(leader, keepsSome))
			crashed := seen.last(isCrashed).GetStoreCrashed()
			if crashed.Keeps != keepsSome || crashed.BatchesKept+crashed.BatchesLost == 0 || crashed.BytesLost > 0 != (crashed.BatchesLost > 0) {
				t.Fatalf("seed %d: %v", seed, crashed)
			}
			want := before + 1
			if crashed.BatchesLost > 0 {
				want = before
				lost++
			} else {
				kept++
			}
			if got := lastIndex(w, leader); got != want {
				t.Errorf("seed %d: %d batches kept and %d lost, the log ends at %d, want %d",
					seed, crashed.BatchesKept, crashed.BatchesLost, got, want)
			}
			act(t, w, restart(leader))
			act(t, w, crash(leader))
			if got := lastIndex(w, leader); got != want {
				t.Errorf("seed %d: what the crash kept is not durable: the log ends at %d, want %d", seed, got, want)
			}
			act(t, w, restart(leader))
			act(t, w, put(elect(t, w), "city", "Osaka"))
			wantAgreement(t, w, "city", "Osaka")
		}
	}
	if kept == 0 || lost == 0 {
		t.Errorf("%d crashes kept the last batch and %d lost it: chance decides nothing", kept, lost)
	}
}

// A torn batch is dropped whole, because its checksum is wrong; a store that does not look keeps the half of it.
func TestATornBatchIsDroppedUnlessNobodyLooks(t *testing.T) {
	for _, bugs := range [][]sessionpb.Bug{nil, {sessionpb.Bug_BUG_TORN_WRITE_KEPT}} {
		for _, until := range []func(*sessionpb.Event) bool{nil, isWritten} {
			var seen recording
			w, leader := settledLeader(t, 3, &seen, bugs...)
			before, engines := lastIndex(w, leader), enginesOf(t, w)
			act(t, w, put(leader, "city", "Nara"))
			if until != nil {
				stepTo(t, w, &seen, leader, until)
			}
			act(t, w, crashKeeping(leader, keepsTorn))
			crashed := seen.last(isCrashed).GetStoreCrashed()
			if crashed.BatchesLost != 1 || crashed.BytesLost == 0 || crashed.Keeps != keepsTorn {
				t.Fatalf("the crash %v", crashed)
			}
			if same := bytes.Equal(engines, enginesOf(t, w)); same != (bugs == nil) {
				t.Errorf("bugs %v: a part of the torn batch is on the disk: %v", bugs, !same)
			}
			if got := lastIndex(w, leader); bugs == nil && got != before {
				t.Errorf("the log ends at %d, want %d", got, before)
			}
			act(t, w, restart(leader)) // on the half of a batch it starts or stops, and does not panic
			w.RunUntil(w.Now() + 10_000_000)
			if w.Leader() == 0 {
				t.Errorf("bugs %v: there is no leader any more", bugs)
			}
		}
	}
}

func enginesOf(t *testing.T, w *sim.World) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := w.HashEngines(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestAStoreCrashesBetweenWriteAndSync(t *testing.T) {
	var seen recording
	w, leader := settledLeader(t, 1, &seen)
	follower := leader%5 + 1
	before := lastIndex(w, follower)
	act(t, w, crashBeforeSync(follower, keepsNone))
	if s := state(w, follower); s.CrashMoment != sessionpb.CrashMoment_CRASH_MOMENT_BEFORE_SYNC || !s.Up {
		t.Fatalf("armed, S%d is %v", follower, s)
	}
	if e := seen[len(seen)-1]; e.GetFaultArmed().GetCrashMoment() != sessionpb.CrashMoment_CRASH_MOMENT_BEFORE_SYNC || e.StoreId != follower {
		t.Fatalf("the last event is %v, want FaultArmed", e)
	}
	id := act(t, w, put(leader, "city", "Nara"))
	e := stepTo(t, w, &seen, follower, isCrashed)
	written := seen.last(func(e *sessionpb.Event) bool { return e.StoreId == follower && isWritten(e) })
	if written.Step != e.Step || e.GetStoreCrashed().BatchesLost == 0 {
		t.Errorf("written in step %d, crashed in step %d: %v", written.Step, e.Step, e.GetStoreCrashed())
	}
	if last := seen[len(seen)-1].GetFaultArmed(); last == nil || last.CrashMoment != 0 {
		t.Errorf("after the crash comes %v, want that nothing is armed any more", seen[len(seen)-1])
	}
	if s := state(w, follower); s.CrashMoment != 0 || s.Up || lastIndex(w, follower) != before {
		t.Errorf("S%d is %v, its log ended at %d", follower, s, before)
	}
	w.RunUntil(w.Now() + 1_000_000)
	if answer := seen.ended(id); answer.GetHeader().GetError() != nil || answer == nil {
		t.Errorf("with one of five down the write is answered %v", answer)
	}
	act(t, w, restart(follower))
	wantAgreement(t, w, "city", "Nara")
}

func TestACrashOfAnotherKindDisarmsTheOne(t *testing.T) {
	w, leader := settledLeader(t, 1, &recording{})
	act(t, w, crashBeforeSync(leader, keepsTorn))
	act(t, w, crash(leader))
	act(t, w, restart(leader))
	w.RunUntil(w.Now() + 5_000_000)
	if s := state(w, leader); !s.Up || s.CrashMoment != 0 || s.CrashKeeps != 0 {
		t.Errorf("S%d is %v", leader, s)
	}
}

// A store whose disk fails gives up with a reason, and has acknowledged nothing that it does not keep.
func TestAStoreStopsWhenItsDiskFails(t *testing.T) {
	for fault, reason := range map[sessionpb.DiskFault]string{
		writeError: "the disk failed to write",
		syncError:  "the disk failed to sync: what was not durable is lost",
		diskFull:   "the disk is full",
	} {
		var seen recording
		w, leader := settledLeader(t, 2, &seen)
		before := lastIndex(w, leader)
		act(t, w, failDisk(leader, fault))
		if s := state(w, leader); s.DiskFault != fault || !s.Up {
			t.Fatalf("%v: armed, S%d is %v", fault, leader, s)
		}
		id := act(t, w, put(leader, "city", "Nara"))
		stopped := stepTo(t, w, &seen, leader, isStopped).GetStoreStopped()
		if stopped.Reason != reason || lastIndex(w, leader) != before {
			t.Errorf("%v: it stops because %q, its log ends at %d, want %d", fault, stopped.Reason, lastIndex(w, leader), before)
		}
		if s := state(w, leader); (s.DiskFault == diskFull) != (fault == diskFull) || s.DiskFault != 0 && fault != diskFull {
			t.Errorf("%v: afterwards %v is armed", fault, s.DiskFault)
		}
		act(t, w, restart(leader))
		if fault == diskFull {
			if again := stepTo(t, w, &seen, leader, isStopped).GetStoreStopped(); again.Reason != reason {
				t.Errorf("it starts on a full disk and stops because %q", again.Reason)
			}
			act(t, w, failDisk(leader, mended))
			act(t, w, restart(leader))
		}
		w.RunUntil(w.Now() + 6_000_000)
		if answer := seen.ended(id); answer.GetHeader().GetError() == nil {
			t.Errorf("%v: the write is answered %v", fault, answer)
		}
		act(t, w, put(elect(t, w), "city", "Osaka"))
		wantAgreement(t, w, "city", "Osaka")
		wantAgreement(t, w, "settle", "down")
	}
}

// All acknowledged writes survive a majority whose disks fill up one after the other.
func TestNothingAcknowledgedIsLostToFullDisks(t *testing.T) {
	var seen recording
	w, leader := settledLeader(t, 5, &seen)
	acknowledged := map[string]string{}
	for i := range 40 {
		if store := uint64(1 + i/10%5); i%10 == 5 && state(w, store).Up {
			act(t, w, failDisk(store, diskFull))
		}
		key, value := fmt.Sprintf("key-%d", i), fmt.Sprintf("value-%d", i)
		if w.Leader() == 0 || w.Store(w.Leader()) == nil {
			w.RunUntil(w.Now() + 1_000_000)
			continue
		}
		id, err := w.Act(put(0, key, value))
		w.RunUntil(w.Now() + 300_000)
		if answer := seen.ended(id); err == nil && answer != nil && answer.GetHeader().GetError() == nil {
			acknowledged[key] = value
		}
	}
	if len(acknowledged) < 5 || len(acknowledged) == 40 {
		t.Fatalf("%d writes were acknowledged, S%d led at first", len(acknowledged), leader)
	}
	for store := uint64(1); store <= 5; store++ {
		if state(w, store).DiskFault == diskFull {
			act(t, w, failDisk(store, mended))
		}
		if !state(w, store).Up {
			act(t, w, restart(store))
		}
	}
	elect(t, w)
	for key, value := range acknowledged {
		wantAgreement(t, w, key, value)
	}
}

func TestAWipedStoreKnowsNothing(t *testing.T) {
	var seen recording
	w, leader := settledLeader(t, 1, &seen)
	follower := leader%5 + 1
	if _, err := w.Act(restartWiped(follower)); err == nil || err.Error() != fmt.Sprintf("S%d is up already", follower) {
		t.Errorf("a store that is up is wiped: %v", err)
	}
	act(t, w, crash(follower))
	act(t, w, restartWiped(follower))
	started := seen.last(func(e *sessionpb.Event) bool { return e.GetStoreStarted() != nil }).GetStoreStarted()
	if !started.Wiped || !started.Store.Up || len(started.Store.Peers) != 0 {
		t.Errorf("it starts with %v", started)
	}
	if left := w.Keyframe().ModelLeft; len(left) != 1 || seen[len(seen)-1].GetModelLeft().GetWhy() != left[0] {
		t.Errorf("outside of the model for %q, told %v", left, seen[len(seen)-1])
	}
	w.RunUntil(w.Now() + 5_000_000)
	if s := state(w, follower); !s.Up || len(s.Peers) != 1 {
		t.Errorf("after 5 s it is %v", s)
	}
}

func TestACorruptDiskReadsOneValueWrong(t *testing.T) {
	if _, err := newWorld(t).Act(corruptDisk(2)); err == nil || err.Error() != "S2's disk holds no value that could be changed" {
		t.Fatalf("an empty disk is corrupted: %v", err)
	}
	var seen recording
	w, _ := settledLeader(t, 1, &seen)
	// The second write has synced what the first one changed.
	w.RunUntil(w.Now() + 2_000_000)
	for _, down := range []bool{false, true} {
		if down {
			act(t, w, crash(3))
		}
		before := state(w, 3).Peers[0].Keys
		act(t, w, corruptDisk(3))
		told := seen.last(func(e *sessionpb.Event) bool { return e.GetDiskCorrupted() != nil })
		differ := 0
		for i, k := range state(w, 3).Peers[0].Keys {
			for at := range k.Value {
				if k.Value[at] != before[i].Value[at] {
					differ++
					if c := told.GetDiskCorrupted(); told.StoreId != 3 || !bytes.Equal(c.Key, k.Key) || !bytes.Equal(c.Value, k.Value) {
						t.Errorf("down %v: %q became %q, and told is %v", down, before[i].Value, k.Value, told)
					}
				}
			}
		}
		if differ != 1 {
			t.Errorf("down %v: %d bytes changed", down, differ)
		}
	}
	if left := w.Keyframe().ModelLeft; len(left) != 1 {
		t.Errorf("one reason twice: %q", left)
	}
	engines := enginesOf(t, w)
	act(t, w, restart(3))
	if !bytes.Equal(engines, enginesOf(t, w)) {
		t.Error("a restart changes the disk")
	}
}

func TestAStoreHasADiskOfItsOwn(t *testing.T) {
	var seen recording
	w, leader := settledLeader(t, 1, &seen)
	follower := leader%5 + 1
	slow := &sessionpb.Disk{WriteMicros: 10_000, FsyncMicros: 40_000, JitterMicros: 5_000}
	write := func(value string) map[uint64]int64 {
		from := len(seen)
		act(t, w, put(leader, "city", value))
		w.RunUntil(w.Now() + 1_000_000)
		took := map[uint64]int64{}
		for _, e := range seen[from:] {
			if started := e.GetWriteStarted(); started.GetMustSync() {
				took[e.StoreId] = started.SyncedDueMicros - e.TimeMicros
			}
		}
		return took
	}
	act(t, w, setDisk(follower, slow))
	for store, took := range write("Nara") {
		if store == follower && (took < 50_000 || took > 60_000 || took == 50_000) || store != follower && took != 5_000 {
			t.Errorf("S%d takes %d µs", store, took)
		}
	}
	if disks := w.Config().Disks; len(disks) != 1 || disks[0].StoreId != follower {
		t.Errorf("disks of their own: %v", disks)
	}
	act(t, w, setDisk(follower, nil))
	if took := write("Osaka")[follower]; took != 5_000 {
		t.Errorf("like the others again, it takes %d µs", took)
	}
	act(t, w, setDisk(follower, slow))
	act(t, w, setDisk(0, &sessionpb.Disk{WriteMicros: 2_000, FsyncMicros: 1_000}))
	for store, took := range write("Kobe") {
		if took != 3_000 {
			t.Errorf("all disks changed, S%d's takes %d µs", store, took)
		}
	}
	changed := seen.last(func(e *sessionpb.Event) bool { return e.GetSettingsChanged() != nil }).GetSettingsChanged()
	if len(changed.Disks) != 0 || changed.Disk.WriteMicros != 2_000 {
		t.Errorf("told is %v", changed)
	}
}

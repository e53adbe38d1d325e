package sim_test

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// lastIndex is the last log index that a store's disk, or memory, holds.
func lastIndex(w *sim.World, store uint64) uint64 {
	return w.Keyframe().Stores[store-1].Peers[0].LastIndex
}

// stepTo steps until a store has an event of that kind, and returns the event.
func stepTo(t *testing.T, w *sim.World, seen *recording, store uint64, is func(*sessionpb.Event) bool) *sessionpb.Event {
	t.Helper()
	for range 10_000 {
		from := len(*seen)
		w.Step()
		for _, e := range (*seen)[from:] {
			if e.StoreId == store && is(e) {
				return e
			}
		}
	}
	t.Fatal("it does not happen")
	return nil
}

func isWritten(e *sessionpb.Event) bool { return e.GetWritten() != nil }
func isSynced(e *sessionpb.Event) bool  { return e.GetSynced() != nil }

// leaderWithIdleDisk is a world in which a leader's disk rests, and everything it wrote is synced.
func leaderWithIdleDisk(t *testing.T, seen *recording) (w *sim.World, leader uint64) {
	t.Helper()
	w = newWorld(t, seen)
	leader = elect(t, w)
	act(t, w, put(leader, "city", "Kyoto"))
	w.RunUntil(w.Now() + 2_000_000)
	return w, leader
}

func TestACrashLosesExactlyWhatIsNotSynced(t *testing.T) {
	for _, c := range []struct {
		when        string
		until       func(*sessionpb.Event) bool // nil: crash at once
		batchesLost uint32
		kept        bool
	}{
		{"before the write", nil, 1, false},
		{"between write and sync", isWritten, 1, false},
		{"after the sync", isSynced, 0, true},
	} {
		var seen recording
		w, leader := leaderWithIdleDisk(t, &seen)
		// Non-vital writes, such as a commit that moved on, may wait in the engine for the next sync.
		act(t, w, put(leader, "settle", "down"))
		stepTo(t, w, &seen, leader, isSynced)
		w.RunUntil(w.Now() + 1)
		before := lastIndex(w, leader)

		act(t, w, put(leader, "city", "Nara"))
		if got := lastIndex(w, leader); got != before {
			// The disk was idle: the entry is handed over at once.
			before = got - 1
		}
		if c.until != nil {
			stepTo(t, w, &seen, leader, c.until)
		}
		from := len(seen)
		act(t, w, crash(leader))
		crashed := seen[from].GetStoreCrashed()
		if crashed == nil {
			t.Fatalf("%s: no StoreCrashed but %v", c.when, seen[from])
		}
		if crashed.BatchesLost != c.batchesLost || crashed.BytesLost > 0 != (c.batchesLost > 0) {
			t.Errorf("%s: the crash lost %d batches, %d bytes; want %d batches", c.when, crashed.BatchesLost, crashed.BytesLost, c.batchesLost)
		}
		want := before
		if c.kept {
			want++
		}
		if got := lastIndex(w, leader); got != want {
			t.Errorf("%s: the disk's log ends at %d, want %d", c.when, got, want)
		}
		act(t, w, restart(leader))
		started := seen[len(seen)-1].GetStoreStarted().GetStore()
		if p := started.GetPeers()[0]; !started.GetUp() || p.LastIndex != want || p.SyncedIndex != want {
			t.Errorf("%s: it starts with %v, want a log that ends, and is synced, at %d", c.when, p, want)
		}
	}
}

func TestAWriteTakesItsTime(t *testing.T) {
	var seen recording
	w, leader := leaderWithIdleDisk(t, &seen)
	from := len(seen)
	act(t, w, put(leader, "city", "Nara"))
	w.RunUntil(w.Now() + 100_000)
	started := map[uint64]*sessionpb.Event{}
	writes, syncs := 0, 0
	for _, e := range seen[from:] {
		switch {
		case e.GetWriteStarted() != nil:
			started[e.GetWriteStarted().WriteId] = e
		case isWritten(e):
			s := started[e.GetWritten().WriteId]
			if e.TimeMicros != s.TimeMicros+1_000 || e.TimeMicros != s.GetWriteStarted().WrittenDueMicros {
				t.Errorf("written %d µs after it started, want 1000", e.TimeMicros-s.TimeMicros)
			}
			writes++
		case isSynced(e):
			s := started[e.GetSynced().WriteId]
			if e.TimeMicros != s.TimeMicros+5_000 || e.TimeMicros != s.GetWriteStarted().SyncedDueMicros {
				t.Errorf("synced %d µs after it started, want 5000", e.TimeMicros-s.TimeMicros)
			}
			if !s.GetWriteStarted().MustSync {
				t.Error("synced what needed no sync")
			}
			syncs++
		}
	}
	if writes < 6 || syncs < 5 || syncs >= writes {
		t.Errorf("%d writes, %d syncs; want a synced one on every store, and commits that need no sync", writes, syncs)
	}
}

func TestNothingIsAcknowledgedBeforeItIsSynced(t *testing.T) {
	var seen recording
	if _, err := sim.Play(sim.Exercise(12), &seen); err != nil {
		t.Fatal(err)
	}
	synced := map[uint64]uint64{}
	pending := map[uint64]*sessionpb.WriteStarted{}
	for _, e := range seen {
		switch b := e.Body.(type) {
		case *sessionpb.Event_WriteStarted:
			pending[e.StoreId] = b.WriteStarted
			for _, p := range b.WriteStarted.Peers {
				if len(p.Entries) > 0 {
					synced[e.StoreId] = min(synced[e.StoreId], p.FirstIndex-1)
				}
			}
		case *sessionpb.Event_Synced:
			for _, p := range pending[e.StoreId].Peers {
				synced[e.StoreId] = p.LastIndex
			}
		case *sessionpb.Event_StoreStarted:
			synced[e.StoreId] = b.StoreStarted.Store.Peers[0].LastIndex
		case *sessionpb.Event_MessageSent:
			m := b.MessageSent.Message
			if m.Type == sessionpb.MessageType_MESSAGE_TYPE_APPEND_RESPONSE && !m.Reject && m.Index > synced[m.FromStore] {
				t.Fatalf("event %d: S%d acknowledges entry %d, synced up to %d", e.Seq, m.FromStore, m.Index, synced[m.FromStore])
			}
		}
	}
}

func TestAStoreCrashedInTheMiddleOfAWriteCatchesUp(t *testing.T) {
	var seen recording
	w, leader := leaderWithIdleDisk(t, &seen)
	act(t, w, put(leader, "city", "Nara"))
	stepTo(t, w, &seen, leader, isWritten)
	act(t, w, crash(leader))
	if s := w.Keyframe().Stores[leader-1]; len(s.Writes) > 0 || len(s.WrittenIds) > 0 {
		t.Errorf("the disk of a store that is down works on %v", s.Writes)
	}
	act(t, w, restart(leader))
	act(t, w, put(elect(t, w), "city", "Osaka"))
	w.RunUntil(w.Now() + 3_000_000)
	stores := w.Keyframe().Stores
	for _, s := range stores {
		if p, first := s.Peers[0], stores[0].Peers[0]; p.Applied != first.Applied || string(p.Keys[0].Value) != "Osaka" {
			t.Errorf("S%d has applied %d and holds %v, S1 has applied %d", s.Id, p.Applied, p.Keys, first.Applied)
		}
	}
}

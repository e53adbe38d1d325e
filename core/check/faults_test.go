package check_test

import (
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/check"
	"raftplay/core/sim"
)

// bench is a simulated cluster that the judges watch.
type bench struct {
	*sim.World
	t        *testing.T
	verdicts []*sessionpb.Violation
	answers  map[uint64]*raftcmdpb.RaftCommandResponse
	sent     []*sessionpb.Message
	cut      map[uint64]bool
}

func newBench(t *testing.T, cfg *sessionpb.Config) *bench {
	t.Helper()
	b := &bench{t: t, answers: map[uint64]*raftcmdpb.RaftCommandResponse{}, cut: map[uint64]bool{}}
	judges := check.New(func(v *sessionpb.Violation) { b.verdicts = append(b.verdicts, v) })
	w, err := sim.New(cfg, judges, b)
	if err != nil {
		t.Fatal(err)
	}
	b.World = w
	return b
}

func (b *bench) Event(e *sessionpb.Event) {
	if m := e.GetMessageSent().GetMessage(); m != nil && (b.cut[m.FromStore] || b.cut[m.ToStore]) {
		b.sent = append(b.sent, m)
	}
	if ended := e.GetOperationEnded(); ended != nil {
		b.answers[ended.Id] = ended.Response
	}
}

func (b *bench) act(a *sessionpb.Action) uint64 {
	b.t.Helper()
	id, err := b.Act(a)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// until steps until a condition holds, for so long at most; what stores that are cut off send and are sent is lost.
func (b *bench) until(micros int64, condition func() bool) bool {
	b.t.Helper()
	return b.RunWhile(b.Now()+micros, func() bool {
		for _, m := range b.sent {
			b.act(&sessionpb.Action{Action: &sessionpb.Action_DropMessage{DropMessage: &sessionpb.DropMessage{MessageId: m.Id}}})
		}
		b.sent = nil
		return !condition()
	})
}

func (b *bench) pass(micros int64) { b.until(micros, func() bool { return false }) }

func (b *bench) put(store uint64, value string) uint64 {
	b.t.Helper()
	return b.act(&sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		StoreId: store, Request: &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{{
			Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte("city"), Value: []byte(value)}}}}}}}})
}

func (b *bench) readByLease(store uint64) uint64 {
	b.t.Helper()
	return b.act(&sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		StoreId: store, Request: &raftcmdpb.RaftCommandRequest{
			Header: &raftcmdpb.RequestHeader{ReadMode: raftcmdpb.ReadMode_READ_MODE_LEASE},
			Requests: []*raftcmdpb.Request{{
				Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte("city")}}}}}}}})
}

func (b *bench) setRate(store uint64, ppm uint32) {
	b.t.Helper()
	b.act(&sessionpb.Action{Action: &sessionpb.Action_SetClock{SetClock: &sessionpb.SetClock{
		StoreId: store, Clock: &sessionpb.Clock{RatePpm: ppm}}}})
}

func (b *bench) crash(store uint64) {
	b.t.Helper()
	b.act(&sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: store}}})
}

func (b *bench) restart(store uint64, wiped bool) {
	b.t.Helper()
	b.act(&sessionpb.Action{Action: &sessionpb.Action_RestartStore{
		RestartStore: &sessionpb.RestartStore{StoreId: store, Wiped: wiped}}})
}

func (b *bench) mustLeader() uint64 {
	b.t.Helper()
	if !b.until(20_000_000, func() bool { return b.Leader() != 0 }) {
		b.t.Fatal("no leader within 20 s")
	}
	return b.Leader()
}

func (b *bench) mustPut(store uint64, value string) {
	b.t.Helper()
	id := b.put(store, value)
	b.pass(1_000_000)
	if answer := b.answers[id]; answer == nil || answer.GetHeader().GetError() != nil {
		b.t.Fatalf("the write is answered %v", answer)
	}
}

func config(seed uint64, stores uint32) *sessionpb.Config {
	cfg := sim.DefaultConfig()
	cfg.Seed, cfg.Stores = seed, stores
	return cfg
}

// staleRead has a leader of some clock make its lease, cuts it off, has the others overwrite what it knows, and returns
// whether it still answers in its lease, and that.
func staleRead(t *testing.T, seed uint64, ppm uint32) (b *bench, inLease bool, value string) {
	b = newBench(t, config(seed, 3))
	old := b.mustLeader()
	b.mustPut(old, "Kyoto")
	if ppm != 0 {
		b.setRate(old, ppm)
	}
	b.readByLease(old)
	b.pass(100_000) // its round makes the lease
	b.cut[old] = true
	if !b.until(20_000_000, func() bool { return b.Leader() != 0 && b.Leader() != old }) {
		t.Fatalf("seed %d: the others elect nobody", seed)
	}
	written := b.put(b.Leader(), "Nara")
	b.until(5_000_000, func() bool { return b.answers[written] != nil })
	if answer := b.answers[written]; answer == nil || answer.GetHeader().GetError() != nil {
		t.Fatalf("seed %d: the write is answered %v", seed, answer)
	}
	read := b.readByLease(old)
	b.pass(10_000)
	answer := b.answers[read]
	if answer == nil || answer.GetHeader().GetError() != nil {
		return b, false, ""
	}
	return b, answer.GetHeader().GetReadMode() == raftcmdpb.ReadMode_READ_MODE_LEASE, string(answer.GetResponses()[0].GetGet().GetValue())
}

// A leader whose clock runs at a third of the true time believes in its lease when the others have long elected another,
// who has acknowledged a newer value. With a true clock the lease has ended by then. Raft's own invariants hold all the
// while: it is for a judge of histories to see.
func TestASlowClockMakesALeaseReadStale(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		b, inLease, value := staleRead(t, seed, 300_000)
		if !inLease || value != "Kyoto" {
			t.Errorf("seed %d: the old leader answers %q, in its lease: %v", seed, value, inLease)
		}
		if left := b.Keyframe().ModelLeft; len(left) != 1 {
			t.Errorf("seed %d: outside of the model for %q", seed, left)
		}
		if len(b.verdicts) > 0 {
			t.Errorf("seed %d: %v", seed, b.verdicts)
		}
		b, inLease, value = staleRead(t, seed, 0)
		if inLease || value != "" || len(b.Keyframe().ModelLeft) != 0 {
			t.Errorf("seed %d: with a true clock the old leader answers %q, in its lease: %v", seed, value, inLease)
		}
	}
}

// Of three stores one was down when an entry was acknowledged by the other two. One of these starts on an empty disk and
// elects the first: the entry is gone, and another takes its place at the same index.
func TestAWipedStoreElectsALeaderWithoutWhatItAcknowledged(t *testing.T) {
	for _, wiped := range []bool{true, false} {
		b := newBench(t, config(1, 3))
		leader := b.mustLeader()
		b.mustPut(leader, "Kyoto")
		absent, forgetful := leader%3+1, (leader+1)%3+1
		b.crash(absent)
		b.mustPut(leader, "Nara")
		b.crash(forgetful)
		b.crash(leader)
		b.restart(forgetful, wiped)
		b.restart(absent, false)
		next := b.mustLeader()
		b.put(next, "Osaka")
		b.pass(2_000_000)
		b.restart(leader, false)
		b.pass(10_000_000)
		judges := map[string]bool{}
		for _, v := range b.verdicts {
			judges[v.Judge] = true
		}
		if judges["leader completeness"] != wiped || judges["state machine safety"] != wiped || !wiped && len(b.verdicts) > 0 {
			t.Errorf("wiped %v: S%d leads, and the judges say %v", wiped, next, b.verdicts)
		}
		if left := len(b.Keyframe().ModelLeft); left > 0 != wiped {
			t.Errorf("wiped %v: outside of the model for %d reasons", wiped, left)
		}
	}
}

// A follower that crashes between write and sync loses that batch and no more, and breaks nothing; what a crash keeps beyond
// what was synced breaks nothing either.
func TestCrashesBetweenWriteAndSyncBreakNothing(t *testing.T) {
	for keeps := range sessionpb.CrashKeeps(3) {
		b := newBench(t, config(7+uint64(keeps), 3))
		b.mustPut(b.mustLeader(), "Kyoto")
		for i := range uint64(12) {
			store := 1 + i%3
			b.act(&sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{
				StoreId: store, Keeps: keeps, Moment: sessionpb.CrashMoment_CRASH_MOMENT_BEFORE_SYNC}}})
			b.put(b.mustLeader(), "Nara")
			if !b.until(10_000_000, func() bool { return b.Store(store) == nil }) {
				t.Fatalf("keeps %v: S%d does not crash", keeps, store)
			}
			b.pass(500_000)
			b.restart(store, false)
			b.pass(1_000_000)
		}
		b.mustPut(b.mustLeader(), "Osaka")
		b.pass(3_000_000)
		for _, s := range b.Keyframe().Stores {
			if got := string(s.Peers[0].Keys[0].Value); got != "Osaka" {
				t.Errorf("keeps %v: S%d holds %q", keeps, s.Id, got)
			}
		}
		if len(b.verdicts) > 0 || len(b.Keyframe().ModelLeft) > 0 {
			t.Errorf("keeps %v: %v, outside of the model for %q", keeps, b.verdicts, b.Keyframe().ModelLeft)
		}
	}
}

package session

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func setWorkloads(workloads ...*sessionpb.Workload) *sessionpb.Command {
	return act(&sessionpb.Action{Action: &sessionpb.Action_SetWorkloads{
		SetWorkloads: &sessionpb.SetWorkloads{Workloads: workloads}}})
}

func registers(clients uint32) *sessionpb.Workload {
	return &sessionpb.Workload{
		Kind: sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS, Clients: clients, Objects: 3,
		ThinkMicros: 100_000, TimeoutMicros: 500_000, AttemptsMax: 5, AstrayPpm: 100_000,
	}
}

func getHistory() *sessionpb.Command {
	return &sessionpb.Command{Command: &sessionpb.Command_GetHistory{GetHistory: &sessionpb.GetHistory{}}}
}

// operations are the operations that the viewer has seen, as they ended.
func (v *viewer) operations() []*sessionpb.Operation {
	h := check.NewHistory()
	for _, e := range v.events {
		h.Event(e)
	}
	return h.Taken(0).Operations
}

func sameOperations(a, b []*sessionpb.Operation) bool {
	return slices.EqualFunc(a, b, func(a, b *sessionpb.Operation) bool { return proto.Equal(a, b) })
}

func TestTheHistoryIsWhatTheViewerSaw(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	v.must(setWorkloads(registers(4)))
	v.must(playAt(4 * ppm))
	v.play(1_000_000)
	v.must(crash(leader))
	v.must(playAt(4 * ppm))
	v.play(1_000_000)
	v.must(&sessionpb.Command{Command: &sessionpb.Command_Pause{Pause: &sessionpb.Pause{}}})
	h := v.must(getHistory()).GetHistory()
	if seen := v.operations(); len(seen) < 30 || !sameOperations(h.GetOperations(), seen) {
		t.Fatalf("the history has %d operations, the viewer saw %d", len(h.GetOperations()), len(seen))
	}
	if h.NowMicros != v.status.GetNowMicros() {
		t.Errorf("it was taken at %d, now is %d", h.NowMicros, v.status.GetNowMicros())
	}
	if verdict := check.JudgeHistory(h); verdict.Kind != sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE {
		t.Error(verdict.Message)
	}
}

func TestClientsGoBackAndComeAgain(t *testing.T) {
	v := newViewer(t)
	v.elect()
	v.must(setWorkloads(registers(3)))
	v.must(playAt(4 * ppm))
	v.play(1_500_000)
	v.must(setWorkloads(registers(1)))
	v.must(playAt(4 * ppm))
	v.play(500_000)
	all, hash := v.events, v.hash()
	for _, seq := range []int{len(all) / 2, len(all) - 5, 40, len(all) * 3 / 4} {
		v.must(seek(uint64(seq)))
		if !proto.Equal(v.events[seq-1], all[seq-1]) {
			t.Fatalf("event %d is %v, was %v", seq, v.events[seq-1], all[seq-1])
		}
		if h := v.must(getHistory()).GetHistory(); !sameOperations(h.GetOperations(), v.operations()) {
			t.Fatalf("at event %d the history is not of the past: %d operations", seq, len(h.GetOperations()))
		}
	}
	v.must(seek(0))
	for i, e := range v.events {
		if !proto.Equal(e, all[i]) {
			t.Fatalf("event %d is %v, was %v", i+1, e, all[i])
		}
	}
	if again := v.hash(); again != hash {
		t.Errorf("hash %s became %s", hash, again)
	}
	run := v.run()
	other := newViewer(t)
	other.must(&sessionpb.Command{Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{Run: run, Go: true}}})
	if replayed := other.hash(); replayed != hash {
		t.Errorf("replayed, hash %s became %s", hash, replayed)
	}
}

func TestAHistoryThatIsTooLargeIsNotSent(t *testing.T) {
	v := newViewer(t)
	v.elect()
	v.must(setWorkloads(registers(4)))
	v.must(playAt(4 * ppm))
	v.play(1_000_000)
	v.must(&sessionpb.Command{Command: &sessionpb.Command_Pause{Pause: &sessionpb.Pause{}}})
	for want, limit := range map[string]func(*historyGoal){
		"the run has more than 10 operations of clients, which is the most": func(g *historyGoal) { g.operationsMax = 10 },
		"KiB; 1 KiB is the most that is sent: ask earlier in the run":       func(g *historyGoal) { g.bytesMax = 1 << 10 },
	} {
		if err := v.s.startHistory(77); err != nil {
			t.Fatal(err)
		}
		limit(v.s.goal.(*historyGoal))
		v.send(&sessionpb.Request{}, forever)
		if r := v.frame.GetReplies(); len(r) != 1 || !strings.Contains(r[0].GetFailure(), want) {
			t.Errorf("replies %v, want %q", r, want)
		}
	}
}

func TestClientsAndHistoriesAreOffered(t *testing.T) {
	offered := New("test").Handle(&sessionpb.Request{}, forever).GetHello().GetCapabilities()
	for _, c := range []sessionpb.Capability{sessionpb.Capability_CAPABILITY_WORKLOADS, sessionpb.Capability_CAPABILITY_GET_HISTORY} {
		if !slices.Contains(offered, c) {
			t.Errorf("%v is not offered", c)
		}
	}
}

package check

import (
	"fmt"
	"strings"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// crowd is so many puts of one key at once, and a read of each value, one after the other: many orders to be tried.
func crowd(n int, last string) *sessionpb.History {
	h := &sessionpb.History{}
	for i := range n {
		h.Operations = append(h.Operations, &sessionpb.Operation{
			Id: uint64(i + 1), StartedMicros: 1, EndedMicros: 1_000,
			Request: &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{
				Put: &raftcmdpb.PutRequest{Key: []byte("x"), Value: fmt.Append(nil, i)}}}}},
			Response: &raftcmdpb.RaftCommandResponse{Responses: []*raftcmdpb.Response{{Response: &raftcmdpb.Response_Put{}}}},
		})
	}
	for i := range n {
		value := fmt.Append(nil, n-1-i)
		if i == n-1 {
			value = []byte(last)
		}
		h.Operations = append(h.Operations, &sessionpb.Operation{
			Id: uint64(n + i + 1), StartedMicros: int64(10 + 2*i), EndedMicros: int64(11 + 2*i),
			Request: &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Get{
				Get: &raftcmdpb.GetRequest{Key: []byte("x")}}}}},
			Response: &raftcmdpb.RaftCommandResponse{Responses: []*raftcmdpb.Response{{Response: &raftcmdpb.Response_Get{
				Get: &raftcmdpb.GetResponse{Found: true, Value: value}}}}},
		})
	}
	return h
}

const undecided = sessionpb.VerdictKind_VERDICT_KIND_UNDECIDED

func TestAHistoryThatIsTooLargeStaysUndecided(t *testing.T) {
	few := defaultBounds()
	few.operationsMax = 15
	v := judgeHistory(crowd(8, "0"), few)
	if want := "16 operations are about key x; 15 is the most that are judged together"; v.Kind != undecided || v.Message != want {
		t.Errorf("%v: %q, want %q", v.Kind, v.Message, want)
	}
	if few.operationsMax = 16; judgeHistory(crowd(8, "0"), few).Kind != sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE {
		t.Errorf("at the bound: %v", v)
	}
}

func TestAHistoryOfTooManyOrdersStaysUndecided(t *testing.T) {
	for name, b := range map[string]bounds{
		"steps":  {operationsMax: 1_000, stepsMax: 1_000, bytesMax: 1 << 30},
		"memory": {operationsMax: 1_000, stepsMax: 1 << 40, bytesMax: 100_000},
	} {
		// The last read sees what the first one saw: twenty puts at once, tried in every order, and none is right.
		v := judgeHistory(crowd(20, "19"), b)
		if v.Kind != undecided || !strings.HasPrefix(v.Message, "too many orders of the 40 operations about key x are possible") ||
			v.Findings[0].States == 0 || v.Findings[0].States > 2_000 {
			t.Errorf("%s: %v", name, v)
		}
		if again := judgeHistory(crowd(20, "19"), b); again.Message != v.Message {
			t.Errorf("%s: %q and then %q", name, v.Message, again.Message)
		}
	}
}

func TestAPlainReasonNeedsNoSearch(t *testing.T) {
	v := judgeHistory(crowd(20, "never written"), bounds{operationsMax: 1_000, stepsMax: 100, bytesMax: 1 << 30})
	if want := `S0 answered get x = "never written" to operation 40, which nobody had written`; v.Message != want ||
		v.Kind != sessionpb.VerdictKind_VERDICT_KIND_VIOLATED {
		t.Errorf("%v: %q, want %q", v.Kind, v.Message, want)
	}
}

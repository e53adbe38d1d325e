package check_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"raftplay/core/check"
	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// ask is one operation of a history in the making.
type ask struct {
	start, end int64 // end 0: it has no answer
	requests   []*raftcmdpb.Request
	compares   []*raftcmdpb.Compare
	answers    []*raftcmdpb.Response
	failed     *raftcmdpb.CompareFailed
	err        *errorpb.Error
	mode       raftcmdpb.ReadMode
	client     uint64
	sequence   uint64
	store      uint64
}

func historyOf(asks ...ask) *sessionpb.History {
	h := &sessionpb.History{}
	for i, a := range asks {
		op := &sessionpb.Operation{
			Id: uint64(i + 1), ToStore: max(a.store, 1), StartedMicros: a.start,
			Request: &raftcmdpb.RaftCommandRequest{
				Header:   &raftcmdpb.RequestHeader{Client: a.client, Sequence: a.sequence, ReadMode: a.mode},
				Requests: a.requests, Compares: a.compares,
			},
		}
		if a.end > 0 {
			op.EndedMicros = a.end
			op.Response = &raftcmdpb.RaftCommandResponse{
				Header: &raftcmdpb.ResponseHeader{Error: a.err}, Responses: a.answers, CompareFailed: a.failed}
		}
		h.Operations = append(h.Operations, op)
	}
	return h
}

func getting(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}
}

func putting(key, value string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}
}

func deleting(key string) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Delete{Delete: &raftcmdpb.DeleteRequest{Key: []byte(key)}}}
}

func got(value string) *raftcmdpb.Response {
	return &raftcmdpb.Response{Response: &raftcmdpb.Response_Get{
		Get: &raftcmdpb.GetResponse{Found: value != "", Value: []byte(value)}}}
}

func done() *raftcmdpb.Response {
	return &raftcmdpb.Response{Response: &raftcmdpb.Response_Put{Put: &raftcmdpb.PutResponse{}}}
}

func deleted(found bool) *raftcmdpb.Response {
	return &raftcmdpb.Response{Response: &raftcmdpb.Response_Delete{Delete: &raftcmdpb.DeleteResponse{Found: found}}}
}

// whenIs expects a value; "" is absence.
func whenIs(key, value string) *raftcmdpb.Compare {
	if value == "" {
		return &raftcmdpb.Compare{Key: []byte(key), Expect: &raftcmdpb.Compare_Absent{Absent: true}}
	}
	return &raftcmdpb.Compare{Key: []byte(key), Expect: &raftcmdpb.Compare_Value{Value: []byte(value)}}
}

func wrote(start, end int64, key, value string) ask {
	a := ask{start: start, end: end, requests: []*raftcmdpb.Request{putting(key, value)}}
	if end > 0 {
		a.answers = []*raftcmdpb.Response{done()}
	}
	return a
}

// read reads keys at once: key, value, key, value, …
func read(start, end int64, pairs ...string) ask {
	a := ask{start: start, end: end}
	for i := 0; i < len(pairs); i += 2 {
		a.requests = append(a.requests, getting(pairs[i]))
		a.answers = append(a.answers, got(pairs[i+1]))
	}
	return a
}

func timedOut(a ask, after int64) ask {
	a.end, a.answers = a.start+after, nil
	a.err = &errorpb.Error{Outcome: errorpb.Outcome_OUTCOME_MAY_APPLY, Reason: &errorpb.Error_Timeout{Timeout: &errorpb.Timeout{}}}
	return a
}

func turnedAway(a ask, after int64) ask {
	a.end, a.answers = a.start+after, nil
	a.err = &errorpb.Error{Outcome: errorpb.Outcome_OUTCOME_NOT_APPLIED, Reason: &errorpb.Error_NotLeader{NotLeader: &errorpb.NotLeader{}}}
	return a
}

func (a ask) by(client, sequence uint64) ask {
	a.client, a.sequence = client, sequence
	return a
}

func (a ask) at(store uint64) ask {
	a.store = store
	return a
}

const (
	fine     = sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE
	violated = sessionpb.VerdictKind_VERDICT_KIND_VIOLATED
)

func transfer(start, end int64, from, was, is, to, toWas, toIs string) ask {
	a := ask{start: start, end: end,
		compares: []*raftcmdpb.Compare{whenIs(from, was), whenIs(to, toWas)},
		requests: []*raftcmdpb.Request{putting(from, is), putting(to, toIs)}}
	if end > 0 {
		a.answers = []*raftcmdpb.Response{done(), done()}
	}
	return a
}

func TestWhatTheJudgeOfHistoriesSays(t *testing.T) {
	for name, c := range map[string]struct {
		asks []ask
		want sessionpb.VerdictKind
		says string
		of   uint64 // the operation found
	}{
		"nothing": {nil, fine, "there is no operation to judge yet", 0},
		"a stale read": {[]ask{wrote(1, 2, "x", "1"), wrote(3, 4, "x", "2"), read(5, 6, "x", "1").at(3)}, violated,
			`S3 answered get x = "1" to operation 3 although put x = "2" (operation 2) was acknowledged before it began`, 3},
		"a lost write": {[]ask{wrote(1, 2, "x", "1"), read(5, 6, "x", "").at(2)}, violated,
			`S2 answered get x = nothing to operation 2 although put x = "1" (operation 1) was acknowledged before it began`, 2},
		"a value out of nowhere": {[]ask{read(5, 6, "x", "7")}, violated,
			`S1 answered get x = "7" to operation 1, which nobody had written`, 1},
		"a value from the future": {[]ask{read(1, 2, "x", "7"), wrote(3, 4, "x", "7")}, violated,
			`S1 answered get x = "7" to operation 1 before put x = "7" (operation 2) began`, 1},
		"a retry applied twice": {[]ask{
			timedOut(wrote(1, 0, "x", "1"), 5).by(1001, 1), wrote(7, 8, "x", "1").by(1001, 1), wrote(10, 11, "x", "2"),
			read(12, 13, "x", "1")}, violated,
			`S1 answered get x = "1" to operation 4 although put x = "2" (operation 3) was acknowledged before it began`, 4},
		"a retry applied once": {[]ask{
			timedOut(wrote(1, 0, "x", "1"), 5).by(1001, 1), read(2, 3, "x", "1"), wrote(7, 8, "x", "1").by(1001, 1),
			read(12, 13, "x", "1")}, fine, "", 0},
		"half a transfer": {[]ask{
			wrote(1, 2, "a", "100"), wrote(3, 4, "b", "50"), transfer(5, 10, "a", "100", "90", "b", "50", "60"),
			read(6, 7, "a", "90", "b", "50")}, violated, "no order explains what operation", 0},
		"a transfer that nobody heard of, seen half": {[]ask{
			wrote(1, 2, "a", "100"), wrote(3, 4, "b", "50"), transfer(5, 0, "a", "100", "90", "b", "50", "60"),
			read(6, 7, "a", "90", "b", "50")}, violated, "", 0},
		"a transfer seen whole": {[]ask{
			wrote(1, 2, "a", "100"), wrote(3, 4, "b", "50"), transfer(5, 10, "a", "100", "90", "b", "50", "60"),
			read(6, 7, "a", "90", "b", "60"), read(6, 7, "a", "100", "b", "50")}, fine, "", 0},
		"two transfers of the same money": {[]ask{
			wrote(1, 2, "a", "100"), wrote(3, 4, "b", "50"), transfer(5, 10, "a", "100", "90", "b", "50", "60"),
			transfer(5, 10, "a", "100", "80", "b", "50", "70")}, violated, "", 0},
		"reads that go back": {[]ask{
			wrote(1, 2, "x", "1"), wrote(3, 0, "x", "2"), read(4, 5, "x", "2"), read(6, 7, "x", "1")}, violated, "", 4},
		"reads during a write, either way": {[]ask{
			wrote(1, 2, "x", "1"), wrote(3, 20, "x", "2"), read(4, 5, "x", "1"), read(6, 7, "x", "2"), read(8, 9, "x", "2")}, fine, "", 0},
		"an unknown write that was done":        {[]ask{timedOut(wrote(1, 0, "x", "1"), 5), read(10, 11, "x", "1")}, fine, "", 0},
		"an unknown write that was not":         {[]ask{timedOut(wrote(1, 0, "x", "1"), 5), read(10, 11, "x", "")}, fine, "", 0},
		"an unknown write that was done late":   {[]ask{timedOut(wrote(1, 0, "x", "1"), 5), read(10, 11, "x", ""), read(12, 13, "x", "1")}, fine, "", 0},
		"an unknown write that was taken back":  {[]ask{timedOut(wrote(1, 0, "x", "1"), 5), read(10, 11, "x", "1"), read(12, 13, "x", "")}, violated, "", 3},
		"a refused write that was done":         {[]ask{turnedAway(wrote(1, 0, "x", "1"), 5), read(10, 11, "x", "1")}, violated, "", 2},
		"a refused retry of an unknown write":   {[]ask{timedOut(wrote(1, 0, "x", "1"), 5).by(9, 1), turnedAway(wrote(7, 0, "x", "1"), 1).by(9, 1), read(10, 11, "x", "1")}, fine, "", 0},
		"a write that goes on":                  {[]ask{wrote(1, 0, "x", "1"), read(10, 11, "x", "1")}, fine, "", 0},
		"a read that was refused under a write": {[]ask{wrote(1, 9, "x", "1"), turnedAway(read(2, 3, "x", ""), 1), read(4, 5, "x", "1")}, fine, "", 0},
		"a stale read that says so": {[]ask{wrote(1, 2, "x", "1"),
			func() ask { r := read(5, 6, "x", ""); r.mode = raftcmdpb.ReadMode_READ_MODE_STALE; return r }()}, fine, "", 0},
		"a failed compare that saw what was there": {[]ask{wrote(1, 2, "x", "1"),
			{start: 3, end: 4, requests: []*raftcmdpb.Request{putting("x", "2")}, compares: []*raftcmdpb.Compare{whenIs("x", "")},
				failed: &raftcmdpb.CompareFailed{Key: []byte("x"), Found: true, Value: []byte("1")}},
			read(5, 6, "x", "1")}, fine, "", 0},
		"a failed compare that held": {[]ask{wrote(1, 2, "x", "1"),
			{start: 3, end: 4, requests: []*raftcmdpb.Request{putting("x", "2")}, compares: []*raftcmdpb.Compare{whenIs("x", "1")},
				failed: &raftcmdpb.CompareFailed{Key: []byte("x")}}}, violated,
			`S1 found x = nothing for operation 2 although put x = "1" (operation 1) was acknowledged before it began`, 2},
		"a delete that found what was there": {[]ask{wrote(1, 2, "x", "1"),
			{start: 3, end: 4, requests: []*raftcmdpb.Request{deleting("x")}, answers: []*raftcmdpb.Response{deleted(true)}},
			read(5, 6, "x", "")}, fine, "", 0},
		"a delete that found nothing": {[]ask{wrote(1, 2, "x", "1"),
			{start: 3, end: 4, requests: []*raftcmdpb.Request{deleting("x")}, answers: []*raftcmdpb.Response{deleted(false)}}},
			violated, "", 2},
		"a delete that found an unknown write": {[]ask{wrote(1, 0, "x", "1"),
			{start: 3, end: 4, requests: []*raftcmdpb.Request{deleting("x")}, answers: []*raftcmdpb.Response{deleted(true)}}},
			fine, "", 0},
		"a deleted value that is back": {[]ask{wrote(1, 2, "x", "1"),
			{start: 3, end: 4, requests: []*raftcmdpb.Request{deleting("x")}, answers: []*raftcmdpb.Response{deleted(true)}},
			read(5, 6, "x", "1")}, violated,
			`S1 answered get x = "1" to operation 3 although delete x (operation 2) was acknowledged before it began`, 3},
		"requests that see those before them": {[]ask{
			{start: 1, end: 2, requests: []*raftcmdpb.Request{getting("x"), putting("x", "1"), getting("x"), deleting("x"), getting("x")},
				answers: []*raftcmdpb.Response{got(""), done(), got("1"), deleted(true), got("")}}}, fine, "", 0},
	} {
		v := check.JudgeHistory(historyOf(c.asks...))
		if v.Kind != c.want || !strings.Contains(v.Message, c.says) {
			t.Errorf("%s: %v, %q; want %v, %q", name, v.Kind, v.Message, c.want, c.says)
		}
		if c.of > 0 && c.want == violated && !slices.Contains(v.Findings[0].OperationIds, c.of) {
			t.Errorf("%s: it found %v, want %d", name, v.Findings[0], c.of)
		}
	}
}

func TestKeysAreJudgedApart(t *testing.T) {
	v := check.JudgeHistory(historyOf(
		wrote(1, 2, "x", "1"), wrote(1, 2, "y", "2"), wrote(1, 2, "z", "3"), read(3, 4, "y", "2", "z", "3"), read(5, 6, "x", "")))
	if v.Kind != violated || len(v.Findings) != 2 || v.Judged != 5 {
		t.Fatalf("verdict %v", v)
	}
	bad, good := v.Findings[0], v.Findings[1]
	if string(bad.Keys[0]) != "x" || len(bad.Keys) != 1 || bad.Kind != violated || !slices.Equal(bad.LongestIds, []uint64{1}) {
		t.Errorf("about x: %v", bad)
	}
	if len(good.Keys) != 2 || good.Kind != fine || good.Judged != 3 {
		t.Errorf("about y and z: %v", good)
	}
}

func TestWhatIsNotJudgedIsCounted(t *testing.T) {
	h := historyOf(wrote(1, 2, "x", "1"), read(3, 4, "x", ""))
	h.Operations[1].Request.Header.ReadMode = raftcmdpb.ReadMode_READ_MODE_STALE
	for _, request := range []*raftcmdpb.RaftCommandRequest{
		{Status: &raftcmdpb.StatusRequest{}}, {Admin: &raftcmdpb.AdminRequest{}},
		{Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Scan{Scan: &raftcmdpb.ScanRequest{}}}}},
		{Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Seek{Seek: &raftcmdpb.SeekRequest{}}}}},
	} {
		h.Operations = append(h.Operations, &sessionpb.Operation{Id: uint64(len(h.Operations) + 1), Request: request,
			StartedMicros: 5, EndedMicros: 6, Response: &raftcmdpb.RaftCommandResponse{}})
	}
	if v := check.JudgeHistory(h); v.Judged != 1 || v.LeftOut != 5 || v.Kind != fine {
		t.Errorf("verdict %v, want 1 judged and 5 left out", v)
	}
}

// store is what a history is about, in the plainest words.
type plainStore map[string]string

// do does a command, and returns its answer.
func (s plainStore) do(a ask) (answers []*raftcmdpb.Response, failed *raftcmdpb.CompareFailed) {
	for i, c := range a.compares {
		is, found := s[string(c.Key)]
		if want, isValue := c.Expect.(*raftcmdpb.Compare_Value); found != isValue || isValue && string(want.Value) != is {
			return nil, &raftcmdpb.CompareFailed{Position: uint32(i), Key: c.Key, Found: found, Value: []byte(is)}
		}
	}
	for _, r := range a.requests {
		switch {
		case r.GetGet() != nil:
			answers = append(answers, got(s[string(r.GetGet().Key)]))
		case r.GetPut() != nil:
			s[string(r.GetPut().Key)] = string(r.GetPut().Value)
			answers = append(answers, done())
		default:
			_, found := s[string(r.GetDelete().Key)]
			delete(s, string(r.GetDelete().Key))
			answers = append(answers, deleted(found))
		}
	}
	return answers, nil
}

// drawn is a command by chance; values from a few, or each its own.
func drawn(draw *rand.Rand, keys, values, n int) ask {
	key := func() string { return fmt.Sprint("k", draw.IntN(keys)) }
	value := func() string {
		if values == 0 {
			return fmt.Sprint("v", n)
		}
		return fmt.Sprint("v", draw.IntN(values))
	}
	seen := func() string {
		if draw.IntN(3) == 0 {
			return ""
		}
		if values == 0 {
			return fmt.Sprint("v", draw.IntN(n+1))
		}
		return value()
	}
	switch draw.IntN(7) {
	case 0, 1:
		return ask{requests: []*raftcmdpb.Request{putting(key(), value())}}
	case 2:
		return ask{requests: []*raftcmdpb.Request{deleting(key())}}
	case 3:
		k := key()
		return ask{requests: []*raftcmdpb.Request{putting(k, value())}, compares: []*raftcmdpb.Compare{whenIs(k, seen())}}
	case 4:
		return ask{requests: []*raftcmdpb.Request{putting(key(), value()), getting(key()), deleting(key())},
			compares: []*raftcmdpb.Compare{whenIs(key(), seen()), whenIs(key(), seen())}}
	case 5:
		return ask{requests: []*raftcmdpb.Request{getting(key()), getting(key())}}
	}
	return ask{requests: []*raftcmdpb.Request{getting(key())}}
}

func TestOneAfterTheOtherIsAlwaysLinearizable(t *testing.T) {
	for seed := range uint64(100) {
		draw, s := rand.New(rand.NewPCG(seed, 1)), plainStore{}
		var asks []ask
		for n := range 200 {
			a := drawn(draw, 4, int(seed%3)*4, n)
			a.start, a.end = int64(10*n+1), int64(10*n+5)
			a.answers, a.failed = s.do(a)
			asks = append(asks, a)
		}
		if v := check.JudgeHistory(historyOf(asks...)); v.Kind != fine {
			t.Fatalf("seed %d: %v", seed, v)
		}
	}
}

// concurrent makes a linearizable history: each operation takes effect at one moment within its time. Some get no answer,
// and some of those take effect late or never.
func concurrent(draw *rand.Rand, operations, clients, keys, values int, unknownIn int) []ask {
	type moment struct {
		at  int64
		ask int
	}
	var asks []ask
	var moments []moment
	now := make([]int64, clients)
	for n := range operations {
		c := draw.IntN(clients)
		a := drawn(draw, keys, values, n)
		a.start = now[c] + 1 + draw.Int64N(10)
		a.end = a.start + 1 + draw.Int64N(20)
		now[c] = a.end
		at := a.start + draw.Int64N(a.end-a.start+1)
		if unknownIn > 0 && draw.IntN(unknownIn) == 0 {
			a.end = 0
			at += draw.Int64N(100)
			if draw.IntN(2) == 0 {
				at = 1 << 40
			}
		}
		asks, moments = append(asks, a), append(moments, moment{at, n})
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return int(a.at - b.at) })
	s := plainStore{}
	for _, m := range moments {
		answers, failed := s.do(asks[m.ask])
		if asks[m.ask].end > 0 {
			asks[m.ask].answers, asks[m.ask].failed = answers, failed
		}
	}
	return asks
}

func TestWhatHappenedAtMomentsIsLinearizable(t *testing.T) {
	for seed := range uint64(200) {
		draw := rand.New(rand.NewPCG(seed, 2))
		asks := concurrent(draw, 100, 5, 3, int(seed%2)*5, 10)
		if v := check.JudgeHistory(historyOf(asks...)); v.Kind != fine {
			t.Fatalf("seed %d: %v, %s", seed, v.Kind, v.Message)
		}
	}
}

// possible tells by trying every order whether a history is linearizable.
func possible(asks []ask, placed []bool, s plainStore) bool {
	owed, first := false, int64(1<<62)
	for i, a := range asks {
		if !placed[i] && a.end > 0 {
			owed, first = true, min(first, a.end)
		}
	}
	if !owed {
		return true
	}
	for i, a := range asks {
		if placed[i] || a.start > first {
			continue
		}
		after := plainStore{}
		for k, v := range s {
			after[k] = v
		}
		answers, failed := after.do(a)
		if a.end > 0 && (!proto.Equal(failed, a.failed) || !slices.EqualFunc(answers, a.answers, func(x, y *raftcmdpb.Response) bool { return proto.Equal(x, y) })) {
			continue
		}
		placed[i] = true
		found := possible(asks, placed, after)
		placed[i] = false
		if found {
			return true
		}
	}
	return false
}

func TestTheJudgeAgreesWithTryingEveryOrder(t *testing.T) {
	verdicts := map[bool]int{}
	for seed := range uint64(3_000) {
		draw := rand.New(rand.NewPCG(seed, 3))
		asks := concurrent(draw, 6, 3, 2, int(seed%3), 3)
		// Something may be wrong with it.
		for range draw.IntN(3) {
			i := draw.IntN(len(asks))
			if asks[i].end > 0 {
				other := drawnAnswer(draw, asks[i])
				asks[i].answers, asks[i].failed = other.answers, other.failed
			}
		}
		for i := range asks {
			if writes := asks[i].requests[0].GetGet() == nil || len(asks[i].requests) == 3; asks[i].end == 0 && !writes {
				asks[i] = turnedAway(asks[i], 1) // a read without an answer is no operation
			}
		}
		var judged []ask
		for _, a := range asks {
			if a.err == nil {
				judged = append(judged, a)
			}
		}
		want := possible(judged, make([]bool, len(judged)), plainStore{})
		v := check.JudgeHistory(historyOf(asks...))
		if (v.Kind == fine) != want {
			t.Fatalf("seed %d: %v, %q; want linearizable %v: %v", seed, v.Kind, v.Message, want, historyOf(asks...))
		}
		verdicts[want]++
	}
	if verdicts[true] < 500 || verdicts[false] < 500 {
		t.Errorf("%v: too few of one kind to mean anything", verdicts)
	}
}

// drawnAnswer does a command on a store of chance.
func drawnAnswer(draw *rand.Rand, a ask) ask {
	s := plainStore{}
	for k := range 2 {
		if draw.IntN(3) > 0 {
			s[fmt.Sprint("k", k)] = fmt.Sprint("v", draw.IntN(3))
		}
	}
	a.answers, a.failed = s.do(a)
	return a
}

func TestTheSameHistoryGetsTheSameVerdict(t *testing.T) {
	asks := concurrent(rand.New(rand.NewPCG(9, 9)), 100, 4, 3, 0, 20)
	asks[70].answers, asks[70].failed = []*raftcmdpb.Response{got("never written")}, nil
	asks[70].requests, asks[70].compares, asks[70].end = []*raftcmdpb.Request{getting("k1")}, nil, asks[70].start+3
	first := check.JudgeHistory(historyOf(asks...))
	if first.Kind != violated {
		t.Fatalf("verdict %v", first)
	}
	for range 3 {
		if again := check.JudgeHistory(historyOf(asks...)); !proto.Equal(first, again) {
			t.Fatalf("%v and then %v", first, again)
		}
	}
}

func TestBytesThatAreNoHistoryAreNotJudged(t *testing.T) {
	v := &sessionpb.Verdict{}
	if err := proto.Unmarshal(check.JudgeHistoryBytes([]byte("\xff\xff")), v); err != nil ||
		v.Kind != sessionpb.VerdictKind_VERDICT_KIND_UNDECIDED || !strings.HasPrefix(v.Message, "the history is not of the session protocol") {
		t.Errorf("%v, %v", v, err)
	}
	bytes, _ := proto.Marshal(historyOf(wrote(1, 2, "x", "1"), read(5, 6, "x", "")))
	if err := proto.Unmarshal(check.JudgeHistoryBytes(bytes), v); err != nil || v.Kind != violated {
		t.Errorf("%v, %v", v, err)
	}
}

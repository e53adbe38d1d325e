package api_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/api"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func TestAThousandCommandsOnAStreamAreAnsweredInAnyOrder(t *testing.T) {
	const n = 1000
	d := newDesk()
	_, conn := serve(t, api.Config{Store: d})
	stream, err := rpcpb.NewCommandServiceClient(conn).Stream(t.Context())
	must(t, err)
	for i := uint64(1); i <= n; i++ {
		must(t, stream.Send(&rpcpb.StreamRequest{Id: i, Request: put("a", fmt.Sprint(i))}))
	}
	calls := d.wait(t, n)
	for i := range calls { // the last first
		c := calls[n-1-i]
		var number uint64
		_, err := fmt.Sscan(string(c.request.GetRequests()[0].GetPut().GetValue()), &number)
		must(t, err)
		c.answer(answered(number))
	}
	must(t, stream.CloseSend())
	for i := uint64(n); i >= 1; i-- {
		in, err := stream.Recv()
		must(t, err)
		if in.GetId() != i || in.GetResponse().GetHeader().GetIndex() != i {
			t.Fatalf("answer %d is %v", n-i, in)
		}
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("after the last answer: %v", err)
	}
}

// A client that has as many commands under way as it may is not heard until one of them is answered.
func TestAStreamIsBounded(t *testing.T) {
	d := newDesk()
	_, conn := serve(t, api.Config{Store: d, Limits: api.Limits{StreamCommandsMax: 3}})
	stream, err := rpcpb.NewCommandServiceClient(conn).Stream(t.Context())
	must(t, err)
	for i := uint64(1); i <= 5; i++ {
		must(t, stream.Send(&rpcpb.StreamRequest{Id: i, Request: put("a", "")}))
	}
	calls := d.wait(t, 3)
	// A call of its own is served meanwhile, so the server had its turn.
	_, err = rpcpb.NewCommandServiceClient(conn).Describe(t.Context(), &rpcpb.DescribeRequest{})
	must(t, err)
	if len(d.came) > 0 {
		t.Fatal("a fourth command is under way")
	}
	calls[1].answer(answered(2))
	if in, err := stream.Recv(); err != nil || in.GetId() != 2 {
		t.Fatalf("%v, %v", in, err)
	}
	calls = append(calls, d.wait(t, 1)...)
	for i, at := range []int{0, 2, 3} {
		calls[at].answer(answered(uint64(i)))
	}
	d.wait(t, 1)[0].answer(answered(9))
	for range 4 {
		_, err := stream.Recv()
		must(t, err)
	}
}

func TestACommandThatTakesTooLongHasAnUnknownOutcome(t *testing.T) {
	d := newDesk()
	_, conn := serve(t, api.Config{Store: d, Limits: api.Limits{CommandTimeoutMax: 50 * time.Millisecond}})
	service := rpcpb.NewCommandServiceClient(conn)
	stream, err := service.Stream(t.Context())
	must(t, err)
	must(t, stream.Send(&rpcpb.StreamRequest{Id: 1, Request: put("a", "")}))
	must(t, stream.Send(&rpcpb.StreamRequest{Id: 2, Request: get("a"), TimeoutMicros: 1}))
	late := d.wait(t, 2)
	read, err := stream.Recv()
	must(t, err)
	write, err := stream.Recv()
	must(t, err)
	if read.GetId() != 2 {
		read, write = write, read
	}
	wantTimeout(t, "the read", read.GetResponse(), errorpb.Outcome_OUTCOME_NOT_APPLIED)
	wantTimeout(t, "the write", write.GetResponse(), errorpb.Outcome_OUTCOME_MAY_APPLY)
	if h := write.GetResponse().GetHeader(); h.GetClient() != 5 || h.GetSequence() != 6 || h.GetRegionId() != 1 {
		t.Errorf("the answer does not say to what: %v", h)
	}
	for _, c := range late {
		c.answer(answered(1)) // nobody hears
	}
	unary, err := service.Command(t.Context(), &rpcpb.CommandRequest{Request: put("a", "")})
	must(t, err)
	wantTimeout(t, "one call", unary.GetResponse(), errorpb.Outcome_OUTCOME_MAY_APPLY)

	// The caller's own deadline is kept, and heard of before it has passed.
	_, conn = serve(t, api.Config{Store: d})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	unary, err = rpcpb.NewCommandServiceClient(conn).Command(ctx, &rpcpb.CommandRequest{Request: put("a", "")})
	must(t, err)
	wantTimeout(t, "one call with a deadline", unary.GetResponse(), errorpb.Outcome_OUTCOME_MAY_APPLY)
}

func wantTimeout(t *testing.T, what string, answer *raftcmdpb.RaftCommandResponse, outcome errorpb.Outcome) {
	t.Helper()
	e := answer.GetHeader().GetError()
	if e.GetTimeout() == nil || e.GetOutcome() != outcome || !strings.HasPrefix(e.GetMessage(), "no answer within ") {
		t.Errorf("%s: %v", what, answer)
	}
}

// Each is sent on a stream and as a call.
func TestTheStoreDoesNotSeeWhatIsTooLarge(t *testing.T) {
	d := newDesk()
	_, conn := serve(t, api.Config{Store: d, Limits: api.Limits{
		KeyBytesMax: 4, ValueBytesMax: 10, RequestsMax: 2, CommandBytesMax: 16}})
	service := rpcpb.NewCommandServiceClient(conn)
	stream, err := service.Stream(t.Context())
	must(t, err)
	three := put("a", "")
	three.Requests = append(three.Requests, get("a").Requests[0], get("b").Requests[0])
	heavy := put("a", "0123456789")
	heavy.Requests = append(heavy.Requests, heavy.Requests[0])
	compared := put("a", "")
	compared.Compares = []*raftcmdpb.Compare{{Key: []byte("a"), Expect: &raftcmdpb.Compare_Value{Value: make([]byte, 11)}}}
	split := &raftcmdpb.RaftCommandRequest{Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{
		Split: &raftcmdpb.SplitRequest{SplitKey: []byte("abcde")}}}}
	for i, c := range []struct {
		request *raftcmdpb.RaftCommandRequest
		want    string
	}{
		{put("abcde", ""), "the key has 5 bytes; the most is 4"},
		{put("a", "0123456789a"), "the value has 11 bytes; the most is 10"},
		{three, "3 requests in one command; the most is 2"},
		{heavy, "the command has 22 bytes of keys and values; the most is 16"},
		{compared, "the value has 11 bytes; the most is 10"},
		{split, "the key has 5 bytes; the most is 4"},
		{nil, "there is no command"},
	} {
		must(t, stream.Send(&rpcpb.StreamRequest{Id: uint64(i), Request: c.request}))
		in, err := stream.Recv()
		must(t, err)
		unary, err := service.Command(t.Context(), &rpcpb.CommandRequest{Request: c.request})
		must(t, err)
		for _, answer := range []*raftcmdpb.RaftCommandResponse{in.GetResponse(), unary.GetResponse()} {
			e := answer.GetHeader().GetError()
			if e.GetInvalidRequest() == nil || e.GetMessage() != c.want || e.GetOutcome() != errorpb.Outcome_OUTCOME_NOT_APPLIED {
				t.Errorf("want %q: %v", c.want, answer)
			}
		}
	}
	if len(d.calls) > 0 {
		t.Errorf("the store saw %v", d.calls)
	}
}

func TestAnAnswerThatIsTooLargeIsRefused(t *testing.T) {
	d := newDesk()
	_, conn := serve(t, api.Config{Store: d, Limits: api.Limits{AnswerBytesMax: 100}})
	stream, err := rpcpb.NewCommandServiceClient(conn).Stream(t.Context())
	must(t, err)
	must(t, stream.Send(&rpcpb.StreamRequest{Id: 1, Request: get("a")}))
	answer := answered(1)
	answer.Responses = []*raftcmdpb.Response{{Response: &raftcmdpb.Response_Scan{Scan: &raftcmdpb.ScanResponse{
		Pairs: []*raftcmdpb.Pair{{Key: make([]byte, 50), Value: make([]byte, 51)}}}}}}
	d.wait(t, 1)[0].answer(answer)
	in, err := stream.Recv()
	if err != nil || !strings.Contains(in.GetResponse().GetHeader().GetError().GetMessage(), "the answer has 101 bytes; the most is 100") {
		t.Errorf("%v, %v", in, err)
	}
}

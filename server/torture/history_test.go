//go:build unix

package torture

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/check"
	"raftplay/server/client"
)

// history is what clients asked and heard, on this process's clock.
type history struct {
	origin time.Time

	mu         sync.Mutex
	operations []*sessionpb.Operation
	// Of the operations: how many were answered, were refused for certain, and have an outcome that nobody knows.
	answered, refused, unknown int
}

func newHistory() *history { return &history{origin: time.Now()} }

func (h *history) now() int64 { return time.Since(h.origin).Microseconds() }

// do has a client carry out a command, and writes down what it heard.
func (h *history) do(ctx context.Context, c *client.Client, worker int, req *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
	op := &sessionpb.Operation{Request: req, Worker: uint32(worker), StartedMicros: h.now()}
	answer, err := c.Do(ctx, req)
	op.EndedMicros = h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, op)
	op.Id = uint64(len(h.operations))
	switch {
	case err == nil:
		h.answered++
		op.Response = answer
	case errors.As(err, new(*client.UnknownOutcome)):
		h.unknown++
		op.EndedMicros = 0
	default:
		// The client says that it was not carried out and never will be. It is held to that.
		h.refused++
		op.Response = &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{Error: &errorpb.Error{
			Message: err.Error(), Outcome: errorpb.Outcome_OUTCOME_NOT_APPLIED}}}
	}
	return answer, err
}

func (h *history) judge() *sessionpb.Verdict {
	h.mu.Lock()
	defer h.mu.Unlock()
	return check.JudgeHistory(&sessionpb.History{Operations: h.operations, NowMicros: h.now()})
}

// mustBeLinearizable fails the test, and leaves the history in the folder, unless one order explains all answers.
func (h *history) mustBeLinearizable(t testing.TB, dir string) {
	t.Helper()
	began := time.Now()
	v := h.judge()
	t.Logf("%d operations: %d answered, %d refused for certain, %d unknown; judged in %v: %s",
		len(h.operations), h.answered, h.refused, h.unknown, time.Since(began).Round(time.Millisecond), v.GetMessage())
	if v.GetKind() == sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE {
		return
	}
	t.Errorf("%v: %s", v.GetKind(), v.GetMessage())
	bytes, err := proto.Marshal(&sessionpb.History{Operations: h.operations})
	if err == nil && dir != "" {
		err = os.WriteFile(filepath.Join(dir, "history.pb"), bytes, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}

// The commands that clients send.

func get(key string, mode raftcmdpb.ReadMode) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{
		Header:   &raftcmdpb.RequestHeader{ReadMode: mode},
		Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}},
	}
}

func put(key, value string) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{
		{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}}}
}

func remove(key string) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{
		{Request: &raftcmdpb.Request_Delete{Delete: &raftcmdpb.DeleteRequest{Key: []byte(key)}}}}}
}

// putIf is a put that is done if the key holds what is expected; nil: if there is no such key.
func putIf(key, value string, expected []byte) *raftcmdpb.RaftCommandRequest {
	req := put(key, value)
	compare := &raftcmdpb.Compare{Key: []byte(key), Expect: &raftcmdpb.Compare_Value{Value: expected}}
	if expected == nil {
		compare.Expect = &raftcmdpb.Compare_Absent{Absent: true}
	}
	req.Compares = []*raftcmdpb.Compare{compare}
	return req
}

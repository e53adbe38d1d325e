package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	errorpb "raftplay/core/pb/errorpb/v1"

	"raftplay/server/rpc"
)

// NotApplied is the error of a command that was not carried out and never will be; of a read, that it was not answered.
type NotApplied struct {
	// Answer is the last store's refusal, or nil when no store answered.
	Answer *errorpb.Error
	// Cause is why no attempt succeeded, a context's error among it if it was that which ended.
	Cause error
}

func (e *NotApplied) Error() string { return e.Cause.Error() }
func (e *NotApplied) Unwrap() error { return e.Cause }

// UnknownOutcome is the error of a command that may have been applied, or may be yet. Only a read can tell.
type UnknownOutcome struct {
	Waited time.Duration
	// Client and Sequence are the request id; 0 of a command that has none.
	Client, Sequence uint64
	// Cause is what the last attempt met with.
	Cause error
}

func (e *UnknownOutcome) Error() string {
	return fmt.Sprintf("the outcome is unknown after %v: the command may have been applied, or may be yet (%v)",
		e.Waited.Round(time.Millisecond), e.Cause)
}

func (e *UnknownOutcome) Unwrap() error { return e.Cause }

// ForeignCluster is the error of an endpoint that belongs to another cluster than the others.
type ForeignCluster struct {
	Address             string
	ClusterID, Expected uint64
}

func (e *ForeignCluster) Error() string {
	return fmt.Sprintf("%s belongs to cluster %d, and the others to cluster %d: name endpoints of one cluster",
		e.Address, e.ClusterID, e.Expected)
}

var (
	errClosed = errors.New("the client is closed")
	// errReshaped: a region is not any more as it was when its part of a scan was planned.
	errReshaped = errors.New("the region has changed")
)

// refusal is a store's answer that is an error, as an error.
type refusal struct{ answer *errorpb.Error }

func (r *refusal) Error() string { return r.answer.GetMessage() }

// inWords is a call's error as people read it.
func inWords(address string, err error) error {
	s, is := status.FromError(err)
	if !is {
		return fmt.Errorf("%s: %w", address, err)
	}
	switch s.Code() {
	case codes.Unimplemented:
		return &rpcFailure{s.Code(), address + " is no raftplay store: it does not know the call"}
	case codes.DeadlineExceeded:
		return &rpcFailure{s.Code(), address + " does not answer"}
	}
	if strings.Contains(s.Message(), "server preface") {
		return &rpcFailure{s.Code(), address + " does not speak gRPC: it is no store, or one that wants TLS"}
	}
	return &rpcFailure{s.Code(), address + ": " + plain(address, s.Message())}
}

// plain is gRPC's message without what surrounds its cause, and without the address, which is told already.
func plain(address, message string) string {
	message = rpc.Innermost(message)
	for _, layer := range []string{"dial tcp " + address + ": ", "dial tcp: ", "connect: "} {
		message = strings.TrimPrefix(message, layer)
	}
	return message
}

// rpcFailure is a gRPC error in words.
type rpcFailure struct {
	code  codes.Code
	words string
}

func (f *rpcFailure) Error() string { return f.words }

// lasting tells whether an error would meet every further attempt as well.
func lasting(err error) bool {
	if errors.Is(err, errClosed) || errors.As(err, new(*ForeignCluster)) {
		return true
	}
	var f *rpcFailure
	if !errors.As(err, &f) {
		return false
	}
	switch f.code {
	case codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return true
	}
	return false
}

package api

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// Watch implements rpcpb.WatchServiceServer. The stream begins with the watcher's first request, or when it says that there
// will be none.
func (s *Server) Watch(rpc grpc.BidiStreamingServer[rpcpb.WatchRequest, rpcpb.WatchResponse]) error {
	if _, err := s.enter(rpc.Context()); err != nil {
		return err
	}
	defer s.watchers.Add(-1)
	if n := s.watchers.Add(1); n > int64(s.limits.WatchersMax) {
		return status.Errorf(codes.ResourceExhausted, "the store has %d watchers; the most is %d", n-1, s.limits.WatchersMax)
	}
	requests := make(chan watchRequest)
	ctx, cancel := context.WithCancel(rpc.Context())
	defer cancel()
	go receiveWatch(ctx, rpc, requests) // returns when ctx is done and this function has returned, if not before
	var first watchRequest
	select {
	case first = <-requests:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return errStopping
	}
	w, err := s.store.Watch(first.in.GetEventsPerSecondMax())
	if err != nil {
		return status.Errorf(codes.Unavailable, "the store cannot be watched: %v", err)
	}
	defer w.Close()
	return s.show(ctx, cancel, rpc, w, first, requests)
}

// watchRestMicrosMax bounds how long a watcher may want to be told nothing.
const watchRestMicrosMax = 60_000_000

// watchRequest is what a watcher asks for; in is nil when there will be no more.
type watchRequest struct{ in *rpcpb.WatchRequest }

func receiveWatch(ctx context.Context, rpc grpc.BidiStreamingServer[rpcpb.WatchRequest, rpcpb.WatchResponse], requests chan<- watchRequest) {
	for {
		in, err := rpc.Recv()
		if err != nil && err != io.EOF {
			return // the context tells the others
		}
		select {
		case requests <- watchRequest{in}:
		case <-ctx.Done():
			return
		}
		if err == io.EOF {
			return
		}
	}
}

// show sends what the watcher gets to see, while another goroutine does what it asks for.
func (s *Server) show(ctx context.Context, cancel context.CancelFunc, rpc grpc.BidiStreamingServer[rpcpb.WatchRequest, rpcpb.WatchResponse],
	w Watcher, first watchRequest, requests <-chan watchRequest,
) error {
	obeyed := make(chan struct{})
	go func() {
		defer close(obeyed)
		s.obey(ctx, cancel, w, first, requests)
	}()
	defer func() { cancel(); <-obeyed }()
	for {
		response, err := w.Next(ctx)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil
		case rpc.Context().Err() != nil:
			return rpc.Context().Err()
		case ctx.Err() != nil:
			return errStopping
		default:
			return status.Errorf(codes.Unavailable, "the store is not shown any more: %v", err)
		}
		if err := rpc.Send(response); err != nil {
			return err
		}
	}
}

func (s *Server) obey(ctx context.Context, cancel context.CancelFunc, w Watcher, first watchRequest, requests <-chan watchRequest) {
	limit, rest := first.in.GetEventsPerSecondMax(), int64(0)
	for request := first; ; {
		if in := request.in; in != nil && (in.GetEventsPerSecondMax() != limit || in.GetRestMicros() != rest) {
			limit, rest = in.GetEventsPerSecondMax(), in.GetRestMicros()
			w.Pace(limit, time.Duration(min(max(rest, 0), watchRestMicrosMax))*time.Microsecond)
		}
		if show := request.in.GetShow(); show != 0 {
			w.Show(show)
		}
		select {
		case request = <-requests:
		case <-s.closing:
			cancel()
			return
		case <-ctx.Done():
			return
		}
	}
}

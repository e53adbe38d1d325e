package peer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// Inbox takes the messages that arrive.
type Inbox interface {
	// Deliver takes a message of another store in one of its lives, and owns it. It does not wait for long: what it has no
	// room for it drops and counts. It is called from several goroutines, for one connection's messages in their order.
	Deliver(fromStore, fromIncarnation uint64, p *rpcpb.Parcel)
}

// ServerConfig is what a Server is made with.
type ServerConfig struct {
	ClusterID, StoreID uint64
	Inbox              Inbox
	// Learned is told where a store serves, each time a stream of its opens, which is about once in PingInterval: usually
	// Transport.Learn. It may be called from several goroutines. Nil tells nobody.
	Learned func(storeID uint64, address string)
	// Logger nil discards.
	Logger *slog.Logger
	Limits Limits
}

// Server takes other stores' messages.
type Server struct {
	rpcpb.UnimplementedPeerServiceServer
	cfg    ServerConfig
	census *census

	streams                 atomic.Int64
	taken, invalid, refused atomic.Uint64
}

var _ rpcpb.PeerServiceServer = (*Server)(nil)

// NewServer returns a server, to be registered with one grpc.Server that has ServerOptions.
func NewServer(cfg ServerConfig) *Server {
	cfg.Logger = orDiscard(cfg.Logger)
	cfg.Limits = cfg.Limits.withDefaults()
	return &Server{cfg: cfg, census: newCensus(cfg.Limits.StoresMax)}
}

// ServerStats are what a server counted since it was made.
type ServerStats struct {
	// Streams are open now.
	Streams int
	// Taken messages went to the inbox, Invalid ones did not, and Refused streams were not listened to.
	Taken, Invalid, Refused uint64
}

// Stats returns the figures. It may be called from any goroutine.
func (s *Server) Stats() ServerStats {
	return ServerStats{
		Streams: int(s.streams.Load()), Taken: s.taken.Load(), Invalid: s.invalid.Load(), Refused: s.refused.Load(),
	}
}

// Send implements rpcpb.PeerServiceServer.
func (s *Server) Send(stream grpc.ClientStreamingServer[rpcpb.SendRequest, rpcpb.SendResponse]) error {
	return serve(s, stream, false, (*rpcpb.SendRequest).GetParcels)
}

// SendSnapshot implements rpcpb.PeerServiceServer.
func (s *Server) SendSnapshot(stream grpc.ClientStreamingServer[rpcpb.SendSnapshotRequest, rpcpb.SendSnapshotResponse]) error {
	return serve(s, stream, true, func(r *rpcpb.SendSnapshotRequest) []*rpcpb.Parcel {
		if r.GetParcel() == nil {
			return nil
		}
		return []*rpcpb.Parcel{r.GetParcel()}
	})
}

// serve listens to a stream of messages, or of snapshots' chunks, until it ends.
func serve[Request, Response any, R interface {
	*Request
	GetEnvelope() *rpcpb.Envelope
}](s *Server, stream grpc.ClientStreamingServer[Request, Response], chunks bool, parcels func(R) []*rpcpb.Parcel) error {
	s.streams.Add(1)
	defer s.streams.Add(-1)
	request, err := first(stream.Context(), s.cfg.Limits.ConnectTimeout, stream.Recv)
	if err != nil {
		return err
	}
	speaks, err := s.admit(R(request).GetEnvelope(), shown(stream.Context()))
	if err != nil {
		return err
	}
	// The header tells the line that it is open.
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	speaks.chunks = chunks
	list := parcels(request)
	for {
		if err := s.take(speaks, list); err != nil {
			return err
		}
		request, err = stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(new(Response))
		}
		if err != nil {
			return err
		}
		if list = parcels(request); len(list) == 0 {
			list = []*rpcpb.Parcel{nil} // nobody sends nothing; it counts as an invalid message
		}
	}
}

// first is a stream's first request, which must come within a time. The stream's end ends the goroutine.
func first[Request any](ctx context.Context, within time.Duration, receive func() (*Request, error)) (*Request, error) {
	type answer struct {
		request *Request
		err     error
	}
	came := make(chan answer, 1)
	go func() {
		request, err := receive()
		came <- answer{request, err}
	}()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case a := <-came:
		return a.request, a.err
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	case <-timer.C:
		return nil, status.Errorf(codes.DeadlineExceeded, "the stream did not say within %v who speaks", within)
	}
}

// take hands messages on, and drops those that cannot be meant for this store. An error ends the stream.
func (s *Server) take(speaks *sender, parcels []*rpcpb.Parcel) error {
	if newest := speaks.newest.Load(); speaks.incarnation < newest {
		return s.refuse(speaks.store, "S%d has started again since: it is in its life %d, and this is life %d",
			speaks.store, newest, speaks.incarnation)
	}
	if len(parcels) > requestMessagesMax {
		return s.refuse(speaks.store, "a request holds %d messages, and at most %d are taken", len(parcels), requestMessagesMax)
	}
	for _, p := range parcels {
		why := invalid(speaks, s.cfg.StoreID, p, s.cfg.Limits.MessageBytesMax)
		if why == "" {
			s.taken.Add(1)
			s.cfg.Inbox.Deliver(speaks.store, speaks.incarnation, p)
			continue
		}
		s.invalid.Add(1)
		if speaks.invalid++; speaks.invalid == 1 {
			s.cfg.Logger.Warn("a message is dropped, and others of its stream are only counted",
				"store", s.cfg.StoreID, "from", speaks.store, "why", why)
		}
		if speaks.invalid > invalidMax {
			return s.refuse(speaks.store, "more than %d messages of this stream are invalid; the last one: %s", invalidMax, why)
		}
	}
	return nil
}

package peer

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// Inbox takes the messages that arrive.
type Inbox interface {
	// Deliver takes a message of another store in one of its lives, and does not wait: what it has no room for it drops. It is
	// called from several goroutines, for one store's messages in their order.
	Deliver(fromStore, fromIncarnation uint64, p *rpcpb.Parcel)
}

// ServerConfig is what a Server is made with.
type ServerConfig struct {
	ClusterID, StoreID uint64
	Inbox              Inbox
	// Learned is told where a store serves, when its line opens. It may be nil.
	Learned func(storeID uint64, address string)
	Logger  *slog.Logger
	Limits  Limits
}

// invalidMax is how many messages of a line may be refused before the line is.
const invalidMax = 100

// addressBytesMax bounds the address in an envelope: a host's name and a port.
const addressBytesMax = 300

// Server takes other stores' messages.
type Server struct {
	rpcpb.UnimplementedPeerServiceServer
	cfg ServerConfig

	mu sync.Mutex
	// lives are the newest of each store that has been seen.
	lives map[uint64]uint64
}

// NewServer returns a server, to be registered with one grpc.Server that has ServerOptions.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Limits = cfg.Limits.withDefaults()
	return &Server{cfg: cfg, lives: map[uint64]uint64{}}
}

var _ rpcpb.PeerServiceServer = (*Server)(nil)

// Send implements rpcpb.PeerServiceServer.
func (s *Server) Send(stream grpc.ClientStreamingServer[rpcpb.SendRequest, rpcpb.SendResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	sender, err := s.admit(first.GetEnvelope())
	if err != nil {
		return err
	}
	if s.cfg.Learned != nil && first.GetEnvelope().GetFromAddress() != "" {
		s.cfg.Learned(sender.store, first.GetEnvelope().GetFromAddress())
	}
	// The header tells the line that it is open.
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	for request := first; ; {
		for _, p := range request.GetParcels() {
			if err := s.take(sender, p); err != nil {
				return err
			}
		}
		if request, err = stream.Recv(); err != nil {
			return ended(err, func() error { return stream.SendAndClose(&rpcpb.SendResponse{}) })
		}
		if err := s.still(sender); err != nil {
			return err
		}
	}
}

// SendSnapshot implements rpcpb.PeerServiceServer.
func (s *Server) SendSnapshot(stream grpc.ClientStreamingServer[rpcpb.SendSnapshotRequest, rpcpb.SendSnapshotResponse]) error {
	request, err := stream.Recv()
	if err != nil {
		return err
	}
	sender, err := s.admit(request.GetEnvelope())
	if err != nil {
		return err
	}
	for {
		if err := s.take(sender, request.GetParcel()); err != nil {
			return err
		}
		if request, err = stream.Recv(); err != nil {
			return ended(err, func() error { return stream.SendAndClose(&rpcpb.SendSnapshotResponse{}) })
		}
		if err := s.still(sender); err != nil {
			return err
		}
	}
}

// ended answers a line that was ended in order.
func ended(err error, answer func() error) error {
	if errors.Is(err, io.EOF) {
		return answer()
	}
	return err
}

// sender is who speaks on a line.
type sender struct {
	store, incarnation uint64
	invalid            *int
}

// admit looks at who speaks to whom.
func (s *Server) admit(e *rpcpb.Envelope) (sender, error) {
	from := sender{store: e.GetFromStore(), incarnation: e.GetFromIncarnation(), invalid: new(int)}
	switch {
	case e == nil:
		return sender{}, s.refuse(from, "the line does not say who speaks")
	case e.GetClusterId() != s.cfg.ClusterID:
		return sender{}, s.refuse(from, "this is a store of cluster %d, not of cluster %d", s.cfg.ClusterID, e.GetClusterId())
	case e.GetToStore() != s.cfg.StoreID:
		return sender{}, s.refuse(from, "this is S%d, not S%d", s.cfg.StoreID, e.GetToStore())
	case from.store == 0 || from.store == s.cfg.StoreID:
		return sender{}, s.refuse(from, "S%d cannot be spoken to by S%d", s.cfg.StoreID, from.store)
	case from.incarnation == 0:
		return sender{}, s.refuse(from, "S%d does not say which of its lives it is in", from.store)
	case len(e.GetFromAddress()) > addressBytesMax:
		return sender{}, s.refuse(from, "S%d's address is longer than %d bytes", from.store, addressBytesMax)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if newest := s.lives[from.store]; from.incarnation < newest {
		return sender{}, s.refuse(from, "S%d has started again since: two processes are the same store", from.store)
	}
	if _, known := s.lives[from.store]; !known && len(s.lives) >= s.cfg.Limits.StoresMax {
		return sender{}, s.refuse(from, "S%d is one store too many: at most %d are heard", from.store, s.cfg.Limits.StoresMax)
	}
	s.lives[from.store] = from.incarnation
	return from, nil
}

// still refuses a line of a life that is over.
func (s *Server) still(from sender) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from.incarnation < s.lives[from.store] {
		return status.Errorf(codes.FailedPrecondition, "S%d has started again since", from.store)
	}
	return nil
}

func (s *Server) refuse(from sender, format string, args ...any) error {
	err := status.Errorf(codes.FailedPrecondition, format, args...)
	s.cfg.Logger.Warn("a line is refused", "store", s.cfg.StoreID, "from", from.store, "why", status.Convert(err).Message())
	return err
}

// take hands a message on, or drops it when it cannot be meant for this store. The store looks at what it says.
func (s *Server) take(from sender, p *rpcpb.Parcel) error {
	why := invalid(from.store, s.cfg.StoreID, p, s.cfg.Limits.MessageBytesMax)
	if why == "" {
		s.cfg.Inbox.Deliver(from.store, from.incarnation, p)
		return nil
	}
	*from.invalid++
	s.cfg.Logger.Warn("a message is dropped", "store", s.cfg.StoreID, "from", from.store, "why", why)
	if *from.invalid > invalidMax {
		return status.Errorf(codes.InvalidArgument, "more than %d messages of this line are not valid; the last one: %s", invalidMax, why)
	}
	return nil
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

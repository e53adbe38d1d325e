package api

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
	"raftplay/server/token"
)

// Server serves one store's clients and watchers.
type Server struct {
	rpcpb.UnimplementedCommandServiceServer
	rpcpb.UnimplementedWatchServiceServer

	store    Store
	tokens   Tokens
	limits   Limits
	logger   *slog.Logger
	health   *health.Server
	watchers atomic.Int64

	closing   chan struct{}
	closeOnce sync.Once
}

// New returns a server of a store, to be registered with one grpc.Server.
func New(c Config) (*Server, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	s := &Server{
		store: c.Store, tokens: c.Tokens, limits: c.Limits.filled(), logger: c.Logger,
		health: health.NewServer(), closing: make(chan struct{}),
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Register adds the services for clients and watchers, gRPC's health service and its reflection. The last two need no
// token: they tell that a store serves, and what the schema is.
func (s *Server) Register(server *grpc.Server) {
	rpcpb.RegisterCommandServiceServer(server, s)
	rpcpb.RegisterWatchServiceServer(server, s)
	healthpb.RegisterHealthServer(server, s.health)
	reflection.Register(server)
}

// SetServing tells those who ask the health service whether the store serves. It does from the beginning.
func (s *Server) SetServing(serves bool) {
	is := healthpb.HealthCheckResponse_NOT_SERVING
	if serves {
		is = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", is)
}

// Close ends every stream, so that a grpc.Server can stop gracefully; commands under way are answered by the store, or
// their streams' clients do not know their outcome. Calls that come later are refused.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		s.health.Shutdown()
		close(s.closing)
	})
}

// enter refuses a call without the right token, and one that comes too late.
func (s *Server) enter(ctx context.Context) (token.Right, error) {
	select {
	case <-s.closing:
		return 0, errStopping
	default:
	}
	granted, err := rightOf(ctx, s.tokens)
	if err != nil {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "refused a call", slog.String("why", status.Convert(err).Message()))
	}
	return granted, err
}

var errStopping = status.Error(codes.Unavailable, "the store is stopping")

// Describe implements rpcpb.CommandServiceServer.
func (s *Server) Describe(ctx context.Context, _ *rpcpb.DescribeRequest) (*rpcpb.DescribeResponse, error) {
	if _, err := s.enter(ctx); err != nil {
		return nil, err
	}
	return s.store.Describe(), nil
}

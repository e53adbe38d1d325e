package api_test

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/api"
	"raftplay/server/client/clienttest"
	"raftplay/server/leak"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func TestMain(m *testing.M) { leak.Main(m) }

// desk is a Store whose answers the test gives by hand: how long a store takes is what these tests are about. What real
// stores answer is tested in server/client.
type desk struct {
	mu    sync.Mutex
	calls []deskCall
	came  chan struct{}
}

type deskCall struct {
	request *raftcmdpb.RaftCommandRequest
	answer  func(*raftcmdpb.RaftCommandResponse)
}

func (d *desk) Propose(req *raftcmdpb.RaftCommandRequest, callback func(*raftcmdpb.RaftCommandResponse)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, deskCall{req, callback})
	d.came <- struct{}{}
}

// wait returns the commands on the desk once there are so many, and clears it.
func (d *desk) wait(t *testing.T, n int) []deskCall {
	t.Helper()
	for range n {
		select {
		case <-d.came:
		case <-time.After(10 * time.Second):
			t.Fatalf("fewer than %d commands have come", n)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

func (*desk) Describe() *rpcpb.DescribeResponse {
	return &rpcpb.DescribeResponse{ClusterId: 7, StoreId: 1}
}

func (*desk) Watch(uint32) (api.Watcher, error) { return nil, errors.New("there is nothing to see") }

// serve starts a server on a free port and returns it and a connection to it.
func serve(t *testing.T, cfg api.Config) (*api.Server, *grpc.ClientConn) {
	t.Helper()
	a, err := api.New(cfg)
	must(t, err)
	server := grpc.NewServer(cfg.Limits.ServerOptions()...)
	a.Register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:///"+listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-served
	})
	return a, conn
}

func newDesk() *desk { return &desk{came: make(chan struct{}, 10_000)} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(key, value string) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: 1, Client: 5, Sequence: 6},
		Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{
			Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}},
	}
}

func get(key string) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{
		Header:   &raftcmdpb.RequestHeader{RegionId: 1},
		Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: []byte(key)}}}},
	}
}

// answered is an answer that carries a number.
func answered(index uint64) *raftcmdpb.RaftCommandResponse {
	return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{Index: index}}
}

func TestCallersWithoutTheRightTokenAreRefused(t *testing.T) {
	d := newDesk()
	_, conn := serve(t, api.Config{Store: d, Tokens: api.Tokens{Viewer: "looking-on-0123456", Operator: "at-the-wheel-01234"}})
	service := rpcpb.NewCommandServiceClient(conn)
	for _, c := range []struct{ authorization, want string }{
		{"", "this store wants a token"},
		{"Bearer looking-on-0123457", "does not know the token"},
		{"Bearer ", "does not know the token"},
		{"Basic bG9v", "not of the kind `Bearer <token>`"},
	} {
		ctx := t.Context()
		if c.authorization != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", c.authorization)
		}
		_, err := service.Describe(ctx, &rpcpb.DescribeRequest{})
		wantStatus(t, c.authorization, err, codes.Unauthenticated, c.want)
		_, err = service.Command(ctx, &rpcpb.CommandRequest{Request: get("a")})
		wantStatus(t, c.authorization, err, codes.Unauthenticated, c.want)
		stream, err := service.Stream(ctx)
		must(t, err)
		_, err = stream.Recv()
		wantStatus(t, c.authorization, err, codes.Unauthenticated, c.want)
		watch, err := rpcpb.NewWatchServiceClient(conn).Watch(ctx)
		must(t, err)
		_, err = watch.Recv()
		wantStatus(t, c.authorization, err, codes.Unauthenticated, c.want)
	}
	viewer := metadata.AppendToOutgoingContext(t.Context(), "authorization", "bearer looking-on-0123456")
	described, err := service.Describe(viewer, &rpcpb.DescribeRequest{})
	if err != nil || described.GetStoreId() != 1 {
		t.Errorf("a viewer: %v, %v", described, err)
	}
	unary, err := service.Command(viewer, &rpcpb.CommandRequest{Request: put("a", "")})
	if err != nil || !strings.Contains(unary.GetResponse().GetHeader().GetError().GetMessage(), "the token is a viewer's") || len(d.calls) > 0 {
		t.Errorf("a viewer writes: %v, %v", unary, err)
	}
	for _, bad := range []api.Tokens{{Viewer: "15-bytes-of-it-"}, {Viewer: "one-and-the-same-token", Operator: "one-and-the-same-token"}} {
		if _, err := api.New(api.Config{Store: d, Tokens: bad}); err == nil {
			t.Errorf("tokens %v are taken", bad)
		}
	}
}

func wantStatus(t *testing.T, what string, err error, code codes.Code, words string) {
	t.Helper()
	if s := status.Convert(err); s.Code() != code || !strings.Contains(s.Message(), words) {
		t.Errorf("%q: %v, want %v with %q", what, err, code, words)
	}
}

func TestClosingEndsStreamsAndTellsWhoAsksForHealth(t *testing.T) {
	d := newDesk()
	a, conn := serve(t, api.Config{Store: d})
	health := healthpb.NewHealthClient(conn)
	is, err := health.Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || is.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", is, err)
	}
	stream, err := rpcpb.NewCommandServiceClient(conn).Stream(t.Context())
	must(t, err)
	must(t, stream.Send(&rpcpb.StreamRequest{Id: 1, Request: put("a", "")}))
	d.wait(t, 1)
	a.Close()
	_, err = stream.Recv()
	wantStatus(t, "a stream", err, codes.Unavailable, "the store is stopping")
	_, err = rpcpb.NewCommandServiceClient(conn).Command(t.Context(), &rpcpb.CommandRequest{Request: get("a")})
	wantStatus(t, "a call", err, codes.Unavailable, "the store is stopping")
	if is, err = health.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil || is.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health: %v, %v", is, err)
	}
}

func TestTheSchemaIsTold(t *testing.T) {
	_, conn := serve(t, api.Config{Store: newDesk()})
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	must(t, err)
	must(t, stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}))
	listed, err := stream.Recv()
	must(t, err)
	var names []string
	for _, s := range listed.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	for _, want := range []string{"rpcpb.v1.CommandService", "rpcpb.v1.WatchService", "grpc.health.v1.Health"} {
		if !strings.Contains(strings.Join(names, " "), want) {
			t.Errorf("%s is not among %v", want, names)
		}
	}
}

func TestWatchersAreBounded(t *testing.T) {
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1, Limits: api.Limits{WatchersMax: 1}})
	conn, err := grpc.NewClient("passthrough:///"+cluster.Address(1), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	defer conn.Close()
	watch := func() grpc.BidiStreamingClient[rpcpb.WatchRequest, rpcpb.WatchResponse] {
		stream, err := rpcpb.NewWatchServiceClient(conn).Watch(t.Context())
		must(t, err)
		must(t, stream.CloseSend()) // one that asks for nothing is shown the store all the same
		return stream
	}
	first := watch()
	in, err := first.Recv()
	if err != nil || in.GetHello().GetStoreId() != 1 {
		t.Fatalf("%v, %v", in, err)
	}
	_, err = watch().Recv()
	wantStatus(t, "a second watcher", err, codes.ResourceExhausted, "the store has 1 watchers; the most is 1")

	_, conn = serve(t, api.Config{Store: newDesk()})
	stream, err := rpcpb.NewWatchServiceClient(conn).Watch(t.Context())
	must(t, err)
	must(t, stream.Send(&rpcpb.WatchRequest{}))
	_, err = stream.Recv()
	wantStatus(t, "a store that shows nothing", err, codes.Unavailable, "there is nothing to see")
}

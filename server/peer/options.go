package peer

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// clientPingInterval is gRPC's least for clients. It backs up the line's own question, which comes sooner.
	clientPingInterval = 10 * time.Second
	// serverPingInterval is after how much silence a server asks a line's end, and takes it down if there is no answer.
	serverPingInterval = 5 * time.Second
	// clientPingIntervalMin is how often a server lets clients ask, half of what lines do: clocks and delays differ.
	clientPingIntervalMin = clientPingInterval / 2

	// streamWindowBytes and connectionWindowBytes are what may be under way towards a store and not yet read. Fixed ones
	// also spare gRPC's own measuring pings.
	streamWindowBytes     = 1 << 20
	connectionWindowBytes = 4 << 20
)

// ServerOptions are what a grpc.Server needs to serve other stores' lines; with TLS, add grpc.Creds of LoadTLS's server
// configuration. Of options given twice gRPC takes the last: give these last, since their bound of a message's size is the
// largest.
func ServerOptions(limits Limits) []grpc.ServerOption {
	l := limits.withDefaults()
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(max(l.MessageBytesMax, l.BatchBytesMax) + requestBytesMore),
		grpc.InitialWindowSize(streamWindowBytes),
		grpc.InitialConnWindowSize(connectionWindowBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: clientPingIntervalMin, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: serverPingInterval, Timeout: l.PingTimeout}),
	}
}

// dial makes the connection of a line; the network is touched by its first stream.
func (l *line) dial(address string, p *pulse) (*grpc.ClientConn, error) {
	limits := &l.t.cfg.Limits
	security := insecure.NewCredentials()
	if l.t.cfg.TLS != nil {
		security = alerted{credentials.NewTLS(l.t.cfg.TLS()), l.storeID}
	}
	return grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(security),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := (&dialer{}).dial(ctx, address)
			if err != nil {
				return nil, err
			}
			return p.on(conn), nil
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: clientPingInterval, Timeout: limits.PingTimeout, PermitWithoutStream: true,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(max(limits.MessageBytesMax, limits.BatchBytesMax)+requestBytesMore)),
		// A connection that breaks is given up: the line makes another one.
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0),
	)
}

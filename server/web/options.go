package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"raftplay/core/pb/sessionpb/v1"
)

// Sessions gives live sessions to viewers; it is used from several goroutines.
type Sessions interface {
	// Open starts a session. The attach has no token any more; the role is what the token was worth. An error that is, or
	// wraps, a *Refusal is told to the viewer as it says; any other with its text and CloseInternal.
	Open(role sessionpb.ViewerRole, attach *sessionpb.Attach) (Session, error)
}

// Session answers one viewer. Its methods are called by one goroutine, Close last and once.
type Session interface {
	// Handle answers a request, the first of which is the one with attach. It may wait until something happened, for at most a
	// second or so, and not beyond the end of ctx. The frame is not kept.
	Handle(ctx context.Context, r *sessionpb.Request) Frame
	// Ended is closed when the session is over; the next Handle says why.
	Ended() <-chan struct{}
	Close()
}

// Frame is a sessionpb.Frame that is still to be encoded.
type Frame interface {
	// Append appends the frame in its encoding, but for its end: that may be shared with other viewers' frames, and is not to
	// be changed.
	Append(b []byte) (own, shared []byte)
	// Closed is the sentence with which the session ends; empty when it goes on.
	Closed() string
}

// Options are what a Handler serves, and to whom. The zero Options serve the page and /healthz.
type Options struct {
	// Sessions is nil where there is nothing live: /api/live is then not found.
	Sessions Sessions
	// ProtocolVersion is the one that a viewer must speak; it is needed with Sessions.
	ProtocolVersion uint32
	// Tokens say who is let in. Without any, everybody who can connect is an operator.
	Tokens Tokens
	// AllowOrigins are origins (scheme://host or scheme://host:port) whose pages may attach, beside this server's own.
	// Behind a proxy that adds the TLS, its https:// origin is to be listed.
	AllowOrigins []string
	// AllowConnect are further servers that the page served here may attach to: sources of the content security policy's
	// connect-src, such as wss://host:port, or ws: for any.
	AllowConnect []string
	// Hosts are further names and addresses that a Host header may call this server by when there are no tokens.
	Hosts []string
	// Ready returns why the process is not ready to serve; nil where there is nothing to wait for.
	Ready func() error
	// Metrics are served at /metrics unless nil.
	Metrics prometheus.Gatherer
	// MetricsOpen lets everybody read /metrics, where otherwise the operator's token is asked for.
	MetricsOpen bool
	// Pprof serves Go's profiles below /debug/pprof/.
	Pprof bool
	// Compress offers permessage-deflate. It is off: it halves the 3 KB of a frame of a hundred events, and makes the frame
	// take twice as long, both ends together (BenchmarkFrame). Turn it on for viewers behind slow lines.
	Compress bool
	Limits   Limits
	// Log is told of each viewer's coming and going. It may be nil.
	Log *slog.Logger
}

// Limits bound what viewers can make the server keep and do. A zero field means its default.
type Limits struct {
	// RequestBytesMax bounds one message of a viewer; the default is 64 KiB.
	RequestBytesMax int
	// RequestsWaitingMax is how many requests of one viewer may wait behind the one being answered; 16.
	RequestsWaitingMax int
	// RequestsPerSecond of one viewer, on average, and RequestsBurst at once; 120 and 240. The page sends one for each frame
	// that it is given, of which there are at most 30 a second.
	RequestsPerSecond, RequestsBurst int
	// CommandsPerSecond of one viewer, on average, and CommandsBurst at once; 50 and 100.
	CommandsPerSecond, CommandsBurst int
	// FrameBytesMax bounds one answer; 32 MiB.
	FrameBytesMax int
	// ViewersMax at one time; 512. ViewersPerAddressMax of one address (of IPv6: one /64); 256.
	ViewersMax, ViewersPerAddressMax int
	// UpgradesPerSecond from one address, on average, and UpgradesBurst at once; 20 and 512.
	UpgradesPerSecond, UpgradesBurst int
	// WrongTokensPerMinute from one address, on average, and WrongTokensBurst at once; 6 and 10. Beyond them even the right
	// token is refused until a while has passed.
	WrongTokensPerMinute, WrongTokensBurst int
	// HandshakeTimeout bounds the writing of the answer to an upgrade; 5 s.
	HandshakeTimeout time.Duration
	// FirstTimeout is how long a viewer has for its whole first request; 5 s.
	FirstTimeout time.Duration
	// MessageTimeout is how long any later message may take from its first frame to its last; 10 s.
	MessageTimeout time.Duration
	// WriteTimeout is how long a viewer may take to take one frame; 10 s.
	WriteTimeout time.Duration
	// PingInterval is how often a viewer is pinged; 10 s. One of whom no pong came for PongTimeout is gone; 30 s.
	PingInterval, PongTimeout time.Duration
	// CloseTimeout is how long a viewer has to take its last frame, and again as long to say goodbye; 1 s.
	CloseTimeout time.Duration
}

// Defaults of Limits.
const (
	requestBytesMax      = 64 << 10
	requestsWaitingMax   = 16
	requestsPerSecond    = 120
	requestsBurst        = 240
	commandsPerSecond    = 50
	commandsBurst        = 100
	frameBytesMax        = 32 << 20
	viewersMax           = 512
	viewersPerAddressMax = 256
	upgradesPerSecond    = 20
	upgradesBurst        = 512
	wrongTokensPerMinute = 6
	wrongTokensBurst     = 10
	handshakeTimeout     = 5 * time.Second
	firstTimeout         = 5 * time.Second
	messageTimeout       = 10 * time.Second
	frameTimeout         = 10 * time.Second
	pingInterval         = 10 * time.Second
	pongTimeout          = 30 * time.Second
	closeTimeout         = time.Second
)

func (l Limits) withDefaults() Limits {
	return Limits{
		RequestBytesMax:      cmp.Or(l.RequestBytesMax, requestBytesMax),
		RequestsWaitingMax:   cmp.Or(l.RequestsWaitingMax, requestsWaitingMax),
		RequestsPerSecond:    cmp.Or(l.RequestsPerSecond, requestsPerSecond),
		RequestsBurst:        cmp.Or(l.RequestsBurst, requestsBurst),
		CommandsPerSecond:    cmp.Or(l.CommandsPerSecond, commandsPerSecond),
		CommandsBurst:        cmp.Or(l.CommandsBurst, commandsBurst),
		FrameBytesMax:        cmp.Or(l.FrameBytesMax, frameBytesMax),
		ViewersMax:           cmp.Or(l.ViewersMax, viewersMax),
		ViewersPerAddressMax: cmp.Or(l.ViewersPerAddressMax, viewersPerAddressMax),
		UpgradesPerSecond:    cmp.Or(l.UpgradesPerSecond, upgradesPerSecond),
		UpgradesBurst:        cmp.Or(l.UpgradesBurst, upgradesBurst),
		WrongTokensPerMinute: cmp.Or(l.WrongTokensPerMinute, wrongTokensPerMinute),
		WrongTokensBurst:     cmp.Or(l.WrongTokensBurst, wrongTokensBurst),
		HandshakeTimeout:     cmp.Or(l.HandshakeTimeout, handshakeTimeout),
		FirstTimeout:         cmp.Or(l.FirstTimeout, firstTimeout),
		MessageTimeout:       cmp.Or(l.MessageTimeout, messageTimeout),
		WriteTimeout:         cmp.Or(l.WriteTimeout, frameTimeout),
		PingInterval:         cmp.Or(l.PingInterval, pingInterval),
		PongTimeout:          cmp.Or(l.PongTimeout, pongTimeout),
		CloseTimeout:         cmp.Or(l.CloseTimeout, closeTimeout),
	}
}

// check refuses what cannot be meant.
func (l Limits) check() error {
	for name, n := range map[string]int{
		"RequestBytesMax": l.RequestBytesMax, "RequestsWaitingMax": l.RequestsWaitingMax,
		"RequestsPerSecond": l.RequestsPerSecond, "RequestsBurst": l.RequestsBurst,
		"CommandsPerSecond": l.CommandsPerSecond, "CommandsBurst": l.CommandsBurst, "FrameBytesMax": l.FrameBytesMax,
		"ViewersMax": l.ViewersMax, "ViewersPerAddressMax": l.ViewersPerAddressMax,
		"UpgradesPerSecond": l.UpgradesPerSecond, "UpgradesBurst": l.UpgradesBurst,
		"WrongTokensPerMinute": l.WrongTokensPerMinute, "WrongTokensBurst": l.WrongTokensBurst,
		"HandshakeTimeout": int(l.HandshakeTimeout), "FirstTimeout": int(l.FirstTimeout),
		"MessageTimeout": int(l.MessageTimeout), "WriteTimeout": int(l.WriteTimeout),
		"PingInterval": int(l.PingInterval), "PongTimeout": int(l.PongTimeout), "CloseTimeout": int(l.CloseTimeout),
	} {
		if n < 0 {
			return fmt.Errorf("the limit %s is negative", name)
		}
	}
	if l.PingInterval >= l.PongTimeout {
		return fmt.Errorf("a viewer pinged every %s cannot be gone after %s without a pong", l.PingInterval, l.PongTimeout)
	}
	return nil
}

func (o *Options) check() error {
	if o.Sessions != nil && o.ProtocolVersion == 0 {
		return errors.New("live sessions need a protocol version")
	}
	if err := o.Limits.check(); err != nil {
		return err
	}
	return o.Tokens.Check()
}

package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Limits of one connection. The largest answer is the page's wasm, a few megabytes. A websocket has limits of its own.
const (
	headerTimeout            = 10 * time.Second
	readTimeout              = 30 * time.Second
	writeTimeout             = 5 * time.Minute
	idleTimeout              = 2 * time.Minute
	headerBytesMax           = 64 << 10
	shutdownTimeout          = 5 * time.Second
	connectionsMax           = 2048
	connectionsPerAddressMax = 512
)

// ServerOptions say how a Server listens. A zero field means its default.
type ServerOptions struct {
	// TLS has the server's certificates; nil is plain HTTP. Versions below 1.2 are never spoken.
	TLS *tls.Config
	// HeaderTimeout is how long a client may take for a request's header; 10 s.
	HeaderTimeout time.Duration
	// ConnectionsMax at one time; 2,048. ConnectionsPerAddressMax from one address (of IPv6: one /64); 512. Those beyond are
	// closed at once.
	ConnectionsMax, ConnectionsPerAddressMax int
	// Log is told, at level debug, of handshakes that failed and the like. It may be nil.
	Log *slog.Logger
}

// Server listens on one address and serves one handler.
type Server struct {
	listener net.Listener
	handler  http.Handler
	secure   bool
	http     http.Server
	failed   chan error
}

// Listen takes an address, for a server that is yet to be. Its error is a sentence.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, sayWhy(address, err)
	}
	return listener, nil
}

// Serve starts to serve on what Listen gave, which is the server's from then on. The caller closes the server, which closes
// a *Handler too.
func Serve(listener net.Listener, handler http.Handler, options ServerOptions) *Server {
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	loopback := listener.Addr().(*net.TCPAddr).IP.IsLoopback()
	s := &Server{
		listener: newBoundedListener(listener, cmp.Or(options.ConnectionsMax, connectionsMax),
			cmp.Or(options.ConnectionsPerAddressMax, connectionsPerAddressMax)),
		handler: handler,
		secure:  options.TLS != nil,
		failed:  make(chan error, 1),
		http: http.Server{
			Handler:           handler,
			ReadHeaderTimeout: cmp.Or(options.HeaderTimeout, headerTimeout),
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    headerBytesMax,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
			BaseContext: func(net.Listener) context.Context {
				return context.WithValue(context.Background(), loopbackKey{}, loopback)
			},
		},
	}
	serve := func() error { return s.http.Serve(s.listener) }
	if options.TLS != nil {
		s.http.TLSConfig = options.TLS.Clone()
		s.http.TLSConfig.MinVersion = max(s.http.TLSConfig.MinVersion, tls.VersionTLS12)
		serve = func() error { return s.http.ServeTLS(s.listener, "", "") }
	}
	go func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return s
}

// loopbackKey is the key of whether the server of a request listens on this machine alone.
type loopbackKey struct{}

func sayWhy(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken by another program: stop that one, or choose another port", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s: choose a port above 1023", address)
	}
	return fmt.Errorf("cannot listen on %s: %w", address, err)
}

// URL is where a browser on this machine finds the page.
func (s *Server) URL() string {
	address := s.listener.Addr().(*net.TCPAddr)
	host := address.IP.String()
	if address.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if s.secure {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s/", scheme, net.JoinHostPort(host, fmt.Sprint(address.Port)))
}

// Failed yields the error that ended serving, if one did. It yields nothing after Close.
func (s *Server) Failed() <-chan error { return s.failed }

// Close stops listening, tells every viewer, and waits, within bounds, for the answers on their way.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	told := make(chan error, 1)
	go func() {
		if h, ok := s.handler.(*Handler); ok {
			told <- h.Close(ctx)
			return
		}
		told <- nil
	}()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return errors.Join(err, <-told)
}

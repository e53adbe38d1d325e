package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Limits of one connection. The largest answer is the page's wasm, a few megabytes.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 30 * time.Second
	writeTimeout    = 5 * time.Minute
	idleTimeout     = 2 * time.Minute
	headerBytesMax  = 64 << 10
	shutdownTimeout = 5 * time.Second
)

// Server listens on one address and serves one handler.
type Server struct {
	listener net.Listener
	http     http.Server
	failed   chan error
}

// Open listens on address (host:port; port 0 picks a free one) and starts to serve. The caller closes the server.
func Open(address string, handler http.Handler) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, sayWhy(address, err)
	}
	s := &Server{
		listener: listener,
		failed:   make(chan error, 1),
		http: http.Server{
			Handler:           handler,
			ReadHeaderTimeout: headerTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    headerBytesMax,
		},
	}
	go func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return s, nil
}

func sayWhy(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken by another program: stop that one, or choose another port with --listen", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s: choose a port above 1023 with --listen", address)
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
	return fmt.Sprintf("http://%s/", net.JoinHostPort(host, fmt.Sprint(address.Port)))
}

// Failed yields the error that ended serving, if one did. It yields nothing after Close.
func (s *Server) Failed() <-chan error { return s.failed }

// Close stops listening and waits, within bounds, for the answers on their way.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

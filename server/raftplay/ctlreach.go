package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"raftplay/server/client"
)

// reach is how a command finds its cluster and is let in.
type reach struct {
	endpoints []string
	timeout   time.Duration
	tlsCA     string
	tlsCert   string
	tlsKey    string
	tokenFile string
}

const (
	endpointsVariable = "RAFTPLAY_ENDPOINTS"
	timeoutMax        = time.Hour
	tokenBytesMax     = 4 << 10
)

func (r *reach) addFlags(command *cobra.Command) {
	flags := command.PersistentFlags()
	flags.StringSliceVar(&r.endpoints, "endpoints", nil,
		"`host:port` of stores, with commas between; one is enough (default $"+endpointsVariable+", or what raftplay serve runs here)")
	flags.DurationVar(&r.timeout, "timeout", 5*time.Second, "how long to try")
	flags.StringVar(&r.tlsCA, "tls-ca", "", "speak TLS, to stores whose certificates the authorities in this `file` signed")
	flags.StringVar(&r.tlsCert, "tls-cert", "", "a `file` with this client's certificate, for stores that want one")
	flags.StringVar(&r.tlsKey, "tls-key", "", "a `file` with the certificate's key")
	flags.StringVar(&r.tokenFile, "token-file", "", "a `file` that holds the token to show")
}

func (r *reach) check() error {
	switch {
	case r.timeout <= 0 || r.timeout > timeoutMax:
		return fmt.Errorf("--timeout must be more than 0s and at most %v, not %v", timeoutMax, r.timeout)
	case (r.tlsCert == "") != (r.tlsKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case r.tlsCert != "" && r.tlsCA == "":
		return errors.New("--tls-cert goes with --tls-ca, which says whom to trust")
	}
	return nil
}

// open returns a client of a cluster that has answered.
func (r *reach) open(ctx context.Context) (*client.Client, error) {
	cfg := client.Config{Endpoints: r.endpoints}
	if len(cfg.Endpoints) == 0 && os.Getenv(endpointsVariable) != "" {
		cfg.Endpoints = strings.Split(os.Getenv(endpointsVariable), ",")
	}
	var err error
	if len(cfg.Endpoints) == 0 {
		if cfg.Endpoints, err = readEndpoints(); err != nil {
			return nil, &usageError{err}
		}
	}
	if cfg.TLS, err = r.tls(); err != nil {
		return nil, &usageError{err}
	}
	if cfg.Token, err = r.token(); err != nil {
		return nil, &usageError{err}
	}
	c, err := client.Open(cfg)
	if err != nil {
		return nil, &usageError{err}
	}
	if err := c.Discover(ctx); err != nil {
		return nil, errors.Join(inTime(err), c.Close())
	}
	return c, nil
}

// inTime puts a context's end into words.
func inTime(err error) error {
	if err == context.DeadlineExceeded {
		return errors.New("no store answers in time")
	}
	return err
}

func (r *reach) tls() (*tls.Config, error) {
	if r.tlsCA == "" {
		return nil, nil
	}
	authorities, err := os.ReadFile(r.tlsCA)
	if err != nil {
		return nil, fmt.Errorf("read the authorities: %w", err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: x509.NewCertPool()}
	if !cfg.RootCAs.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", r.tlsCA)
	}
	if r.tlsCert != "" {
		own, err := tls.LoadX509KeyPair(r.tlsCert, r.tlsKey)
		if err != nil {
			return nil, fmt.Errorf("read the own certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	return cfg, nil
}

func (r *reach) token() (string, error) {
	if r.tokenFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(r.tokenFile)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	token := bytes.TrimSpace(text)
	if len(token) == 0 || len(token) > tokenBytesMax || bytes.ContainsAny(token, "\r\n") {
		return "", fmt.Errorf("%s does not hold a token on one line", r.tokenFile)
	}
	return string(token), nil
}

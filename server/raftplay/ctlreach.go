package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"raftplay/server/client"
	"raftplay/server/peer"
	"raftplay/server/token"
)

// reach is how a command finds its cluster and is let in.
type reach struct {
	endpoints []string
	timeout   time.Duration
	tls       peer.TLSFiles
	tokenFile string
}

const (
	endpointsVariable = "RAFTPLAY_ENDPOINTS"
	timeoutMax        = time.Hour
)

func (r *reach) addFlags(command *cobra.Command) {
	flags := command.PersistentFlags()
	flags.StringSliceVar(&r.endpoints, "endpoints", nil,
		"`host:port` of stores, with commas between; one is enough (default $"+endpointsVariable+", or what raftplay serve runs here)")
	flags.DurationVar(&r.timeout, "timeout", 5*time.Second, "how long to try")
	flags.StringVar(&r.tls.CA, "tls-ca", "", "speak TLS, to stores whose certificates the authorities in this `file` signed")
	flags.StringVar(&r.tls.Cert, "tls-cert", "", "a `file` with this client's certificate, for stores that want one")
	flags.StringVar(&r.tls.Key, "tls-key", "", "a `file` with the certificate's key")
	flags.StringVar(&r.tokenFile, "token-file", "", "a `file` that holds the token to show")
}

func (r *reach) check() error {
	switch {
	case r.timeout <= 0 || r.timeout > timeoutMax:
		return fmt.Errorf("--timeout must be more than 0s and at most %v, not %v", timeoutMax, r.timeout)
	case (r.tls.Cert == "") != (r.tls.Key == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case r.tls.Cert != "" && r.tls.CA == "":
		return errors.New("--tls-cert goes with --tls-ca, which says whom to trust")
	}
	return nil
}

// open returns a client of a cluster that has answered. Warnings go to words.
func (r *reach) open(ctx context.Context, words io.Writer) (*client.Client, error) {
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
	if r.tls.CA != "" {
		if cfg.TLS, err = peer.LoadClientTLS(r.tls); err != nil {
			return nil, &usageError{err}
		}
	}
	if r.tokenFile != "" {
		var warning string
		if cfg.Token, warning, err = token.ReadFile(r.tokenFile); err != nil {
			return nil, &usageError{err}
		}
		if warning != "" {
			fmt.Fprintf(words, "raftplay: %s\n", warning)
		}
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

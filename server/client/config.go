package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// Config is what a Client is opened with. What is 0 gets a default.
type Config struct {
	// Endpoints are host:port of stores; one that answers is enough, the others are found through it.
	Endpoints []string
	// TLS, when set, makes what one connection is opened with: how stores are authenticated, and this client to them. Nil:
	// plain text.
	TLS func() *tls.Config
	// Token is sent with every call, as `authorization: Bearer <token>`.
	Token string

	// AttemptTimeout is how long one store may take to answer before another one is asked. Default 2 s.
	AttemptTimeout time.Duration
	// ConnectTimeout is how long a store may take to say who it is. Default 2 s.
	ConnectTimeout time.Duration
	// BackoffMin and BackoffMax bound the waits between attempts, which double and are drawn by chance. Defaults 10 ms
	// and 500 ms.
	BackoffMin, BackoffMax time.Duration
	// SessionsMax is how many writes that name no client of their own are under way at a time. A region remembers 1,024
	// clients (store.Limits.ClientsRememberedMax); more sessions than that would forget each other. Default 512.
	SessionsMax int
	// InFlightMax is how many commands wait for one store's answer at a time. Default 1,000.
	InFlightMax int
}

const (
	endpointsMax   = 1000
	inFlightMost   = 4096
	answerBytesMax = 40 << 20 // of one message; a store's answers are smaller
)

func (c *Config) fill() error {
	orDefault(&c.AttemptTimeout, 2*time.Second)
	orDefault(&c.ConnectTimeout, 2*time.Second)
	orDefault(&c.BackoffMin, 10*time.Millisecond)
	orDefault(&c.BackoffMax, 500*time.Millisecond)
	orDefault(&c.SessionsMax, 512)
	orDefault(&c.InFlightMax, 1000)
	switch {
	case len(c.Endpoints) == 0:
		return errors.New("no endpoint: name a store as host:port")
	case len(c.Endpoints) > endpointsMax:
		return fmt.Errorf("%d endpoints; the most is %d", len(c.Endpoints), endpointsMax)
	case c.AttemptTimeout < time.Millisecond || c.ConnectTimeout < time.Millisecond:
		return errors.New("a store must be given at least 1 ms to answer")
	case c.BackoffMin < 0 || c.BackoffMax < c.BackoffMin:
		return fmt.Errorf("the waits between attempts cannot be from %v to %v", c.BackoffMin, c.BackoffMax)
	case c.SessionsMax < 1:
		return fmt.Errorf("there must be room for at least one session, not %d", c.SessionsMax)
	case c.InFlightMax < 1 || c.InFlightMax > inFlightMost:
		return fmt.Errorf("from 1 to %d commands may wait for a store's answer, not %d", inFlightMost, c.InFlightMax)
	}
	for i, endpoint := range c.Endpoints {
		host, port, err := net.SplitHostPort(endpoint)
		if err != nil || host == "" || port == "" {
			return fmt.Errorf("the endpoint %q is not host:port", endpoint)
		}
		if slices.Contains(c.Endpoints[:i], endpoint) {
			return fmt.Errorf("the endpoint %s is named twice", endpoint)
		}
	}
	return nil
}

func orDefault[T comparable](setting *T, value T) {
	if zero := *new(T); *setting == zero {
		*setting = value
	}
}

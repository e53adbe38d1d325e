package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// Client speaks to one cluster. It may be used from many goroutines.
type Client struct {
	cfg      Config
	routes   *routes
	sessions *pool
	ids      ids

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	// mixed: in the last round of asking, an endpoint was of another cluster. Nothing is sent until it no longer is.
	mixed atomic.Bool

	mu        sync.Mutex
	closed    bool
	clusterID uint64 // 0 before the first store has answered
	links     map[string]*link
	discovery *discovery
}

// Open returns a client of the cluster that the endpoints belong to. It speaks to nobody yet: Discover does, or the first
// command, so that a client may be there before its cluster.
func Open(cfg Config) (*Client, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, routes: newRoutes(), links: map[string]*link{}}
	c.sessions = newPool(c, cfg.SessionsMax)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Close ends every command and watch, and waits for the client's goroutines.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	var failed []error
	for _, l := range c.links { // closed: nobody adds one
		failed = append(failed, l.conn.Close())
	}
	c.work.Wait()
	return errors.Join(failed...)
}

// spawn runs work on a goroutine that Close waits for; false when the client is closed.
func (c *Client) spawn(work func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.work.Go(work)
	return true
}

// link returns the way to an address.
func (c *Client) link(address string) (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.links[address]; l != nil {
		return l, nil
	}
	switch {
	case c.closed:
		return nil, errClosed
	case len(c.links) >= linksMax:
		return nil, fmt.Errorf("connections to %d addresses are open already", len(c.links))
	}
	conn, err := c.dial(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	l := &link{c: c, address: address, conn: conn, slots: make(chan struct{}, c.cfg.InFlightMax)}
	c.links[address] = l
	return l, nil
}

// linksMax bounds the connections: addresses of stores that have moved stay open.
const linksMax = 2 * endpointsMax

// belongs checks that a store is of the cluster that the first one to answer was of.
func (c *Client) belongs(address string, clusterID uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clusterID == 0 {
		c.clusterID = clusterID
	}
	if c.clusterID != clusterID {
		return &ForeignCluster{Address: address, ClusterID: clusterID, Expected: c.clusterID}
	}
	return nil
}

// ClusterID is the cluster's, or 0 before the first store has answered.
func (c *Client) ClusterID() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clusterID
}

// discovery is one round of asking all stores, for all who wait for it.
type discovery struct {
	done chan struct{}
	err  error
	seen []described
}

// described is what a store said, or why it did not.
type described struct {
	address string
	answer  *rpcpb.DescribeResponse
	err     error
}

// stragglers is for how long those that have not answered are waited for, once a store has.
const stragglers = 300 * time.Millisecond

// Discover asks every store that is known which regions and stores there are. It fails when none answers, and when an
// endpoint belongs to another cluster than the rest.
func (c *Client) Discover(ctx context.Context) error {
	_, err := c.discover(ctx)
	return err
}

func (c *Client) discover(ctx context.Context) ([]described, error) {
	c.mu.Lock()
	d := c.discovery
	if d == nil {
		if c.closed {
			c.mu.Unlock()
			return nil, errClosed
		}
		d = &discovery{done: make(chan struct{})}
		c.discovery = d
		c.work.Go(func() { c.ask(d) })
	}
	c.mu.Unlock()
	select {
	case <-d.done:
		return d.seen, d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *Client) ask(d *discovery) {
	addresses := c.routes.addresses(c.cfg.Endpoints)
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.ConnectTimeout)
	defer cancel()
	answers := make(chan described, len(addresses))
	for _, address := range addresses {
		c.work.Go(func() { // ask is part of that work, so it has not ended
			l, err := c.link(address)
			seen := described{address: address, err: err}
			if err == nil {
				seen.answer, seen.err = l.describe(ctx)
			}
			answers <- seen
		})
	}
	var straggling <-chan time.Time
	for waited := false; len(d.seen) < len(addresses) && !waited; {
		select {
		case seen := <-answers:
			d.seen = append(d.seen, seen)
			if seen.err == nil && straggling == nil {
				straggling = time.After(stragglers)
			}
		case <-straggling:
			waited = true
		}
	}
	d.err = c.verdict(d.seen)
	c.mixed.Store(errors.As(d.err, new(*ForeignCluster)))
	c.mu.Lock()
	c.discovery = nil
	c.mu.Unlock()
	close(d.done)
}

// verdict is why a round of asking was of no use, or nil.
func (c *Client) verdict(seen []described) error {
	answered := false
	var failed error
	for _, s := range seen {
		var foreign *ForeignCluster
		if errors.As(s.err, &foreign) && c.isEndpoint(s.address) {
			return foreign
		}
		answered = answered || s.err == nil
		if s.err != nil && (failed == nil || lasting(s.err)) {
			failed = s.err
		}
	}
	if answered {
		return nil
	}
	return fmt.Errorf("no store answers: %w", failed)
}

func (c *Client) isEndpoint(address string) bool {
	for _, endpoint := range c.cfg.Endpoints {
		if endpoint == address {
			return true
		}
	}
	return false
}

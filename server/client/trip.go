package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	errorpb "raftplay/core/pb/errorpb/v1"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// Do carries out a command. It fills in the header what it lacks: the region by the command's first key, the region's epoch,
// and, for one that writes, a request id. It finds the leader and tries again until ctx ends; without a deadline, for ever.
// An answer is returned without a store's error in it; of a compare that did not hold, the answer tells. Errors are
// *NotApplied and *UnknownOutcome. The request is the caller's again when Do returns.
func (c *Client) Do(ctx context.Context, req *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
	if !raftcmdpb.Writes(req) || req.GetHeader().GetClient() != 0 {
		t := trip{c: c, req: req}
		return t.run(ctx)
	}
	s, err := c.sessions.take(ctx)
	if err != nil {
		return nil, &NotApplied{Cause: fmt.Errorf("%d writes are under way, the most at a time: %w", c.cfg.SessionsMax, err)}
	}
	defer c.sessions.put(s)
	return s.Do(ctx, req)
}

// trip is a command on its way from attempt to attempt.
type trip struct {
	c       *Client
	req     *raftcmdpb.RaftCommandRequest
	session *Session // nil: the header's client, if any
	// planned, when set, is the region for which the command was made; it is not carried out in any other shape.
	planned *metapb.Region

	began    time.Time
	response *raftcmdpb.RaftCommandResponse
	region   *metapb.Region // that the last attempt went to
	// uncertain: an attempt may have been applied, or may be yet.
	uncertain bool
	why       error          // of the last attempt's failure
	answer    *errorpb.Error // if that was a store's
	failed    uint64         // the store that could not serve last
	tries     int
	ended     error // the context's error
}

// step is what follows an attempt.
type step uint8

const (
	done   step = iota
	refuse      // no further attempt would do better
	again       // something was learned: try at once
	later       // try after a while
)

// hurriesMax bounds the attempts that follow each other without a wait.
const hurriesMax = 3

func (t *trip) run(ctx context.Context) (*raftcmdpb.RaftCommandResponse, error) {
	t.began = time.Now()
	wait, hurries := t.c.cfg.BackoffMin, 0
	for {
		next := t.attempt(ctx)
		switch {
		case next == done:
			return t.response, nil
		case next == refuse:
			return nil, t.fail()
		case ctx.Err() != nil:
			t.ended = ctx.Err()
			return nil, t.fail()
		case next == again && hurries < hurriesMax:
			hurries++
			continue
		}
		hurries = 0
		if err := t.c.sleep(ctx, wait/2+rand.N(wait/2+1)); err != nil {
			t.ended = err
			return nil, t.fail()
		}
		wait = min(2*wait, t.c.cfg.BackoffMax)
		t.failed = 0 // it may serve again
	}
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return errClosed
	}
}

// fail is the command's error.
func (t *trip) fail() error {
	waited := time.Since(t.began)
	cause := t.why
	if t.ended != nil {
		cause = &gaveUp{after: waited, last: t.why, ended: t.ended}
	}
	if !t.uncertain {
		return &NotApplied{Answer: t.answer, Cause: cause}
	}
	h := t.header()
	if t.why != nil {
		cause = t.why
		if t.ended != nil {
			cause = &both{t.why, t.ended}
		}
	}
	return &UnknownOutcome{Waited: waited, Client: h.Client, Sequence: h.Sequence, Cause: cause}
}

// gaveUp is the end of a context, with what was met before.
type gaveUp struct {
	after       time.Duration
	last, ended error
}

func (g *gaveUp) Error() string {
	if g.last == nil {
		return fmt.Sprintf("no answer within %v", g.after.Round(time.Millisecond))
	}
	return fmt.Sprintf("gave up after %v: %v", g.after.Round(time.Millisecond), g.last)
}

func (g *gaveUp) Unwrap() []error {
	if g.last == nil {
		return []error{g.ended}
	}
	return []error{g.last, g.ended}
}

// both reads as the first error, and is the second as well.
type both struct{ words, also error }

func (b *both) Error() string   { return b.words.Error() }
func (b *both) Unwrap() []error { return []error{b.words, b.also} }

// attempt sends the command once.
func (t *trip) attempt(ctx context.Context) step {
	p, storeID, err := t.target(ctx)
	if err != nil {
		return t.missed(ctx, err)
	}
	t.region = p.region
	address := t.c.routes.address(storeID)
	if address == "" {
		if err := t.c.Discover(ctx); err != nil {
			return t.missed(ctx, err)
		}
		if address = t.c.routes.address(storeID); address == "" {
			t.failed = storeID
			return t.missed(ctx, fmt.Errorf("nobody knows the address of S%d", storeID))
		}
	}
	l, err := t.c.link(address)
	if err != nil {
		return t.missed(ctx, err)
	}
	timeout := t.c.cfg.AttemptTimeout
	if deadline, has := ctx.Deadline(); has {
		timeout = max(min(timeout, time.Until(deadline)), time.Millisecond)
	}
	answer, sent, err := l.call(ctx, t.addressed(p.region), timeout)
	if err == nil {
		return t.judge(p, storeID, answer)
	}
	t.uncertain = t.uncertain || sent && raftcmdpb.Changes(t.req)
	t.unserved(p, storeID)
	return t.missed(ctx, err)
}

// missed notes why an attempt came to nothing. That the caller stops waiting says less than what was met before.
func (t *trip) missed(ctx context.Context, err error) step {
	if ctx.Err() != nil && t.why != nil {
		return later
	}
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		t.why, t.answer = err, nil
	}
	if errors.Is(err, errReshaped) || lasting(err) || errors.As(err, new(*misfit)) {
		return refuse
	}
	return again
}

// unserved notes that a store could not serve a region: another one is asked next.
func (t *trip) unserved(p place, storeID uint64) {
	t.failed = storeID
	if p.leader == storeID {
		t.c.routes.setLeader(p.region.GetId(), 0)
	}
}

// header is the header of the next attempt, without its region.
func (t *trip) header() *raftcmdpb.RequestHeader {
	given := t.req.GetHeader()
	h := &raftcmdpb.RequestHeader{Client: given.GetClient(), Sequence: given.GetSequence(), ReadMode: given.GetReadMode()}
	if t.session != nil {
		h.Client, h.Sequence = t.session.id, t.session.sequence
	}
	return h
}

// addressed is the command as a region's store gets it.
func (t *trip) addressed(region *metapb.Region) *raftcmdpb.RaftCommandRequest {
	h := t.header()
	h.RegionId, h.RegionEpoch = region.GetId(), region.GetRegionEpoch()
	if given := t.req.GetHeader().GetRegionEpoch(); given != nil {
		h.RegionEpoch = given
	}
	return &raftcmdpb.RaftCommandRequest{
		Header: h, Requests: t.req.GetRequests(), Compares: t.req.GetCompares(), Status: t.req.GetStatus(), Admin: t.req.GetAdmin(),
	}
}

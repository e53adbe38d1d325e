package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// Session is one client id and its sequence: what makes a retry known for what it is. A region remembers the last
// sequence of each client, so a session has one write under way at a time; others wait for it.
type Session struct {
	c    *Client
	turn chan struct{} // holds a token while a write is under way

	id, sequence uint64
}

// NewSession returns a session of its own. Do without one takes one from a pool.
func (c *Client) NewSession() *Session {
	return &Session{c: c, turn: make(chan struct{}, 1), id: c.ids.next(0)}
}

// Do is Client.Do with the session's request id, if the command writes.
func (s *Session) Do(ctx context.Context, req *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, &NotApplied{Cause: ctx.Err()}
	}
	t := trip{c: s.c, req: req}
	if raftcmdpb.Writes(req) {
		s.sequence++
		t.session = s
	}
	return t.run(ctx)
}

// renew makes a session a new client, with an id above a floor.
func (s *Session) renew(floor uint64) { s.id, s.sequence = s.c.ids.next(floor), 1 }

// pool holds sessions for those who bring none. The one that was put back last goes out first, so that no more clients
// write than have to: a region remembers a bounded number.
type pool struct {
	c     *Client
	slots chan struct{} // a token for each session that is out
	mu    sync.Mutex
	idle  []*Session
}

func newPool(c *Client, max int) *pool { return &pool{c: c, slots: make(chan struct{}, max)} }

func (p *pool) take(ctx context.Context) (*Session, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s, nil
	}
	return p.c.NewSession(), nil
}

func (p *pool) put(s *Session) {
	p.mu.Lock()
	p.idle = append(p.idle, s)
	p.mu.Unlock()
	<-p.slots
}

// ids makes client ids: they grow with time, and hardly anybody else makes the same. Above randomBits is a clock of 1/16 s
// since 1970, which lasts for 136 years; below it chance, drawn once for all ids of one moment, which follow each other.
type ids struct {
	mu   sync.Mutex
	last uint64
}

const (
	randomBits = 28
	clockStep  = time.Second / 16
)

// next returns an id above floor and above all before it. A floor that is ahead of the clock is told to many, so that what
// is taken above it is drawn by chance as well.
func (i *ids) next(floor uint64) uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	moment := uint64(time.Now().UnixNano()) / uint64(clockStep)
	id := i.last + 1
	if id <= floor || id>>randomBits < moment {
		var drawn [8]byte
		_, _ = rand.Read(drawn[:]) // never fails
		chance := binary.LittleEndian.Uint64(drawn[:]) >> (64 - randomBits)
		id = max(id, moment<<randomBits|chance)
		if floor >= moment<<randomBits {
			id = max(id, floor+1+chance)
		}
	}
	i.last = id
	return id
}

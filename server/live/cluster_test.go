package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// scripted is a cluster whose stores tell what a test has them tell.
type scripted struct {
	mu      sync.Mutex
	ids     []uint64
	down    map[uint64]error
	streams map[uint64]*scriptedStream // the newest of each store
	lives   map[uint64]uint64
	shows   int
	opened  int
	state   func(id uint64) *sessionpb.StoreState
	do      func(ctx context.Context, storeID uint64, r *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error)
	deeds   []string
	counted map[uint64]*rpcpb.StoreMetrics // what a store says each second
	rates   map[uint64]uint64              // and how many more events each time
}

func newScripted(ids ...uint64) *scripted {
	return &scripted{
		ids: ids, down: map[uint64]error{}, streams: map[uint64]*scriptedStream{}, lives: map[uint64]uint64{},
		counted: map[uint64]*rpcpb.StoreMetrics{}, rates: map[uint64]uint64{},
		state: func(id uint64) *sessionpb.StoreState {
			return &sessionpb.StoreState{Id: id, Up: true, Peers: []*sessionpb.PeerState{{
				Region: &metapb.Region{Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}, PeerId: 100 + id, Term: 6,
			}}}
		},
		do: func(context.Context, uint64, *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
			return &raftcmdpb.RaftCommandResponse{}, nil
		},
	}
}

func (c *scripted) Stores(context.Context) ([]*rpcpb.StoreAddress, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*rpcpb.StoreAddress
	for _, id := range c.ids {
		list = append(list, &rpcpb.StoreAddress{StoreId: id, Address: "127.0.0.1:1"})
	}
	return list, nil
}

func (c *scripted) Watch(_ context.Context, id uint64) (Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.down[id]; err != nil {
		return nil, err
	}
	s := &scriptedStream{c: c, id: id, out: make(chan *rpcpb.WatchResponse, 4_096), closed: make(chan struct{})}
	c.streams[id] = s
	c.opened++
	if c.lives[id] == 0 {
		c.lives[id] = 1
	}
	s.out <- &rpcpb.WatchResponse{
		Hello: &rpcpb.WatchHello{
			ClusterId: 7, StoreId: id, Incarnation: c.lives[id], Version: "0.1.0-test",
			Timing: &rpcpb.RaftTiming{BaseTickMicros: 100_000, HeartbeatTicks: 3, ElectionTicksMin: 15, PreVote: true, CheckQuorum: true},
		},
		Seen: []*rpcpb.Seen{s.picture(0, 0)},
	}
	return s, nil
}

func (c *scripted) Do(ctx context.Context, id uint64, r *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
	c.mu.Lock()
	do := c.do
	c.deeds = append(c.deeds, "do")
	c.mu.Unlock()
	return do(ctx, id, r)
}

func (c *scripted) deed(what string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deeds = append(c.deeds, what)
	return nil
}

func (c *scripted) Crash(uint64) error            { return c.deed("crash") }
func (c *scripted) Restart(uint64) error          { return c.deed("restart") }
func (c *scripted) Cut(l []*sessionpb.Link) error { return c.deed("cut") }

func (c *scripted) showsAsked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shows
}

func (c *scripted) done() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.deeds)
}

// tell has a store tell something now.
func (c *scripted) tell(id uint64, seen ...*rpcpb.Seen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[id]
	for _, each := range seen {
		each.Event.TimeMicros = time.Now().UnixMicro()
	}
	s.out <- &rpcpb.WatchResponse{Seen: seen}
}

func (c *scripted) measure(id uint64, m *rpcpb.StoreMetrics) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted[id] = m
	c.streams[id].out <- &rpcpb.WatchResponse{Metrics: m}
}

// busy has stores count so many events a second from now on, the first store's first.
func (c *scripted) busy(perSecond ...uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, n := range perSecond {
		c.rates[c.ids[i]] = n
	}
}

// fail breaks a store's stream, and every later one until it is mended.
func (c *scripted) fail(id uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down[id] = err
	close(c.streams[id].out)
	delete(c.streams, id)
}

func (c *scripted) mend(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.down, id)
	c.lives[id]++
}

type scriptedStream struct {
	c      *scripted
	id     uint64
	out    chan *rpcpb.WatchResponse
	ending sync.Once
	closed chan struct{}
	limit  uint32
	rest   time.Duration
}

func (s *scriptedStream) picture(show, leftOut uint64) *rpcpb.Seen {
	return &rpcpb.Seen{Show: show, Event: &sessionpb.Event{TimeMicros: time.Now().UnixMicro(), Body: &sessionpb.Event_StoreShown{
		StoreShown: &sessionpb.StoreShown{Store: s.c.state(s.id), EventsLeftOut: leftOut}}}}
}

func (s *scriptedStream) Recv() (*rpcpb.WatchResponse, error) {
	select {
	case r, ok := <-s.out:
		if !ok {
			s.c.mu.Lock()
			defer s.c.mu.Unlock()
			return nil, s.c.down[s.id]
		}
		return r, nil
	case <-s.closed:
		return nil, errors.New("the stream was closed")
	}
}

func (s *scriptedStream) Show(n uint64) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.shows++
	select {
	case s.out <- &rpcpb.WatchResponse{Seen: []*rpcpb.Seen{s.picture(n, 0)}}:
	default:
	}
	return nil
}

func (s *scriptedStream) Pace(perSecond uint32, rest time.Duration) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.limit, s.rest = perSecond, rest
	return nil
}

func (s *scriptedStream) Close() { s.ending.Do(func() { close(s.closed) }) }

// heartbeat has every store say something once a second, as real ones do, until the test ends.
func (c *scripted) heartbeat(t *testing.T) {
	ctx := t.Context()
	go func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			c.mu.Lock()
			for id, s := range c.streams {
				if c.down[id] == nil {
					if c.counted[id] == nil {
						c.counted[id] = &rpcpb.StoreMetrics{}
					}
					if n := c.rates[id]; n > 0 {
						c.counted[id] = proto.CloneOf(c.counted[id])
						c.counted[id].Events += n
					}
					select {
					case s.out <- &rpcpb.WatchResponse{Metrics: c.counted[id]}:
					default:
					}
				}
			}
			c.mu.Unlock()
		}
	}()
}

// watcher is a viewer that folds what it is given and looks whether the protocol is kept.
type watcher struct {
	t       *testing.T
	s       *Session
	fold    *fold
	seq     uint64
	hello   *sessionpb.Hello
	said    []string
	replies map[uint64]*sessionpb.Reply
	flying  map[uint64]bool
	missed  uint64
	keys    int // keyframes
	metrics []*sessionpb.MetricsPoint
	status  *sessionpb.Status
	closed  string
	// strict: a keyframe that leaves nothing out must be what the events told.
	strict   bool
	compared int
}

// compare looks whether a keyframe is what the events before it told.
func (w *watcher) compare(k *sessionpb.Keyframe) {
	w.t.Helper()
	w.compared++
	for _, s := range k.Stores {
		if told, is := plainStore(w.fold.store(s.Id)), plainStore(s); !proto.Equal(told, is) {
			w.t.Errorf("S%d was told as\n%v\nand is\n%v", s.Id, told, is)
		}
	}
	if len(k.Messages) != len(w.flying) {
		w.t.Errorf("%d messages are under way, and the keyframe has %d", len(w.flying), len(k.Messages))
	}
	for _, m := range k.Messages {
		if !w.flying[m.Id] {
			w.t.Errorf("message %d was not told of", m.Id)
		}
	}
}

func attach(t *testing.T, g *Gateway, role sessionpb.ViewerRole, of *sessionpb.Interest) *watcher {
	t.Helper()
	s, err := g.Open(role, &sessionpb.Attach{ProtocolVersion: ProtocolVersion, Interest: of})
	if err != nil {
		t.Fatal(err)
	}
	return &watcher{t: t, s: s, replies: map[uint64]*sessionpb.Reply{}}
}

// ask sends a request and takes in the frame.
func (w *watcher) ask(commands ...*sessionpb.Command) *sessionpb.Frame {
	w.t.Helper()
	f := w.s.Handle(w.t.Context(), &sessionpb.Request{Commands: commands})
	w.take(f)
	return f
}

func (w *watcher) take(f *sessionpb.Frame) {
	w.t.Helper()
	if f.Hello != nil {
		w.hello = f.Hello
	} else if w.hello == nil {
		w.t.Error("the first frame has no hello")
	}
	if k := f.Keyframe; k != nil {
		if k.Seq != w.seq {
			w.t.Errorf("a keyframe is of event %d, after event %d", k.Seq, w.seq)
		}
		w.keys++
		if w.strict && w.fold != nil && f.Gap == nil {
			w.compare(k)
		}
		w.fold, w.flying = newFold(), map[uint64]bool{}
		for _, state := range k.Stores {
			w.fold.put(state)
		}
		for _, m := range k.Messages {
			w.flying[m.Id] = true
		}
	}
	w.missed += f.Gap.GetEvents()
	for _, e := range f.Events {
		if w.fold == nil {
			w.t.Fatal("events come before the keyframe")
		}
		if w.seq++; e.Seq != w.seq {
			w.t.Errorf("event %d follows event %d", e.Seq, w.seq-1)
			w.seq = e.Seq
		}
		w.fold.apply(e)
		w.said = append(w.said, words(&sessionpb.Event{StoreId: e.StoreId, Body: e.Body}))
		switch b := e.Body.(type) {
		case *sessionpb.Event_MessageSent:
			w.flying[b.MessageSent.Message.Id] = true
		case *sessionpb.Event_MessageDelivered:
			if !w.flying[b.MessageDelivered.Id] {
				w.t.Errorf("message %d arrives and was never sent", b.MessageDelivered.Id)
			}
			delete(w.flying, b.MessageDelivered.Id)
		case *sessionpb.Event_MessageLost:
			delete(w.flying, b.MessageLost.Id)
		}
	}
	for _, r := range f.Replies {
		w.replies[r.CommandId] = r
	}
	w.metrics = append(w.metrics, f.Metrics...)
	w.status = f.Status
	w.closed = f.Closed
	if w.closed == "" && w.status.GetSeq() != w.seq {
		w.t.Errorf("the status is of event %d, not of %d", w.status.GetSeq(), w.seq)
	}
}

// askFor asks until some time has passed.
func (w *watcher) askFor(d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end) && w.closed == ""; {
		w.ask()
	}
}

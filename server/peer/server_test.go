package peer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	raftserverpb "raftplay/core/pb/raftserverpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// A line that is refused shows the sentence, and both sides log it once while it is tried again and again.
func TestAStoreIsToldWhyItIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		id      uint64 // of who speaks
		to      uint64 // whom it believes at the other end, which is S2 of cluster 7
		differs setup
		want    string
	}{
		"of another cluster": {1, 2, setup{cluster: 8}, "this is a store of cluster 7, not of cluster 8"},
		"for another store":  {1, 3, setup{}, "this is S2, not S3"},
		"in an older life":   {4, 2, setup{incarnation: 4, address: "b:1"}, `S4 has started again since: it is in its life 5 at "a:1", and this is life 4 at "b:1"`},
		"twice in one life":  {4, 2, setup{incarnation: 5, address: "b:1"}, `S4 is two processes: its life 5 is at "a:1" and at "b:1"`},
	} {
		t.Run(name, func(t *testing.T) {
			two := newStation(t, 2, setup{})
			raw := dial(t, two)
			_, err := raw.say(&rpcpb.Envelope{ClusterId: 7, FromStore: 4, ToStore: 2, FromIncarnation: 5, FromAddress: "a:1"})
			must(t, err)
			c.differs.known, c.differs.limits = map[uint64]string{c.to: two.address}, quick()
			one := newStation(t, c.id, c.differs)
			until(t, "it is refused three times", func() bool { return two.server.Stats().Refused >= 3 })
			line := one.line(c.to)
			if line.Connected || line.Connects != 0 || line.LastError != c.want {
				t.Errorf("the line stands at %+v, not at %q", line, c.want)
			}
			err = one.transport.Send(c.to, message(c.id, c.to, 1, 0))
			if want := fmt.Sprintf("S%d is not connected: %s", c.to, c.want); err == nil || err.Error() != want {
				t.Errorf("a message is refused: %v", err)
			}
			if here, there := one.log.count(c.want), two.log.count(c.want); here != 1 || there != 1 {
				t.Errorf("it was logged %d times by the one and %d times by the other", here, there)
			}
		})
	}
}

// raw speaks as no transport would.
type raw struct {
	t     testing.TB
	ctx   context.Context
	peers rpcpb.PeerServiceClient
}

func dial(t testing.TB, to *station) raw {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+to.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return raw{t, ctx, rpcpb.NewPeerServiceClient(conn)}
}

// say opens a stream, sends parcels, ends it, and gives the answer.
func (r raw) say(e *rpcpb.Envelope, parcels ...*rpcpb.Parcel) (*rpcpb.SendResponse, error) {
	stream, err := r.peers.Send(r.ctx)
	must(r.t, err)
	must(r.t, stream.Send(&rpcpb.SendRequest{Envelope: e, Parcels: parcels}))
	return stream.CloseAndRecv()
}

func good() *rpcpb.Envelope {
	return &rpcpb.Envelope{ClusterId: testCluster, FromStore: 1, ToStore: 2, FromIncarnation: 1, FromAddress: "a:1"}
}

func TestAnEnvelopeThatCannotBeIsRefused(t *testing.T) {
	two := newStation(t, 2, setup{})
	r := dial(t, two)
	for want, spoil := range map[string]func(*rpcpb.Envelope) *rpcpb.Envelope{
		"the stream does not say who speaks":            func(*rpcpb.Envelope) *rpcpb.Envelope { return nil },
		"a store has an id, and this stream is of none": func(e *rpcpb.Envelope) *rpcpb.Envelope { e.FromStore = 0; return e },
		"S2 does not speak to itself: another process has its id, or its own address is in its list": func(e *rpcpb.Envelope) *rpcpb.Envelope {
			e.FromStore = 2
			return e
		},
		"S1 does not say which of its lives it is in": func(e *rpcpb.Envelope) *rpcpb.Envelope { e.FromIncarnation = 0; return e },
		"the address of S1 is longer than 300 bytes": func(e *rpcpb.Envelope) *rpcpb.Envelope {
			e.FromAddress = strings.Repeat("a", 301)
			return e
		},
	} {
		_, err := r.say(spoil(good()), message(1, 2, 1, 0))
		if status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	if two.inbox.len() != 0 {
		t.Errorf("%d messages came of streams that were refused", two.inbox.len())
	}
}

func TestAStreamMustSaySoonWhoSpeaks(t *testing.T) {
	two := newStation(t, 2, setup{serverLimits: Limits{ConnectTimeout: 10 * time.Millisecond}})
	stream, err := dial(t, two).peers.Send(context.Background())
	must(t, err)
	err = stream.RecvMsg(&rpcpb.SendResponse{})
	if want := "the stream did not say within 10ms who speaks"; status.Convert(err).Message() != want {
		t.Errorf("%v, not %s", err, want)
	}
}

// spoilt are messages that must not reach store 2 on a stream of store 1.
func spoilt() map[string]*rpcpb.Parcel {
	change := func(spoil func(*rpcpb.Parcel)) *rpcpb.Parcel {
		p := message(1, 2, 1, 10)
		spoil(p)
		return p
	}
	return map[string]*rpcpb.Parcel{
		"it has no number":                    change(func(p *rpcpb.Parcel) { p.Id = 0 }),
		"it is empty":                         change(func(p *rpcpb.Parcel) { p.Message = nil }),
		"it has 2033 bytes":                   message(1, 2, 1, 2_000),
		"it is of S3, on a stream of S1":      message(3, 2, 1, 0),
		"it is of S0, on a stream of S1":      change(func(p *rpcpb.Parcel) { p.Message.FromPeer = nil }),
		"it is for S3, and this is S2":        message(1, 3, 1, 0),
		"it says nothing":                     change(func(p *rpcpb.Parcel) { p.Message.Message = nil }),
		"it says two things":                  change(func(p *rpcpb.Parcel) { p.Message.Extra = &raftserverpb.RaftMessage_Sleep{} }),
		"chunks of snapshots have a stream":   chunk(1, 2, 1, 0),
		"its raft message does not parse":     change(func(p *rpcpb.Parcel) { p.Message.Message = []byte{0x0a, 0xff} }),
		"its raft message does not parse too": change(func(p *rpcpb.Parcel) { p.Message.Message = []byte{0} }),
	}
}

func TestBadMessagesAreDroppedAndCounted(t *testing.T) {
	two := newStation(t, 2, setup{serverLimits: Limits{MessageBytesMax: 1_000}})
	r := dial(t, two)
	bad := uint64(0)
	for want, p := range spoilt() {
		if _, err := r.say(good(), p, message(1, 2, 77, 0)); err != nil {
			t.Errorf("%s: the stream ended: %v", want, err)
		}
		bad++
		if n := two.log.count(strings.TrimSuffix(want, " too")); n == 0 {
			t.Errorf("it was not logged that %s: %q", want, two.log.lines)
		}
		if s := two.server.Stats(); s.Invalid != bad || s.Taken != bad {
			t.Errorf("%s: counted %+v", want, s)
		}
	}
	if got := slices.Compact(two.inbox.ids(1)); !slices.Equal(got, []uint64{77}) {
		t.Errorf("the inbox was given %v", got)
	}
}

func TestMessagesOnTheStreamOfChunksAreDropped(t *testing.T) {
	two := newStation(t, 2, setup{})
	stream, err := dial(t, two).peers.SendSnapshot(context.Background())
	must(t, err)
	must(t, stream.Send(&rpcpb.SendSnapshotRequest{Envelope: good()}))
	must(t, stream.Send(&rpcpb.SendSnapshotRequest{Parcel: message(1, 2, 1, 0)}))
	must(t, stream.Send(&rpcpb.SendSnapshotRequest{Parcel: chunk(1, 2, 2, 0)}))
	_, err = stream.CloseAndRecv()
	must(t, err)
	if got := two.inbox.ids(1); !slices.Equal(got, []uint64{2}) {
		t.Errorf("the inbox was given %v", got)
	}
}

func TestEndlessBadMessagesEndTheStream(t *testing.T) {
	for name, request := range map[string]*rpcpb.SendRequest{
		"that it is of S3, on a stream of S1": {Parcels: []*rpcpb.Parcel{message(3, 2, 1, 0)}},
		"that the request is empty":           {},
	} {
		two := newStation(t, 2, setup{})
		stream, err := dial(t, two).peers.Send(context.Background())
		must(t, err)
		must(t, stream.Send(&rpcpb.SendRequest{Envelope: good()}))
		for err == nil {
			err = stream.Send(request)
		}
		err = stream.RecvMsg(&rpcpb.SendResponse{})
		want := "more than 100 messages of this stream are invalid; the last one: " + strings.TrimPrefix(name, "that ")
		if status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != want {
			t.Errorf("%v, not %s", err, want)
		}
		if s := two.server.Stats(); s.Invalid != invalidMax+1 {
			t.Errorf("counted %+v", s)
		}
		if n := two.log.count("dropped"); n != 1 {
			t.Errorf("it was logged %d times", n)
		}
	}
}

func TestARequestHoldsSoManyMessages(t *testing.T) {
	two := newStation(t, 2, setup{})
	_, err := dial(t, two).say(good(), make([]*rpcpb.Parcel, requestMessagesMax+1)...)
	if want := "a request holds 4097 messages, and at most 4096 are taken"; status.Convert(err).Message() != want {
		t.Errorf("%v, not %s", err, want)
	}
}

func TestAMessageTooLargeForTheServerEndsTheLineWithASentence(t *testing.T) {
	two := newStation(t, 2, setup{serverLimits: Limits{MessageBytesMax: 1_000, BatchBytesMax: 1_000}})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	one.awaitConnected(2)
	must(t, one.transport.Send(2, message(1, 2, 1, 1<<20)))
	until(t, "the line broke", func() bool { return strings.Contains(one.line(2).LastError, "larger than max") })
	<-one.unreachable
	until(t, "messages go again", func() bool {
		_ = one.transport.Send(2, message(1, 2, 2, 0))
		return two.inbox.has(1, 2)
	})
	if two.inbox.has(1, 1) {
		t.Error("a message came that is too large")
	}
}

func TestANewerLifeEndsTheStreamsOfTheOlder(t *testing.T) {
	two := newStation(t, 2, setup{})
	old := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	old.awaitConnected(2)
	newer := newStation(t, 1, setup{incarnation: 2, known: map[uint64]string{2: two.address}})
	newer.awaitConnected(2)
	_ = old.transport.Send(2, message(1, 2, 1, 0))
	until(t, "the older one is told", func() bool {
		return strings.HasPrefix(old.line(2).LastError, "S1 has started again since: ")
	})
	must(t, newer.transport.Send(2, message(1, 2, 2, 0)))
	until(t, "the newer one is heard", func() bool { return two.inbox.has(1, 2) })
	if two.inbox.has(1, 1) {
		t.Error("a message of the older life came after the newer had spoken")
	}
}

func TestAServerHearsSoManyStores(t *testing.T) {
	two := newStation(t, 2, setup{serverLimits: Limits{StoresMax: 3}})
	r := dial(t, two)
	for id := range uint64(10) {
		e := good()
		e.FromStore = 10 + id
		_, err := r.say(e)
		want := ""
		if id >= 3 {
			want = fmt.Sprintf("S%d is one store too many: at most 3 are heard", e.FromStore)
		}
		if got := status.Convert(err); err != nil && got.Message() != want || err == nil && want != "" {
			t.Errorf("S%d: %v, not %s", e.FromStore, err, want)
		}
	}
	if n := two.log.count("one store too many"); n != 3 {
		t.Errorf("strangers were logged %d times", n)
	}
}

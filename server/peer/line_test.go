package peer

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func TestEachStoreGetsItsMessagesInTheirOrder(t *testing.T) {
	const messages = 2_000
	two, three := newStation(t, 2, setup{}), newStation(t, 3, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address, 3: three.address}})
	one.awaitConnected(2)
	one.awaitConnected(3)
	var want []uint64
	for id := range uint64(messages) {
		want = append(want, id+1)
		must(t, one.transport.Send(2, message(1, 2, id+1, 10)))
		must(t, one.transport.Send(3, message(1, 3, id+1, 10)))
	}
	for _, st := range []*station{two, three} {
		until(t, "all messages came", func() bool { return st.inbox.len() == messages })
		if got := st.inbox.ids(1); !slices.Equal(got, want) {
			t.Errorf("S%d got its messages in the order %v", st.id, got)
		}
		until(t, "they are counted", func() bool { return one.line(st.id).Sent == messages })
	}
	if line := one.line(2); line.Dropped != 0 || line.Connects != 1 || line.Waiting != 0 {
		t.Errorf("the line stands at %+v", line)
	}
}

func TestWhatArrivesCarriesItsSendersLife(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{incarnation: 9, known: map[uint64]string{2: two.address}})
	one.awaitConnected(2)
	must(t, one.transport.Send(2, message(1, 2, 1, 0)))
	until(t, "it came", func() bool { return two.inbox.has(1, 1) })
	if a := two.inbox.came[0]; a.from != 1 || a.incarnation != 9 {
		t.Errorf("it came from S%d in its life %d", a.from, a.incarnation)
	}
}

// counter counts the messages of each request that a server receives.
type counter struct {
	mu       sync.Mutex
	requests []int
}

func (c *counter) intercept(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, counted{stream, c})
}

type counted struct {
	grpc.ServerStream
	counter *counter
}

func (s counted) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if request, ok := m.(*rpcpb.SendRequest); ok && err == nil && len(request.GetParcels()) > 0 {
		s.counter.mu.Lock()
		defer s.counter.mu.Unlock()
		s.counter.requests = append(s.counter.requests, len(request.GetParcels()))
	}
	return err
}

func TestWhatWaitsTravelsTogether(t *testing.T) {
	const messages, messageBytes, batchMax = 200, 64 << 10, 8
	requests := &counter{}
	two := newStation(t, 2, setup{options: []grpc.ServerOption{grpc.StreamInterceptor(requests.intercept)}})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: Limits{BatchMessagesMax: batchMax}})
	one.awaitConnected(2)
	open := two.inbox.shut(t, false)
	for id := range uint64(messages) {
		must(t, one.transport.Send(2, message(1, 2, id+1, messageBytes)))
	}
	if one.line(2).Waiting < messages/4 {
		t.Fatalf("only %d messages wait for a store that takes none", one.line(2).Waiting)
	}
	open()
	until(t, "all messages came", func() bool { return two.inbox.len() == messages })
	requests.mu.Lock()
	defer requests.mu.Unlock()
	if most := slices.Max(requests.requests); most != batchMax {
		t.Errorf("the largest request held %d messages, not %d: %v", most, batchMax, requests.requests)
	}
}

func TestABatchKeepsToItsBytes(t *testing.T) {
	q := newQueue(10, 1_000)
	q.set(true)
	for id := range uint64(5) {
		q.add(&rpcpb.Parcel{Id: id + 1}, 40)
	}
	q.add(&rpcpb.Parcel{Id: 6}, 500)
	var sizes []int
	for batch := q.take(10, 100); batch != nil; batch = q.take(10, 100) {
		sizes = append(sizes, len(batch))
	}
	if !slices.Equal(sizes, []int{2, 2, 1, 1}) {
		t.Errorf("batches of %v messages", sizes)
	}
	if messages, bytes := q.waiting(); messages != 0 || bytes != 0 {
		t.Errorf("%d messages of %d bytes are left", messages, bytes)
	}
}

func TestAStoreThatWasDownIsReachedAgain(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	one.awaitConnected(2)
	two.stop()
	if lost := <-one.unreachable; lost != 2 {
		t.Fatalf("S%d is unreachable", lost)
	}
	until(t, "nobody listens", func() bool { return strings.Contains(one.line(2).LastError, "refused") })
	err := one.transport.Send(2, message(1, 2, 1, 0))
	if err == nil || !strings.HasPrefix(err.Error(), "S2 is not connected: dial tcp 127.0.0.1:") {
		t.Errorf("a message for a store that is down: %v", err)
	}
	// It says so once, however often it tries.
	if n := one.log.count("connection refused"); n != 1 {
		t.Errorf("it was logged %d times: %q", n, one.log.lines)
	}
	two.serve(setup{listen: two.address})
	one.awaitConnected(2)
	must(t, one.transport.Send(2, message(1, 2, 2, 0)))
	until(t, "the message came", func() bool { return two.inbox.has(1, 2) })
	if line := one.line(2); line.Connects != 2 || line.Dropped != 1 {
		t.Errorf("the line stands at %+v", line)
	}
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	two := newStation(t, 2, setup{})
	limits := quick()
	limits.QueueMessagesMax, limits.QueueBytesMax = 50, 10<<20
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: limits})
	one.awaitConnected(2)
	open := two.inbox.shut(t, false)
	var taken []uint64
	var refused error
	for id := uint64(1); refused == nil && id < 10_000; id++ {
		if refused = one.transport.Send(2, message(1, 2, id, 64<<10)); refused == nil {
			taken = append(taken, id)
		}
	}
	if refused == nil || !strings.HasPrefix(refused.Error(), "the queue for S2 is full: ") {
		t.Fatalf("after %d messages: %v", len(taken), refused)
	}
	if lost := <-one.unreachable; lost != 2 {
		t.Errorf("S%d is unreachable", lost)
	}
	open()
	until(t, "what was taken came", func() bool { return two.inbox.len() == len(taken) })
	if got := two.inbox.ids(1); !slices.Equal(got, taken) {
		t.Errorf("%v was taken, %v came", taken, got)
	}
}

func TestAQueueIsBoundedInBytes(t *testing.T) {
	q := newQueue(100, 1_000)
	q.set(true)
	for want, bytes := range []int{900, 101, 100} {
		got := q.add(&rpcpb.Parcel{}, bytes)
		if full := want == 1; (got == refusedFull) != full {
			t.Errorf("%d bytes more: %d", bytes, got)
		}
	}
}

func TestASlowStoreHoldsUpNoOther(t *testing.T) {
	two, three := newStation(t, 2, setup{}), newStation(t, 3, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address, 3: three.address}, limits: quick()})
	one.awaitConnected(2)
	one.awaitConnected(3)
	two.inbox.shut(t, false)
	var full error
	for id := uint64(1); full == nil; id++ {
		full = one.transport.Send(2, message(1, 2, id, 256<<10))
	}
	for id := range uint64(100) {
		must(t, one.transport.Send(3, message(1, 3, id+1, 10)))
	}
	until(t, "S3 has its messages", func() bool { return three.inbox.len() == 100 })
	if two.inbox.len() != 0 {
		t.Errorf("S2 took %d messages", two.inbox.len())
	}
}

func TestSnapshotsHoldUpNoHeartbeat(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	one.awaitConnected(2)
	open := two.inbox.shut(t, true)
	var full error
	chunks := uint64(0)
	for id := uint64(1); full == nil; id++ {
		if full = one.transport.Send(2, chunk(1, 2, id, 1<<20)); full == nil {
			chunks = id
		}
	}
	if !strings.HasPrefix(full.Error(), "the queue for S2 is full: ") {
		t.Errorf("one chunk too many: %v", full)
	}
	for id := range uint64(100) {
		must(t, one.transport.Send(2, message(1, 2, 1_000+id, 10)))
		until(t, "the heartbeat came", func() bool { return two.inbox.has(1, 1_000+id) })
	}
	open()
	until(t, "the chunks came", func() bool { return two.inbox.len() == 100+int(chunks) })
	if got := two.inbox.ids(1)[100:]; !slices.IsSorted(got) {
		t.Errorf("chunks came in the order %v", got)
	}
}

func TestABrokenStreamOfSnapshotsLeavesTheMessagesAlone(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	one.awaitConnected(2)
	// The server ends the stream over chunks that claim to be of S9.
	for id := uint64(1); one.log.count("a stream of snapshots broke") == 0; id++ {
		_ = one.transport.Send(2, chunk(9, 2, id, 0))
	}
	if why := one.line(2).LastError; !strings.Contains(why, "more than 100 messages of this stream are invalid") {
		t.Errorf("the stream broke: %s", why)
	}
	must(t, one.transport.Send(2, message(1, 2, 5_000, 0)))
	until(t, "the message came", func() bool { return two.inbox.has(1, 5_000) })
	until(t, "a chunk goes again", func() bool { return one.transport.Send(2, chunk(1, 2, 6_000, 0)) == nil })
	until(t, "the chunk came", func() bool { return two.inbox.has(1, 6_000) })
	if line := one.line(2); line.Connects != 1 || !line.Connected {
		t.Errorf("the line stands at %+v", line)
	}
}

func TestPausesGrowAndAreBounded(t *testing.T) {
	b := backoff{min: 10 * time.Millisecond, max: 70 * time.Millisecond, next: 10 * time.Millisecond}
	for _, want := range []time.Duration{10, 20, 40, 70, 70} {
		want *= time.Millisecond
		if got := b.after(0); got < want/2 || got > want {
			t.Errorf("waited %v where it should be %v to %v", got, want/2, want)
		}
	}
	if got := b.after(time.Second); got > 10*time.Millisecond {
		t.Errorf("waited %v after a line that had held", got)
	}
}

func TestUnreachableIsNotToldWithoutEnd(t *testing.T) {
	two := newStation(t, 2, setup{})
	limits := quick()
	limits.QueueMessagesMax, limits.UnreachableInterval = 1, time.Hour
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: limits})
	one.awaitConnected(2)
	two.inbox.shut(t, false)
	refused := 0
	for id := uint64(1); refused < 100; id++ {
		if one.transport.Send(2, message(1, 2, id, 100<<10)) != nil {
			refused++
		}
	}
	<-one.unreachable
	if n := len(one.unreachable); n > 0 {
		t.Errorf("it was told %d times more", n)
	}
}

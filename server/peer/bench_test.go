package peer

import (
	"sync/atomic"
	"testing"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// tally counts what arrives.
type tally struct {
	came atomic.Int64
	want int64
	done chan struct{}
}

func (c *tally) Deliver(uint64, uint64, *rpcpb.Parcel) {
	if c.came.Add(1) == c.want {
		close(c.done)
	}
}

// BenchmarkSend is messages over the loopback, each with an entry of 200 bytes, from Send to Deliver.
func BenchmarkSend(b *testing.B) {
	two := newStation(b, 2, setup{})
	counted := &tally{want: int64(b.N), done: make(chan struct{})}
	two.server.cfg.Inbox = counted
	one := newStation(b, 1, setup{known: map[uint64]string{2: two.address}})
	one.awaitConnected(2)
	line := one.transport.lines[2]
	b.ReportAllocs()
	b.SetBytes(200)
	b.ResetTimer()
	for id := range uint64(b.N) {
		p := message(1, 2, id+1, 200)
		for one.transport.Send(2, p) != nil {
			// The queue is full: let it drain by half, as raft's window of messages in flight does.
			for waiting := queueMessagesMax; waiting > queueMessagesMax/2; {
				waiting, _ = line.messages.waiting()
			}
		}
	}
	<-counted.done
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

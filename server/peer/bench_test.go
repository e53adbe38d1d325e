package peer

import (
	"testing"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// window bounds the messages in flight, as raft does: each arrival makes room for another one.
type window chan struct{}

func (w window) Deliver(uint64, uint64, *rpcpb.Parcel) { <-w }

// BenchmarkSend is messages over the loopback, each with an entry of 200 bytes, from Send to Deliver.
func BenchmarkSend(b *testing.B) {
	inFlight := make(window, queueMessagesMax/2)
	two := newStation(b, 2, setup{})
	two.server.cfg.Inbox = inFlight
	one := newStation(b, 1, setup{known: map[uint64]string{2: two.address}})
	one.awaitConnected(2)
	b.ReportAllocs()
	b.SetBytes(200)
	b.ResetTimer()
	for id := range uint64(b.N) {
		inFlight <- struct{}{}
		must(b, one.transport.Send(2, message(1, 2, id+1, 200)))
	}
	for range cap(inFlight) { // once it can be filled again, all have arrived
		inFlight <- struct{}{}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

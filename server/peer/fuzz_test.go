package peer

import (
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// FuzzParcel gives a server requests of any bytes: what reaches the store is always a message of the sender to this store,
// within bounds, and nothing panics.
func FuzzParcel(f *testing.F) {
	const bytesMax = 1_000
	add := func(chunks bool, parcels ...*rpcpb.Parcel) {
		request, err := proto.Marshal(&rpcpb.SendRequest{Parcels: parcels})
		must(f, err)
		f.Add(request, chunks)
	}
	add(false, message(1, 2, 1, 10))
	add(true, chunk(1, 2, 1, 10))
	add(false, nil, message(1, 2, 2, 10), nil)
	for _, p := range spoilt() {
		add(false, p, message(1, 2, 3, 0))
		add(true, p)
	}
	f.Fuzz(func(t *testing.T, data []byte, chunks bool) {
		request := &rpcpb.SendRequest{}
		if proto.Unmarshal(data, request) != nil {
			return // gRPC refuses it
		}
		taken := &inbox{}
		s := NewServer(ServerConfig{ClusterID: testCluster, StoreID: 2, Inbox: taken, Limits: Limits{MessageBytesMax: bytesMax}})
		speaks := &sender{store: 1, incarnation: 1, newest: &atomic.Uint64{}, chunks: chunks}
		err := s.take(speaks, request.GetParcels())
		stats := s.Stats()
		if got := stats.Taken + stats.Invalid; err == nil && got != uint64(len(request.GetParcels())) || int(stats.Taken) != taken.len() {
			t.Errorf("of %d messages: %+v, and %d reached the store", len(request.GetParcels()), stats, taken.len())
		}
		if (err != nil) != (stats.Invalid > invalidMax || len(request.GetParcels()) > requestMessagesMax) {
			t.Errorf("after %d invalid messages the stream ends with %v", stats.Invalid, err)
		}
		for _, a := range taken.came {
			m := a.parcel.GetMessage()
			if a.from != 1 || a.incarnation != 1 || a.parcel.GetId() == 0 || proto.Size(a.parcel) > bytesMax ||
				m.GetFromPeer().GetStoreId() != 1 || m.GetToPeer().GetStoreId() != 2 ||
				(m.GetSnapshotChunk() != nil) != chunks || (len(m.GetMessage()) > 0) == (m.GetExtra() != nil) {
				t.Errorf("this reached the store: %v", a.parcel)
			}
		}
	})
}

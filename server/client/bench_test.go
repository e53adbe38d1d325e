package client_test

import (
	"context"
	"fmt"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
	"raftplay/server/client/clienttest"
)

// BenchmarkPuts is 256 callers' puts through one client to a cluster of three stores in the same process: client, api and
// stores together.
func BenchmarkPuts(b *testing.B) {
	for _, stores := range []int{1, 3} {
		b.Run(fmt.Sprintf("stores=%d", stores), func(b *testing.B) {
			cluster := clienttest.Start(b, clienttest.Options{Stores: stores})
			c, err := client.Open(client.Config{Endpoints: cluster.Endpoints()})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			ctx := context.Background()
			if err := c.Put(ctx, []byte("k"), nil); err != nil {
				b.Fatal(err)
			}
			value := make([]byte, 128)
			b.ReportAllocs()
			b.SetParallelism(256)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				key := []byte("key-0000")
				for pb.Next() {
					if err := c.Put(ctx, key, value); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkStoreStats is the way to the store and back alone: nothing is proposed.
func BenchmarkStoreStats(b *testing.B) {
	cluster := clienttest.Start(b, clienttest.Options{Stores: 1})
	c, err := client.Open(client.Config{Endpoints: cluster.Endpoints()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	b.ReportAllocs()
	b.SetParallelism(256)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Do(ctx, &raftcmdpb.RaftCommandRequest{
				Header: &raftcmdpb.RequestHeader{RegionId: 1},
				Status: &raftcmdpb.StatusRequest{Type: raftcmdpb.StatusType_STATUS_TYPE_REGION_LEADER},
			}); err != nil {
				b.Error(err)
			}
		}
	})
}

package node

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// benchmarkPropose has clients put 128 bytes each as fast as they are answered, on three stores of one process whose disks
// take so long to sync. Watchers attached to every store read as fast as they can.
func benchmarkPropose(b *testing.B, clients int, syncTakes time.Duration, watchers int, slice uint32) {
	c := newCluster(b, 3, func(cfg *Config) {
		cfg.Disk.(*memoryDisk).syncTakes = syncTakes
		cfg.Store.LogEntriesMax, cfg.Store.LogEntriesKept = 2_000, 1_000
	})
	defer c.close()
	leader := c.nodes[c.leader()]
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	defer looking.Wait()
	defer cancel()
	var seen, left atomic.Uint64
	for range watchers {
		for _, n := range c.nodes {
			w, err := n.Watch(0)
			if err != nil {
				b.Fatal(err)
			}
			if slice > 0 {
				w.Pace(slice, 1250*time.Millisecond)
				looking.Go(func() {
					second := time.NewTicker(time.Second)
					defer second.Stop()
					for n := uint64(1); ; n++ {
						select {
						case <-second.C:
							w.Show(n)
						case <-ctx.Done():
							return
						}
					}
				})
			}
			looking.Go(func() {
				for {
					r, err := w.Next(ctx)
					if err != nil {
						return
					}
					seen.Add(uint64(len(r.GetSeen())))
					for _, s := range r.GetSeen() {
						left.Add(s.GetEvent().GetStoreShown().GetEventsLeftOut())
					}
				}
			})
		}
	}
	value := make([]byte, 128)
	before, cpuBefore := leader.Stats(), cpuMicros(b)
	b.ReportAllocs()
	b.ResetTimer()
	var work sync.WaitGroup
	var next atomic.Int64
	for client := range clients {
		work.Go(func() {
			answer := make(chan *raftcmdpb.RaftCommandResponse, 1)
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				req := &raftcmdpb.RaftCommandRequest{
					Header: &raftcmdpb.RequestHeader{Client: uint64(client) + 1, Sequence: uint64(i)},
					Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{
						Key: fmt.Appendf(nil, "key%06d", i%10_000), Value: value}}}}}
				leader.Propose(req, func(resp *raftcmdpb.RaftCommandResponse) { answer <- resp })
				if e := (<-answer).GetHeader().GetError(); e != nil {
					b.Error(e)
					return
				}
			}
		})
	}
	work.Wait()
	b.StopTimer()
	after, cpu := leader.Stats(), cpuMicros(b)-cpuBefore
	b.ReportMetric(float64(cpu)/float64(b.N), "cpu-µs/put")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	b.ReportMetric(float64(b.N)/float64(max(after.Syncs-before.Syncs, 1)), "puts/sync")
	if watchers > 0 {
		b.ReportMetric(float64(seen.Load())/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric(float64(left.Load())/b.Elapsed().Seconds(), "left/s")
	}
}

// cpuMicros is how much processor time the process has used: on a machine that others use, what to compare.
func cpuMicros(b *testing.B) int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return (used.Utime.Nano() + used.Stime.Nano()) / 1_000
}

func BenchmarkPropose(b *testing.B) {
	for _, clients := range []int{1, 64, 256} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) { benchmarkPropose(b, clients, 0, 0, 0) })
	}
}

// A disk that takes a millisecond, about as solid-state disks do.
func BenchmarkProposeSynced(b *testing.B) {
	for _, clients := range []int{1, 64, 256} {
		b.Run(fmt.Sprint("clients=", clients), func(b *testing.B) { benchmarkPropose(b, clients, time.Millisecond, 0, 0) })
	}
}

// What one watcher of each store costs, and one who wants a third of 5,000 events at the beginning of each second, as
// server/live does.
func BenchmarkProposeWatched(b *testing.B) {
	for _, watchers := range []int{0, 1, 4} {
		b.Run(fmt.Sprint("watchers=", watchers), func(b *testing.B) { benchmarkPropose(b, 256, time.Millisecond, watchers, 0) })
	}
	b.Run("slices", func(b *testing.B) { benchmarkPropose(b, 256, time.Millisecond, 1, 1_700) })
}

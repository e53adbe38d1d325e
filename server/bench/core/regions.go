package main

import (
	"fmt"
	"runtime"
	"time"

	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
	"raftplay/core/store"
)

// printRegions measures what many regions cost: proposals, ticks of idle regions, and a large region's snapshot.
func printRegions(rounds int, length time.Duration) error {
	fmt.Printf("\n%-66s %12s\n", "many regions, five stores in one process, "+platform(), "median")
	for _, load := range []struct {
		what    string
		waiting func(regions int) int
	}{
		{"16 commands waiting in each", func(regions int) int { return 16 * regions }},
		{"256 commands waiting in all", func(int) int { return 256 }},
	} {
		var one float64
		for _, regions := range []int{1, 16, 256} {
			speed, err := repeat(rounds, func() (float64, error) { return proposals(regions, load.waiting(regions), length) })
			if err != nil {
				return err
			}
			if regions == 1 {
				one = speed
			}
			fmt.Printf("%-66s %12.0f %10.2f×\n", fmt.Sprintf("%d regions, %s (commands/s)", regions, load.what), speed, speed/one)
		}
	}
	for _, sleep := range []int{30, 0} {
		kind := "that sleep"
		if sleep == 0 {
			kind = "that never sleep"
		}
		var one float64
		for _, regions := range []int{1, 100, 1_000, 10_000} {
			cost, err := repeat(rounds, func() (float64, error) { return tickCost(regions, sleep) })
			if err != nil {
				return err
			}
			if regions == 1 {
				one = cost
			}
			fmt.Printf("%-66s %12.2f %10.1f×\n", fmt.Sprintf("a tick of a store with %d idle regions %s (µs)", regions, kind), cost, cost/one)
		}
	}
	return printSnapshot()
}

func repeat(rounds int, measure func() (float64, error)) (float64, error) {
	var all []float64
	for range max(rounds, 1) {
		value, err := measure()
		if err != nil {
			return 0, err
		}
		all = append(all, value)
	}
	return median(all), nil
}

// proposals keeps so many puts waiting, spread over the regions, and returns how many are answered a second.
func proposals(regions, waiting int, length time.Duration) (float64, error) {
	f, err := newFleet(5, 5, func(cfg *store.Config) { cfg.SleepTicks = 0 })
	if err != nil {
		return 0, err
	}
	if err := f.split(regions); err != nil {
		return 0, err
	}
	puts, done := 0, 0
	propose := func() error {
		for i := range waiting {
			puts++
			key := fmt.Appendf(regionPrefix(i%regions), "-%d", puts%1000)
			f.stores[0].Propose(&raftcmdpb.RaftCommandRequest{
				Header: &raftcmdpb.RequestHeader{},
				Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{
					Put: &raftcmdpb.PutRequest{Key: key, Value: fmt.Appendf(nil, "value-%d", puts)}}}},
			}, func(r *raftcmdpb.RaftCommandResponse) {
				if r.GetHeader().GetError() == nil {
					done++
				}
			})
		}
		if err := f.settle(); err != nil {
			return err
		}
		if done != puts {
			return fmt.Errorf("%d of %d puts were answered", done, puts)
		}
		return nil
	}
	if err := propose(); err != nil {
		return 0, err
	}
	runtime.GC()
	before, began := done, time.Now()
	for time.Since(began) < length {
		if err := propose(); err != nil {
			return 0, err
		}
	}
	return float64(done-before) / time.Since(began).Seconds(), nil
}

// tickCost is what one tick of a store costs that leads so many idle regions of three members, in microseconds, with what
// the tick makes the store owe.
func tickCost(regions, sleepTicks int) (float64, error) {
	f, err := newFleet(3, 3, func(cfg *store.Config) { cfg.SleepTicks = sleepTicks })
	if err != nil {
		return 0, err
	}
	if err := f.split(regions); err != nil {
		return 0, err
	}
	if err := f.tick(3 * max(sleepTicks, 10)); err != nil {
		return 0, err
	}
	runtime.GC()
	const ticks = 60
	var spent time.Duration
	for range ticks {
		f.now += tickMicros
		for _, s := range f.stores[1:] {
			s.Tick()
		}
		began := time.Now()
		f.stores[0].Tick()
		for {
			more, err := f.turn(0)
			if err != nil {
				return 0, err
			}
			if !more {
				break
			}
		}
		spent += time.Since(began)
		if err := f.settle(); err != nil {
			return 0, err
		}
	}
	return float64(spent.Nanoseconds()) / ticks / 1000, nil
}

const (
	snapshotBytes = 64 << 20
	// With its revision a value is 16 KiB, which is what Go takes for it: another length would count the rounding of its
	// memory as the snapshot's.
	valueBytes = 16<<10 - 8
)

// printSnapshot sends a region of 64 MiB to a new store, over a wire: encoded and decoded.
func printSnapshot() error {
	took, _, err := snapshot(false)
	if err != nil {
		return err
	}
	_, peak, err := snapshot(true)
	if err != nil {
		return err
	}
	chunk := float64(store.DefaultConfig().Limits.SnapshotChunkBytes)
	fmt.Printf("%-66s %12.0f\n", "a 64 MiB region's snapshot, encoded, sent, written and taken (ms)", float64(took.Microseconds())/1000)
	fmt.Printf("%-66s %12.2f %10s\n", "its peak memory besides both engines, in chunks of 1 MiB", float64(peak)/chunk, "wanted 2")
	return nil
}

// snapshot returns how long it took, or, measured, the most live memory besides what both engines hold in the end.
func snapshot(measured bool) (took time.Duration, peak int64, err error) {
	f, err := newFleet(2, 1, nil)
	if err != nil {
		return 0, 0, err
	}
	for i := range snapshotBytes / valueBytes {
		value := make([]byte, valueBytes)
		err := f.call(&raftcmdpb.RaftCommandRequest{
			Header: &raftcmdpb.RequestHeader{},
			Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{
				Put: &raftcmdpb.PutRequest{Key: fmt.Appendf(nil, "k%05d", i), Value: value}}}},
		})
		if err != nil {
			return 0, 0, err
		}
	}
	region := f.stores[0].Region(1)
	compact := &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: region.GetRegionEpoch()},
		Admin:  &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{CompactLog: &raftcmdpb.CompactLogRequest{}}},
	}
	if err := f.call(compact); err != nil {
		return 0, 0, err
	}
	// One more write, and with it a sync: until then the engine could bring back what was compacted.
	if err := f.call(&raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{}, Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Delete{
			Delete: &raftcmdpb.DeleteRequest{Key: []byte("nothing")}}}},
	}); err != nil {
		return 0, 0, err
	}
	before := live()
	f.carry = func(m store.Message) (store.Message, error) {
		rm, err := m.Encode()
		if err != nil {
			return m, err
		}
		data, err := proto.Marshal(rm)
		if err != nil {
			return m, err
		}
		arrived := &raftserverpb.RaftMessage{}
		if err := proto.Unmarshal(data, arrived); err != nil {
			return m, err
		}
		if measured && arrived.GetSnapshotChunk() != nil {
			// What the receiver's engine holds already is its own.
			peak = max(peak, live()-before-int64(arrived.GetSnapshotChunk().GetBytesDone())+int64(chunkBytes(arrived)))
		}
		return store.Decode(arrived)
	}
	began := time.Now()
	err = f.call(&raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{RegionId: 1, RegionEpoch: region.GetRegionEpoch()},
		Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{ChangePeers: &raftcmdpb.ChangePeersRequest{
			Changes: []*raftcmdpb.PeerChange{{
				Type: raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER, Peer: &metapb.Peer{StoreId: 2}}}}}},
	})
	for ticks := 0; err == nil && !holds(f.stores[1]); ticks++ {
		if ticks > 20 {
			return 0, 0, fmt.Errorf("S2 has no snapshot after %d ticks", ticks)
		}
		err = f.tick(1)
	}
	return time.Since(began), peak, err
}

// holds tells whether a store has all of the region.
func holds(s *store.Store) bool {
	pairs := 0
	_ = s.Data(1, func(_, _ []byte, _ uint64) bool { pairs++; return true })
	return pairs == snapshotBytes/valueBytes
}

func chunkBytes(m *raftserverpb.RaftMessage) int {
	n := 0
	for _, p := range m.GetSnapshotChunk().GetPairs() {
		n += len(p.GetKey()) + len(p.GetValue())
	}
	return n
}

// live is how many bytes are in use.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

package sim

import (
	"cmp"
	"slices"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// swarmMicros is how long a swarm's run lasts: a minute.
const swarmMicros = 60_000_000

// Swarm returns the run of a seed for a swarm: clients that work by themselves while things go wrong. Each seed switches a
// random part of all kinds of faults on, so that over many seeds every combination is met (Groce et al., "Swarm testing",
// 2012). Faults come and end one after the other, several at a time, and those of the last moments stay. With unsafe there
// are also those that Raft does not promise to survive.
func Swarm(seed uint64, unsafe bool) *sessionpb.Run {
	x := &swarm{regionsExercise: regionsExercise{exercise: exercise{draw: newStream(seed, "swarm")}}, unsafe: unsafe}
	x.configure(seed)
	x.clients()
	x.episodes(x.kinds())
	slices.SortStableFunc(x.actions, func(a, b *sessionpb.Action) int { return cmp.Compare(a.GetAtMicros(), b.GetAtMicros()) })
	return &sessionpb.Run{Config: x.config, Actions: x.actions, NowMicros: swarmMicros, ByTime: true}
}

// swarm is a run in the making. Its actions are placed in any order.
type swarm struct {
	regionsExercise
	unsafe bool
	// ending is when the episode that is being placed is over.
	ending int64
	// retried counts the writes that are asked for again across a snapshot.
	retried uint64
}

func (x *swarm) configure(seed uint64) {
	cfg := DefaultConfig()
	cfg.Seed = seed
	// Mostly five, sometimes fewer or more.
	cfg.Stores = []uint32{3, 4, 5, 5, 5, 5, 6, 7}[x.draw.below(8)]
	x.stores = uint64(cfg.Stores)
	if x.draw.oneIn(4) {
		cfg.Members = 3
	}
	raft := cfg.Raft
	raft.BaseTickMicros = x.draw.between(50_000, 120_000)
	raft.HeartbeatTicks = uint32(x.draw.between(1, 3))
	raft.ElectionTicksMin = uint32(x.draw.between(8, 15))
	raft.PreVote = !x.draw.oneIn(4)
	raft.CheckQuorum = !x.draw.oneIn(5)
	raft.LeaseReads = raft.CheckQuorum && x.draw.oneIn(2)
	raft.SnapshotChunkBytesMax = uint32(x.draw.between(chunkBytesMaxMin, 2*chunkBytesDefault))
	if x.draw.oneIn(3) {
		raft.RegionBytesMax = uint64(x.draw.between(200, 2_000))
	}
	if x.draw.oneIn(2) {
		raft.LogEntriesMax = uint32(x.draw.between(5, 100))
		raft.LogEntriesKept = uint32(x.draw.below(uint64(raft.LogEntriesMax)))
	}
	if x.draw.oneIn(3) {
		raft.SleepTicks = uint32(x.draw.between(1, 2*int64(raft.ElectionTicksMin)))
	}
	latency := x.draw.between(500, 15_000)
	cfg.Network = &sessionpb.Network{LatencyMicros: latency, JitterMicros: x.draw.between(0, latency)}
	cfg.Disk = &sessionpb.Disk{
		WriteMicros: x.draw.between(0, 1_000), FsyncMicros: x.draw.between(0, 5_000), JitterMicros: x.draw.between(0, 2_000)}
	x.config = cfg
	x.election = 2 * int64(raft.ElectionTicksMin) * raft.BaseTickMicros
}

// clients draws who works: always clients of registers, and perhaps of the other kinds.
func (x *swarm) clients() {
	timeout := x.draw.between(x.election/2, 2*x.election)
	for kind := sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS; kind <= sessionpb.WorkloadKind_WORKLOAD_KIND_BANK; kind++ {
		if kind != sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS && x.draw.oneIn(2) {
			continue
		}
		work := &sessionpb.Workload{
			Kind: kind, Clients: uint32(x.draw.between(1, 4)), Objects: uint32(x.draw.between(1, 3)),
			ThinkMicros: x.draw.between(100_000, 500_000), TimeoutMicros: timeout,
			AttemptsMax: uint32(x.draw.between(1, 5)), AstrayPpm: uint32(x.draw.below(4)) * 50_000,
			StragglePpm: uint32(x.draw.below(3)) * 100_000,
		}
		for mode := raftcmdpb.ReadMode_READ_MODE_READ_INDEX; mode <= raftcmdpb.ReadMode_READ_MODE_STALE; mode++ {
			leased := mode != raftcmdpb.ReadMode_READ_MODE_LEASE || x.config.Raft.LeaseReads
			if leased && x.draw.oneIn(2) {
				work.ReadModes = append(work.ReadModes, mode)
			}
		}
		x.config.Workloads = append(x.config.Workloads, work)
	}
}

// episodes places faults of the kinds, after a first calm.
func (x *swarm) episodes(kinds []func()) {
	for x.now = 3_000_000; x.now < swarmMicros; x.now += x.draw.between(0, x.election) {
		x.ending = x.now + x.draw.between(x.election/4, 3*x.election)
		kinds[x.draw.below(uint64(len(kinds)))]()
	}
	x.actions = slices.DeleteFunc(x.actions, func(a *sessionpb.Action) bool { return a.GetAtMicros() > swarmMicros })
}

// place puts an action at a time; see Swarm.
func (x *swarm) place(micros int64, a *sessionpb.Action) {
	a.ByTime, a.AtMicros = true, micros
	x.actions = append(x.actions, a)
}

// begins and ends place what an episode begins and ends with.
func (x *swarm) begins(a *sessionpb.Action) { x.place(x.now, a) }
func (x *swarm) ends(a *sessionpb.Action)   { x.place(x.ending, a) }

// some draws a part of the stores: at least one, and not all.
func (x *swarm) some() (some, others []uint64) {
	for {
		some, others = nil, nil
		for id := uint64(1); id <= x.stores; id++ {
			if x.draw.oneIn(2) {
				some = append(some, id)
			} else {
				others = append(others, id)
			}
		}
		if len(some) > 0 && len(others) > 0 {
			return some, others
		}
	}
}

// minority draws fewer than half of the stores, at least one.
func (x *swarm) minority() (few, most []uint64) {
	few, most = x.some()
	if len(few) > len(most) {
		few, most = most, few
	}
	return few, most
}

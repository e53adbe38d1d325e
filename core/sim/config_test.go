package sim_test

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func TestTheDefaultsAreValid(t *testing.T) {
	if err := sim.Validate(sim.DefaultConfig()); err != nil {
		t.Error(err)
	}
}

func TestABadConfigurationIsOneSentence(t *testing.T) {
	for _, c := range []struct {
		change func(*sessionpb.Config)
		want   string
	}{
		{func(c *sessionpb.Config) { c.Stores = 0 }, "a cluster has 1 to 9 stores, not 0"},
		{func(c *sessionpb.Config) { c.Stores = 10 }, "a cluster has 1 to 9 stores, not 10"},
		{func(c *sessionpb.Config) { c.Raft = nil }, "the configuration has no raft options"},
		{func(c *sessionpb.Config) { c.Raft.BaseTickMicros = 0 }, "the base tick must be 1 ms to 10000 ms, not 0 ms"},
		{func(c *sessionpb.Config) { c.Raft.HeartbeatTicks = 0 }, "heartbeats must be at least 1 tick apart, not 0"},
		{func(c *sessionpb.Config) { c.Raft.ElectionTicksMin = 3 },
			"the shortest election timeout (3 ticks) must be longer than the heartbeat (3 ticks)"},
		{func(c *sessionpb.Config) { c.Raft.ElectionTicksMin = 5000 }, "the shortest election timeout is at most 1000 ticks, not 5000"},
		{func(c *sessionpb.Config) { c.Members = 6 }, "the first region has at most a member on each of the 5 stores, not 6"},
		{func(c *sessionpb.Config) { c.Raft.CheckQuorum = false },
			"lease reads need CheckQuorum: without it a leader that was cut off keeps its lease"},
		{func(c *sessionpb.Config) { c.Raft.RegionBytesMax = 63 },
			"a region is split beyond 64 to 268435456 bytes, or never with 0, not beyond 63"},
		{func(c *sessionpb.Config) { c.Raft.LogEntriesMax = 10 },
			"a compaction must keep fewer entries (10) than the log may hold (10)"},
		{func(c *sessionpb.Config) { c.Raft.LogEntriesMax = 2_000_000 },
			"a log holds at most 1000000 entries before it is compacted, not 2000000"},
		{func(c *sessionpb.Config) { c.Raft.SnapshotChunkBytesMax = 63 },
			"a snapshot's chunk must be 64 to 4194304 bytes, not 63"},
		{func(c *sessionpb.Config) { c.Raft.SleepTicks = 10_001 }, "idle regions sleep after at most 10000 ticks, not 10001"},
		{func(c *sessionpb.Config) { c.Network = nil }, "the network has no settings"},
		{func(c *sessionpb.Config) { c.Network.LatencyMicros = -1 << 63 },
			"the latency must be 0.1 ms to 2000 ms, not -9223372036854775.808 ms"},
		{func(c *sessionpb.Config) { c.Disk = nil }, "the disk has no settings"},
		{func(c *sessionpb.Config) { c.Disk.FsyncMicros = 1_000_001 }, "an fsync must be 0 ms to 1000 ms, not 1000.001 ms"},
		{func(c *sessionpb.Config) { c.ClientTimeoutMicros = 0 }, "the client timeout must be 1 ms to 600000 ms, not 0 ms"},
	} {
		cfg := sim.DefaultConfig()
		c.change(cfg)
		if _, err := sim.New(cfg); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %q", cfg, err, c.want)
		}
	}
	if _, err := sim.New(nil); err == nil {
		t.Error("a world without a configuration")
	}
}

func TestLimitsAreTheBoundsThatAreKept(t *testing.T) {
	limits := sim.Limits()
	timeout := func(ticks uint32) error {
		return sim.ValidateAction(&sessionpb.Action{Action: &sessionpb.Action_SetElectionTimeout{
			SetElectionTimeout: &sessionpb.SetElectionTimeout{StoreId: 1, RegionId: 1, TimeoutTicks: ticks}}})
	}
	configured := func(change func(*sessionpb.Config)) error {
		cfg := sim.DefaultConfig()
		change(cfg)
		return sim.Validate(cfg)
	}
	clients := func(n uint32) error {
		return configured(func(c *sessionpb.Config) {
			c.Workloads = []*sessionpb.Workload{{Kind: sessionpb.WorkloadKind_WORKLOAD_KIND_SETS, Clients: n, Objects: 1, AttemptsMax: 1,
				ThinkMicros: 1_000_000, TimeoutMicros: 1_000_000}}
		})
	}
	region := func(bytes uint64) error {
		return configured(func(c *sessionpb.Config) { c.Raft.RegionBytesMax = bytes })
	}
	chunk := func(bytes uint32) error {
		return configured(func(c *sessionpb.Config) { c.Raft.SnapshotChunkBytesMax = bytes })
	}
	for name, errs := range map[string][2]error{
		"election timeout": {timeout(limits.ElectionTimeoutTicksMax), timeout(limits.ElectionTimeoutTicksMax + 1)},
		"clients":          {clients(limits.ClientsMax), clients(limits.ClientsMax + 1)},
		"region size":      {region(limits.RegionBytesMin), region(limits.RegionBytesMin - 1)},
		"chunk size":       {chunk(limits.SnapshotChunkBytesMin), chunk(limits.SnapshotChunkBytesMin - 1)},
	} {
		if errs[0] != nil || errs[1] == nil {
			t.Errorf("%s: at the bound %v, beyond it %v", name, errs[0], errs[1])
		}
	}
}

// A link that was shared before there were regions holds none of the options about them.
func TestAConfigurationOfAnEarlierVersionWorks(t *testing.T) {
	cfg := sim.DefaultConfig()
	cfg.Raft = &sessionpb.RaftOptions{
		BaseTickMicros: 100_000, HeartbeatTicks: 3, ElectionTicksMin: 15, PreVote: true, CheckQuorum: true,
	}
	w, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	elect(t, w)
	if got := len(w.Store(1).Region(1).GetPeers()); got != 5 {
		t.Errorf("the first region has %d members, want all 5 stores", got)
	}
}

func TestSomeStoresMayStartWithoutTheFirstRegion(t *testing.T) {
	cfg := sim.DefaultConfig()
	cfg.Members = 2
	w, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if leader := elect(t, w); leader > 2 {
		t.Errorf("S%d leads, and is no member", leader)
	}
	for id := uint64(1); id <= 5; id++ {
		if regions := w.Store(id).RegionIDs(); len(regions) > 0 != (id <= 2) {
			t.Errorf("S%d holds the regions %v", id, regions)
		}
	}
}

func TestABadRunIsOneSentence(t *testing.T) {
	at := func(a *sessionpb.Action, step uint64, micros int64) *sessionpb.Action {
		a.AfterStep, a.AtMicros = step, micros
		return a
	}
	for _, c := range []struct {
		run  *sessionpb.Run
		want string
	}{
		{&sessionpb.Run{}, "the run has no configuration"},
		{&sessionpb.Run{Config: sim.DefaultConfig(), Actions: []*sessionpb.Action{crash(10)}},
			"action 1 of the run: there is no S10: a cluster has S1 to S9 at most"},
		{&sessionpb.Run{Config: sim.DefaultConfig(), Actions: []*sessionpb.Action{at(crash(1), 5, 5), at(restart(1), 4, 6)}},
			"action 2 of the run comes before the one ahead of it"},
		{&sessionpb.Run{Config: sim.DefaultConfig(), Acted: 2, Actions: []*sessionpb.Action{crash(1)}},
			"the run stands after 2 actions and has 1"},
		{&sessionpb.Run{Config: sim.DefaultConfig(), Steps: 3, NowMicros: 1 << 40}, "something is due at "},
	} {
		_, err := sim.Play(c.run)
		if err == nil || len(err.Error()) < len(c.want) || err.Error()[:len(c.want)] != c.want {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

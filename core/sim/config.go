package sim

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/store"
)

// What a configuration may ask for. Times are virtual microseconds.
const (
	storesMax            = 9
	baseTickMicrosMin    = 1_000
	baseTickMicrosMax    = 10_000_000
	electionTicksMax     = 1_000
	sleepTicksMax        = 10_000
	logEntriesMaxMax     = 1_000_000
	regionBytesMaxMin    = 64
	chunkBytesMaxMin     = 64
	chunkBytesMaxMax     = 4 << 20
	latencyMicrosMin     = 100
	latencyMicrosMax     = 2_000_000
	slowMicrosMax        = 10_000_000
	lossPPMMax           = 1_000_000
	bytesPerSecondMin    = 1_000
	bytesPerSecondMax    = 1_000_000_000_000
	delayMicrosMax       = 60_000_000
	filtersMax           = 64
	diskMicrosMax        = 1_000_000
	clientTimeoutMinimum = 1_000
	clientTimeoutMaximum = 600_000_000
)

// chunkBytesDefault makes chunks small enough that the snapshot of a few keys already takes several.
const chunkBytesDefault = 512

// DefaultConfig is what the page starts with: five stores with TiKV's ticks on a quick network and a plain disk. Regions
// are split and logs compacted on command only.
func DefaultConfig() *sessionpb.Config {
	options := store.DefaultConfig()
	return &sessionpb.Config{
		Seed:   1,
		Stores: 5,
		Raft: &sessionpb.RaftOptions{
			BaseTickMicros:   100_000,
			HeartbeatTicks:   uint32(options.HeartbeatTicks),
			ElectionTicksMin: uint32(options.ElectionTicksMin),
			PreVote:          options.PreVote,
			CheckQuorum:      options.CheckQuorum,
			LeaseReads:       options.LeaseReads,

			LogEntriesKept:        10,
			SnapshotChunkBytesMax: chunkBytesDefault,
		},
		Network:             &sessionpb.Network{LatencyMicros: 20_000, JitterMicros: 5_000},
		Disk:                &sessionpb.Disk{WriteMicros: 1_000, FsyncMicros: 4_000},
		ClientTimeoutMicros: 5_000_000,
	}
}

// Limits are the bounds that Validate and ValidateAction keep, for a viewer's controls.
func Limits() *sessionpb.Limits {
	limits := storeLimits()
	return &sessionpb.Limits{
		StoresMax:        storesMax,
		LatencyMicrosMin: latencyMicrosMin,
		LatencyMicrosMax: latencyMicrosMax,
		LossPpmMax:       lossPPMMax,
		DiskMicrosMax:    diskMicrosMax,
		KeyBytesMax:      uint32(limits.KeyBytesMax),
		ValueBytesMax:    uint32(limits.ValueBytesMax),
		RequestsMax:      uint32(limits.RequestsMax),
		ClientsMax:       workersMax,

		ElectionTimeoutTicksMax: electionTimeoutTicksMax,
		RegionBytesMin:          regionBytesMaxMin,
		SnapshotChunkBytesMin:   chunkBytesMaxMin,
	}
}

func storeLimits() store.Limits { return store.DefaultConfig().Limits }

// Validate says in one sentence what is wrong with a configuration, or nil. Zero means zero: nothing is filled in, but for
// what configurations of earlier versions did not have: the number of members and the size of a snapshot's chunks.
func Validate(cfg *sessionpb.Config) error {
	if cfg == nil {
		return errors.New("the run has no configuration")
	}
	if n := cfg.GetStores(); n < 1 || n > storesMax {
		return fmt.Errorf("a cluster has 1 to %d stores, not %d", storesMax, n)
	}
	if n := cfg.GetMembers(); n > cfg.GetStores() {
		return fmt.Errorf("the first region has at most a member on each of the %d stores, not %d", cfg.GetStores(), n)
	}
	if err := validateBugs(cfg.GetBugs()); err != nil {
		return err
	}
	if err := validateRaft(cfg.GetRaft(), bugsOf(cfg)); err != nil {
		return err
	}
	if err := validateNetwork(cfg.GetNetwork()); err != nil {
		return err
	}
	if err := validateLinks(cfg.GetLinks(), int(cfg.GetStores())); err != nil {
		return err
	}
	if err := validateFilters(cfg.GetFilters(), int(cfg.GetStores())); err != nil {
		return err
	}
	if err := validateDisk(cfg.GetDisk()); err != nil {
		return err
	}
	if err := validateDisks(cfg); err != nil {
		return err
	}
	if err := validateClocks(cfg); err != nil {
		return err
	}
	if err := validateWorkloads(cfg.GetWorkloads()); err != nil {
		return err
	}
	return within("the client timeout", cfg.GetClientTimeoutMicros(), clientTimeoutMinimum, clientTimeoutMaximum)
}

func validateRaft(o *sessionpb.RaftOptions, broken store.Bugs) error {
	if o == nil {
		return errors.New("the configuration has no raft options")
	}
	if err := within("the base tick", o.GetBaseTickMicros(), baseTickMicrosMin, baseTickMicrosMax); err != nil {
		return err
	}
	heartbeat, election := o.GetHeartbeatTicks(), o.GetElectionTicksMin()
	switch {
	case heartbeat < 1:
		return errors.New("heartbeats must be at least 1 tick apart, not 0")
	case election > electionTicksMax:
		return fmt.Errorf("the shortest election timeout is at most %d ticks, not %d", electionTicksMax, election)
	case election <= heartbeat:
		return fmt.Errorf("the shortest election timeout (%d ticks) must be longer than the heartbeat (%d ticks)", election, heartbeat)
	case o.GetLeaseReads() && !o.GetCheckQuorum() && !broken.Has(store.BugLeaseWithoutQuorum):
		return errors.New("lease reads need CheckQuorum: without it a leader that was cut off keeps its lease")
	}
	return validateRegions(o)
}

// validateRegions looks at what bounds regions, their logs and their snapshots.
func validateRegions(o *sessionpb.RaftOptions) error {
	bytesMax, entries, kept := o.GetRegionBytesMax(), o.GetLogEntriesMax(), o.GetLogEntriesKept()
	chunk := o.GetSnapshotChunkBytesMax()
	switch snapshotMax := uint64(storeLimits().SnapshotBytesMax); {
	case bytesMax > 0 && (bytesMax < regionBytesMaxMin || bytesMax > snapshotMax):
		return fmt.Errorf("a region is split beyond %d to %d bytes, or never with 0, not beyond %d",
			regionBytesMaxMin, snapshotMax, bytesMax)
	case entries > logEntriesMaxMax || kept > logEntriesMaxMax:
		return fmt.Errorf("a log holds at most %d entries before it is compacted, not %d", logEntriesMaxMax, max(entries, kept))
	case entries > 0 && kept >= entries:
		return fmt.Errorf("a compaction must keep fewer entries (%d) than the log may hold (%d)", kept, entries)
	case chunk > 0 && (chunk < chunkBytesMaxMin || chunk > chunkBytesMaxMax):
		return fmt.Errorf("a snapshot's chunk must be %d to %d bytes, not %d", chunkBytesMaxMin, chunkBytesMaxMax, chunk)
	case o.GetSleepTicks() > sleepTicksMax:
		return fmt.Errorf("idle regions sleep after at most %d ticks, not %d", sleepTicksMax, o.GetSleepTicks())
	}
	return nil
}

func validateDisk(d *sessionpb.Disk) error {
	if d == nil {
		return errors.New("the disk has no settings")
	}
	if err := within("a disk write", d.GetWriteMicros(), 0, diskMicrosMax); err != nil {
		return err
	}
	if err := within("an fsync", d.GetFsyncMicros(), 0, diskMicrosMax); err != nil {
		return err
	}
	return within("the disk's jitter", d.GetJitterMicros(), 0, diskMicrosMax)
}

func within(what string, micros, minimum, maximum int64) error {
	if micros < minimum || micros > maximum {
		return fmt.Errorf("%s must be %s to %s, not %s", what, millis(minimum), millis(maximum), millis(micros))
	}
	return nil
}

// millis writes microseconds as milliseconds: "4 ms", "0.1 ms".
func millis(micros int64) string {
	sign := ""
	magnitude := uint64(micros)
	if micros < 0 {
		sign, magnitude = "-", -magnitude
	}
	whole, rest := magnitude/1000, magnitude%1000
	if rest == 0 {
		return fmt.Sprintf("%s%d ms", sign, whole)
	}
	fraction := fmt.Sprintf("%03d", rest)
	for fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	return fmt.Sprintf("%s%d.%s ms", sign, whole, fraction)
}

func cloneConfig(cfg *sessionpb.Config) *sessionpb.Config {
	return proto.Clone(cfg).(*sessionpb.Config)
}

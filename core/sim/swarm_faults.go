package sim

import (
	"fmt"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// kinds draws a part of all kinds of faults and changes; each places one episode. Crashes and transfers are always among
// them: leaders are to change, and to go on believing that they lead. So is what aims at a promise that chance alone hardly
// ever puts to the test: see swarm_aims.go.
func (x *swarm) kinds() []func() {
	all := []func(){
		// The network.
		x.lossy, x.slowTail, x.twice, x.outOfOrder, x.narrow, x.deaf, x.apart, x.oneWay, x.ring, x.bridge, x.clog, x.filter,
		// Disks.
		x.slowDisk, x.crashUnsynced, x.failDisk,
		// Processes and clocks.
		x.crashMany, x.pause, x.lateTicks, x.skewed,
		// Regions.
		x.split, x.changeOne, x.changeSome, x.changeTwice, x.compact, x.newStore,
	}
	// A lease bears neither.
	if !x.config.Raft.LeaseReads || x.unsafe {
		all = append(all, x.leap, x.fire)
	}
	if x.unsafe {
		all = append(all, x.wipe, x.corrupt, x.wild)
	}
	kinds := []func(){x.crash, x.transfer, x.depose, x.strand, x.handOver, x.away}
	for _, kind := range all {
		if x.draw.oneIn(2) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func (x *swarm) slowDisk() {
	id := x.anyStore()
	slow := &sessionpb.Disk{
		WriteMicros: x.draw.between(1_000, 50_000), FsyncMicros: x.draw.between(5_000, 300_000), JitterMicros: x.draw.between(0, 100_000)}
	x.begins(&sessionpb.Action{Action: &sessionpb.Action_SetDisk{SetDisk: &sessionpb.SetDisk{StoreId: id, Disk: slow}}})
	x.ends(&sessionpb.Action{Action: &sessionpb.Action_SetDisk{SetDisk: &sessionpb.SetDisk{StoreId: id}}})
}

func crashOf(id uint64, keeps sessionpb.CrashKeeps, moment sessionpb.CrashMoment) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_CrashStore{
		CrashStore: &sessionpb.CrashStore{StoreId: id, Keeps: keeps, Moment: moment}}}
}

func restartOf(id uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: id}}}
}

// keeps draws what a crash leaves.
func (x *swarm) keeps() sessionpb.CrashKeeps { return sessionpb.CrashKeeps(x.draw.below(3)) }

// crash is one store's outage; a short one more often than not.
func (x *swarm) crash() {
	id := x.anyStore()
	x.begins(crashOf(id, x.keeps(), sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED))
	x.ends(restartOf(id))
}

// crashUnsynced takes a store down between a write and its sync.
func (x *swarm) crashUnsynced() {
	id := x.anyStore()
	x.begins(crashOf(id, x.keeps(), sessionpb.CrashMoment_CRASH_MOMENT_BEFORE_SYNC))
	// A store that had nothing to sync is still up.
	x.ends(crashOf(id, x.keeps(), sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED))
	x.ends(restartOf(id))
}

// crashMany takes several stores down at once, perhaps all, as a power cut does.
func (x *swarm) crashMany() {
	for id := uint64(1); id <= x.stores; id++ {
		if !x.draw.oneIn(4) {
			x.begins(crashOf(id, x.keeps(), sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED))
			x.ends(restartOf(id))
		}
	}
}

// failDisk has a store's disk fail; it is mended, and the store, which has stopped, started again.
func (x *swarm) failDisk() {
	id := x.anyStore()
	fault := sessionpb.DiskFault(1 + x.draw.below(3))
	fail := func(fault sessionpb.DiskFault) *sessionpb.Action {
		return &sessionpb.Action{Action: &sessionpb.Action_FailDisk{FailDisk: &sessionpb.FailDisk{StoreId: id, Fault: fault}}}
	}
	x.begins(fail(fault))
	x.ends(fail(sessionpb.DiskFault_DISK_FAULT_UNSPECIFIED))
	x.ends(restartOf(id))
}

func (x *swarm) pause() {
	few, _ := x.minority()
	for _, id := range few {
		x.begins(pauseOf(id))
		x.ends(resumeOf(id))
	}
}

// clock places a store's clock, and true time again.
func (x *swarm) clock(clock *sessionpb.Clock, jumpMicros int64) {
	id := x.anyStore()
	set := func(clock *sessionpb.Clock, jumpMicros int64) *sessionpb.Action {
		return &sessionpb.Action{Action: &sessionpb.Action_SetClock{
			SetClock: &sessionpb.SetClock{StoreId: id, Clock: clock, JumpMicros: jumpMicros}}}
	}
	x.begins(set(clock, jumpMicros))
	x.ends(set(&sessionpb.Clock{}, 0))
}

func (x *swarm) lateTicks() {
	x.clock(&sessionpb.Clock{LateMicros: x.draw.between(1_000, 2*x.config.Raft.BaseTickMicros)}, 0)
}

// skewed runs a clock as fast or slow as leases bear, or, without leases, far from true time.
func (x *swarm) skewed() {
	if x.config.Raft.LeaseReads {
		x.clock(&sessionpb.Clock{RatePpm: uint32(x.draw.between(999_000, 1_001_000))}, 0)
		return
	}
	x.clock(&sessionpb.Clock{RatePpm: uint32(x.draw.between(300_000, 3_000_000))}, 0)
}

// leap moves a clock forward.
func (x *swarm) leap() {
	x.clock(&sessionpb.Clock{}, x.draw.between(1_000, 4*x.election))
}

// wild runs a clock as no lease bears.
func (x *swarm) wild() {
	x.clock(&sessionpb.Clock{RatePpm: uint32(x.draw.between(100_000, 5_000_000))}, x.draw.between(-x.election, x.election))
}

func (x *swarm) fire() {
	x.begins(&sessionpb.Action{Action: &sessionpb.Action_TimeOutStore{TimeOutStore: &sessionpb.TimeOutStore{
		StoreId: x.anyStore(), RegionId: x.draw.below(3)}}})
}

// split cuts what the clients work on, or between.
func (x *swarm) split() {
	key := fmt.Appendf(nil, "%c/%d", "bcrs"[x.draw.below(4)], x.draw.below(4))
	x.admin(0, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{SplitKey: key}}})
}

// changeSome changes two or three members at a time. A joint configuration that stays is left when the episode ends.
func (x *swarm) changeSome() {
	regionID, first := x.anyRegion(), x.draw.below(x.stores)
	change := &raftcmdpb.ChangePeersRequest{Transition: raftcmdpb.ConfTransition(x.draw.below(3))}
	for i := range 2 + x.draw.below(2) {
		change.Changes = append(change.Changes, x.change(1+(first+i)%x.stores))
	}
	x.changePeers(regionID, change)
	if change.Transition == raftcmdpb.ConfTransition_CONF_TRANSITION_EXPLICIT {
		x.now, x.ending = x.ending, x.now
		x.changePeers(regionID, &raftcmdpb.ChangePeersRequest{LeaveJoint: true})
		x.now, x.ending = x.ending, x.now
	}
}

// changeTwice asks for two changes at a time, of which one must wait.
func (x *swarm) changeTwice() {
	regionID := x.anyRegion()
	for range 2 {
		x.changePeers(regionID, &raftcmdpb.ChangePeersRequest{Changes: []*raftcmdpb.PeerChange{x.change(x.anyStore())}})
	}
}

func pauseOf(id uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_PauseStore{PauseStore: &sessionpb.PauseStore{StoreId: id}}}
}

func resumeOf(id uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_ResumeStore{ResumeStore: &sessionpb.ResumeStore{StoreId: id}}}
}

func (x *swarm) newStore() {
	if x.stores < storesMax {
		x.addStore()
	}
}

// wipe has a store forget everything.
func (x *swarm) wipe() {
	id := x.anyStore()
	x.begins(crashOf(id, sessionpb.CrashKeeps_CRASH_KEEPS_UNSPECIFIED, sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED))
	x.ends(&sessionpb.Action{Action: &sessionpb.Action_RestartStore{
		RestartStore: &sessionpb.RestartStore{StoreId: id, Wiped: true}}})
}

func (x *swarm) corrupt() {
	x.begins(&sessionpb.Action{Action: &sessionpb.Action_CorruptDisk{CorruptDisk: &sessionpb.CorruptDisk{StoreId: x.anyStore()}}})
}

func compactOf(regionID uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{RegionId: regionID},
			Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{CompactLog: &raftcmdpb.CompactLogRequest{}}}}}}}
}

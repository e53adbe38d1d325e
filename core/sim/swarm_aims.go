package sim

import (
	"fmt"
	"slices"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Episodes that aim at a promise, with a person's commands at the moments that matter.

// depose makes a store a leader, and then keeps the others from hearing it.
func (x *swarm) depose() {
	id, regionID := x.anyStore(), x.anyRegion()
	x.admin(regionID, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{
		TransferLeader: &raftcmdpb.TransferLeaderRequest{Peer: &metapb.Peer{StoreId: id}}}})
	x.now += x.draw.between(x.election/8, x.election/2)
	x.ending = max(x.ending, x.now+x.election)
	var others []uint64
	for other := uint64(1); other <= x.stores; other++ {
		if other != id {
			others = append(others, other)
		}
	}
	switch x.draw.below(4) {
	case 0:
		x.partition(sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY, []uint64{id}, others)
	case 1:
		x.begins(pauseOf(id))
		x.ends(resumeOf(id))
	default:
		x.partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{id}, others)
	}
}

// lead asks the leaders of the first regions to hand over to a store.
func (x *swarm) lead(micros int64, id uint64) {
	for regionID := uint64(firstRegionID); regionID < firstRegionID+4; regionID++ {
		x.place(micros, &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
			Request: &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{RegionId: regionID},
				Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{
					TransferLeader: &raftcmdpb.TransferLeaderRequest{Peer: &metapb.Peer{StoreId: id}}}}}}}})
	}
}

// register draws one of those that the clients write.
func (x *swarm) register() []byte {
	return fmt.Appendf(nil, "r/%02d", 1+x.draw.below(uint64(x.config.Workloads[0].GetObjects())))
}

// asks has somebody read from a store, by its lease if there are leases: the store may lead no more, and must not say what
// was.
func (x *swarm) asks(micros int64, id uint64, key []byte) {
	header := &raftcmdpb.RequestHeader{}
	if x.config.Raft.LeaseReads {
		header.ReadMode = raftcmdpb.ReadMode_READ_MODE_LEASE
	}
	x.place(micros, &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		StoreId: id, Request: &raftcmdpb.RaftCommandRequest{Header: header, Requests: []*raftcmdpb.Request{getOf(key)}}}}})
}

// alone keeps a store apart until the episode ends, whatever other partitions end meanwhile; with deaf it does not hear the
// others, who hear it.
func (x *swarm) alone(id uint64, deaf bool) {
	x.actions = slices.DeleteFunc(x.actions, func(a *sessionpb.Action) bool {
		return a.GetPartition() != nil && a.GetAtMicros() > x.now && a.GetAtMicros() <= x.ending
	})
	var others []uint64
	for other := uint64(1); other <= x.stores; other++ {
		if other != id {
			others = append(others, other)
		}
	}
	if deaf {
		x.partition(sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY, others, []uint64{id})
		return
	}
	x.partition(sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, []uint64{id}, others)
}

// writes has somebody write a key, wherever it is to be written.
func (x *swarm) writes(micros int64, key []byte) {
	x.place(micros, &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: asking(putOf(key, fmt.Appendf(nil, "at %d", micros)))}}})
}

// strand makes a store a leader and then keeps it apart, so long that the others elect one and clients write there, while
// somebody goes on to ask the first. Nothing else begins meanwhile.
func (x *swarm) strand() {
	id := x.anyStore()
	x.lead(x.now, id)
	x.now += x.draw.between(x.election/8, x.election/2)
	x.ending = x.now + x.draw.between(2*x.election, 4*x.election)
	x.alone(id, false)
	for at := x.now + x.draw.between(0, x.election); at < x.ending; at += x.draw.between(x.election/16, x.election/2) {
		x.asks(at, id, x.register())
	}
	x.now = x.ending
}

// handOver makes a store a leader, which is asked and so gets its lease, and has it hand over to another just after it has
// written. The other is asked at once, when it may not yet have applied what was written; and the first, which does not hear
// that it was heeded, while its lease would still hold.
func (x *swarm) handOver() {
	id, to, key, latency := x.anyStore(), x.anyStore(), x.register(), x.config.Network.GetLatencyMicros()
	x.lead(x.now, id)
	x.now += x.draw.between(x.election/4, x.election)
	for at := x.now - x.election/4; at <= x.now; at += x.election / 16 {
		x.asks(at, id, key)
	}
	x.writes(x.now, key)
	x.now += x.draw.between(latency, 8*latency)
	x.lead(x.now, to)
	x.ending = x.now + x.draw.between(x.election/2, 2*x.election)
	x.alone(id, true)
	for at := x.now + latency; at < x.now+12*latency; at += x.draw.between(latency/4, latency) {
		x.asks(at, to, key)
	}
	// Of many writes that nobody answers no judge can tell the order.
	written := x.now + x.draw.between(4*latency, x.election/4)
	x.writes(written, key)
	for at := written; at < x.now+x.election/2; at += x.draw.between(x.election/64, x.election/16) {
		x.asks(at, id, key)
	}
}

// away crashes a store until the others' logs have been compacted, so that only a snapshot brings it back, and then makes it
// the leader. What was written before is asked for again, by the same request ids.
func (x *swarm) away() {
	id := x.anyStore()
	x.retried++
	again := &sessionpb.Propose{Request: &raftcmdpb.RaftCommandRequest{
		Header:   &raftcmdpb.RequestHeader{Client: retriedClientIDs + x.retried, Sequence: 1},
		Requests: []*raftcmdpb.Request{putOf(x.register(), fmt.Appendf(nil, "again %d", x.retried))}}}
	retry := func(micros int64) {
		x.place(micros, &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: again}})
	}
	x.begins(crashOf(id, x.keeps(), sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED))
	retry(x.now)
	for regionID := uint64(firstRegionID); regionID < firstRegionID+4; regionID++ {
		x.place(x.ending, compactOf(regionID))
	}
	x.ends(restartOf(id))
	for back := x.ending + x.draw.between(x.election/8, x.election); back < x.ending+3*x.election; back += x.election {
		x.lead(back, id)
		retry(back + x.draw.between(x.election/8, x.election/2))
	}
}

// retriedClientIDs is before the ids of the clients that ask again across snapshots, between the person's and those that
// work by themselves.
const retriedClientIDs = 100

package sim

import (
	"fmt"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Exercise returns a busy run that depends on the seed alone: three or five stores of some speed on a lossy network, a
// client that writes, reads, deletes and compares, mostly at the leader, while every store in turn crashes and comes
// back, timers are made to fire, and the network gets worse and better. It holds at least one crash, one restart, one
// lost message, two terms and twenty acknowledged writes (tested), so that it is worth comparing between platforms.
// Some of its actions are refused, as a store to be crashed may be down already.
func Exercise(seed uint64) *sessionpb.Run {
	x := &exercise{draw: newStream(seed, "exercise")}
	x.propose = func() *sessionpb.Propose {
		return &sessionpb.Propose{StoreId: x.addressee(), Request: x.command()}
	}
	x.configure(seed)
	election := int64(x.config.Raft.ElectionTicksMin) * x.config.Raft.BaseTickMicros

	// The first leader stands after one or two election timeouts.
	x.traffic(x.at(3*election), 3*election, 10)
	first := x.draw.below(uint64(x.config.Stores))
	for i := range uint64(x.config.Stores) {
		x.outage(1+(first+i)%uint64(x.config.Stores), election)
	}
	// Calm again: what is owed gets done.
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
		Network: x.network(0)}}})
	x.traffic(x.now+3*election, 3*election, 16)
	x.at(x.now + election)
	return &sessionpb.Run{Config: x.config, Actions: x.actions, NowMicros: x.now, ByTime: true}
}

// exercise is a run in the making.
type exercise struct {
	draw    stream
	config  *sessionpb.Config
	actions []*sessionpb.Action
	now     int64
	values  uint64
	// propose draws a proposal.
	propose func() *sessionpb.Propose
}

func (x *exercise) configure(seed uint64) {
	cfg := DefaultConfig()
	cfg.Seed = seed
	cfg.Stores = 3 + 2*uint32(x.draw.below(2))
	cfg.Raft.BaseTickMicros = x.draw.between(20_000, 100_000)
	cfg.Raft.HeartbeatTicks = uint32(x.draw.between(1, 3))
	cfg.Raft.ElectionTicksMin = uint32(x.draw.between(10, 15))
	cfg.Raft.PreVote = !x.draw.oneIn(4)
	cfg.Raft.CheckQuorum = !x.draw.oneIn(4)
	cfg.Raft.LeaseReads = cfg.Raft.CheckQuorum
	cfg.Disk.WriteMicros = x.draw.between(0, 2_000)
	cfg.Disk.FsyncMicros = x.draw.between(0, 8_000)
	cfg.ClientTimeoutMicros = x.draw.between(500_000, 3_000_000)
	x.config = cfg
	cfg.Network = x.network(uint32(x.draw.between(5_000, 50_000)))
}

// network draws a network that is quick against the base tick, with that loss.
func (x *exercise) network(lossPPM uint32) *sessionpb.Network {
	latency := x.draw.between(1_000, x.config.Raft.BaseTickMicros/4)
	return &sessionpb.Network{LatencyMicros: latency, JitterMicros: x.draw.between(0, latency), LossPpm: lossPPM}
}

// at moves the run's end forward to a time.
func (x *exercise) at(micros int64) int64 {
	x.now = max(x.now, micros)
	return x.now
}

// act places an action. Actions are placed in the order of their times.
func (x *exercise) act(micros int64, a *sessionpb.Action) {
	a.ByTime, a.AtMicros = true, x.at(micros)
	x.actions = append(x.actions, a)
}

// traffic places commands, spread over a stretch of time.
func (x *exercise) traffic(from, length int64, commands int64) {
	for i := range commands {
		gap := length / commands
		x.act(from+i*gap+x.draw.between(0, gap-1), &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: x.propose()}})
	}
	x.at(from + length)
}

// addressee is mostly the leader, sometimes any store.
func (x *exercise) addressee() uint64 {
	if x.draw.oneIn(6) {
		return x.anyStore()
	}
	return 0
}

func (x *exercise) anyStore() uint64 { return 1 + x.draw.below(uint64(x.config.Stores)) }

// outage crashes a store in the middle of traffic, perhaps another trouble besides, and restarts it.
func (x *exercise) outage(storeID uint64, election int64) {
	x.traffic(x.now, x.draw.between(election/4, election), 4)
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_CrashStore{
		CrashStore: &sessionpb.CrashStore{StoreId: storeID}}})
	switch x.draw.below(4) {
	case 0:
		x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_TimeOutStore{
			TimeOutStore: &sessionpb.TimeOutStore{StoreId: x.anyStore()}}})
	case 1:
		x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
			Network: x.network(uint32(x.draw.between(5_000, 50_000)))}}})
	case 2:
		x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_SetDisk{SetDisk: &sessionpb.SetDisk{
			Disk: &sessionpb.Disk{WriteMicros: x.draw.between(0, 2_000), FsyncMicros: x.draw.between(0, 8_000)}}}})
	}
	// Long enough for the others to elect a leader, should it have been this one.
	x.traffic(x.now, 3*election, 6)
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_RestartStore{
		RestartStore: &sessionpb.RestartStore{StoreId: storeID}}})
	x.traffic(x.now, x.draw.between(election, 2*election), 3)
}

// command draws a write, more often than not, or a read, a delete, or a write under a condition.
func (x *exercise) command() *raftcmdpb.RaftCommandRequest {
	x.values++
	key := fmt.Appendf(nil, "key-%d", x.draw.below(12))
	value := fmt.Appendf(nil, "value-%d", x.values)
	put := &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: key, Value: value}}}
	get := &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: key}}}
	remove := &raftcmdpb.Request{Request: &raftcmdpb.Request_Delete{Delete: &raftcmdpb.DeleteRequest{Key: key}}}
	request := &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{}}
	switch x.draw.below(10) {
	case 0:
		request.Requests = []*raftcmdpb.Request{get}
	case 1:
		request.Requests = []*raftcmdpb.Request{get}
		request.Header.ReadMode = raftcmdpb.ReadMode_READ_MODE_LOG
	case 2:
		request.Requests = []*raftcmdpb.Request{remove}
	case 3:
		request.Requests = []*raftcmdpb.Request{put}
		request.Compares = []*raftcmdpb.Compare{{Key: key, Expect: &raftcmdpb.Compare_Absent{Absent: true}}}
	case 4:
		request.Requests = []*raftcmdpb.Request{get, put, remove}
	default:
		request.Requests = []*raftcmdpb.Request{put}
	}
	return request
}

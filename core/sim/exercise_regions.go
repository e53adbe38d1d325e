package sim

import (
	"fmt"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// ExerciseRegions returns a busy run that depends on the seed alone and is about regions: three stores, of which one or all
// hold the first region, and some more that are added; regions are split by hand and by size, their members added,
// promoted, demoted and removed one by one and jointly, their logs compacted, their leaders transferred, while clients
// write, read in every mode and scan both ways, and stores stay away until only a snapshot helps. Many of its actions and
// commands are refused: what they ask for depends on what became of those before. Over some seeds it holds all of this
// (tested).
func ExerciseRegions(seed uint64) *sessionpb.Run {
	x := &regionsExercise{exercise: exercise{draw: newStream(seed, "exercise of regions")}}
	x.propose = x.anything
	x.configure(seed)
	x.election = 2 * int64(x.config.Raft.ElectionTicksMin) * x.config.Raft.BaseTickMicros

	x.traffic(x.at(2*x.election), x.election, 8)
	x.addStore()
	deeds := []func(){
		x.split, x.split, x.split, x.changeOne, x.changeOne, x.changeOne, x.changeOne, x.changeSome, x.changeSome,
		x.compact, x.transfer, x.transfer, x.absence, x.absence, x.addStore, x.trouble,
	}
	for len(deeds) > 0 {
		i := x.draw.below(uint64(len(deeds)))
		deeds[i]()
		deeds[i] = deeds[len(deeds)-1]
		deeds = deeds[:len(deeds)-1]
		x.traffic(x.now, x.draw.between(x.election/8, x.election), 5)
	}
	// Calm again: what is owed gets done.
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
		Network: x.network(0)}}})
	x.traffic(x.now+x.election, 2*x.election, 16)
	x.at(x.now + x.election)
	return &sessionpb.Run{Config: x.config, Actions: x.actions, NowMicros: x.now, ByTime: true}
}

type regionsExercise struct {
	exercise
	// election is longer than an election takes, mostly.
	election int64
	// stores is how many there are by now.
	stores uint64
}

func (x *regionsExercise) configure(seed uint64) {
	x.exercise.configure(seed)
	cfg := x.config
	cfg.Stores, x.stores = 3, 3
	if x.draw.oneIn(4) {
		cfg.Members = 1
	}
	raft := cfg.Raft
	raft.SnapshotChunkBytesMax = uint32(x.draw.between(chunkBytesMaxMin, chunkBytesDefault))
	if x.draw.oneIn(3) {
		raft.RegionBytesMax = uint64(x.draw.between(150, 600))
	}
	if x.draw.oneIn(2) {
		raft.LogEntriesMax = uint32(x.draw.between(8, 30))
		raft.LogEntriesKept = uint32(x.draw.below(uint64(raft.LogEntriesMax)))
	}
	if x.draw.oneIn(3) {
		raft.SleepTicks = uint32(x.draw.between(1, 2*int64(raft.ElectionTicksMin)))
	}
}

// admin places an admin command to a region; 0 lets the command's key decide.
func (x *regionsExercise) admin(regionID uint64, request *raftcmdpb.AdminRequest) {
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{RegionId: regionID}, Admin: request}}}})
}

// anyRegion draws one of the first regions, most of all the very first.
func (x *regionsExercise) anyRegion() uint64 {
	if x.draw.oneIn(2) {
		return firstRegionID
	}
	return firstRegionID + x.draw.below(4)
}

func (x *regionsExercise) anyStore() uint64 { return 1 + x.draw.below(x.stores) }

func (x *regionsExercise) addStore() {
	x.stores++
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_AddStore{AddStore: &sessionpb.AddStore{}}})
}

func (x *regionsExercise) split() {
	x.admin(0, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{Split: &raftcmdpb.SplitRequest{SplitKey: x.key()}}})
}

func (x *regionsExercise) compact() { x.compactRegion(x.anyRegion()) }

func (x *regionsExercise) compactRegion(regionID uint64) {
	x.admin(regionID, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{CompactLog: &raftcmdpb.CompactLogRequest{}}})
}

func (x *regionsExercise) transfer() {
	x.admin(x.anyRegion(), &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{
		TransferLeader: &raftcmdpb.TransferLeaderRequest{Peer: &metapb.Peer{StoreId: x.anyStore()}}}})
}

func (x *regionsExercise) changePeers(regionID uint64, change *raftcmdpb.ChangePeersRequest) {
	x.admin(regionID, &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{ChangePeers: change}})
}

// change draws one change of a region's members: more often one that adds.
func (x *regionsExercise) change(storeID uint64) *raftcmdpb.PeerChange {
	kinds := []raftcmdpb.PeerChangeType{
		raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER,
		raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER, raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE,
	}
	return &raftcmdpb.PeerChange{Type: kinds[x.draw.below(uint64(len(kinds)))], Peer: &metapb.Peer{StoreId: storeID}}
}

func (x *regionsExercise) changeOne() {
	x.changePeers(x.anyRegion(), &raftcmdpb.ChangePeersRequest{Changes: []*raftcmdpb.PeerChange{x.change(x.anyStore())}})
}

// changeSome changes two or three members at a time, through a joint configuration that is left by itself or by hand.
func (x *regionsExercise) changeSome() {
	regionID, first := x.anyRegion(), x.draw.below(x.stores)
	change := &raftcmdpb.ChangePeersRequest{Transition: raftcmdpb.ConfTransition(x.draw.below(3))}
	for i := range 2 + x.draw.below(2) {
		change.Changes = append(change.Changes, x.change(1+(first+i)%x.stores))
	}
	x.changePeers(regionID, change)
	if change.Transition != raftcmdpb.ConfTransition_CONF_TRANSITION_EXPLICIT {
		return
	}
	x.traffic(x.now, x.draw.between(x.election/2, x.election), 4)
	x.changePeers(regionID, &raftcmdpb.ChangePeersRequest{LeaveJoint: true})
}

// absence crashes a store and restarts it when the logs of the others have been compacted.
func (x *regionsExercise) absence() {
	storeID := x.anyStore()
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: storeID}}})
	x.traffic(x.now+x.election, x.election, 10)
	for regionID := uint64(firstRegionID); regionID < firstRegionID+4; regionID++ {
		x.compactRegion(regionID)
	}
	x.traffic(x.now, x.draw.between(x.election/4, x.election), 4)
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: storeID}}})
	x.traffic(x.now, x.election, 6)
}

// trouble makes the network worse, or a timer fire.
func (x *regionsExercise) trouble() {
	if x.draw.oneIn(2) {
		x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_TimeOutStore{TimeOutStore: &sessionpb.TimeOutStore{
			StoreId: x.anyStore(), RegionId: x.draw.below(3)}}})
	}
	x.act(x.now, &sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
		Network: x.network(uint32(x.draw.between(20_000, 100_000)))}}})
}

// key draws a key; they are spread over two letters, so that a split between them leaves some on both sides.
func (x *regionsExercise) key() []byte {
	return fmt.Appendf(nil, "%c%d", 'a'+rune(x.draw.below(2)), x.draw.below(10))
}

// anything draws a command to one region, or to several by mistake, in any way.
func (x *regionsExercise) anything() *sessionpb.Propose {
	x.values++
	key, value := x.key(), fmt.Appendf(nil, "value-%d", x.values)
	p := &sessionpb.Propose{Request: &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{}}}
	if x.draw.oneIn(8) {
		p.StoreId = x.anyStore()
	}
	put := &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: key, Value: value}}}
	remove := &raftcmdpb.Request{Request: &raftcmdpb.Request_Delete{Delete: &raftcmdpb.DeleteRequest{Key: key}}}
	switch x.draw.below(10) {
	case 0, 1, 2:
		p.Request.Requests = []*raftcmdpb.Request{x.read(key)}
		// Any mode, or the default.
		p.Request.Header.ReadMode = raftcmdpb.ReadMode(x.draw.below(5))
		if p.Request.Header.ReadMode == raftcmdpb.ReadMode_READ_MODE_STALE {
			p.StoreId = x.anyStore()
		}
	case 3:
		p.Request.Requests = []*raftcmdpb.Request{remove}
	case 4:
		other := &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: x.key(), Value: value}}}
		p.Request.Requests = []*raftcmdpb.Request{put, other}
	case 5:
		p.Request.Status = &raftcmdpb.StatusRequest{Type: raftcmdpb.StatusType(1 + x.draw.below(3))}
		p.Request.Header.RegionId = x.anyRegion()
	default:
		p.Request.Requests = []*raftcmdpb.Request{put}
	}
	return p
}

// read draws a get, a seek, or a scan up or down.
func (x *regionsExercise) read(key []byte) *raftcmdpb.Request {
	switch x.draw.below(4) {
	case 0:
		return &raftcmdpb.Request{Request: &raftcmdpb.Request_Seek{Seek: &raftcmdpb.SeekRequest{Key: key}}}
	case 1, 2:
		return &raftcmdpb.Request{Request: &raftcmdpb.Request_Scan{Scan: &raftcmdpb.ScanRequest{
			StartKey: key, Limit: uint32(1 + x.draw.below(5)), Reverse: x.draw.oneIn(2)}}}
	}
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: key}}}
}

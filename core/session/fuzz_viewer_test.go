package session

import (
	"testing"

	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// FuzzViewer reads its bytes as a script of commands that mostly make sense: it reaches deeper than bytes do. In the end
// the run does itself again, to the same hash.
func FuzzViewer(f *testing.F) {
	f.Add([]byte{0, 3, 3, 10, 5, 2, 8, 1, 3, 20, 1, 4, 2, 11, 1, 12, 9})
	f.Add([]byte{3, 60, 0, 5, 1, 15, 16, 1, 3, 60, 18, 0, 0, 1, 1, 6, 3, 90, 17, 0, 3, 40, 4, 2, 3, 90, 5, 2, 3, 60})
	f.Add([]byte{14, 9, 1, 3, 200, 10, 5, 1, 2, 3, 200, 4, 4, 14, 9, 2, 3, 99})
	f.Add([]byte{19, 1, 255, 10, 1, 3, 255, 3, 255, 5, 1, 10, 1, 3, 100, 4, 1, 4, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		next := func() byte {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return b
		}
		s, known := New("fuzz"), uint64(0)
		handle := func(commands ...*sessionpb.Command) *sessionpb.Frame {
			frame := &sessionpb.Frame{}
			if err := proto.Unmarshal(s.HandleBytes(packedOne(t, commands...), pieces), frame); err != nil {
				t.Fatalf("the frame does not decode: %v", err)
			}
			known = follow(t, frame, known)
			return frame
		}
		handle(reset(&sessionpb.Reset{}))
		for n := 0; n < 30 && len(script) > 0; n++ {
			c := viewersCommand(next)
			c.Id = 7
			handle(c)
		}
		last := func(c *sessionpb.Command) *sessionpb.Reply {
			c.Id = 1 << 40
			for frame, n := handle(c), 0; n < 10_000; frame, n = handle(), n+1 {
				for _, r := range frame.GetReplies() {
					if r.GetCommandId() == c.Id {
						return r
					}
				}
			}
			t.Fatalf("no reply to %v", c)
			return nil
		}
		last(&sessionpb.Command{Command: &sessionpb.Command_Pause{Pause: &sessionpb.Pause{}}})
		hash := func() string {
			return last(&sessionpb.Command{Command: &sessionpb.Command_GetHash{GetHash: &sessionpb.GetHash{}}}).GetHash().GetHash()
		}
		before, run := hash(), s.Run()
		if r := last(reset(&sessionpb.Reset{Run: run, Go: true})); before == "" || r.GetFailure() != "" {
			t.Fatalf("the run's hash is %q, it begins anew with %q:\n%v", before, r.GetFailure(), run)
		}
		if after := hash(); after != before {
			t.Fatalf("the run does not repeat: %s became %s\n%v", before, after, run)
		}
	})
}

// viewersCommand draws a command from a script.
func viewersCommand(next func() byte) *sessionpb.Command {
	id := func() uint64 { return uint64(next()) % 7 }
	do := func(a *sessionpb.Action) *sessionpb.Command { return act(a) }
	switch next() % 21 {
	case 0:
		return step(sessionpb.StepUnit(next()%7), 0)
	case 1:
		return step(sessionpb.StepUnit_STEP_UNIT_TICK, id())
	case 2:
		return seek(uint64(next()))
	case 3:
		return playAt(int64(next()) * speedMax / 255)
	case 4:
		return crash(id())
	case 5:
		return do(&sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: id()}}})
	case 6:
		return do(&sessionpb.Action{Action: &sessionpb.Action_DropMessage{DropMessage: &sessionpb.DropMessage{MessageId: uint64(next())}}})
	case 7:
		return do(&sessionpb.Action{Action: &sessionpb.Action_DeliverMessage{DeliverMessage: &sessionpb.DeliverMessage{MessageId: uint64(next())}}})
	case 8:
		return put(id(), string(rune('a'+next()%4)), string(rune(next())))
	case 9:
		return do(&sessionpb.Action{Action: &sessionpb.Action_TimeOutStore{TimeOutStore: &sessionpb.TimeOutStore{StoreId: id(), RegionId: id() / 5}}})
	case 10:
		return do(&sessionpb.Action{Action: &sessionpb.Action_SetElectionTimeout{
			SetElectionTimeout: &sessionpb.SetElectionTimeout{StoreId: id(), TimeoutTicks: uint32(next())}}})
	case 11:
		return do(&sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{Network: &sessionpb.Network{
			LatencyMicros: 1 + int64(next())*500, JitterMicros: int64(next()) * 100, LossPpm: uint32(next()) * 4_000}}}})
	case 12:
		return do(&sessionpb.Action{Action: &sessionpb.Action_SetDisk{SetDisk: &sessionpb.SetDisk{Disk: &sessionpb.Disk{
			WriteMicros: int64(next()) * 100, FsyncMicros: int64(next()) * 100}}}})
	case 13:
		return &sessionpb.Command{Command: &sessionpb.Command_SwitchBranch{SwitchBranch: &sessionpb.SwitchBranch{BranchId: uint32(next()) % 5}}}
	case 14:
		return &sessionpb.Command{Command: &sessionpb.Command_Play{Play: &sessionpb.Play{
			Pace: sessionpb.Pace_PACE_STORY, FlightMicros: int64(next()) * 40_000}}}
	case 15:
		return do(&sessionpb.Action{Action: &sessionpb.Action_AddStore{AddStore: &sessionpb.AddStore{}}})
	case 16:
		return admin(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{
			Split: &raftcmdpb.SplitRequest{SplitKey: []byte{'a' + next()%4}}}})
	case 17:
		return admin(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{
			CompactLog: &raftcmdpb.CompactLogRequest{CompactIndex: uint64(next()) % 9}}})
	case 18:
		change := &raftcmdpb.ChangePeersRequest{Transition: raftcmdpb.ConfTransition(next() % 3), LeaveJoint: next()%5 == 4}
		for range next() % 3 {
			change.Changes = append(change.Changes, &raftcmdpb.PeerChange{
				Type: raftcmdpb.PeerChangeType(next() % 4), Peer: &metapb.Peer{StoreId: id()}})
		}
		return admin(&raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{ChangePeers: change}})
	case 20:
		return networkCommand(next)
	}
	cfg := sim.DefaultConfig()
	cfg.Stores, cfg.Seed = uint32(next())%4, uint64(next())
	return reset(&sessionpb.Reset{Run: &sessionpb.Run{Config: cfg}})
}

// admin is an admin command to the first region, or to the one that holds its key.
func admin(request *raftcmdpb.AdminRequest) *sessionpb.Command {
	return act(&sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{Admin: request}}}})
}

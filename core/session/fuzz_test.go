package session

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// What bounds the work of one input.
const (
	fuzzRequestsMax = 8
	fuzzCommandsMax = 16
	fuzzStoresMax   = 5
	fuzzPiecesMax   = 40
)

// FuzzHandle takes bytes from a viewer: requests, each after its length. Whatever they are, the session answers with a
// frame that decodes, and with events in their order; bytes that are no request change nothing.
func FuzzHandle(f *testing.F) {
	for _, requests := range fuzzSeeds() {
		f.Add(packed(f, requests...))
	}
	f.Add([]byte("\x03GET /"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, known := New("fuzz"), uint64(0)
		handle := func(request []byte) *sessionpb.Frame {
			frame := &sessionpb.Frame{}
			if err := proto.Unmarshal(s.HandleBytes(request, pieces), frame); err != nil {
				t.Fatalf("the frame does not decode: %v", err)
			}
			known = follow(t, frame, known)
			return frame
		}
		// Most inputs have no run of their own.
		handle(packedOne(t, reset(&sessionpb.Reset{})))
		for n := 0; n < fuzzRequestsMax && len(data) > 0; n++ {
			request, size := protowire.ConsumeBytes(data)
			if size < 0 {
				request, size = data, len(data)
			}
			data = data[size:]
			req := &sessionpb.Request{}
			if err := proto.Unmarshal(request, req); err != nil {
				unchanged(t, s, func() { mustSay(t, handle(request), "not of the session protocol") })
				continue
			}
			if tooMuch(req) {
				return
			}
			handle(request)
		}
		// Whatever was asked for, the session comes to its end and can be started anew.
		for n := 0; s.goal != nil && n < 20; n++ {
			handle(nil)
		}
		for n := 0; n < 20; n++ {
			handle(packedOne(t, reset(&sessionpb.Reset{})))
			if len(s.commands) == 0 && s.goal == nil {
				break
			}
		}
	})
}

// pieces is a budget in pieces of work, so that it does not depend on the machine's speed.
func pieces(budgetMicros int64) func() bool {
	if budgetMicros < 0 || budgetMicros > budgetMicrosMax {
		panic("a budget out of bounds")
	}
	left := fuzzPiecesMax
	return func() bool { left--; return left > 0 }
}

// follow checks what a viewer relies on, and returns the last event that it knows.
func follow(t *testing.T, frame *sessionpb.Frame, known uint64) uint64 {
	t.Helper()
	if k := frame.GetKeyframe(); k != nil {
		known = k.GetSeq()
	}
	for _, e := range frame.GetEvents() {
		if e.GetRunStarted() != nil {
			known = 0
		}
		if known++; e.GetSeq() != known {
			t.Fatalf("event %d where %d should be", e.GetSeq(), known)
		}
	}
	for _, r := range frame.GetReplies() {
		if strings.ContainsAny(r.GetFailure(), "\n\r") {
			t.Fatalf("a failure is no sentence: %q", r.GetFailure())
		}
	}
	if s := frame.GetStatus(); s != nil && (s.GetSeq() != known || s.GetNowMicros() < 0 || s.GetHeadSeq() < s.GetSeq()) {
		t.Fatalf("event %d is the last one known; the status is %v", known, s)
	}
	return known
}

// unchanged wants a session that is the same before and after.
func unchanged(t *testing.T, s *Session, do func()) {
	t.Helper()
	look := func() (proto.Message, proto.Message, int, goal) { return s.status(), s.Run(), len(s.commands), s.goal }
	statusBefore, runBefore, commandsBefore, goalBefore := look()
	do()
	status, run, commands, goal := look()
	if !proto.Equal(status, statusBefore) || !proto.Equal(run, runBefore) || commands != commandsBefore || goal != goalBefore {
		t.Fatalf("bytes that are no request changed\n%v\nto\n%v", statusBefore, status)
	}
}

func mustSay(t *testing.T, frame *sessionpb.Frame, what string) {
	t.Helper()
	if len(frame.GetReplies()) != 1 || !strings.Contains(frame.GetReplies()[0].GetFailure(), what) {
		t.Fatalf("the replies are %v", frame.GetReplies())
	}
}

// tooMuch tells whether a request is legal but slow.
func tooMuch(req *sessionpb.Request) bool {
	for _, c := range req.GetCommands() {
		if c.GetReset_().GetRun().GetConfig().GetStores() > fuzzStoresMax {
			return true
		}
	}
	return len(req.GetCommands()) > fuzzCommandsMax
}

func packedOne(t testing.TB, commands ...*sessionpb.Command) []byte {
	data, err := proto.Marshal(&sessionpb.Request{Commands: commands, ElapsedMicros: 16_667, BudgetMicros: 4_000})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func packed(t testing.TB, requests ...[]*sessionpb.Command) []byte {
	var out []byte
	for _, commands := range requests {
		out = protowire.AppendBytes(out, packedOne(t, commands...))
	}
	return out
}

func reset(r *sessionpb.Reset) *sessionpb.Command {
	return &sessionpb.Command{Id: 1, Command: &sessionpb.Command_Reset_{Reset_: r}}
}

// fuzzSeeds are requests of every kind, in sequences that make sense.
func fuzzSeeds() [][][]*sessionpb.Command {
	type commands = []*sessionpb.Command
	run := sim.Exercise(7)
	run.Actions = run.Actions[:12]
	run.NowMicros = run.Actions[11].AtMicros
	small := sim.DefaultConfig()
	small.Stores = 1
	far := proto.Clone(small).(*sessionpb.Config)
	far.Raft.BaseTickMicros, far.StopAtViolation = 10_000_000, true
	timeOut := act(&sessionpb.Action{Action: &sessionpb.Action_TimeOutStore{TimeOutStore: &sessionpb.TimeOutStore{StoreId: 2}}})
	restart := act(&sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: 1}}})
	network := act(&sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
		Network: &sessionpb.Network{LatencyMicros: 100, LossPpm: 500_000}}}})
	disk := act(&sessionpb.Action{Action: &sessionpb.Action_SetDisk{SetDisk: &sessionpb.SetDisk{Disk: &sessionpb.Disk{FsyncMicros: 9_000}}}})
	ticks := act(&sessionpb.Action{Action: &sessionpb.Action_SetElectionTimeout{
		SetElectionTimeout: &sessionpb.SetElectionTimeout{StoreId: 3, TimeoutTicks: 1}}})
	dropped := act(&sessionpb.Action{Action: &sessionpb.Action_DropMessage{DropMessage: &sessionpb.DropMessage{MessageId: 1}}})
	delivered := act(&sessionpb.Action{Action: &sessionpb.Action_DeliverMessage{DeliverMessage: &sessionpb.DeliverMessage{MessageId: 2}}})
	clog := act(&sessionpb.Action{Action: &sessionpb.Action_SetLinks{SetLinks: &sessionpb.SetLinks{
		Links: []*sessionpb.Link{{FromStore: 2, ToStore: 1, Clogged: true}, {FromStore: 2, ToStore: 3, Cut: true}}}}})
	apart := act(&sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: &sessionpb.Partition{
		Kind: sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY, Sides: []*sessionpb.Side{{StoreIds: []uint64{2, 3}}}}}})
	heal := act(&sessionpb.Action{Action: &sessionpb.Action_Heal{Heal: &sessionpb.Heal{}}})
	guarded := put(0, "a", "1")
	guarded.GetAct().GetAction().GetPropose().Request.Compares = []*raftcmdpb.Compare{
		{Key: []byte("a"), Expect: &raftcmdpb.Compare_Absent{Absent: true}}}
	hash := &sessionpb.Command{Command: &sessionpb.Command_GetHash{GetHash: &sessionpb.GetHash{}}}
	export := &sessionpb.Command{Command: &sessionpb.Command_ExportRun{ExportRun: &sessionpb.ExportRun{}}}
	keyframe := &sessionpb.Command{Command: &sessionpb.Command_GetKeyframe{GetKeyframe: &sessionpb.GetKeyframe{}}}
	pause := &sessionpb.Command{Command: &sessionpb.Command_Pause{Pause: &sessionpb.Pause{}}}
	back := &sessionpb.Command{Command: &sessionpb.Command_SwitchBranch{SwitchBranch: &sessionpb.SwitchBranch{BranchId: 1}}}
	story := &sessionpb.Command{Command: &sessionpb.Command_Play{Play: &sessionpb.Play{
		Pace: sessionpb.Pace_PACE_STORY, FlightMicros: 300_000}}}
	unit := func(u sessionpb.StepUnit) *sessionpb.Command { return step(u, 0) }
	return [][]commands{
		{{unit(sessionpb.StepUnit_STEP_UNIT_EVENT)}, {unit(sessionpb.StepUnit_STEP_UNIT_EVENT_BUT_TICK), seek(1)}},
		{{timeOut}, {dropped, delivered}, {unit(sessionpb.StepUnit_STEP_UNIT_MESSAGE)}, {unit(sessionpb.StepUnit_STEP_UNIT_INTERESTING), guarded}},
		{{timeOut, unit(sessionpb.StepUnit_STEP_UNIT_INTERESTING)}, {seek(3)}, {crash(1), restart}, {back}, {hash}, {export, keyframe}},
		{{playAt(speedMax)}, {}, {network, disk, ticks}, {pause, hash}, {seek(9)}},
		{{clog, timeOut}, {unit(sessionpb.StepUnit_STEP_UNIT_MESSAGE)}, {apart, playAt(speedMax)}, {}, {heal, hash}, {}},
		{{story}, {}, {put(0, "k", "v"), put(2, "", "v")}, {}},
		{{reset(&sessionpb.Reset{Run: run, Go: true})}, {}, {pause}, {export}},
		{{reset(&sessionpb.Reset{Run: &sessionpb.Run{Config: small, NowMicros: 1 << 52}, Go: true})}, {crash(1)}, {restart}},
		{{reset(&sessionpb.Reset{Run: &sessionpb.Run{Config: small, Steps: 1 << 60, NowMicros: 5}, Go: true})}, {crash(1), pause}},
		{{reset(&sessionpb.Reset{Run: &sessionpb.Run{Config: small, NowMicros: 1 << 53, Acted: 1, Actions: []*sessionpb.Action{
			{AtMicros: 1 << 53, ByTime: true, Action: crash(1).GetAct().GetAction().GetAction()}}}, Go: true})}, {restart}},
		{{reset(&sessionpb.Reset{Run: &sessionpb.Run{Config: far, NowMicros: -1}})}, {step(sessionpb.StepUnit_STEP_UNIT_TICK, 1)}, {playAt(speedMin)}},
		// A cluster of the dead lets time pass at any speed.
		{{reset(&sessionpb.Reset{Run: &sessionpb.Run{Config: small}}), crash(1), playAt(speedMax)}, {}, {}, {restart}, {}},
	}
}

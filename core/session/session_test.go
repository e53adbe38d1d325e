package session

import (
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// viewer drives a session as a page does, and keeps what it is shown.
type viewer struct {
	t      *testing.T
	s      *Session
	id     uint64
	events []*sessionpb.Event // by seq, from 1
	frame  *sessionpb.Frame   // the last one
	status *sessionpb.Status
}

func newViewer(t *testing.T) *viewer {
	v := &viewer{t: t, s: New("test")}
	v.must(&sessionpb.Command{Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{}}})
	return v
}

func forever() bool { return true }

// send does one request and checks what a viewer relies on: events without a gap after what it holds.
func (v *viewer) send(req *sessionpb.Request, more func() bool) {
	v.t.Helper()
	v.frame = v.s.Handle(req, more)
	v.status = v.frame.GetStatus()
	if k := v.frame.GetKeyframe(); k != nil {
		if k.GetSeq() > uint64(len(v.events)) {
			v.t.Fatalf("a keyframe after event %d, of which %d are known", k.GetSeq(), len(v.events))
		}
		v.events = v.events[:k.GetSeq()]
	}
	for _, e := range v.frame.GetEvents() {
		if e.GetRunStarted() != nil {
			v.events = nil
		}
		if want := uint64(len(v.events) + 1); e.GetSeq() != want {
			v.t.Fatalf("event %d where %d should be", e.GetSeq(), want)
		}
		v.events = append(v.events, e)
	}
	if v.status.GetSeq() != uint64(len(v.events)) {
		v.t.Fatalf("status tells event %d, %d are known", v.status.GetSeq(), len(v.events))
	}
}

// try does one command to its end and returns its reply.
func (v *viewer) try(c *sessionpb.Command) *sessionpb.Reply {
	v.t.Helper()
	v.id++
	c.Id = v.id
	v.send(&sessionpb.Request{Commands: []*sessionpb.Command{c}}, forever)
	for {
		for _, r := range v.frame.GetReplies() {
			if r.GetCommandId() == v.id {
				return r
			}
		}
		if v.status.GetWork() == nil && v.s.goal == nil {
			v.t.Fatal("the command has no reply")
		}
		v.send(&sessionpb.Request{}, forever)
	}
}

func (v *viewer) must(c *sessionpb.Command) *sessionpb.Reply {
	v.t.Helper()
	r := v.try(c)
	if r.GetFailure() != "" {
		v.t.Fatalf("%v failed: %s", c, r.GetFailure())
	}
	return r
}

func step(unit sessionpb.StepUnit, storeID uint64) *sessionpb.Command {
	return &sessionpb.Command{Command: &sessionpb.Command_Step{Step: &sessionpb.Step{Unit: unit, StoreId: storeID}}}
}

func seek(seq uint64) *sessionpb.Command {
	return &sessionpb.Command{Command: &sessionpb.Command_Seek{Seek: &sessionpb.Seek{Seq: seq}}}
}

func act(a *sessionpb.Action) *sessionpb.Command {
	return &sessionpb.Command{Command: &sessionpb.Command_Act{Act: &sessionpb.Act{Action: a}}}
}

func crash(id uint64) *sessionpb.Command {
	return act(&sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: id}}})
}

func put(storeID uint64, key, value string) *sessionpb.Command {
	return act(&sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{StoreId: storeID,
		Request: &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{
			Put: &raftcmdpb.PutRequest{Key: []byte(key), Value: []byte(value)}}}}}}}})
}

func playAt(speed int64) *sessionpb.Command {
	return &sessionpb.Command{Command: &sessionpb.Command_Play{Play: &sessionpb.Play{
		Pace: sessionpb.Pace_PACE_FIXED, SpeedPpm: speed}}}
}

// play lets a viewer watch for so many wall microseconds, in frames of a sixtieth of a second.
func (v *viewer) play(micros int64) {
	v.t.Helper()
	for ; micros > 0; micros -= 16_667 {
		v.send(&sessionpb.Request{ElapsedMicros: min(micros, 16_667)}, forever)
	}
}

// elect steps until somebody leads, and returns who.
func (v *viewer) elect() uint64 {
	v.t.Helper()
	for range 100 {
		v.must(step(sessionpb.StepUnit_STEP_UNIT_INTERESTING, 0))
		if leader := v.s.line.world.Leader(); leader != 0 {
			return leader
		}
	}
	v.t.Fatal("no leader")
	return 0
}

func (v *viewer) hash() string {
	v.t.Helper()
	return v.must(&sessionpb.Command{Command: &sessionpb.Command_GetHash{GetHash: &sessionpb.GetHash{}}}).GetHash().GetHash()
}

func (v *viewer) run() *sessionpb.Run {
	v.t.Helper()
	return v.must(&sessionpb.Command{Command: &sessionpb.Command_ExportRun{ExportRun: &sessionpb.ExportRun{}}}).GetRun()
}

func TestSourceGreetsOnceAndStartsARun(t *testing.T) {
	s := New("1.2.3")
	f := s.Handle(&sessionpb.Request{}, forever)
	if f.GetHello().GetVersion() != "1.2.3" || f.GetHello().GetProtocolVersion() != ProtocolVersion || len(f.GetEvents()) != 0 {
		t.Fatalf("got %v", f)
	}
	if s.Handle(&sessionpb.Request{}, forever).GetHello() != nil {
		t.Fatal("it greeted twice")
	}
	v := newViewer(t)
	if len(v.events) != 1 || len(v.events[0].GetRunStarted().GetStores()) != 5 {
		t.Fatalf("a run starts with %v", v.events)
	}
}

func TestNextEventShowsOneAndPreviousTakesOneBack(t *testing.T) {
	v := newViewer(t)
	for range 400 {
		before := len(v.events)
		v.must(step(sessionpb.StepUnit_STEP_UNIT_EVENT, 0))
		if len(v.events) != before+1 {
			t.Fatalf("%d events became %d", before, len(v.events))
		}
	}
	all := v.events
	for n := 399; n > 300; n-- {
		v.must(seek(uint64(n)))
		if len(v.events) != n {
			t.Fatalf("%d events after going back to %d", len(v.events), n)
		}
	}
	v.must(seek(0))
	for i := range all {
		if !proto.Equal(all[i], v.events[i]) {
			t.Fatalf("event %d differs after going back and forth:\n%v\n%v", i+1, all[i], v.events[i])
		}
	}
}

func TestNextEventThatIsNoTickPassesOverTicks(t *testing.T) {
	v := newViewer(t)
	v.must(step(sessionpb.StepUnit_STEP_UNIT_EVENT_BUT_TICK, 0))
	last := len(v.events) - 1
	if v.events[last].GetTicked() != nil || v.events[last].GetRoleChanged() == nil {
		t.Fatalf("the first event that is no tick is %v", v.events[last])
	}
	for _, e := range v.events[1:last] {
		if e.GetTicked() == nil {
			t.Fatalf("it passed over %v", e)
		}
	}
}

func TestTickGoesThroughTheStoresNextTick(t *testing.T) {
	v := newViewer(t)
	for n := uint32(1); n <= 3; n++ {
		v.must(step(sessionpb.StepUnit_STEP_UNIT_TICK, 4))
		var last *sessionpb.Event
		for _, e := range v.events {
			if e.GetTicked() != nil && e.GetStoreId() == 4 {
				last = e
			}
		}
		if got := last.GetTicked().GetTimers()[0].GetElapsedTicks(); got != n {
			t.Fatalf("tick %d shows %d elapsed", n, got)
		}
	}
	v.must(crash(4))
	if r := v.try(step(sessionpb.StepUnit_STEP_UNIT_TICK, 4)); !strings.Contains(r.GetFailure(), "S4 is down") {
		t.Fatalf("got %q", r.GetFailure())
	}
}

func TestNextMessageGoesThroughADelivery(t *testing.T) {
	v := newViewer(t)
	for range 5 {
		delivered := 0
		before := len(v.events)
		v.must(step(sessionpb.StepUnit_STEP_UNIT_MESSAGE, 0))
		for _, e := range v.events[before:] {
			if e.GetMessageDelivered() != nil || e.GetMessageLost() != nil {
				delivered++
			}
		}
		if delivered != 1 {
			t.Fatalf("%d deliveries", delivered)
		}
	}
}

func TestGoingBackAnywhereShowsTheSame(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	v.must(put(leader, "city", "Kyoto"))
	v.must(playAt(ppm))
	v.play(1_500_000)
	v.must(crash(leader))
	v.must(playAt(ppm * 4))
	v.play(2_000_000)
	all, hash := v.events, v.hash()
	rng := rand.New(rand.NewPCG(7, 7))
	for range 40 {
		seq := 1 + rng.Uint64N(uint64(len(all)))
		v.must(seek(seq))
		if uint64(len(v.events)) != seq {
			t.Fatalf("seek to %d shows %d events", seq, len(v.events))
		}
		if i := seq - 1; !proto.Equal(all[i], v.events[i]) {
			t.Fatalf("event %d differs: %v, %v", seq, all[i], v.events[i])
		}
	}
	v.must(seek(0))
	if again := v.hash(); again != hash {
		t.Fatalf("hash %s became %s", hash, again)
	}
}

func TestActingInThePastMakesABranchAndKeepsTheOldFuture(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	fork := uint64(len(v.events))
	v.must(put(leader, "city", "Kyoto"))
	v.must(playAt(ppm))
	v.play(1_000_000)
	old, oldHash := v.events, v.hash()
	v.must(seek(fork))
	v.must(put(leader, "city", "Oslo"))
	if v.status.GetBranchId() != 2 || v.status.GetHeadSeq() != uint64(len(v.events)) {
		t.Fatalf("status is %v", v.status)
	}
	b := v.frame.GetBranchList().GetBranches()
	if len(b) != 2 || b[1].GetParentId() != 1 || b[1].GetForkSeq() != fork || b[0].GetHeadSeq() != uint64(len(old)) {
		t.Fatalf("branches are %v", b)
	}
	v.must(playAt(ppm))
	v.play(700_000)
	newHash := v.hash()
	v.must(&sessionpb.Command{Command: &sessionpb.Command_SwitchBranch{SwitchBranch: &sessionpb.SwitchBranch{BranchId: 1}}})
	if len(v.events) != len(old) || !proto.Equal(v.events[len(old)-1], old[len(old)-1]) {
		t.Fatalf("the old branch shows %d events, had %d", len(v.events), len(old))
	}
	if v.hash() != oldHash {
		t.Fatal("the old branch's hash changed")
	}
	v.must(&sessionpb.Command{Command: &sessionpb.Command_SwitchBranch{SwitchBranch: &sessionpb.SwitchBranch{BranchId: 2}}})
	if v.hash() != newHash {
		t.Fatal("the new branch's hash changed")
	}
}

func TestExportedRunRepeatsToTheSameHash(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	v.must(put(leader, "a", "1"))
	v.must(step(sessionpb.StepUnit_STEP_UNIT_EVENT, 0))
	v.must(step(sessionpb.StepUnit_STEP_UNIT_EVENT, 0))
	v.must(playAt(ppm))
	v.play(333_333)
	v.must(crash(leader))
	v.must(playAt(ppm))
	v.play(2_000_000)
	run, hash := v.run(), v.hash()

	other := newViewer(t)
	other.must(&sessionpb.Command{Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{Run: run, Go: true}}})
	if other.hash() != hash || other.status.GetNowMicros() != v.status.GetNowMicros() {
		t.Fatal("the run does not repeat in a session")
	}
	hasher := sim.NewHasher()
	world, err := sim.Play(run, hasher)
	if err != nil {
		t.Fatal(err)
	}
	if hasher.Sum(world) != hash {
		t.Fatal("the run does not repeat without a session")
	}
}

func TestSharedFromThePastTheFutureIsStillAhead(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	here := uint64(len(v.events))
	v.must(put(leader, "a", "1"))
	v.must(playAt(ppm))
	v.play(500_000)
	end := v.hash()
	now := v.status.GetNowMicros()
	v.must(seek(here))
	run, hash := v.run(), v.hash()
	other := newViewer(t)
	other.must(&sessionpb.Command{Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{Run: run, Go: true}}})
	if other.hash() != hash || other.status.GetActionsAhead() != 1 {
		t.Fatalf("it stands elsewhere: %v", other.status)
	}
	other.must(playAt(ppm))
	for other.status.GetNowMicros() < now {
		other.play(min(now-other.status.GetNowMicros(), 16_667))
	}
	if other.hash() != end {
		t.Fatal("the future came out differently")
	}
}

func TestRefusedActionsChangeNothing(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	v.must(crash(leader))
	run, hash, seq := v.run(), v.hash(), v.status.GetSeq()
	for name, c := range map[string]*sessionpb.Command{
		"put to a crashed store": put(leader, "a", "1"),
		"crash twice":            crash(leader),
		"no such store":          crash(77),
		"empty key":              put(leader%5+1, "", "1"),
		"no such message": act(&sessionpb.Action{Action: &sessionpb.Action_DropMessage{
			DropMessage: &sessionpb.DropMessage{MessageId: 1 << 40}}}),
		"loss of 130 %": act(&sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
			Network: &sessionpb.Network{LatencyMicros: 20_000, LossPpm: 1_300_000}}}}),
		"empty action": act(&sessionpb.Action{}),
		"no action":    act(nil),
		"empty":        {},
		"too fast":     playAt(1 << 40),
		"no such step": step(99, 0),
		"beyond":       seek(1 << 40),
		"no branch":    {Command: &sessionpb.Command_SwitchBranch{SwitchBranch: &sessionpb.SwitchBranch{BranchId: 9}}},
		"bad run": {Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{Run: &sessionpb.Run{
			Config: &sessionpb.Config{Stores: 900}}}}},
	} {
		r := v.try(c)
		if r.GetFailure() == "" || strings.Count(r.GetFailure(), "\n") > 0 {
			t.Errorf("%s: failure is %q", name, r.GetFailure())
		}
		if v.status.GetSeq() != seq || v.status.GetPlaying() {
			t.Errorf("%s: moved to %v", name, v.status)
		}
	}
	if !proto.Equal(v.run(), run) || v.hash() != hash {
		t.Error("the run changed")
	}
}

func TestStoryIsSlowWhileSomethingFliesAndQuickWhileNothingDoes(t *testing.T) {
	v := newViewer(t)
	v.must(&sessionpb.Command{Command: &sessionpb.Command_Play{Play: &sessionpb.Play{
		Pace: sessionpb.Pace_PACE_STORY, FlightMicros: 300_000}}})
	sent := map[uint64]int64{} // wall time of sending, by message
	var wall, leaderAt int64
	quick := false
	for wall = 0; wall < 8_000_000; wall += 16_667 {
		v.send(&sessionpb.Request{ElapsedMicros: 16_667}, forever)
		quick = quick || v.status.GetQuick()
		if v.status.GetQuick() && v.status.GetMessagesInFlight() > 0 {
			t.Fatal("quick while messages fly")
		}
		if leaderAt == 0 && v.s.line.world.Leader() != 0 {
			leaderAt = wall
		}
		for _, e := range v.frame.GetEvents() {
			if m := e.GetMessageSent().GetMessage(); m != nil {
				sent[m.GetId()] = wall
			}
			if m := e.GetMessageDelivered(); m != nil && wall-sent[m.GetId()] < 300_000-2*16_667 {
				t.Fatalf("message %d flew for %d µs of wall time", m.GetId(), wall-sent[m.GetId()])
			}
		}
	}
	if !quick || leaderAt == 0 || leaderAt > 5_000_000 {
		t.Fatalf("quick %v, leader after %d µs of wall time", quick, leaderAt)
	}
}

func TestWorkStopsWhenTheBudgetIsSpent(t *testing.T) {
	v := newViewer(t)
	v.must(playAt(speedMax))
	for range 5 {
		asked := 0
		v.send(&sessionpb.Request{ElapsedMicros: 100_000}, func() bool { asked++; return asked < 10 })
		if asked != 10 {
			t.Fatalf("asked %d times", asked)
		}
	}
	before := len(v.events)
	v.must(&sessionpb.Command{Command: &sessionpb.Command_Pause{Pause: &sessionpb.Pause{}}})
	v.play(1_000_000)
	if len(v.events) != before || v.status.GetPlaying() {
		t.Fatal("it goes on after Pause")
	}
	// Going back takes many small pieces, and arrives.
	v.must(playAt(speedMax))
	v.play(3_000_000)
	v.id++
	c := seek(100)
	c.Id = v.id
	v.send(&sessionpb.Request{Commands: []*sessionpb.Command{c}}, func() bool { return false })
	frames := 1
	for ; v.status.GetSeq() != 100; frames++ {
		if w := v.status.GetWork(); w.GetWhat() == "" {
			t.Fatal("the viewer is not told what is going on")
		}
		v.send(&sessionpb.Request{}, func() bool { return false })
	}
	if v.frame.GetReplies()[0].GetCommandId() != v.id {
		t.Fatalf("no reply after %d frames", frames)
	}
}

func TestKeyframeOnDemandIsThePresent(t *testing.T) {
	v := newViewer(t)
	v.elect()
	v.must(&sessionpb.Command{Command: &sessionpb.Command_GetKeyframe{GetKeyframe: &sessionpb.GetKeyframe{}}})
	if v.frame.GetKeyframe().GetSeq() != uint64(len(v.events)) {
		t.Fatalf("keyframe at %d of %d", v.frame.GetKeyframe().GetSeq(), len(v.events))
	}
}

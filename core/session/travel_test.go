package session

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

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

func TestSharedFromTheVeryStartTheFutureIsStillAhead(t *testing.T) {
	v := newViewer(t)
	v.must(act(&sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
		Network: &sessionpb.Network{LatencyMicros: 50_000}}}}))
	v.must(seek(1))
	run, hash := v.run(), v.hash()
	other := newViewer(t)
	other.must(&sessionpb.Command{Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{Run: run, Go: true}}})
	if other.status.GetActionsAhead() != 1 || other.status.GetSeq() != 1 {
		t.Fatalf("it stands elsewhere: %v", other.status)
	}
	hasher := sim.NewHasher()
	world, err := sim.Play(run, hasher)
	if err != nil || hasher.Sum(world) != hash {
		t.Fatalf("it does not repeat: %v", err)
	}
}

func TestRunThatDoesNotStandWhereItSaysLeavesTheOldOne(t *testing.T) {
	v := newViewer(t)
	v.must(put(v.elect(), "a", "1"))
	v.must(playAt(ppm))
	v.play(300_000)
	v.must(step(sessionpb.StepUnit_STEP_UNIT_EVENT, 0))
	old := v.run()
	bad := proto.Clone(old).(*sessionpb.Run)
	bad.Config.Seed, bad.Actions, bad.Acted, bad.NowMicros = 99, nil, 0, 0
	v.id++
	c := &sessionpb.Command{Id: v.id, Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{Run: bad, Go: true}}}
	f := v.s.Handle(&sessionpb.Request{Commands: []*sessionpb.Command{c}}, forever)
	if len(f.GetReplies()) != 1 || f.GetReplies()[0].GetFailure() == "" || f.GetKeyframe() == nil {
		t.Fatalf("got %v", f.GetReplies())
	}
	if again := v.s.Run(); !proto.Equal(again, old) {
		t.Fatalf("the old run is gone: %v", again)
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

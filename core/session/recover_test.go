package session

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func recoverAsItIs() *sessionpb.Command {
	return &sessionpb.Command{Command: &sessionpb.Command_Recover{Recover: &sessionpb.Recover{AsItIs: true}}}
}

// The question is put to a copy: the viewer's own run stays where it is.
func TestAskingWhetherItRecoversChangesNothing(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	v.must(crash(leader))
	v.must(crash(1 + leader%5))
	v.must(crash(1 + (leader+1)%5))
	seen, run, hash := len(v.events), v.run(), v.hash()
	asItIs := v.must(recoverAsItIs()).GetRecover()
	if asItIs.GetRecovers() || len(asItIs.GetRegions()) != 1 || asItIs.GetRegions()[0].GetWhy() == "" {
		t.Errorf("with three of five stores down: %v", asItIs)
	}
	healed := v.must(&sessionpb.Command{Command: &sessionpb.Command_Recover{Recover: &sessionpb.Recover{Seed: 3}}}).GetRecover()
	if !healed.GetRecovers() || len(healed.GetStoreIds()) != 3 {
		t.Errorf("with a quorum healed: %v", healed)
	}
	if len(v.events) != seen || v.run().String() != run.String() || v.hash() != hash {
		t.Errorf("%d events became %d, the hash %s became %s", seen, len(v.events), hash, v.hash())
	}
}

func TestResetEndsTheQuestion(t *testing.T) {
	v := newViewer(t)
	leader := v.elect()
	for i := range uint64(3) {
		v.must(crash(1 + (leader+i)%5))
	}
	brief := func() bool { return false }
	if frame := v.s.Handle(&sessionpb.Request{Commands: []*sessionpb.Command{recoverAsItIs()}}, brief); frame.GetStatus().GetWork() == nil {
		t.Fatalf("it was answered at once: %v", frame)
	}
	reset := &sessionpb.Command{Id: 9, Command: &sessionpb.Command_Reset_{Reset_: &sessionpb.Reset{}}}
	replies := v.s.Handle(&sessionpb.Request{Commands: []*sessionpb.Command{reset}}, forever).GetReplies()
	if len(replies) != 2 || replies[0].GetFailure() == "" || replies[1].GetFailure() != "" {
		t.Errorf("%v", replies)
	}
}

package session

import (
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
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

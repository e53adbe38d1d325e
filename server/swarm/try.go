package swarm

import (
	"context"
	"fmt"

	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// Result is what became of one run.
type Result struct {
	Seed uint64
	// Failures are sentences; none: the run passed.
	Failures []Failure
	// Undecided: the clients' history was too much for its judge.
	Undecided bool
	// How busy it was: operations that were answered, faults that took effect, leaders that took over from others.
	Acknowledged, Faults, LeaderChanges int
	Coverage                            Coverage
	// Events and Micros are how much happened, in virtual time.
	Events uint64
	Micros int64
}

// Failure is one promise broken.
type Failure struct {
	// Judge is who says so: one of core/check's, or "linearizability", "recovery", "panic".
	Judge   string
	Message string
	// Seq is the event at which it was noticed, and Micros its time; 0 after the end.
	Seq    uint64
	Micros int64
}

func (f Failure) String() string { return f.Judge + ": " + f.Message }

const (
	judgeHistory  = "linearizability"
	judgeRecovery = "recovery"
	judgePanic    = "panic"
	judgeRun      = "run"
)

// Try plays a run under the eyes of all judges. A run that breaks off, because something panics or ctx is done, is a
// failure of its own kind.
func Try(ctx context.Context, run *sessionpb.Run) (result *Result) {
	t := &trial{Result: Result{Seed: run.GetConfig().GetSeed(), Coverage: Coverage{}}, history: check.NewHistory()}
	defer func() {
		result = &t.Result
		if p := recover(); p != nil {
			t.fail(judgePanic, fmt.Sprint(p))
		}
	}()
	if err := t.play(ctx, run); err != nil {
		t.fail(judgeRun, err.Error())
	}
	return &t.Result
}

// trial is a run being tried, and one of its observers.
type trial struct {
	Result
	player  *sim.Player
	history *check.History
	leaders map[uint64]uint64 // by region: the store that led last
}

// fail notes what was noticed after the end.
func (t *trial) fail(judge, message string) {
	t.Failures = append(t.Failures, Failure{Judge: judge, Message: message})
}

func (t *trial) play(ctx context.Context, run *sessionpb.Run) (err error) {
	t.leaders = map[uint64]uint64{}
	judges := check.New(func(v *sessionpb.Violation) { t.player.World.Report(v) })
	if t.player, err = sim.NewPlayer(run, judges, t); err != nil {
		return err
	}
	t.player.Acted = func(a *sessionpb.Action, err error) {
		if err == nil {
			t.acted(a)
		}
	}
	for i := 0; ; i++ {
		more, err := t.player.Next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if i%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	w := t.player.World
	if err := t.recover(w, run.GetConfig().GetSeed()); err != nil {
		return err
	}
	t.Events, t.Micros = w.Seq(), w.Now()
	for _, c := range judges.Cases() {
		t.Coverage[c.Name] += c.Count
	}
	t.judgeHistory()
	return nil
}

// recover demands that the cluster serves once a quorum of it is healed.
func (t *trial) recover(w *sim.World, seed uint64) error {
	_, unserved, err := Recover(w, seed)
	for _, why := range unserved {
		t.fail(judgeRecovery, why)
	}
	return err
}

func (t *trial) judgeHistory() {
	switch verdict := check.JudgeHistory(t.history.Taken(t.player.World.Now())); verdict.GetKind() {
	case sessionpb.VerdictKind_VERDICT_KIND_VIOLATED:
		t.fail(judgeHistory, verdict.GetMessage())
	case sessionpb.VerdictKind_VERDICT_KIND_UNDECIDED:
		t.Undecided = true
	}
}

// Event implements sim.Observer.
func (t *trial) Event(e *sessionpb.Event) {
	t.history.Event(e)
	t.Coverage.event(e)
	switch b := e.GetBody().(type) {
	case *sessionpb.Event_Violation:
		t.Failures = append(t.Failures, Failure{
			Judge: b.Violation.GetJudge(), Message: b.Violation.GetMessage(), Seq: e.GetSeq(), Micros: e.GetTimeMicros()})
	case *sessionpb.Event_OperationEnded:
		if b.OperationEnded.GetResponse().GetHeader().GetError() == nil {
			t.Acknowledged++
		}
	case *sessionpb.Event_RoleChanged:
		c := b.RoleChanged
		if c.GetRole() != sessionpb.Role_ROLE_LEADER || c.GetRoleBefore() == sessionpb.Role_ROLE_LEADER {
			return
		}
		before, known := t.leaders[c.GetRegionId()]
		t.leaders[c.GetRegionId()] = e.GetStoreId()
		if known && before != e.GetStoreId() {
			t.LeaderChanges++
		}
	}
}

// acted counts an action that was done.
func (t *trial) acted(a *sessionpb.Action) {
	name, fault := deedOf(a)
	if name == "" {
		return
	}
	t.Coverage[name]++
	if fault {
		t.Faults++
	}
}

package sim

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

const (
	// actionsMax is how many actions a run may hold.
	actionsMax = 100_000
	// runMicrosMax is how far a run may go: 285 years. The clock has room beyond, and a browser counts so far exactly.
	runMicrosMax = 1 << 53
)

// ValidateRun says in one sentence what is wrong with a run, or nil: its configuration, its actions, and the order of
// their positions.
func ValidateRun(run *sessionpb.Run) error {
	if err := Validate(run.GetConfig()); err != nil {
		return err
	}
	if n := len(run.GetActions()); n > actionsMax {
		return fmt.Errorf("the run has %d actions; the most is %d", n, actionsMax)
	}
	if now := run.GetNowMicros(); now < 0 || now > runMicrosMax {
		return fmt.Errorf("a run stands at 0 to %s, not at %s", millis(runMicrosMax), millis(now))
	}
	var step uint64
	var micros int64
	for i, a := range run.GetActions() {
		if err := ValidateAction(a); err != nil {
			return fmt.Errorf("action %d of the run: %w", i+1, err)
		}
		if a.GetAtMicros() < micros || !a.GetByTime() && a.GetAfterStep() < step {
			return fmt.Errorf("action %d of the run comes before the one ahead of it", i+1)
		}
		if a.GetAtMicros() > runMicrosMax {
			return fmt.Errorf("action %d of the run is at %s; a run goes on for %s at most", i+1, millis(a.GetAtMicros()), millis(runMicrosMax))
		}
		micros = a.GetAtMicros()
		if !a.GetByTime() {
			step = a.GetAfterStep()
		}
	}
	if int(run.GetActed()) > len(run.GetActions()) {
		return fmt.Errorf("the run stands after %d actions and has %d", run.GetActed(), len(run.GetActions()))
	}
	return nil
}

// past is the actions before the run's end; the others lie ahead of where it stands.
func past(run *sessionpb.Run) []*sessionpb.Action {
	if !run.GetByTime() {
		return run.GetActions()[:run.GetActed()]
	}
	for i, a := range run.GetActions() {
		if a.GetAtMicros() > run.GetNowMicros() {
			return run.GetActions()[:i]
		}
	}
	return run.GetActions()
}

// Player plays a run from its start to its end, a step or an action at a time.
//
// An action stands after a number of steps and at a time, or at a time alone: then it comes after everything that is due
// up to that time. A run ends where it says it stands: after its steps and its actions, at its time; a run that names
// neither ends when everything due up to its time is done. An action that is refused is passed over: it would be refused
// in every replay.
type Player struct {
	World *World
	// Refused are the reasons of the actions that were passed over.
	Refused []error
	// Acted, when set, is told each action, and why it was refused if it was.
	Acted func(a *sessionpb.Action, err error)

	run   *sessionpb.Run
	past  []*sessionpb.Action
	acted int
}

// NewPlayer returns a player at the start of a run, or says what is wrong with the run. The run must not change meanwhile.
func NewPlayer(run *sessionpb.Run, observers ...Observer) (*Player, error) {
	if err := ValidateRun(run); err != nil {
		return nil, err
	}
	w, err := New(run.GetConfig(), observers...)
	if err != nil {
		return nil, err
	}
	return &Player{World: w, run: run, past: past(run)}, nil
}

// Next does the next step or action. It returns false when the run has come to its end, and an error when the run does
// not fit this version: a position that is never reached.
func (p *Player) Next() (more bool, err error) {
	if p.acted == len(p.past) {
		return p.goTo(p.run.GetSteps(), p.run.GetNowMicros(), p.run.GetByTime())
	}
	a := p.past[p.acted]
	moved, err := p.goTo(a.GetAfterStep(), a.GetAtMicros(), a.GetByTime())
	if moved || err != nil {
		return moved, err
	}
	p.acted++
	_, err = p.World.Act(a)
	if p.Acted != nil {
		p.Acted(a, err)
	}
	if err != nil {
		p.Refused = append(p.Refused, fmt.Errorf("action %d at %s: %w", p.acted, millis(p.World.Now()), err))
	}
	return true, nil
}

// goTo does one step towards a position, or returns false: the world is there.
func (p *Player) goTo(step uint64, micros int64, byTime bool) (moved bool, err error) {
	due, ok := p.World.NextDue()
	switch {
	case byTime:
		if ok && due <= micros {
			return p.World.Step(), nil
		}
	case p.World.Steps() < step:
		if !ok {
			return false, fmt.Errorf("the run never reaches step %d: nothing is due after step %d", step, p.World.Steps())
		}
		return p.World.Step(), nil
	case p.World.Steps() > step:
		return false, fmt.Errorf("the run has passed step %d already", step)
	}
	return false, p.World.AdvanceTo(micros)
}

// Play plays a run and returns the world where the run stands.
func Play(run *sessionpb.Run, observers ...Observer) (*World, error) {
	p, err := NewPlayer(run, observers...)
	if err != nil {
		return nil, err
	}
	for {
		more, err := p.Next()
		if err != nil {
			return nil, err
		}
		if !more {
			return p.World, nil
		}
	}
}

package session

import (
	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// markEverySteps is the distance between marks: at most so many steps are watched again to go back one event.
const markEverySteps = 64

// branch is one future of a run.
type branch struct {
	id, parent uint32
	forkSeq    uint64
	forkMicros int64
	config     *sessionpb.Config
	actions    []*sessionpb.Action
	// marks are where this branch has been, in order; the first stands at step 0, just after the run started.
	marks []mark
	// headSeq is the last event known.
	headSeq uint64
}

// mark is a position of a branch: after so many steps and actions, so many events had happened.
type mark struct {
	steps  uint64
	action int
	seq    uint64
}

// before returns the last mark at or before an event.
func (b *branch) before(seq uint64) mark {
	i := len(b.marks) - 1
	for i > 0 && b.marks[i].seq > seq {
		i--
	}
	return b.marks[i]
}

// line is a world that follows a branch: its steps, and its actions at their positions.
type line struct {
	branch *branch
	world  *sim.World
	judges *court
	// action is the next of the branch's actions.
	action int
	// events are what happened while watched, and nobody took yet.
	events []*sessionpb.Event
}

// court is the judges with the world they report to, which changes when a run is done again.
type court struct {
	*check.Judges
	world *sim.World
}

func newCourt() *court {
	c := &court{}
	c.Judges = check.New(func(v *sessionpb.Violation) { c.world.Report(v) })
	return c
}

// newLine makes the world of a branch at its start: watched from its first event, or standing after it unwatched.
func newLine(b *branch, watched bool) (*line, error) {
	l := &line{branch: b, judges: newCourt()}
	var observers []sim.Observer
	if watched {
		observers = []sim.Observer{l.judges.Judges, l}
	}
	world, err := sim.New(b.config, observers...)
	if err != nil {
		return nil, err
	}
	l.world, l.judges.world = world, world
	world.SetSeq(world.EventsAtStart()) // told or not
	return l, nil
}

// Event implements sim.Observer.
func (l *line) Event(e *sessionpb.Event) { l.events = append(l.events, e) }

// take returns what happened since the last take.
func (l *line) take() []*sessionpb.Event {
	events := l.events
	l.events = nil
	return events
}

// at tells whether the line stands at a mark.
func (l *line) at(m mark) bool { return l.world.Steps() == m.steps && l.action == m.action }

// watch attaches judges that know everything up to seq, where the line stands.
func (l *line) watch(judges *court, seq uint64) {
	l.judges, judges.world = judges, l.world
	l.world.SetSeq(seq)
	l.world.Observe(judges.Judges, l)
}

// due returns when the next thing of the branch happens, and whether it is an action. ok is false when nothing will.
func (l *line) due() (micros int64, isAction, ok bool) {
	step, willStep := l.world.NextDue()
	if l.action < len(l.branch.actions) {
		a := l.branch.actions[l.action]
		switch {
		case a.GetByTime():
			if at := max(a.GetAtMicros(), l.world.Now()); !willStep || at < step {
				return at, true, true
			}
		case a.GetAfterStep() <= l.world.Steps() || !willStep:
			return max(a.GetAtMicros(), l.world.Now()), true, true
		}
	}
	return step, false, willStep
}

// next does the next thing of the branch: a step of the world or an action. It returns false when nothing will happen.
func (l *line) next() bool {
	micros, isAction, ok := l.due()
	if !ok {
		return false
	}
	if !isAction {
		l.world.Step()
		return true
	}
	a := l.branch.actions[l.action]
	l.action++
	if err := l.world.AdvanceTo(micros); err == nil {
		// An action that is refused at its position changes nothing, there or ever: the run goes on without it.
		_, _ = l.world.Act(a)
	}
	return true
}

// noteMark adds a mark when the line has come far enough beyond the last one.
func (l *line) noteMark() {
	b, steps := l.branch, l.world.Steps()
	if n := len(b.marks); n == 0 || steps >= b.marks[n-1].steps+markEverySteps {
		b.marks = append(b.marks, mark{steps: steps, action: l.action, seq: l.world.Seq()})
	}
	b.headSeq = max(b.headSeq, l.world.Seq())
}

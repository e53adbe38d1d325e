package session

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// ProtocolVersion is of docs/protocol.md; it changes when an old viewer would misread a new source.
const ProtocolVersion = 1

// Limits of a session.
const (
	actionsMax     = 100_000 // of one branch
	branchesMax    = 64
	commandsMax    = 1_024 // waiting
	eventsFrameMax = 20_000
)

// Session is one viewer's simulated cluster. It is not safe for use from several goroutines.
type Session struct {
	version string
	greeted bool

	branches []*branch // by id, from 1
	line     *line
	// shown is the last event the viewer was given; waiting are those after it that have happened.
	shown   uint64
	waiting []*sessionpb.Event

	play  *sessionpb.Play // nil while paused
	quick bool
	speed int64 // ppm, just now

	commands []*sessionpb.Command
	// goal is what a command still works on; the commands behind it wait.
	goal goal

	frame           *sessionpb.Frame
	branchesChanged bool
}

// goal is a command that may take more than one request.
type goal interface {
	// work does one bounded piece and tells whether the goal is reached. An error ends it, as the command's failure.
	work(s *Session) (done bool, err error)
	// status tells how far it is, for the viewer; nil for what is over at once.
	status(s *Session) *sessionpb.Work
	command() uint64
}

// New returns a session without a run. version is raftplay's own.
func New(version string) *Session { return &Session{version: version} }

// Handle does what a request asks for, as long as more allows, and returns what the viewer is to see. more is asked
// between steps; work it cuts off is continued by the next Handle.
func (s *Session) Handle(req *sessionpb.Request, more func() bool) *sessionpb.Frame {
	s.frame = &sessionpb.Frame{}
	if !s.greeted {
		s.greeted = true
		s.frame.Hello = s.hello()
	}
	for _, c := range req.GetCommands() {
		if len(s.commands) < commandsMax {
			s.commands = append(s.commands, c)
		} else {
			s.fail(c.GetId(), fmt.Errorf("%d commands wait already, which is the most", commandsMax))
		}
	}
	s.work(more)
	if s.goal == nil && len(s.commands) == 0 && s.play != nil {
		s.playOn(req.GetElapsedMicros(), more)
	}
	s.frame.Status = s.status()
	if s.branchesChanged {
		s.branchesChanged = false
		s.frame.BranchList = s.branchList()
	}
	return s.frame
}

// work does commands and goals until there are none or the budget is spent.
func (s *Session) work(more func() bool) {
	for {
		for s.goal != nil {
			done, err := s.goal.work(s)
			if err != nil {
				s.fail(s.goal.command(), err)
			}
			if done || err != nil {
				s.goal = nil
			} else if s.interrupt(); s.goal != nil && (!more() || len(s.frame.GetEvents()) >= eventsFrameMax) {
				return
			}
		}
		if len(s.commands) == 0 {
			return
		}
		c := s.commands[0]
		s.commands = s.commands[1:]
		if err := s.do(c); err != nil {
			s.fail(c.GetId(), err)
		} else if s.goal == nil {
			s.reply(&sessionpb.Reply{CommandId: c.GetId()})
		}
		if s.goal == nil && len(s.commands) > 0 && !more() {
			return
		}
	}
}

// interrupt lets a waiting Pause or Reset end a goal that takes long. Going back is not interrupted: once the judges have
// moved, the session has no position until it is there.
func (s *Session) interrupt() {
	for _, c := range s.commands {
		_, pause := c.GetCommand().(*sessionpb.Command_Pause)
		_, reset := c.GetCommand().(*sessionpb.Command_Reset_)
		stops := false
		switch s.goal.(type) {
		case *stepGoal, *goGoal:
			stops = pause || reset
		case *hashGoal, *historyGoal, *recoverGoal:
			stops = reset
		}
		if stops {
			s.fail(s.goal.command(), errors.New("it was interrupted"))
			s.goal = nil
			return
		}
	}
}

// do starts a command. A goal that outlives it carries its id and replies itself.
func (s *Session) do(c *sessionpb.Command) error {
	switch body := c.GetCommand().(type) {
	case *sessionpb.Command_Reset_:
		return s.reset(c.GetId(), body.Reset_)
	case nil:
		return errors.New("the command is empty")
	}
	if s.line == nil {
		return errors.New("there is no run yet: reset first")
	}
	switch body := c.GetCommand().(type) {
	case *sessionpb.Command_Step:
		s.play = nil
		return s.step(c.GetId(), body.Step)
	case *sessionpb.Command_Play:
		return s.startPlay(body.Play)
	case *sessionpb.Command_Pause:
		s.play = nil
		return nil
	case *sessionpb.Command_Act:
		return s.act(c.GetId(), body.Act.GetAction())
	case *sessionpb.Command_Seek:
		s.play = nil
		return s.seek(c.GetId(), body.Seek.GetSeq())
	case *sessionpb.Command_GetHash:
		return s.startHash(c.GetId())
	case *sessionpb.Command_Recover:
		return s.startRecover(c.GetId(), body.Recover)
	case *sessionpb.Command_GetHistory:
		return s.startHistory(c.GetId())
	case *sessionpb.Command_ExportRun:
		s.reply(&sessionpb.Reply{CommandId: c.GetId(), Result: &sessionpb.Reply_Run{Run: s.Run()}})
		return errReplied
	case *sessionpb.Command_SwitchBranch:
		s.play = nil
		return s.switchBranch(c.GetId(), body.SwitchBranch.GetBranchId())
	case *sessionpb.Command_GetKeyframe:
		s.showWaiting()
		s.frame.Keyframe, s.frame.Events = s.line.world.Keyframe(), nil
		return nil
	default:
		return errors.New("this version does not know the command")
	}
}

// errReplied marks a command that has its reply already.
var errReplied = errors.New("replied")

func (s *Session) fail(commandID uint64, err error) {
	if !errors.Is(err, errReplied) {
		s.reply(&sessionpb.Reply{CommandId: commandID, Failure: err.Error()})
	}
}

func (s *Session) reply(r *sessionpb.Reply) { s.frame.Replies = append(s.frame.Replies, r) }

// reset starts a new run; the old one's branches are gone. A run that does not make sense changes nothing.
func (s *Session) reset(id uint64, r *sessionpb.Reset) error {
	run := &sessionpb.Run{}
	if r.GetRun() != nil {
		run = proto.Clone(r.GetRun()).(*sessionpb.Run)
	}
	if run.Config == nil {
		run.Config = sim.DefaultConfig()
	}
	if err := sim.ValidateRun(run); err != nil {
		return err
	}
	b := &branch{id: 1, config: run.GetConfig(), actions: run.GetActions()}
	l, err := newLine(b, true)
	if err != nil {
		return err
	}
	l.noteMark()
	g := &goGoal{id: id, run: run}
	g.before.branches, g.before.line = s.branches, s.line
	s.branches, s.branchesChanged = []*branch{b}, true
	s.line = l
	s.play, s.waiting = nil, nil
	s.frame.Events, s.frame.Keyframe = nil, nil
	s.show(l.take())
	if r.GetGo() {
		s.goal = g
	}
	return nil
}

// act does something to the cluster now. In the past it starts a branch.
func (s *Session) act(id uint64, given *sessionpb.Action) error {
	l := s.line
	if given == nil {
		return errors.New("the action is empty")
	}
	if l.action >= actionsMax {
		return fmt.Errorf("this run has %d actions, which is the most", actionsMax)
	}
	past := l.action < len(l.branch.actions) || l.world.Seq() < l.branch.headSeq
	if past && len(s.branches) >= branchesMax {
		return fmt.Errorf("there are %d branches, which is the most: reset to start over", branchesMax)
	}
	a := proto.Clone(given).(*sessionpb.Action)
	a.AfterStep, a.AtMicros, a.ByTime = l.world.Steps(), l.world.Now(), false
	forkSeq := l.world.Seq()
	operation, err := l.world.Act(a)
	if err != nil {
		return err
	}
	if past {
		l.branch = s.fork(forkSeq)
	}
	l.branch.actions = append(l.branch.actions[:l.action:l.action], a)
	l.action++
	l.branch.headSeq = l.world.Seq()
	events := l.take()
	s.waiting = append(s.waiting, events...)
	s.showWaiting()
	s.stopAtViolation(events)
	s.reply(&sessionpb.Reply{CommandId: id, Result: &sessionpb.Reply_Act{Act: &sessionpb.ActResult{OperationId: operation}}})
	return errReplied
}

// fork makes a branch that shares the present branch's past up to where the line stands.
func (s *Session) fork(seq uint64) *branch {
	l := s.line
	b := &branch{
		id: uint32(len(s.branches) + 1), parent: l.branch.id, forkSeq: seq, forkMicros: l.world.Now(),
		config: l.branch.config, actions: slices.Clone(l.branch.actions[:l.action]),
	}
	for _, m := range l.branch.marks {
		if m.seq <= seq && m.steps <= l.world.Steps() {
			b.marks = append(b.marks, m)
		}
	}
	s.branches = append(s.branches, b)
	s.branchesChanged = true
	return b
}

// Run is the present branch as a share link holds it: all its actions, standing where the line stands.
func (s *Session) Run() *sessionpb.Run {
	return &sessionpb.Run{
		Version: s.version, Config: s.line.branch.config, Actions: s.line.branch.actions,
		Steps: s.line.world.Steps(), NowMicros: s.line.world.Now(), Acted: uint32(s.line.action),
	}
}

// show gives events to the viewer.
func (s *Session) show(events []*sessionpb.Event) {
	if len(events) == 0 {
		return
	}
	s.frame.Events = append(s.frame.Events, events...)
	s.shown = events[len(events)-1].GetSeq()
}

func (s *Session) showWaiting() {
	s.show(s.waiting)
	s.waiting = nil
}

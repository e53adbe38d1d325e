package session

import (
	"errors"
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// goGoal follows a run to where it stood when it was shared.
type goGoal struct {
	id  uint64
	run *sessionpb.Run
	// before is what the session had; it comes back when the run does not stand where it says.
	before struct {
		branches []*branch
		line     *line
	}
}

// giveUp puts back what the session had before, if it had anything.
func (g *goGoal) giveUp(s *Session) {
	if g.before.line == nil {
		return
	}
	s.branches, s.branchesChanged, s.line, s.waiting = g.before.branches, true, g.before.line, nil
	s.shown = s.line.world.Seq()
	s.frame.Keyframe, s.frame.Events = s.line.world.Keyframe(), nil
}

func (g *goGoal) command() uint64 { return g.id }

func (g *goGoal) status(s *Session) *sessionpb.Work {
	return &sessionpb.Work{What: "replaying the run", Done: s.line.world.Steps(), Total: g.run.GetSteps()}
}

func (g *goGoal) work(s *Session) (bool, error) {
	for range 32 {
		if g.reached(s.line) {
			if err := s.line.world.AdvanceTo(g.run.GetNowMicros()); err != nil {
				g.giveUp(s)
				return true, fmt.Errorf("the run does not stand where it says: %w", err)
			}
			s.reply(&sessionpb.Reply{CommandId: g.id})
			return true, nil
		}
		if !s.forward() {
			g.giveUp(s)
			return true, errors.New("the run never comes to where it says that it stands")
		}
		s.showWaiting()
	}
	return false, nil
}

// reached tells whether the line stands where the run stood; see sessionpb.Run.
func (g *goGoal) reached(l *line) bool {
	if g.run.GetByTime() {
		due, _, ok := l.due()
		return !ok || due > g.run.GetNowMicros()
	}
	return l.world.Steps() >= g.run.GetSteps() && l.action >= int(g.run.GetActed())
}

// seekGoal goes to the moment just after an event.
type seekGoal struct {
	id     uint64
	target uint64
	// known is the last event that the judges know and that the branch shares with where it was.
	known uint64
	// l is the world built anew, until it is watched.
	l *line
	// from is where it is watched from; framed is where the viewer's keyframe is taken.
	from, framed mark
	watching     bool
	handed       bool
}

func (s *Session) seek(id, target uint64) error {
	if target == 0 {
		target = s.line.branch.headSeq
	}
	if target > s.line.branch.headSeq {
		return fmt.Errorf("event %d has not happened: the last one known is %d", target, s.line.branch.headSeq)
	}
	g := &seekGoal{id: id, target: target, known: target}
	if target >= s.shown {
		g.handed = true
		s.goal = g
		return nil
	}
	return s.rebuild(g, s.line.branch)
}

func (s *Session) switchBranch(id uint64, branchID uint32) error {
	if branchID < 1 || int(branchID) > len(s.branches) {
		return fmt.Errorf("there is no branch %d", branchID)
	}
	to := s.branches[branchID-1]
	if to == s.line.branch {
		return nil
	}
	g := &seekGoal{id: id, target: to.headSeq, known: s.commonSeq(s.line.branch, to)}
	return s.rebuild(g, to)
}

// commonSeq is the last event two branches share.
func (s *Session) commonSeq(a, b *branch) uint64 {
	seq := max(a.headSeq, b.headSeq)
	for a != b {
		// Later branches have higher ids: go up from the younger.
		if a.id < b.id {
			a, b = b, a
		}
		seq = min(seq, a.forkSeq)
		a = s.branches[a.parent-1]
	}
	return seq
}

// rebuild starts the goal of going back: a new world follows the branch, unwatched, to the last mark that the judges
// know; the old one stays until then.
func (s *Session) rebuild(g *seekGoal, b *branch) error {
	l, err := newLine(b, false)
	if err != nil {
		return err
	}
	g.l = l
	g.framed = b.before(g.target)
	g.from = b.before(min(g.target, g.known, s.line.world.Seq()))
	s.goal = g
	return nil
}

func (g *seekGoal) command() uint64 { return g.id }

func (g *seekGoal) status(s *Session) *sessionpb.Work {
	w := &sessionpb.Work{What: "replaying", Total: g.framed.steps}
	if g.l != nil {
		w.Done = g.l.world.Steps()
	}
	return w
}

// watch attaches the judges where they know everything so far. When they no longer remember that far back, new ones see
// the run from its first event.
func (g *seekGoal) watch(judges *court) error {
	g.watching = true
	if judges.Rewind(g.from.seq) {
		g.l.watch(judges, g.from.seq)
		return nil
	}
	fresh, err := newLine(g.l.branch, true)
	if err == nil {
		g.l = fresh
	}
	return err
}

// replaySteps is a piece of unwatched work: short enough for any budget.
const replaySteps = 256

func (g *seekGoal) work(s *Session) (bool, error) {
	if !g.handed {
		return false, g.replay(s)
	}
	for range 32 {
		for len(s.waiting) > 0 && s.shown < g.target {
			s.show(s.waiting[:1])
			s.waiting = s.waiting[1:]
		}
		if s.shown >= g.target {
			s.reply(&sessionpb.Reply{CommandId: g.id})
			return true, nil
		}
		if !s.forward() {
			return true, errNothingDue
		}
	}
	return false, nil
}

// replay brings the new world to the mark where the judges take over, then to the mark where the viewer does.
func (g *seekGoal) replay(s *Session) error {
	for range replaySteps {
		if !g.watching && g.l.at(g.from) {
			if err := g.watch(s.line.judges); err != nil {
				return err
			}
			continue
		}
		if g.watching && g.l.at(g.framed) {
			g.l.take()
			s.line, s.waiting, s.shown = g.l, nil, g.framed.seq
			s.frame.Keyframe, s.frame.Events = g.l.world.Keyframe(), nil
			g.handed = true
			return nil
		}
		if !g.l.next() {
			return errors.New("the run did not repeat itself: this is a bug of raftplay")
		}
		g.l.take()
	}
	return nil
}

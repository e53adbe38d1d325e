package session

import (
	"errors"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// recoverGoal does the run once more, and asks that copy whether it recovers. The session's own stays where it is.
type recoverGoal struct {
	id       uint64
	asked    *sessionpb.Recover
	run      *sessionpb.Run
	l        *line
	recovery *sim.Recovery
}

func (s *Session) startRecover(id uint64, asked *sessionpb.Recover) error {
	b := &branch{id: 1, config: s.line.branch.config, actions: s.line.branch.actions[:s.line.action]}
	l, err := newLine(b, false)
	if err != nil {
		return err
	}
	s.goal = &recoverGoal{id: id, asked: asked, run: s.Run(), l: l}
	return nil
}

func (g *recoverGoal) command() uint64 { return g.id }

func (g *recoverGoal) status(*Session) *sessionpb.Work {
	if g.recovery == nil {
		return &sessionpb.Work{What: "replaying the run", Done: g.l.world.Steps(), Total: g.run.GetSteps()}
	}
	done, total := g.recovery.Progress()
	return &sessionpb.Work{What: "waiting for every region to serve", Done: done, Total: total}
}

func (g *recoverGoal) work(s *Session) (bool, error) {
	for range replaySteps {
		switch {
		case g.recovery != nil:
			more, err := g.recovery.Next()
			if err != nil {
				return true, err
			}
			if !more {
				s.reply(&sessionpb.Reply{CommandId: g.id, Result: &sessionpb.Reply_Recover{Recover: g.recovery.Result()}})
				return true, nil
			}
		case g.l.world.Steps() >= g.run.GetSteps() && g.l.action == len(g.l.branch.actions):
			err := g.l.world.AdvanceTo(g.run.GetNowMicros())
			if err == nil {
				g.recovery, err = g.l.world.StartRecovery(g.asked.GetSeed(), g.asked.GetAsItIs())
			}
			if err != nil {
				return true, err
			}
		case !g.l.next():
			return true, errors.New("the run did not repeat itself: this is a bug of raftplay")
		}
		g.l.take()
	}
	return false, nil
}

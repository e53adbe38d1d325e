package session

import (
	"errors"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// hashGoal does the run once more with the hash watching.
type hashGoal struct {
	id     uint64
	run    *sessionpb.Run
	l      *line
	hasher *sim.Hasher
}

func (s *Session) startHash(id uint64) error {
	hasher := sim.NewHasher()
	b := &branch{id: 1, config: s.line.branch.config, actions: s.line.branch.actions[:s.line.action]}
	l := &line{branch: b, judges: newCourt()}
	world, err := sim.New(b.config, hasher, l.judges.Judges)
	if err != nil {
		return err
	}
	l.world, l.judges.world = world, world
	s.goal = &hashGoal{id: id, run: s.Run(), l: l, hasher: hasher}
	return nil
}

func (g *hashGoal) command() uint64 { return g.id }

func (g *hashGoal) status(*Session) *sessionpb.Work {
	return &sessionpb.Work{What: "hashing the run", Done: g.l.world.Steps(), Total: g.run.GetSteps()}
}

func (g *hashGoal) work(s *Session) (bool, error) {
	for range 32 {
		if g.l.world.Steps() >= g.run.GetSteps() && g.l.action == len(g.l.branch.actions) {
			s.reply(&sessionpb.Reply{CommandId: g.id,
				Result: &sessionpb.Reply_Hash{Hash: &sessionpb.HashResult{Hash: g.hasher.Sum(g.l.world)}}})
			return true, nil
		}
		if !g.l.next() {
			return true, errors.New("the run did not repeat itself: this is a bug of raftplay")
		}
	}
	return false, nil
}

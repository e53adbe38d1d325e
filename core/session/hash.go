package session

import (
	"errors"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// replay does the run once more, up to where it stands, with somebody else watching.
type replay struct {
	run *sessionpb.Run
	l   *line
}

func (s *Session) startReplay(watcher sim.Observer) (*replay, error) {
	b := &branch{id: 1, config: s.line.branch.config, actions: s.line.branch.actions[:s.line.action]}
	l := &line{branch: b, judges: newCourt()}
	world, err := sim.New(b.config, watcher, l.judges.Judges)
	if err != nil {
		return nil, err
	}
	l.world, l.judges.world = world, world
	return &replay{run: s.Run(), l: l}, nil
}

// work does a piece of it, and tells whether the run stands where it stood.
func (r *replay) work() (done bool, err error) {
	for range 32 {
		if r.l.world.Steps() >= r.run.GetSteps() && r.l.action == len(r.l.branch.actions) {
			return true, nil
		}
		if !r.l.next() {
			return true, errors.New("the run did not repeat itself: this is a bug of raftplay")
		}
	}
	return false, nil
}

func (r *replay) progress(what string) *sessionpb.Work {
	return &sessionpb.Work{What: what, Done: r.l.world.Steps(), Total: r.run.GetSteps()}
}

// hashGoal does the run once more with the hash watching.
type hashGoal struct {
	*replay
	id     uint64
	hasher *sim.Hasher
}

func (s *Session) startHash(id uint64) error {
	hasher := sim.NewHasher()
	again, err := s.startReplay(hasher)
	if err != nil {
		return err
	}
	s.goal = &hashGoal{replay: again, id: id, hasher: hasher}
	return nil
}

func (g *hashGoal) command() uint64 { return g.id }

func (g *hashGoal) status(*Session) *sessionpb.Work { return g.progress("hashing the run") }

func (g *hashGoal) work(s *Session) (bool, error) {
	done, err := g.replay.work()
	if done && err == nil {
		s.reply(&sessionpb.Reply{CommandId: g.id,
			Result: &sessionpb.Reply_Hash{Hash: &sessionpb.HashResult{Hash: g.hasher.Sum(g.l.world)}}})
	}
	return done, err
}

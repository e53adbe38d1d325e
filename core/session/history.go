package session

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"raftplay/core/check"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What a history may hold to be sent.
const (
	historyOperationsMax = 200_000
	historyBytesMax      = 32 << 20
)

// historyGoal does the run once more and collects what clients asked and heard. Whoever goes back in time has an older
// history: it is that of where the run stands.
type historyGoal struct {
	*replay
	id      uint64
	history *check.History

	operationsMax, bytesMax int
}

func (s *Session) startHistory(id uint64) error {
	history := check.NewHistory()
	again, err := s.startReplay(history)
	if err != nil {
		return err
	}
	s.goal = &historyGoal{
		replay: again, id: id, history: history, operationsMax: historyOperationsMax, bytesMax: historyBytesMax}
	return nil
}

func (g *historyGoal) command() uint64 { return g.id }

func (g *historyGoal) status(*Session) *sessionpb.Work {
	return g.progress("collecting what clients heard")
}

func (g *historyGoal) work(s *Session) (bool, error) {
	done, err := g.replay.work()
	if n := g.history.Len(); err == nil && n > g.operationsMax {
		return true, fmt.Errorf("the run has more than %d operations of clients, which is the most a history is sent with: "+
			"ask earlier in the run", g.operationsMax)
	}
	if !done || err != nil {
		return done, err
	}
	taken := g.history.Taken(g.run.GetNowMicros())
	if bytes := proto.Size(taken); bytes > g.bytesMax {
		return true, fmt.Errorf("the run's history has %d KiB; %d KiB is the most that is sent: ask earlier in the run",
			bytes>>10, g.bytesMax>>10)
	}
	s.reply(&sessionpb.Reply{CommandId: g.id, Result: &sessionpb.Reply_History{History: taken}})
	return true, nil
}

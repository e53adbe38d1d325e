package store

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// A leader makes itself a learner, and its last word is lost: the voter that is left does not know that the change is
// committed, and asks for the learner's vote by the configuration of before. The learner's log is the longer one, so there
// was no vote, and no leader for ever: seed 15058 of the swarm.
func TestALeaderThatBecameALearnerTellsTheVoterThatIsLeft(t *testing.T) {
	for name, restarted := range map[string]bool{"at once": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			c := newRegions(t, 2)
			c.call(1, command(put("a", "1")))
			c.tick(3)
			demotion := c.stores[1].peers[1].log.hard.LastIndex + 1
			c.cut = func(m Message) bool {
				return m.FromStore == 1 && (m.Raft.GetCommit() >= demotion ||
					m.Raft.GetType() == raftpb.MsgApp && m.Raft.GetIndex() >= demotion)
			}
			demote := &raftcmdpb.RaftCommandRequest{Header: command().Header, Admin: changes(change(addLearner, 1))}
			c.start(1, demote)
			c.turn(1)
			c.start(1, command(put("a", "lost")))
			c.turn(1)
			c.settle()
			wantEqual(t, "S1 is a learner", c.stores[1].peers[1].isLearner(), true)
			wantEqual(t, "S2 is behind", c.stores[2].peers[1].log.hard.LastIndex, demotion)
			wantEqual(t, "S2 knows", c.stores[2].peers[1].confVer(), uint64(1))
			if restarted {
				c.restart(1)
				c.restart(2)
			}
			c.cut = func(Message) bool { return false }
			c.tick(60)
			wantEqual(t, "leader", c.leader(1), uint64(2))
			wantDone(t, c.call(2, keyed(put("a", "2"))))
			c.tick(3)
			wantEqual(t, "S1's data", c.data(1), c.data(2))

			// The learner is a member like any other: it may vote again, and lead.
			wantDone(t, c.admin(1, changes(change(addVoter, 1))))
			c.tick(3)
			wantDone(t, c.admin(1, transferTo(1)))
			wantEqual(t, "leader", c.leader(1), uint64(1))
			read := c.call(1, keyed(get("a")))
			wantEqual(t, "read", string(read.GetResponses()[0].GetGet().GetValue()), "2")
		})
	}
}

package store

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/confchange"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// How broken stores do without a quorum.

// storage is what raft reads the log and the configuration from.
func (p *peer) storage() raft.Storage {
	if p.s.cfg.Bugs.Has(BugWrongQuorum) {
		return halfOfTheVoters{p.log, p.id}
	}
	return p.log
}

// halfOfTheVoters lets raft count so few voters that more than half of them is half of all: this one and those next to it.
// The others get the log as learners do, and are not asked.
type halfOfTheVoters struct {
	*raftLog
	self uint64
}

// InitialState implements raft.Storage.
func (h halfOfTheVoters) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	hard, conf, err := h.raftLog.InitialState()
	if len(conf.GetVotersOutgoing()) == 0 {
		conf = half(conf, h.self)
	}
	return hard, conf, err
}

// half is a configuration with so few of the voters that their quorum is half of all; of a joint one, where it leads to.
func half(conf *raftpb.ConfState, self uint64) *raftpb.ConfState {
	voters, counted := conf.GetVoters(), len(conf.GetVoters())
	if at := slices.Index(voters, self); at >= 0 {
		voters = slices.Concat(voters[at:], voters[:at])
		counted = max(1, counted/2*2-1)
	}
	return &raftpb.ConfState{
		Voters: voters[:counted], Learners: slices.Concat(voters[counted:], conf.GetLearners(), conf.GetLearnersNext()),
		AutoLeave: conf.AutoLeave,
	}
}

// changeHalf has raft count half of the voters that there are after a change, and returns all of them.
func (p *peer) changeHalf(change *raftpb.ConfChangeV2) *raftpb.ConfState {
	before := p.log.conf
	conf := changed(before, change)
	if change.LeaveJoint() {
		p.rn.ApplyConfChange(change)
	}
	counted := half(conf, p.id)
	step := &raftpb.ConfChangeV2{Transition: raftpb.ConfChangeTransitionJointExplicit.Enum()}
	if conf.GetAutoLeave() {
		step.Transition = raftpb.ConfChangeTransitionJointImplicit.Enum()
	}
	add := func(t raftpb.ConfChangeType, ids ...uint64) {
		for _, id := range ids {
			step.Changes = append(step.Changes, &raftpb.ConfChangeSingle{Type: t.Enum(), NodeId: new(id)})
		}
	}
	add(raftpb.ConfChangeAddNode, counted.Voters...)
	add(raftpb.ConfChangeAddLearnerNode, counted.Learners...)
	for _, id := range slices.Concat(before.GetVoters(), before.GetLearners(), before.GetVotersOutgoing()) {
		if !slices.Contains(counted.Voters, id) && !slices.Contains(counted.Learners, id) {
			add(raftpb.ConfChangeRemoveNode, id)
		}
	}
	p.rn.ApplyConfChange(step)
	if len(conf.GetVotersOutgoing()) == 0 {
		p.rn.ApplyConfChange(&raftpb.ConfChangeV2{})
	}
	return conf
}

// changed is a configuration after a change, where raft itself has another.
func changed(conf *raftpb.ConfState, change *raftpb.ConfChangeV2) *raftpb.ConfState {
	t := tracker.MakeProgressTracker(1, 0)
	var err error
	if t.Config, t.Progress, err = confchange.Restore(confchange.Changer{Tracker: t}, conf); err == nil {
		changer := confchange.Changer{Tracker: t}
		if autoLeave, joint := change.EnterJoint(); joint {
			t.Config, _, err = changer.EnterJoint(autoLeave, change.GetChanges()...)
		} else if change.LeaveJoint() {
			t.Config, _, err = changer.LeaveJoint()
		} else {
			t.Config, _, err = changer.Simple(change.GetChanges()...)
		}
	}
	if err != nil {
		panic(fmt.Sprintf("the configuration %v does not change by %v: %v", conf, change, err))
	}
	return t.ConfState()
}

// appliesAhead are the entries that a leader applies as soon as they are in its log, up to a change of members or another
// that raft has to know as committed. Others apply what is committed, and pass over what they have applied when they led.
func (p *peer) appliesAhead(committed []*raftpb.Entry) []*raftpb.Entry {
	committed = slices.DeleteFunc(slices.Clone(committed), func(e *raftpb.Entry) bool { return e.GetIndex() <= p.applied })
	if *p.inside.state != stateLeader {
		return committed
	}
	from := p.applied + uint64(len(committed)) + 1
	if from > p.log.hard.LastIndex {
		return committed
	}
	ahead, err := p.log.Entries(from, p.log.hard.LastIndex+1, p.s.cfg.Limits.ApplyBytesMax)
	p.must(nil, false, err)
	waits := func(e *raftpb.Entry) bool {
		return e.GetType() != raftpb.EntryNormal || p.proposed(e).GetAdmin() != nil
	}
	if at := slices.IndexFunc(ahead, waits); at >= 0 {
		ahead = ahead[:at]
	}
	return append(committed, ahead...)
}

// answerAhead answers a command of puts alone, whose answer is known before it is applied.
func (p *peer) answerAhead(w *proposal) {
	header := w.request.GetHeader()
	answer := &response{Header: &raftcmdpb.ResponseHeader{
		Client: header.GetClient(), Sequence: header.GetSequence(), RegionId: p.region.GetId(),
		Term: w.term, Index: w.index, ReadMode: raftcmdpb.ReadMode_READ_MODE_LOG,
	}}
	for _, r := range w.request.GetRequests() {
		if r.GetPut() == nil {
			return
		}
		answer.Responses = append(answer.Responses, putDone)
	}
	if w.request.GetAdmin() != nil || len(w.request.GetCompares()) > 0 {
		return
	}
	p.s.answer(w.callback, answer)
	w.callback = func(*response) {}
}

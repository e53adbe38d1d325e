package session

import (
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func (s *Session) hello() *sessionpb.Hello {
	return &sessionpb.Hello{
		ProtocolVersion: ProtocolVersion,
		SourceKind:      sessionpb.SourceKind_SOURCE_KIND_SIMULATION,
		Version:         s.version,
		Capabilities: []sessionpb.Capability{
			sessionpb.Capability_CAPABILITY_STEP,
			sessionpb.Capability_CAPABILITY_PLAY,
			sessionpb.Capability_CAPABILITY_GO_BACK,
			sessionpb.Capability_CAPABILITY_PROPOSE,
			sessionpb.Capability_CAPABILITY_CRASH_STORES,
			sessionpb.Capability_CAPABILITY_TOUCH_MESSAGES,
			sessionpb.Capability_CAPABILITY_TIME_OUT_STORES,
			sessionpb.Capability_CAPABILITY_CHANGE_NETWORK,
			sessionpb.Capability_CAPABILITY_CHANGE_DISK,
			sessionpb.Capability_CAPABILITY_RESET,
			sessionpb.Capability_CAPABILITY_EXPORT_RUN,
			sessionpb.Capability_CAPABILITY_ADD_STORES,
			sessionpb.Capability_CAPABILITY_CHANGE_REGIONS,
			sessionpb.Capability_CAPABILITY_RECOVER,
			sessionpb.Capability_CAPABILITY_CHANGE_LINKS,
			sessionpb.Capability_CAPABILITY_FAIL_DISKS,
			sessionpb.Capability_CAPABILITY_PAUSE_STORES,
			sessionpb.Capability_CAPABILITY_CHANGE_CLOCKS,
			sessionpb.Capability_CAPABILITY_WORKLOADS,
			sessionpb.Capability_CAPABILITY_GET_HISTORY,
		},
		ConfigDefault: sim.DefaultConfig(),
		Limits:        sim.Limits(),
	}
}

func (s *Session) status() *sessionpb.Status {
	if s.line == nil {
		return &sessionpb.Status{}
	}
	status := &sessionpb.Status{
		NowMicros: s.line.world.Now(), Seq: s.shown, HeadSeq: s.line.branch.headSeq, Steps: s.line.world.Steps(),
		Playing: s.play != nil, Quick: s.play != nil && s.quick, BranchId: s.line.branch.id,
		ActionsAhead:     uint32(len(s.line.branch.actions) - s.line.action),
		Actions:          uint32(len(s.line.branch.actions)),
		MessagesInFlight: uint32(s.line.world.MessagesInFlight()),
	}
	if s.play != nil {
		status.SpeedPpm = s.speed
	}
	switch {
	case s.goal != nil:
		status.Work = s.goal.status(s)
	case len(s.commands) > 0:
		status.Work = &sessionpb.Work{What: "doing what was asked", Total: uint64(len(s.commands))}
	}
	return status
}

func (s *Session) branchList() *sessionpb.BranchList {
	list := &sessionpb.BranchList{}
	for _, b := range s.branches {
		list.Branches = append(list.Branches, &sessionpb.Branch{
			Id: b.id, ParentId: b.parent, ForkSeq: b.forkSeq, ForkMicros: b.forkMicros, Actions: uint32(len(b.actions)),
			HeadSeq: b.headSeq,
		})
	}
	return list
}

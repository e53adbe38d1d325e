package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// seenWait is how long the reply to a proposal waits for the operation to be told of by its store.
const seenWait = time.Second

// command does one command of a viewer, or begins it. It never waits for the cluster.
func (s *Session) command(c *sessionpb.Command) {
	id := c.GetId()
	if !s.commands.take(s.g.micros()) {
		s.refuse(id, "more than %d commands a second", s.g.limits.CommandsPerSecondMax)
		return
	}
	switch body := c.GetCommand().(type) {
	case *sessionpb.Command_Act:
		s.act(id, body.Act.GetAction())
	case *sessionpb.Command_GetKeyframe:
		s.anew(id)
	case *sessionpb.Command_SetInterest:
		if err := checkInterest(body.SetInterest); err != nil {
			s.refuse(id, "%s", err)
			return
		}
		s.interested = newInterest(body.SetInterest)
		s.anew(id)
	case nil:
		s.refuse(id, "the command is empty")
	default:
		s.refuse(id, "%s", cannot(c))
	}
}

// anew has the viewer given a keyframe, which the command's reply comes with.
func (s *Session) anew(id uint64) {
	s.pictured = append(s.pictured, id)
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.renewing, s.afterRound = true, s.w.want()
}

// cannot says why a live cluster does not do a command.
func cannot(c *sessionpb.Command) string {
	switch c.GetCommand().(type) {
	case *sessionpb.Command_Step, *sessionpb.Command_Play, *sessionpb.Command_Pause:
		return "a live cluster runs by itself: it is neither stepped nor stopped"
	case *sessionpb.Command_Seek, *sessionpb.Command_SwitchBranch:
		return "a live cluster does not go back: the viewer itself keeps what it has seen"
	case *sessionpb.Command_Reset_:
		return "a live cluster is not started anew from here"
	case *sessionpb.Command_GetHash, *sessionpb.Command_ExportRun:
		return "a live cluster has no run that could be repeated: keep a recording"
	case *sessionpb.Command_GetHistory, *sessionpb.Command_Recover:
		return "a live cluster is not judged from here"
	}
	return "this version does not know the command"
}

// act does something to the cluster, for an operator alone.
func (s *Session) act(id uint64, a *sessionpb.Action) {
	if s.role != sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR {
		s.refuse(id, "only an operator may act on the cluster: attach with the operator's token")
		return
	}
	if p, ok := a.GetAction().(*sessionpb.Action_Propose); ok {
		s.begin(id, func(ctx context.Context) (*sessionpb.ActResult, error) { return s.propose(ctx, p.Propose) })
		return
	}
	deed, err := s.g.deed(s.w, a)
	if err != nil {
		s.refuse(id, "%s", err)
		return
	}
	s.begin(id, func(context.Context) (*sessionpb.ActResult, error) { return &sessionpb.ActResult{}, deed() })
}

// begin does work that may take its time, and replies when it is done.
func (s *Session) begin(id uint64, work func(context.Context) (*sessionpb.ActResult, error)) {
	s.mu.Lock()
	full := s.waiting >= s.g.limits.CommandsWaitingMax
	if !full {
		s.waiting++
	}
	s.mu.Unlock()
	if full {
		s.refuse(id, "%d commands wait for their answers already, which is the most", s.g.limits.CommandsWaitingMax)
		return
	}
	// Under the mutex: a watch that ends waits for its threads, and takes no new ones.
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.ctx.Err() != nil {
		return
	}
	s.w.threads.Go(func() {
		ctx, cancel := context.WithTimeout(s.w.ctx, s.g.limits.CommandWait)
		defer cancel()
		result, err := work(ctx)
		s.mu.Lock()
		s.waiting--
		s.mu.Unlock()
		if err != nil {
			s.refuse(id, "%s", strings.ToValidUTF8(err.Error(), "?"))
			return
		}
		s.reply(&sessionpb.Reply{CommandId: id, Result: &sessionpb.Reply_Act{Act: result}})
	})
}

// propose hands a command to the cluster and waits for its answer.
func (s *Session) propose(ctx context.Context, p *sessionpb.Propose) (*sessionpb.ActResult, error) {
	if p.GetRequest() == nil {
		return nil, errors.New("there is no command to propose")
	}
	response, err := s.g.cfg.Cluster.Do(ctx, p.GetStoreId(), p.GetRequest())
	if err != nil {
		return nil, fmt.Errorf("no answer came, so the outcome is unknown: %w", err)
	}
	if e := response.GetHeader().GetError(); e != nil {
		if e.GetOutcome() == errorpb.Outcome_OUTCOME_MAY_APPLY {
			return nil, fmt.Errorf("%s; the outcome is unknown", e.GetMessage())
		}
		return nil, errors.New(e.GetMessage())
	}
	return &sessionpb.ActResult{OperationId: s.seen(ctx, response.GetHeader()), Response: response}, nil
}

// seen is the number of the operation that an answer belongs to, once its store has told of it; 0 when it is not found.
func (s *Session) seen(ctx context.Context, h *raftcmdpb.ResponseHeader) uint64 {
	if h.GetClient() == 0 {
		return 0 // Nothing names a request that only reads.
	}
	ctx, cancel := context.WithTimeout(ctx, seenWait)
	defer cancel()
	for {
		s.w.mu.Lock()
		found, told := s.w.merger.operations.find(h.GetClient(), h.GetSequence()), s.w.told
		s.w.mu.Unlock()
		if found != 0 {
			return found
		}
		select {
		case <-told:
		case <-ctx.Done():
			return 0
		}
	}
}

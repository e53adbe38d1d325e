package swarm

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// ShrinkTriesMax bounds how many runs Shrink tries.
const ShrinkTriesMax = 500

// Shrink returns a run that fails in the same judge's eyes with as few actions and clients as it can find (delta debugging,
// Zeller and Hildebrandt 2002), and how many runs it tried. A run that passes comes back as it is.
func Shrink(ctx context.Context, run *sessionpb.Run, tell func(tries, actions int)) (smaller *sessionpb.Run, tries int) {
	first := Try(ctx, run)
	if len(first.Failures) == 0 {
		return run, 1
	}
	s := &shrinking{ctx: ctx, best: run, judge: first.Failures[0].Judge, tries: 1, tell: tell}
	if at := first.Failures[0].Micros; at > 0 {
		s.endAt(at)
	}
	s.workloads()
	s.actions()
	return s.best, s.tries
}

type shrinking struct {
	ctx   context.Context
	best  *sessionpb.Run
	judge string
	tries int
	tell  func(tries, actions int)
}

// fails tries a smaller run, and keeps it when the same judge still complains.
func (s *shrinking) fails(change func(run *sessionpb.Run)) bool {
	if s.tries >= ShrinkTriesMax || s.ctx.Err() != nil {
		return false
	}
	run := proto.Clone(s.best).(*sessionpb.Run)
	change(run)
	s.tries++
	complains := slices.ContainsFunc(Try(s.ctx, run).Failures, func(f Failure) bool { return f.Judge == s.judge })
	if complains {
		s.best = run
	}
	s.tell(s.tries, len(s.best.GetActions()))
	return complains
}

// endAt ends the run when the failure was noticed.
func (s *shrinking) endAt(micros int64) {
	s.fails(func(run *sessionpb.Run) {
		run.NowMicros = micros
		run.Actions = slices.DeleteFunc(run.Actions, func(a *sessionpb.Action) bool { return a.GetAtMicros() > micros })
	})
}

// workloads leaves out what it can of the clients.
func (s *shrinking) workloads() {
	for i := len(s.best.GetConfig().GetWorkloads()) - 1; i >= 0; i-- {
		s.fails(func(run *sessionpb.Run) {
			run.Config.Workloads = slices.Delete(run.Config.Workloads, i, i+1)
		})
	}
}

// actions leaves out stretches of the actions, shorter and shorter ones.
func (s *shrinking) actions() {
	for size := max(len(s.best.GetActions())/2, 1); ; size /= 2 {
		for from := len(s.best.GetActions()) - size; ; from -= size {
			at := max(from, 0)
			s.fails(func(run *sessionpb.Run) {
				run.Actions = slices.Delete(run.Actions, at, min(at+size, len(run.Actions)))
			})
			if from <= 0 {
				break
			}
		}
		if size == 1 || s.tries >= ShrinkTriesMax || s.ctx.Err() != nil {
			return
		}
	}
}

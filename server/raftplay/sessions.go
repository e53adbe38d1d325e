package main

import (
	"context"
	"errors"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/server/cluster"
	"raftplay/server/disk"
	"raftplay/server/live"
	"raftplay/server/web"
)

// sessions gives a gateway's sessions to viewers on websockets.
type sessions struct{ *live.Gateway }

func (s sessions) Open(role sessionpb.ViewerRole, attach *sessionpb.Attach) (web.Session, error) {
	session, err := s.Gateway.Open(role, attach)
	if errors.Is(err, live.ErrTooManyViewers) {
		return nil, &web.Refusal{Code: web.CloseTryLater, Sentence: err.Error()}
	}
	if err != nil {
		return nil, err
	}
	return drawn{session}, nil
}

// drawn is a session whose frames share what several viewers are told.
type drawn struct{ *live.Session }

func (s drawn) Handle(ctx context.Context, r *sessionpb.Request) web.Frame {
	return s.Session.Draw(ctx, r)
}

// asUsage marks what the person at the command line can put right: a folder that is not this store's, a taken port.
func asUsage(err error) error {
	for _, kind := range []error{
		disk.ErrOtherCluster, disk.ErrOtherStore, disk.ErrNewerFormat, disk.ErrInUse, disk.ErrForeign, disk.ErrNotFolder,
		disk.ErrPermission, disk.ErrDataMissing, cluster.ErrConfig, cluster.ErrPortTaken,
	} {
		if errors.Is(err, kind) {
			return &usageError{err}
		}
	}
	return err
}

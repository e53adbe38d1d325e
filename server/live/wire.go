package live

import (
	"context"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// HandleEncoded is Handle with the Frame in its encoding. What viewers share is encoded once for all of them, so this is the
// way to serve many. closed is the frame's.
func (s *Session) HandleEncoded(ctx context.Context, request *sessionpb.Request) (frame []byte, closed string) {
	d := s.handle(ctx, request)
	return d.encode(), d.frame.GetClosed()
}

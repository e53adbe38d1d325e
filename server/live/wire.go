package live

import (
	"context"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// Draw is Handle with the frame left to be encoded. What viewers share is encoded once for all of them, so this is the way
// to serve many.
func (s *Session) Draw(ctx context.Context, request *sessionpb.Request) *Draft {
	return s.handle(ctx, request)
}

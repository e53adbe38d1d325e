package web

import (
	"raftplay/core/pb/sessionpb/v1"

	"raftplay/server/token"
)

// Tokens are what viewers and operators show.
type Tokens = token.Tokens

// roleOf is what a token is worth as a role: unspecified when it is worth nothing.
func roleOf(tokens Tokens, shown string) sessionpb.ViewerRole {
	switch tokens.Right(shown) {
	case token.Operate:
		return sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR
	case token.View:
		return sessionpb.ViewerRole_VIEWER_ROLE_VIEWER
	}
	return sessionpb.ViewerRole_VIEWER_ROLE_UNSPECIFIED
}

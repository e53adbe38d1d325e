package api

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"raftplay/server/token"
)

// Tokens are what callers show, as `authorization: Bearer <token>`. With one or both, every call needs one: the viewer's to
// describe, watch and read, the operator's for everything.
type Tokens = token.Tokens

// rightOf returns what the caller of a call may do, or an Unauthenticated error.
func rightOf(ctx context.Context, tokens Tokens) (token.Right, error) {
	if !tokens.Any() {
		return token.Operate, nil
	}
	given := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(given) != 1 {
		return 0, status.Error(codes.Unauthenticated, "this store wants a token: send `authorization: Bearer <token>`")
	}
	shown, is := token.OfHeader(given[0])
	if !is {
		return 0, status.Error(codes.Unauthenticated, "the authorization is not of the kind `Bearer <token>`")
	}
	right := tokens.Right(shown)
	if right == token.Nothing {
		return 0, status.Error(codes.Unauthenticated, "this store does not know the token")
	}
	return right, nil
}

package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Tokens are what callers show, as `authorization: Bearer <token>`. Without any, everybody may do everything; with one or
// both, every call needs one: the viewer's to describe, watch and read, the operator's for everything.
type Tokens struct {
	Viewer, Operator string
}

// tokenBytesMin keeps a token from being guessed.
const tokenBytesMin = 8

func (t Tokens) validate() error {
	for _, token := range []string{t.Viewer, t.Operator} {
		if token != "" && len(token) < tokenBytesMin {
			return errors.New("a token has at least 8 bytes")
		}
	}
	if t.Viewer != "" && t.Viewer == t.Operator {
		return errors.New("the viewer's token must not be the operator's")
	}
	return nil
}

// right is what a caller may do.
type right uint8

const (
	mayView right = iota + 1
	mayOperate
)

// rights knows the tokens' hashes: comparing those takes the same time whatever a caller guesses.
type rights struct {
	viewer, operator *[sha256.Size]byte // nil: there is none
}

func newRights(t Tokens) *rights {
	return &rights{viewer: hashOf(t.Viewer), operator: hashOf(t.Operator)}
}

func hashOf(token string) *[sha256.Size]byte {
	if token == "" {
		return nil
	}
	return new(sha256.Sum256([]byte(token)))
}

// of returns what the caller of a call may do, or an Unauthenticated error.
func (r *rights) of(ctx context.Context) (right, error) {
	if r.viewer == nil && r.operator == nil {
		return mayOperate, nil
	}
	given := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(given) != 1 {
		return 0, status.Error(codes.Unauthenticated, "this store wants a token: send `authorization: Bearer <token>`")
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return 0, status.Error(codes.Unauthenticated, "the authorization is not of the kind `Bearer <token>`")
	}
	hash := sha256.Sum256([]byte(token))
	isOperator, isViewer := same(r.operator, &hash), same(r.viewer, &hash)
	switch {
	case isOperator:
		return mayOperate, nil
	case isViewer:
		return mayView, nil
	}
	return 0, status.Error(codes.Unauthenticated, "this store does not know the token")
}

func same(known, given *[sha256.Size]byte) bool {
	return known != nil && subtle.ConstantTimeCompare(known[:], given[:]) == 1
}

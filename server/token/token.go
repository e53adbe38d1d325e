package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// Bounds of a token. 16 random bytes cannot be guessed.
const (
	bytesMin = 16
	bytesMax = 4096
)

// Right is what a token is worth.
type Right uint8

// An operator is also a viewer.
const (
	Nothing Right = iota
	View
	Operate
)

// Tokens are what viewers and operators show; an empty one lets nobody in as that. Without any, everybody is an operator.
type Tokens struct {
	Viewer, Operator string
}

// Any tells whether there is one.
func (t Tokens) Any() bool { return t.Viewer != "" || t.Operator != "" }

// Check says in one sentence why the tokens cannot be used, or nil.
func (t Tokens) Check() error {
	for _, c := range []struct{ whose, token string }{{"viewer", t.Viewer}, {"operator", t.Operator}} {
		if c.token == "" {
			continue
		}
		if err := check(c.token); err != nil {
			return fmt.Errorf("the %s's token %w", c.whose, err)
		}
	}
	if t.Viewer != "" && t.Viewer == t.Operator {
		return errors.New("the viewer's and the operator's token are the same: every viewer would be an operator")
	}
	return nil
}

// check returns the predicate of a sentence about the token. A token is what an Authorization header can carry.
func check(token string) error {
	switch {
	case token == "":
		return errors.New("is empty")
	case len(token) < bytesMin:
		return fmt.Errorf("is too short: it has %d bytes, and less than %d can be guessed", len(token), bytesMin)
	case len(token) > bytesMax:
		return fmt.Errorf("is too long: it has more than %d bytes", bytesMax)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("holds a space, a line break or a character that is not ASCII")
	}
	return nil
}

// Right returns what a token is worth. It takes as long for a token that is nearly right as for one that is not, because it
// compares hashes, and always both.
func (t Tokens) Right(token string) Right {
	if !t.Any() {
		return Operate
	}
	viewer, operator := equal(token, t.Viewer), equal(token, t.Operator)
	switch {
	case operator && t.Operator != "":
		return Operate
	case viewer && t.Viewer != "":
		return View
	}
	return Nothing
}

func equal(a, b string) bool {
	ha, hb := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(ha[:], hb[:]) == 1
}

// OfHeader returns the token of an Authorization header, `Bearer <token>`, unless that is of another kind.
func OfHeader(authorization string) (token string, is bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"raftplay/core/pb/sessionpb/v1"
)

// Bounds of a token. 16 random bytes cannot be guessed.
const (
	tokenBytesMin = 16
	tokenBytesMax = 4096
)

// Tokens are what viewers and operators show; an empty one lets nobody in as that. An operator is also a viewer.
type Tokens struct {
	Viewer, Operator string
}

func (t Tokens) any() bool { return t.Viewer != "" || t.Operator != "" }

func (t Tokens) check() error {
	for _, c := range []struct{ whose, token string }{{"viewer", t.Viewer}, {"operator", t.Operator}} {
		if c.token == "" {
			continue
		}
		if err := checkToken(c.token); err != nil {
			return fmt.Errorf("the %s's token %w", c.whose, err)
		}
	}
	if t.Viewer != "" && t.Viewer == t.Operator {
		return errors.New("the viewer's and the operator's token are the same: every viewer would be an operator")
	}
	return nil
}

// checkToken returns the predicate of a sentence about the token. A token is what an Authorization header can carry.
func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("is empty")
	case len(token) < tokenBytesMin:
		return fmt.Errorf("is too short: it has %d bytes, and less than %d can be guessed", len(token), tokenBytesMin)
	case len(token) > tokenBytesMax:
		return fmt.Errorf("is too long: it has more than %d bytes", tokenBytesMax)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("holds a space, a line break or a character that is not ASCII")
	}
	return nil
}

// role is what a token is worth: unspecified when it is neither. It takes as long for a token that is nearly right as for
// one that is not, because it compares hashes, and always both.
func (t Tokens) role(token string) sessionpb.ViewerRole {
	if !t.any() {
		return sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR
	}
	viewer, operator := equal(token, t.Viewer), equal(token, t.Operator)
	switch {
	case operator && t.Operator != "":
		return sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR
	case viewer && t.Viewer != "":
		return sessionpb.ViewerRole_VIEWER_ROLE_VIEWER
	}
	return sessionpb.ViewerRole_VIEWER_ROLE_UNSPECIFIED
}

func equal(a, b string) bool {
	ha, hb := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(ha[:], hb[:]) == 1
}

// ReadTokenFile reads a token from a file that holds nothing else but, at most, one line break at its end. The warning is
// a sentence, or empty. A file that others than its owner can write is refused.
func ReadTokenFile(path string) (token, warning string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", "", fmt.Errorf("cannot read the token file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", "", fmt.Errorf("cannot read the token file: %w", err)
	}
	if runtime.GOOS != "windows" { // where these bits mean nothing
		switch mode := info.Mode().Perm(); {
		case mode&0o022 != 0:
			return "", "", fmt.Errorf("others than its owner can write the token file %s (mode %04o): chmod go-w it", path, mode)
		case mode&0o004 != 0:
			warning = fmt.Sprintf("every user of this machine can read the token file %s (mode %04o): chmod o-r it", path, mode)
		}
	}
	content, err := io.ReadAll(io.LimitReader(file, tokenBytesMax+3))
	if err != nil {
		return "", "", fmt.Errorf("cannot read the token file: %w", err)
	}
	token = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if err := checkToken(token); err != nil {
		return "", "", fmt.Errorf("the token in the file %s %w", path, err)
	}
	return token, warning, nil
}

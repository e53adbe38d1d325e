package token

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestATokenFileIsReadOrRefusedInOneSentence(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file's mode means nothing here")
	}
	const good = "0123456789abcdef"
	for _, c := range []struct {
		name, content string
		mode          os.FileMode
		token         string
		warning, err  string // %s is the path
	}{
		{"with a line break", good + "\n", 0o600, good, "", ""},
		{"with a line break of Windows", good + "\r\n", 0o600, good, "", ""},
		{"without one", good, 0o400, good, "", ""},
		{"for a group", good, 0o640, good, "", ""},
		{"for all", good, 0o644, good, "every user of this machine can read the token file %s (mode 0644): chmod o-r it", ""},
		{"that a group writes", good, 0o620, "", "", "others than its owner can write the token file %s (mode 0620): chmod go-w it"},
		{"that all write", good, 0o606, "", "", "others than its owner can write the token file %s (mode 0606): chmod go-w it"},
		{"with nothing", "", 0o600, "", "", "the token in the file %s is empty"},
		{"with a line break alone", "\n", 0o600, "", "", "the token in the file %s is empty"},
		{"with too little", "0123456789abcde\n", 0o600, "", "",
			"the token in the file %s is too short: it has 15 bytes, and less than 16 can be guessed"},
		{"with too much", strings.Repeat("x", 5000), 0o600, "", "", "the token in the file %s is too long: it has more than 4096 bytes"},
		{"with two lines", good + "\n\n", 0o600, "", "",
			"the token in the file %s holds a space, a line break or a character that is not ASCII"},
		{"with a space", " " + good, 0o600, "", "",
			"the token in the file %s holds a space, a line break or a character that is not ASCII"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil { // past the umask
				t.Fatal(err)
			}
			token, warning, err := ReadFile(path)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if token != c.token || warning != with(c.warning, path) || said != with(c.err, path) {
				t.Errorf("got %q, warning %q, error %q", token, warning, said)
			}
		})
	}
}

func with(sentence, path string) string {
	if sentence == "" {
		return ""
	}
	return fmt.Sprintf(sentence, path)
}

func TestATokenFileThatCannotBeReadIsNamed(t *testing.T) {
	folder := t.TempDir()
	for _, path := range []string{folder, filepath.Join(folder, "nowhere")} {
		_, _, err := ReadFile(path)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read the token file: ") || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	}
}

func TestATokenIsWorthWhatItIsForAndNothingMore(t *testing.T) {
	const viewer, operator = "looking-on-0123456", "at-the-wheel-01234"
	both := Tokens{Viewer: viewer, Operator: operator}
	for _, c := range []struct {
		tokens Tokens
		token  string
		want   Right
	}{
		{Tokens{}, "", Operate}, {Tokens{}, "anything", Operate},
		{both, viewer, View}, {both, operator, Operate}, {both, "", Nothing}, {both, viewer[1:], Nothing}, {both, operator + "x", Nothing},
		{Tokens{Viewer: viewer}, "", Nothing}, {Tokens{Viewer: viewer}, viewer, View}, {Tokens{Viewer: viewer}, operator, Nothing},
		{Tokens{Operator: operator}, "", Nothing}, {Tokens{Operator: operator}, operator, Operate},
	} {
		if got := c.tokens.Right(c.token); got != c.want {
			t.Errorf("of %v, %q is worth %d, want %d", c.tokens, c.token, got, c.want)
		}
	}
	for _, bad := range []Tokens{
		{Viewer: "short"}, {Operator: "short"}, {Viewer: "0123456789abcde "}, {Operator: strings.Repeat("x", 5000)},
		{Viewer: viewer, Operator: viewer},
	} {
		if err := bad.Check(); err == nil {
			t.Errorf("tokens %v are taken", bad)
		}
	}
	if err := both.Check(); err != nil {
		t.Error(err)
	}
}

func TestATokenIsTakenOutOfAHeader(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "Bearer  abc ": "abc", "Bearer": "", "Bearer ": "",
	} {
		if got, is := OfHeader(header); got != want || !is {
			t.Errorf("of %q: %q, %t, want %q", header, got, is, want)
		}
	}
	for _, header := range []string{"", "Basic abc", "abc"} {
		if got, is := OfHeader(header); got != "" || is {
			t.Errorf("of %q: %q, %t", header, got, is)
		}
	}
}

package token

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// ReadFile reads a token from a file that holds nothing else but, at most, one line break at its end. The warning is
// a sentence, or empty. A file that others than its owner can write is refused.
func ReadFile(path string) (token, warning string, err error) {
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
	content, err := io.ReadAll(io.LimitReader(file, bytesMax+3))
	if err != nil {
		return "", "", fmt.Errorf("cannot read the token file: %w", err)
	}
	token = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if err := check(token); err != nil {
		return "", "", fmt.Errorf("the token in the file %s %w", path, err)
	}
	return token, warning, nil
}

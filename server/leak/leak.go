// Package leak finds goroutines that nothing ends. Tests use it, and nothing else.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

const (
	// patience is how long goroutines have to end.
	patience       = 5 * time.Second
	stacksBytesMax = 4 << 20
)

// Main runs a package's tests, for its TestMain, and fails them when goroutines are left.
func Main(m *testing.M) {
	code := m.Run()
	if left := Left(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// Left is the stacks of the goroutines of this module's servers, or of gRPC, that do not end, without the tests' own.
func Left() (left string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		stacks := make([]byte, stacksBytesMax)
		left = ""
		for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			ours := strings.Contains(stack, "raftplay/server/") || strings.Contains(stack, "google.golang.org/grpc")
			if ours && !strings.Contains(stack, "testing.tRunner") && !strings.Contains(stack, "raftplay/server/leak.Main") {
				left += stack + "\n\n"
			}
		}
		if left == "" || time.Now().After(deadline) {
			return left
		}
	}
}

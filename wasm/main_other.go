//go:build !js

// The native twin of the page's worker: it exists so that `go build ./...` and the editors see this package. What the
// worker does natively is `raftplay sim run`.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "this program runs in a browser's worker: build it with GOOS=js GOARCH=wasm, or use raftplay")
	os.Exit(2)
}

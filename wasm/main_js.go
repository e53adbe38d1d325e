// The core in a browser's worker: bytes in, bytes out. The page's end of this is ui/src/source/worker.ts.
package main

import (
	"runtime/debug"
	"syscall/js"
	"time"

	"raftplay/core"
	"raftplay/core/session"
)

// gcPercent lets the heap grow to five times what is alive before it is swept: the collector shares the worker's one
// thread, and what is alive is a few megabytes.
const gcPercent = 400

func main() {
	debug.SetGCPercent(gcPercent)
	s := session.New(core.Version)
	js.Global().Set("raftplayHandle", js.FuncOf(func(_ js.Value, args []js.Value) any {
		return handle(s, args[0])
	}))
	select {}
}

// handle takes a sessionpb.Request in its encoding, as a Uint8Array, and returns a sessionpb.Frame as one that nobody
// else holds.
func handle(s *session.Session, request js.Value) js.Value {
	in := make([]byte, request.Get("length").Int())
	js.CopyBytesToGo(in, request)
	out := s.HandleBytes(in, func(budgetMicros int64) func() bool {
		end := time.Now().Add(time.Duration(budgetMicros) * time.Microsecond)
		return func() bool { return time.Now().Before(end) }
	})
	array := js.Global().Get("Uint8Array").New(len(out))
	js.CopyBytesToJS(array, out)
	return array
}

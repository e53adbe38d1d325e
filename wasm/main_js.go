// The core in a browser's worker: bytes in, bytes out. The page's end of this is ui/src/source/worker.ts.
package main

import (
	"runtime/debug"
	"syscall/js"
	"time"

	"raftplay/core"
	"raftplay/core/check"
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
	// Apart from the session: the page runs it in a worker of its own, which it can end.
	js.Global().Set("raftplayJudge", js.FuncOf(func(_ js.Value, args []js.Value) any {
		return toJS(check.JudgeHistoryBytes(fromJS(args[0])))
	}))
	select {}
}

// handle takes a sessionpb.Request in its encoding, as a Uint8Array, and returns a sessionpb.Frame as one that nobody
// else holds.
func handle(s *session.Session, request js.Value) js.Value {
	return toJS(s.HandleBytes(fromJS(request), func(budgetMicros int64) func() bool {
		end := time.Now().Add(time.Duration(budgetMicros) * time.Microsecond)
		return func() bool { return time.Now().Before(end) }
	}))
}

func fromJS(array js.Value) []byte {
	bytes := make([]byte, array.Get("length").Int())
	js.CopyBytesToGo(bytes, array)
	return bytes
}

func toJS(bytes []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(bytes))
	js.CopyBytesToJS(array, bytes)
	return array
}

// Package live shows a live cluster as a session of the session protocol (docs/protocol.md): it watches every store, brings
// what the stores tell into one causal order, and gives it to any number of viewers, who never make a store wait.
//
// # From the stores to the log
//
// A Gateway watches while it has viewers. Each store has a stream (stream.go) that feeds the merger (merge.go): the merger
// keeps each store's own order, lets no message arrive before it was sent, numbers messages, writes and operations anew,
// and moves the stores' times onto one clock. What leaves the merger is an event like a simulation's. It is folded into the
// stores as they stand (fold.go) and appended to one log (log.go), which is bounded in events and bytes.
//
// # From the log to the viewers
//
// A viewer is a cursor into that log, so two hundred viewers hold one copy of it, and one that does not ask holds nothing.
// A cursor that falls off the log's end gets a keyframe and the number of events it missed. Keyframes are made of pictures
// that the stores are asked for (round.go): one round for all who wait, at most four a second, folded on to one point of
// the log. When more happens than viewers are shown, all of them are shown the same slices of it (slice.go), and the stores
// are asked for no more.
//
// # Locks
//
// A watch is everything above for one stretch of watching; its mutex is held for moments and never while a store, an
// operator or a viewer is waited for. A Session has a mutex of its own, taken before the watch's. The Gateway's is taken
// before both.
package live

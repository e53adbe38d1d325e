// Package session is what a viewer talks to: requests in, frames out, as docs/protocol.md describes them. Behind it stands
// one simulated cluster, which a viewer can step, play, act on, and take back to any earlier event.
//
// # Time travel
//
// A branch is a configuration and the actions of a person, each at its exact position: so many scheduler steps, at that
// virtual time. Going back is building the world anew and doing the same again, without anybody watching, which is fast;
// the branch's marks (every 64 steps: how many events had happened) tell where to start watching again. Acting in the
// past makes a new branch that shares its past with the old one, whose actions stay.
//
// # Steps and events
//
// The world moves by steps, a viewer by events. The events of a step that the viewer has not been shown yet wait in the
// session; an action first shows them.
//
// # Budget
//
// Wasm has no preemption, so nothing here works longer than the caller allows: Handle asks between steps whether it may go
// on, and the next request continues what was left.
package session

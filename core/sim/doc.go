// Package sim is the simulated world: stores, the network between them, the disks under them and the clients before
// them, on one virtual clock. It drives core/store the way server/node drives it on a real machine, but every cause is
// here: a run is its configuration and its actions, and the same run gives the same events, natively and in wasm.
//
//	w, err := sim.New(sim.DefaultConfig(), judges, recorder)
//	w.RunUntil(3_000_000)                                   // three virtual seconds
//	id, err := w.Act(put)                                   // err is a sentence for a person
//	for w.Step() { … }                                      // one scheduler action at a time
//
// # Time and steps
//
// Time is int64 microseconds since the start of the run. What is due stands in an agenda, ordered by time and, within
// one instant, by the order in which it was put there. A step does the first thing of the agenda and everything that
// follows from it at once: a tick of a store, the arrival or loss of a message, the end of a disk write or of a sync, a
// client's patience running out. Actions of a person happen between steps, at the present time.
//
// # Chance
//
// Every random draw comes from a named stream ("timer/3", "latency/1/2", "loss/1/2", "tick/4"), seeded by the run's seed
// and the stream's name, and every message draws its latency and its loss whether they matter or not. So turning one knob
// does not reshuffle the rest, and two runs with one difference can be laid side by side.
//
// # Events
//
// Observers are told everything, as sessionpb events. The events of a step are handed out when the step is over, in the
// order of their sequence numbers. Without an observer no event is built and none is counted. An event is never changed
// after it was handed out; observers may keep it and must not write it.
//
// # Durability
//
// A store's batch is first handed to its disk, then in its engine ("written"), then durable ("synced"); each takes its
// time, and a crash may fall between any two. Whatever was not synced is gone then. Messages already sent travel on.
package sim

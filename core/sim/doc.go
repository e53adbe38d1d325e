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
// client's patience running out, or the next deed of one that works by itself. Actions of a person happen between steps,
// at the present time.
//
// # Chance
//
// Every random draw comes from a named stream ("timer/3", "latency/1/2", "loss/1/2", "client/2"), seeded by the run's seed
// and the stream's name, and every message draws its latency, its loss and all else that may happen to it whether it
// matters or not. So turning one knob does not reshuffle the rest, and two runs with one difference can be laid side by
// side.
//
// # The network
//
// A message's fate is decided as it departs. Its link sends it behind what it is still sending, if its bandwidth has a
// bound; then it travels for its latency, and arrives behind those before it, unless it is one of those that are late. The
// first filter that it fits may lose, hold, delay or double it. Where the link is cut, or loses it by chance, the message
// is doomed: it travels all the same, and is lost when it would have arrived. At the end of its way a message is lost if
// the link has been cut meanwhile, or waits there while the link is clogged. A held message is in flight and due at no
// time. What a person does to a message or to a link draws from no stream that others draw from.
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
// time, and a crash may fall between any two. Whatever was not synced is gone then, or some of it is kept, from the first
// batch on. Messages already sent travel on.
//
// # Faults
//
// Disks fail or fill up, stores are paused or start on an empty disk, clocks run wrong or jump; docs/decisions/faults.md says
// what each does. What Raft and the leases do not promise to survive, LeavesModel knows; a run tells when it happens.
package sim

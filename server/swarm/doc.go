// Package swarm runs many simulated clusters, each with its own seed, clients and faults, and says which of them broke a
// promise of Raft or of the store.
//
//	Try    one run: the judges watch every step, then the cluster must recover, then the clients' history is judged
//	Run    many, on as many workers as there are cores
//	Shrink makes a failing run's list of faults and actions as short as it can
//
// A run fails when a judge of Raft's invariants reports a violation, when what clients saw is not linearizable, when the
// cluster does not serve again after a quorum of it was healed, or when something panics. Everything about a run follows
// from its seed; how many workers there are changes nothing.
package swarm

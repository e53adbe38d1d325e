// Package torture tries live clusters to destruction, in its tests: real processes that are killed, frozen and cut off from
// each other, and stores in one process whose disks lose what was not synced. Clients work meanwhile; everything they asked
// and heard is judged in the end (docs/decisions/histories.md): nothing that was acknowledged may be lost, and one order must
// explain all answers.
//
// The short trials run with the other tests. `make torture CYCLES=200` runs the long one, on processes.
package torture

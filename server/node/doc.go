// Package node is one live store: the loop around core/store.
//
// One goroutine owns the Store. What comes from outside waits in bounded queues: messages of other stores (Deliver),
// commands (Propose), and words of the program (Stop, Describe, Watch). A turn of the loop takes what is there, steps the
// Store, and carries out its Ready: messages that may go at once to the Transport, the batch to the Disk, then the messages
// that had to wait, then Advance. It is TiKV's event loop of Quit, RaftBaseTick, RaftMessage and RaftCommand.
//
// Batches are written by a second goroutine. While the disk works, the loop goes on stepping and ticking, and all that
// comes meanwhile shares the next batch: that is the group commit.
//
// Nothing waits for a watcher. What happens becomes events only while somebody watches (sight.go); a watcher that is slow,
// or wants less than happens, misses events, is told how many, and is shown the store as it stands (watcher.go).
//
// A disk that fails, and an invariant that is broken, end the node with a reason; it does not touch the disk after that.
package node

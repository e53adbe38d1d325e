// Package store is a raft store in the shape of TiKV's raftserver: what raft's RawNode is to one group, a Store is to
// every region it holds a peer of.
//
// Inputs go in through Step (a message from another store), Tick (RaftBaseTick), Propose (a command and its callback)
// and Quit. What the outside owes comes out of Ready: one batch to write, whether it must be synced, the messages that
// may go at once, and the messages that wait until the batch is durable. Advance tells the Store that it is:
//
//	for {
//		inputs: s.Step(m), s.Tick(), s.Propose(request, callback)
//		rd, ok := s.Ready()
//		if !ok { continue }
//		send(rd.Messages)            // a leader's appends and heartbeats travel while its own disk works
//		engine.Write(rd.Batch)
//		if rd.MustSync { engine.Sync() }
//		send(rd.AfterSync)           // acknowledgements and votes promise durability
//		s.Advance()
//	}
//
// A driver whose disk takes its time calls Answer between the two: answers that are known need not wait for it.
//
// Between Ready and Advance the Store may go on being stepped, ticked and proposed to; a second Ready is not given out.
// An error of the engine between the two is fatal for the Store: drop it, and open a new one from the engine.
//
// Peers come and go while a Store runs: by a split, by a message for one, by a removal, which leaves a tombstone. Their
// life is in lifecycle.go and removed.go; what changes a region in admin.go, members.go, split.go, compact.go and
// transfer.go; how snapshots travel in snapshot.go, send.go and staged.go; how reads are served in read.go and lease.go; how
// idle regions sleep in sleep.go. The reasons are in docs/decisions.
//
// The Store reads its engine and never writes it. It has no clock but Config.Now, starts no goroutine, and is not safe
// for use from several goroutines.
package store

// Package check holds the judges: observers that watch the events of a run for what Raft never lets happen.
//
//	election safety        at most one leader in a region and term (Raft dissertation, figure 3.2)
//	log matching           an index and term name one entry, and one term before it, on every store
//	leader completeness    a leader's log holds every entry that was applied in an earlier term
//	state machine safety   stores apply the same entries, one by one, without a gap, to the same effect, and drop none
//	                       unapplied
//	one vote a term        a peer votes once in a term, across crashes as far as it had synced its vote or told of it
//	monotonic state        term, commit and applied index never go back, across crashes as far as they were synced
//	durable commit         a committed entry is on the disks of a quorum of the voters, of both halves of a joint configuration
//	durability             a store that comes back has every entry that it had synced, unless its disk was wiped
//	sync before answer     a vote or an acknowledgement leaves its store after what it promises is synced
//	region shape           a region's epoch never goes back on a store, across crashes as far as it was synced; an epoch
//	                       names one range and one set of members; two regions on one store never overlap; an entry
//	                       changes keys of its region alone
//	one change at a time   a leader begins no change of members before it has applied the one before
//
// A judge knows only what the events tell, so it works the same on a simulation, a recording and a live cluster, and it
// says nothing where the events leave a doubt: who starts in the middle starts without a past.
//
// Facts carry the sequence number of the event that taught them. Rewind forgets everything learned after an event, to the
// letter: events fed again from there are judged as if time had never gone on.
package check

// Package peer carries messages between the live stores of a cluster, on gRPC streams.
//
// A Transport has a line to each other store: a connection that is kept open, a bounded queue, and a stream that sends what
// is in it, many messages at a time. Snapshots' chunks have a queue and a stream of their own, so that they never hold up a
// heartbeat. Nothing waits for a line: a message that it cannot take is refused at once, and raft tries again. While a line
// is down nothing is queued, since raft's messages are worth little when they are old. A line that is silent is asked
// whether the other end is there (probe.go), so that a black hole is noticed within seconds.
//
// A Server takes what other stores' lines send, looks at the envelope (admit.go) and at each message's address (valid.go),
// and hands what belongs here to its Inbox. What raft says in a message the store judges itself.
//
// The messages of one connection arrive in the order in which they were sent, snapshots' chunks in theirs. After a line was
// broken, late messages of its old connection may still come: raft allows that.
package peer

// Package peer carries messages between the live stores of a cluster, on gRPC streams.
//
// A Transport has a line to each other store: a bounded queue, and a stream that sends what is in it, many messages at a
// time. Snapshots' chunks have a queue and a stream of their own, so that they never hold up a heartbeat. Nothing waits for
// a line: a message that it cannot take is refused at once, and raft tries again.
//
// A Server takes what other stores' lines send, looks at the envelope, and hands what belongs here to its Inbox.
package peer

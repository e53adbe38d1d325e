// Package client speaks to a live cluster: it finds the region that holds a key and the store that leads it, sends commands
// there, and tries again until the caller's context ends.
//
// A command that writes keeps one request id over all its attempts (a client id and a sequence, see
// docs/decisions/exactly-once.md), so that it is applied once, however often it was sent. What became of a command is one of
// three things:
//
//	answer, nil             it was carried out; of a compare that did not hold, the answer tells
//	nil, *NotApplied        it was not, and never will be: the store's sentence says why
//	nil, *UnknownOutcome    nobody answered in time, and it may still be applied
//
// Each store that is spoken to has one connection with one stream, on which the commands of all callers travel together.
package client

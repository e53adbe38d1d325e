// Package clienttest runs small clusters for tests of what speaks to them: real stores (core/store) on engines in memory,
// served by server/api on loopback addresses. Only the network between the stores is a function call, so that a test can cut
// it; what a live store does beyond that, server/node does.
package clienttest

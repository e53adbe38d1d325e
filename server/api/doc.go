// Package api is what a live store serves over gRPC to clients (rpcpb.CommandService) and to watchers
// (rpcpb.WatchService). It checks who asks and how much, and hands the rest to a Store; it knows nothing of raft.
//
// Nothing here holds the store up. A command's answer is put into a list that the answering stream's own goroutine sends;
// a client that does not read stops being read from, once as many of its commands are under way as Limits allow.
package api

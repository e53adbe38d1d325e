package raftcmdpb

import "iter"

// This file is written by hand. It stands beside the generated code because stores, clients, and what stands between them
// must agree on it, and share nothing else.

// Writes tells whether a command can change a key; only those are remembered per client.
func Writes(req *RaftCommandRequest) bool {
	for _, r := range req.GetRequests() {
		switch r.GetRequest().(type) {
		case *Request_Put, *Request_Delete:
			return true
		}
	}
	return false
}

// Changes tells whether a command can change anything, a key or a region.
func Changes(req *RaftCommandRequest) bool { return req.GetAdmin() != nil || Writes(req) }

// KeyOf is the key that decides where a request belongs. Seeks and scans stop at the region's end.
func KeyOf(r *Request) []byte {
	switch r := r.GetRequest().(type) {
	case *Request_Get:
		return r.Get.GetKey()
	case *Request_Seek:
		return r.Seek.GetKey()
	case *Request_Scan:
		return r.Scan.GetStartKey()
	case *Request_Put:
		return r.Put.GetKey()
	case *Request_Delete:
		return r.Delete.GetKey()
	}
	return nil
}

// Keys are those that a command's region must hold.
func Keys(req *RaftCommandRequest) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, c := range req.GetCompares() {
			if !yield(c.GetKey()) {
				return
			}
		}
		for _, r := range req.GetRequests() {
			if !yield(KeyOf(r)) {
				return
			}
		}
		if split := req.GetAdmin().GetSplit(); split != nil {
			yield(split.GetSplitKey())
		}
	}
}

// RoutingKey is the first of Keys, which decides what region a command is for; empty when it has none.
func RoutingKey(req *RaftCommandRequest) []byte {
	for key := range Keys(req) {
		return key
	}
	return nil
}

package client

import (
	"iter"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// writes tells whether a command can change a key; those have a request id.
func writes(req *raftcmdpb.RaftCommandRequest) bool {
	for _, r := range req.GetRequests() {
		switch r.GetRequest().(type) {
		case *raftcmdpb.Request_Put, *raftcmdpb.Request_Delete:
			return true
		}
	}
	return false
}

// changes tells whether a command can change anything, a key or a region.
func changes(req *raftcmdpb.RaftCommandRequest) bool { return req.GetAdmin() != nil || writes(req) }

// keys are those that a command's region must hold. Seeks and scans stop at the region's end.
func keys(req *raftcmdpb.RaftCommandRequest) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, c := range req.GetCompares() {
			if !yield(c.GetKey()) {
				return
			}
		}
		for _, r := range req.GetRequests() {
			if !yield(firstKey(r)) {
				return
			}
		}
		if split := req.GetAdmin().GetSplit(); split != nil {
			yield(split.GetSplitKey())
		}
	}
}

// routingKey decides which region a command is for. One without keys is for the first region.
func routingKey(req *raftcmdpb.RaftCommandRequest) []byte {
	for key := range keys(req) {
		return key
	}
	return nil
}

func firstKey(r *raftcmdpb.Request) []byte {
	switch r := r.GetRequest().(type) {
	case *raftcmdpb.Request_Get:
		return r.Get.GetKey()
	case *raftcmdpb.Request_Seek:
		return r.Seek.GetKey()
	case *raftcmdpb.Request_Scan:
		return r.Scan.GetStartKey()
	case *raftcmdpb.Request_Put:
		return r.Put.GetKey()
	case *raftcmdpb.Request_Delete:
		return r.Delete.GetKey()
	}
	return nil
}

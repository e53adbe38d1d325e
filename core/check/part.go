package check

import (
	"slices"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// part is keys that commands name together, and the calls about them: it is judged for itself (linearizability is local;
// Herlihy and Wing, theorem 1).
type part struct {
	keys  [][]byte
	calls []*call
}

// partsOf splits a history into its parts, by union and find over the keys that a command names. They come in the order in
// which their first calls began, and so do their keys and calls.
func partsOf(calls []*call) []*part {
	var parent []int // of keys
	var keys [][]byte
	known := map[string]int{}
	find := func(key int) int {
		for parent[key] != key {
			parent[key] = parent[parent[key]]
			key = parent[key]
		}
		return key
	}
	first := make([]int, len(calls)) // the first key of each call
	for i, c := range calls {
		first[i] = -1
		visitKeys(c.request, func(key []byte) {
			place, found := known[string(key)]
			if !found {
				place = len(keys)
				known[string(key)] = place
				keys, parent = append(keys, key), append(parent, place)
			}
			if first[i] < 0 {
				first[i] = place
			}
			parent[find(place)] = find(first[i])
		})
	}
	var parts []*part
	ofRoot := map[int]*part{}
	partOf := func(key int) *part {
		root := find(key)
		if ofRoot[root] == nil {
			ofRoot[root] = &part{}
			parts = append(parts, ofRoot[root])
		}
		return ofRoot[root]
	}
	for i, c := range calls {
		p := partOf(first[i])
		p.calls = append(p.calls, c)
	}
	for place, key := range keys {
		p := partOf(place)
		p.keys = append(p.keys, key)
	}
	for _, p := range parts {
		slices.SortFunc(p.keys, slices.Compare)
	}
	return parts
}

// visitKeys shows look each key that a command names and that a judge looks at.
func visitKeys(request *raftcmdpb.RaftCommandRequest, look func(key []byte)) {
	for _, c := range request.GetCompares() {
		look(c.GetKey())
	}
	for _, r := range request.GetRequests() {
		switch r := r.GetRequest().(type) {
		case *raftcmdpb.Request_Get:
			look(r.Get.GetKey())
		case *raftcmdpb.Request_Put:
			look(r.Put.GetKey())
		case *raftcmdpb.Request_Delete:
			look(r.Delete.GetKey())
		}
	}
}

package api

import (
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/token"
)

// check answers a command that its caller may not give, or that is too large; nil when the store is to see it. The store
// checks the rest of its form.
func (l *Limits) check(granted token.Right, req *raftcmdpb.RaftCommandRequest) *raftcmdpb.RaftCommandResponse {
	switch {
	case req == nil:
		return invalid(req, "there is no command")
	case granted < token.Operate && raftcmdpb.Changes(req):
		return invalid(req, "the token is a viewer's, who may read and watch: changing something takes an operator's")
	case len(req.GetRequests()) > l.RequestsMax:
		return invalid(req, "%d requests in one command; the most is %d", len(req.GetRequests()), l.RequestsMax)
	case len(req.GetCompares()) > l.RequestsMax:
		return invalid(req, "%d compares in one command; the most is %d", len(req.GetCompares()), l.RequestsMax)
	}
	total := 0
	for _, c := range req.GetCompares() {
		if refusal := l.checkPair(req, c.GetKey(), c.GetValue(), &total); refusal != nil {
			return refusal
		}
	}
	for _, r := range req.GetRequests() {
		if refusal := l.checkOne(req, r, &total); refusal != nil {
			return refusal
		}
	}
	if refusal := l.checkPair(req, req.GetAdmin().GetSplit().GetSplitKey(), nil, &total); refusal != nil {
		return refusal
	}
	if total > l.CommandBytesMax {
		return invalid(req, "the command has %d bytes of keys and values; the most is %d", total, l.CommandBytesMax)
	}
	return nil
}

func (l *Limits) checkOne(req *raftcmdpb.RaftCommandRequest, r *raftcmdpb.Request, total *int) *raftcmdpb.RaftCommandResponse {
	switch r := r.GetRequest().(type) {
	case *raftcmdpb.Request_Get:
		return l.checkPair(req, r.Get.GetKey(), nil, total)
	case *raftcmdpb.Request_Seek:
		return l.checkPair(req, r.Seek.GetKey(), nil, total)
	case *raftcmdpb.Request_Scan:
		if refusal := l.checkPair(req, r.Scan.GetStartKey(), nil, total); refusal != nil {
			return refusal
		}
		return l.checkPair(req, r.Scan.GetEndKey(), nil, total)
	case *raftcmdpb.Request_Put:
		return l.checkPair(req, r.Put.GetKey(), r.Put.GetValue(), total)
	case *raftcmdpb.Request_Delete:
		return l.checkPair(req, r.Delete.GetKey(), nil, total)
	}
	return nil
}

// checkPair looks at one key and value, and adds their bytes to the command's.
func (l *Limits) checkPair(req *raftcmdpb.RaftCommandRequest, key, value []byte, total *int) *raftcmdpb.RaftCommandResponse {
	*total += len(key) + len(value)
	switch {
	case len(key) > l.KeyBytesMax:
		return invalid(req, "the key has %d bytes; the most is %d", len(key), l.KeyBytesMax)
	case len(value) > l.ValueBytesMax:
		return invalid(req, "the value has %d bytes; the most is %d", len(value), l.ValueBytesMax)
	}
	return nil
}

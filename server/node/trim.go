package node

import (
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/core/mirror"
)

// Commands and answers that are small are shown as they are. Of large ones the first requests are shown, with the beginnings
// of their values.
const (
	shownBytesMax    = 4 << 10
	shownRequestsMax = 8
	shownPairsMax    = 8
)

// shownRequest is a command as an event shows it, and about how large that is.
func shownRequest(req *raftcmdpb.RaftCommandRequest, bytes int) (*raftcmdpb.RaftCommandRequest, int) {
	if bytes <= shownBytesMax {
		return req, bytes
	}
	shown := &raftcmdpb.RaftCommandRequest{Header: req.GetHeader(), Status: req.GetStatus(), Admin: req.GetAdmin()}
	for _, r := range req.GetRequests()[:min(len(req.GetRequests()), shownRequestsMax)] {
		if put := r.GetPut(); put != nil {
			r = &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{
				Key: put.GetKey(), Value: beginning(put.GetValue())}}}
		}
		shown.Requests = append(shown.Requests, r)
	}
	for _, c := range req.GetCompares()[:min(len(req.GetCompares()), shownRequestsMax)] {
		if value, is := c.GetExpect().(*raftcmdpb.Compare_Value); is {
			c = &raftcmdpb.Compare{Key: c.GetKey(), Expect: &raftcmdpb.Compare_Value{Value: beginning(value.Value)}}
		}
		shown.Compares = append(shown.Compares, c)
	}
	return shown, proto.Size(shown)
}

// shownResponse is an answer as an event shows it, and about how large that is.
func shownResponse(resp *raftcmdpb.RaftCommandResponse) (*raftcmdpb.RaftCommandResponse, int) {
	bytes := proto.Size(resp)
	if bytes <= shownBytesMax {
		return resp, bytes
	}
	shown := &raftcmdpb.RaftCommandResponse{Header: resp.GetHeader(), Status: resp.GetStatus(), Admin: resp.GetAdmin()}
	if failed := resp.GetCompareFailed(); failed != nil {
		shown.CompareFailed = &raftcmdpb.CompareFailed{
			Position: failed.GetPosition(), Key: failed.GetKey(), Found: failed.GetFound(), Value: beginning(failed.GetValue())}
	}
	for _, r := range resp.GetResponses()[:min(len(resp.GetResponses()), shownRequestsMax)] {
		shown.Responses = append(shown.Responses, shownOne(r))
	}
	return shown, proto.Size(shown)
}

func shownOne(r *raftcmdpb.Response) *raftcmdpb.Response {
	switch r := r.GetResponse().(type) {
	case *raftcmdpb.Response_Get:
		return &raftcmdpb.Response{Response: &raftcmdpb.Response_Get{Get: &raftcmdpb.GetResponse{
			Found: r.Get.GetFound(), Value: beginning(r.Get.GetValue())}}}
	case *raftcmdpb.Response_Seek:
		return &raftcmdpb.Response{Response: &raftcmdpb.Response_Seek{Seek: &raftcmdpb.SeekResponse{
			Found: r.Seek.GetFound(), Key: r.Seek.GetKey(), Value: beginning(r.Seek.GetValue())}}}
	case *raftcmdpb.Response_Scan:
		pairs := r.Scan.GetPairs()
		scan := &raftcmdpb.ScanResponse{More: r.Scan.GetMore() || len(pairs) > shownPairsMax}
		for _, p := range pairs[:min(len(pairs), shownPairsMax)] {
			scan.Pairs = append(scan.Pairs, &raftcmdpb.Pair{Key: p.GetKey(), Value: beginning(p.GetValue())})
		}
		return &raftcmdpb.Response{Response: &raftcmdpb.Response_Scan{Scan: scan}}
	}
	return r
}

func beginning(value []byte) []byte { return value[:min(len(value), mirror.ValueBytesMax)] }

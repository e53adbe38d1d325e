package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// Get returns the value of a key, and whether there is one.
func (c *Client) Get(ctx context.Context, key []byte, mode raftcmdpb.ReadMode) (value []byte, found bool, err error) {
	answer, err := c.one(ctx, mode, &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: key}}})
	return answer.GetGet().GetValue(), answer.GetGet().GetFound(), err
}

// Put sets a key to a value.
func (c *Client) Put(ctx context.Context, key, value []byte) error {
	_, err := c.one(ctx, 0, put(key, value))
	return err
}

// Delete removes a key, and tells whether it was there.
func (c *Client) Delete(ctx context.Context, key []byte) (found bool, err error) {
	answer, err := c.one(ctx, 0, &raftcmdpb.Request{Request: &raftcmdpb.Request_Delete{Delete: &raftcmdpb.DeleteRequest{Key: key}}})
	return answer.GetDelete().GetFound(), err
}

// PutIf sets a key to a value if it has the value expected; expected nil means that there is no such key. Otherwise nothing
// changes, and failed is what was found instead.
func (c *Client) PutIf(ctx context.Context, key, value, expected []byte) (failed *raftcmdpb.CompareFailed, err error) {
	compare := &raftcmdpb.Compare{Key: key, Expect: &raftcmdpb.Compare_Value{Value: expected}}
	if expected == nil {
		compare.Expect = &raftcmdpb.Compare_Absent{Absent: true}
	}
	answer, err := c.Do(ctx, &raftcmdpb.RaftCommandRequest{
		Requests: []*raftcmdpb.Request{put(key, value)}, Compares: []*raftcmdpb.Compare{compare},
	})
	return answer.GetCompareFailed(), err
}

func put(key, value []byte) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: key, Value: value}}}
}

// one carries out a command of one request.
func (c *Client) one(ctx context.Context, mode raftcmdpb.ReadMode, request *raftcmdpb.Request) (*raftcmdpb.Response, error) {
	answer, err := c.Do(ctx, &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{ReadMode: mode}, Requests: []*raftcmdpb.Request{request},
	})
	if err != nil {
		return nil, err
	}
	return single(answer)
}

func single(answer *raftcmdpb.RaftCommandResponse) (*raftcmdpb.Response, error) {
	if n := len(answer.GetResponses()); n != 1 {
		return nil, fmt.Errorf("a command of one request got %d responses", n)
	}
	return answer.GetResponses()[0], nil
}

// Seek returns the first pair at or after a key, through as many regions as it takes; nil when there is none.
func (c *Client) Seek(ctx context.Context, key []byte, mode raftcmdpb.ReadMode) (*raftcmdpb.Pair, error) {
	for {
		request := &raftcmdpb.Request{Request: &raftcmdpb.Request_Seek{Seek: &raftcmdpb.SeekRequest{Key: key}}}
		response, region, err := c.readAt(ctx, mode, nil, request)
		switch seek := response.GetSeek(); {
		case err != nil:
			return nil, err
		case seek.GetFound():
			return &raftcmdpb.Pair{Key: seek.GetKey(), Value: seek.GetValue()}, nil
		case len(region.GetEndKey()) == 0:
			return nil, nil
		}
		key = region.GetEndKey()
	}
}

// Range is what a scan visits: at most Limit pairs in [Start, End), from the front, or with Reverse from the back. An empty
// End has no end.
type Range struct {
	Start, End []byte
	Limit      int
	Reverse    bool
}

// pageMax is how many pairs one command of a scan asks for.
const pageMax = 256

// Scan returns the pairs of a range in its order, and whether there are more. Each region is read at once; regions, and pages
// of 256 pairs, are read one after the other, not as of one moment.
func (c *Client) Scan(ctx context.Context, r Range, mode raftcmdpb.ReadMode) (pairs []*raftcmdpb.Pair, more bool, err error) {
	if r.Limit < 1 {
		return nil, false, &NotApplied{Cause: fmt.Errorf("a scan's limit must be at least 1, not %d", r.Limit)}
	}
	for len(r.End) == 0 || bytes.Compare(r.Start, r.End) < 0 {
		if len(pairs) == r.Limit {
			return pairs, true, nil
		}
		page, region, err := c.page(ctx, r, min(pageMax, r.Limit-len(pairs)), mode)
		if errors.Is(err, errReshaped) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		pairs = append(pairs, page.GetPairs()...)
		switch last := len(page.GetPairs()) - 1; {
		case page.GetMore() && r.Reverse:
			r.End = page.GetPairs()[last].GetKey()
		case page.GetMore():
			r.Start = append(bytes.Clone(page.GetPairs()[last].GetKey()), 0)
		case r.Reverse && len(region.GetStartKey()) == 0, !r.Reverse && len(region.GetEndKey()) == 0:
			return pairs, false, nil
		case r.Reverse:
			r.End = region.GetStartKey()
		default:
			r.Start = region.GetEndKey()
		}
		if page.GetMore() && len(pairs) == r.Limit {
			return pairs, true, nil
		}
	}
	return pairs, false, nil
}

// page reads the first pairs of a range, of one region, and returns the region.
func (c *Client) page(ctx context.Context, r Range, limit int, mode raftcmdpb.ReadMode) (*raftcmdpb.ScanResponse, *metapb.Region, error) {
	scan := &raftcmdpb.ScanRequest{StartKey: r.Start, EndKey: r.End, Limit: uint32(limit), Reverse: r.Reverse}
	var planned *metapb.Region
	if r.Reverse {
		// A command belongs where its first key is; this one begins at the other end.
		p, found := c.routes.before(r.End)
		if !found {
			if err := c.Discover(ctx); err != nil {
				return nil, nil, &NotApplied{Cause: err}
			}
			if p, found = c.routes.before(r.End); !found {
				return nil, nil, &NotApplied{Cause: fmt.Errorf("no store that answers knows the region before key %q", r.End)}
			}
		}
		planned = p.region
		if bytes.Compare(scan.StartKey, planned.GetStartKey()) < 0 {
			scan.StartKey = planned.GetStartKey()
		}
	}
	response, region, err := c.readAt(ctx, mode, planned, &raftcmdpb.Request{Request: &raftcmdpb.Request_Scan{Scan: scan}})
	return response.GetScan(), region, err
}

// readAt carries out one read, and returns the region that served it, in its shape then.
func (c *Client) readAt(ctx context.Context, mode raftcmdpb.ReadMode, planned *metapb.Region, request *raftcmdpb.Request) (*raftcmdpb.Response, *metapb.Region, error) {
	t := trip{c: c, planned: planned, req: &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{ReadMode: mode}, Requests: []*raftcmdpb.Request{request},
	}}
	answer, err := t.run(ctx)
	if err != nil {
		return nil, nil, err
	}
	response, err := single(answer)
	return response, t.region, err
}

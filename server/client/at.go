package client

import (
	"context"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// DoAt has one store carry out a command, once: whoever wants to know what that very store says. What the header lacks is
// filled in as Do does, but for a request id: nothing is tried again. A store's error is in the answer; an error means that
// no answer is known, *NotApplied if the command was not sent.
func (c *Client) DoAt(ctx context.Context, storeID uint64, req *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
	t := trip{c: c, req: req}
	p, _, err := t.target(ctx)
	if err != nil {
		return nil, &NotApplied{Cause: err}
	}
	address, err := c.addressOf(ctx, storeID)
	if err != nil {
		return nil, &NotApplied{Cause: err}
	}
	l, err := c.link(address)
	if err != nil {
		return nil, &NotApplied{Cause: err}
	}
	answer, sent, err := l.call(ctx, t.addressed(p.region), c.cfg.AttemptTimeout)
	if err != nil && !sent {
		return nil, &NotApplied{Cause: err}
	}
	return answer, err
}

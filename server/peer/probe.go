package peer

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// probe asks the other end whether it is there, each time nothing has come from it for a while: answers to a line's messages
// come on another connection, so a line hears nothing while all is well. The question is a stream of an envelope and its
// end. gRPC's own pings would do, but it lets clients send them only every ten seconds, which is several election timeouts.
func (c *connection) probe(ctx context.Context) error {
	limits := &c.t.cfg.Limits
	for {
		if silence := c.pulse.silence(); silence < limits.PingInterval {
			if pause(ctx, limits.PingInterval-silence); ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		asked := time.Now()
		err := c.ask(ctx, limits.PingTimeout)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case status.Code(err) != codes.DeadlineExceeded:
			return err
		case c.pulse.silence() >= time.Since(asked):
			return fmt.Errorf("S%d has been silent for %v", c.storeID, c.pulse.silence().Round(time.Millisecond))
		}
		// It answered, or is slow and alive: what came since the question shows it.
		if pause(ctx, limits.PingInterval); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (c *connection) ask(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stream, err := c.peers.Send(ctx)
	if err != nil {
		return err
	}
	// An error of Send is told by the answer.
	_ = stream.Send(&rpcpb.SendRequest{Envelope: c.envelope})
	_, err = stream.CloseAndRecv()
	return err
}

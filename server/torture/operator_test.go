//go:build unix

package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/server/client"
)

const (
	regionsMax = 12
	// operatorPauseMax is between two commands of the operator, at most.
	operatorPauseMax = 300 * time.Millisecond
	// membersWithin is how long it may take to give every region all its members back.
	membersWithin = 60 * time.Second
)

// operator changes the regions while clients work and stores are struck: logs are cut, so that stores which come back need a
// snapshot; leaders hand over; regions are split; members leave and come back. Any of it may come to nothing.
type operator struct {
	*load
	c      *client.Client
	draw   *rand.Rand
	stores uint64
	pause  time.Duration
	// done counts the commands that were carried out, by kind.
	done map[string]int
}

// operate sets an operator to work on stores 1 to n.
func (l *load) operate(stores uint64, seed uint64, pauseMax time.Duration) *operator {
	o := &operator{
		load: l, c: l.clients[0], draw: rand.New(rand.NewPCG(seed, 1000)), stores: stores, pause: pauseMax, done: map[string]int{},
	}
	l.work.Go(func() {
		for l.ctx.Err() == nil {
			ctx, cancel := context.WithTimeout(l.ctx, patienceMax)
			o.act(ctx)
			cancel()
			select {
			case <-time.After(time.Duration(o.draw.Int64N(int64(o.pause)))):
			case <-l.ctx.Done():
			}
		}
	})
	return o
}

func (o *operator) act(ctx context.Context) {
	regions, err := o.c.Regions(ctx)
	if err != nil || len(regions) == 0 {
		return
	}
	region := regions[o.draw.IntN(len(regions))].Region
	if o.draw.IntN(2) == 0 {
		region = regions[len(regions)-1].Region // where the clients are
	}
	id, store := region.GetId(), 1+o.draw.Uint64N(o.stores)
	kind, member := "", memberOn(region, store)
	switch chance := o.draw.IntN(100); {
	case uint64(len(region.GetPeers())) < o.stores && chance < 70:
		kind, err = "add", o.restore(ctx, region)
	case chance < 45:
		kind = "compact"
		_, err = o.c.CompactLog(ctx, id, 0)
	case chance < 65:
		kind = "transfer"
		_, err = o.c.TransferLeader(ctx, id, store)
	case chance < 75 && len(regions) < regionsMax:
		kind = "split"
		_, _, err = o.c.Split(ctx, []byte(keyOf(o.epoch.Load(), 1+o.draw.IntN(keysPerEpoch-1))))
	case member != nil && uint64(len(region.GetPeers())) == o.stores:
		kind, err = "remove", o.change(ctx, id, raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE, store)
	default:
		return
	}
	if err == nil {
		o.done[kind]++
	}
}

func memberOn(region *metapb.Region, store uint64) *metapb.Peer {
	for _, p := range region.GetPeers() {
		if p.GetStoreId() == store {
			return p
		}
	}
	return nil
}

func (o *operator) change(ctx context.Context, region uint64, kind raftcmdpb.PeerChangeType, store uint64) error {
	_, err := o.c.ChangePeers(ctx, region, &raftcmdpb.ChangePeersRequest{
		Changes: []*raftcmdpb.PeerChange{{Type: kind, Peer: &metapb.Peer{StoreId: store}}}})
	return err
}

// restore adds a peer to a region that has lost one.
func (o *operator) restore(ctx context.Context, region *metapb.Region) error {
	for store := uint64(1); store <= o.stores; store++ {
		if memberOn(region, store) == nil {
			return o.change(ctx, region.GetId(), raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, store)
		}
	}
	return nil
}

// restoreAll gives every region all its members back.
func (o *operator) restoreAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, membersWithin)
	defer cancel()
	for {
		regions, err := o.c.Regions(ctx)
		missing := err != nil
		for _, r := range regions {
			if uint64(len(r.Region.GetPeers())) < o.stores {
				missing = true
				_ = o.restore(ctx, r.Region) // tried again
			}
		}
		if !missing {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// caughtUp waits until every store has applied the same of every key.
func (o *operator) caughtUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, membersWithin)
	defer cancel()
	for epoch := range o.epoch.Load() + 1 {
		for n := range keysPerEpoch {
			key := keyOf(epoch, n)
			want, found, err := o.c.Get(ctx, []byte(key), raftcmdpb.ReadMode_READ_MODE_READ_INDEX)
			if err != nil {
				return err
			}
			for store := uint64(1); store <= o.stores; {
				answer, err := o.c.DoAt(ctx, store, get(key, raftcmdpb.ReadMode_READ_MODE_STALE))
				if err == nil && answer.GetHeader().GetError() == nil {
					if got := answer.GetResponses()[0].GetGet(); got.GetFound() == found && string(got.GetValue()) == string(want) {
						store++
						continue
					}
				}
				if ctx.Err() != nil {
					return fmt.Errorf("S%d does not catch up: it answers %v, %v of %s, which is %q", store, answer, err, key, want)
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
	return nil
}

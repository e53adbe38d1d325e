package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
)

func (p *Program) ctlSplit(o *ctl) *cobra.Command {
	return &cobra.Command{
		Use:     "split KEY",
		Short:   "Make two regions of the one that holds a key, which becomes the second one's first",
		Example: "  raftplay ctl split m",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := o.key(args[0])
			if err != nil {
				return err
			}
			return p.later(o, func(ctx context.Context, c *client.Client) error {
				left, right, err := c.Split(ctx, key)
				if err != nil {
					return err
				}
				result := map[string]*regionResult{"left": o.region(left), "right": o.region(right)}
				return p.tell(o, result, func(out io.Writer) {
					fmt.Fprintf(out, "region %d now ends before %s, where region %d begins\n", left.GetId(), args[0], right.GetId())
				})
			})
		},
	}
}

func (p *Program) ctlPeer(o *ctl) *cobra.Command {
	command := &cobra.Command{
		Use:   "peer",
		Short: "Change which stores replicate a region",
		Example: "  raftplay ctl peer add-learner 4    # store 4 gets the data\n" +
			"  raftplay ctl peer add 4            # and a vote\n" +
			"  raftplay ctl peer remove 1",
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	command.AddCommand(
		p.ctlPeerChange(o, "add", "Add a voter on a store, or give a learner a vote", raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER),
		p.ctlPeerChange(o, "add-learner", "Add a learner on a store, or take a voter's vote", raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER),
		p.ctlPeerChange(o, "remove", "Remove the peer on a store", raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE))
	return command
}

func (p *Program) ctlPeerChange(o *ctl, use, short string, kind raftcmdpb.PeerChangeType) *cobra.Command {
	var regionID uint64
	var force bool
	command := &cobra.Command{
		Use:     use + " STORE",
		Short:   short,
		Example: "  raftplay ctl peer " + use + " 4\n  raftplay ctl peer " + use + " 4 --region 2",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			storeID, err := storeID(args[0])
			if err != nil {
				return err
			}
			return p.laterIn(o, &regionID, func(ctx context.Context, c *client.Client, id uint64) error {
				if kind != raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE && !force {
					if err := known(ctx, c, storeID); err != nil {
						return err
					}
				}
				region, err := c.ChangePeers(ctx, id, &raftcmdpb.ChangePeersRequest{
					Changes: []*raftcmdpb.PeerChange{{Type: kind, Peer: &metapb.Peer{StoreId: storeID}}}, Force: force})
				if err != nil {
					return err
				}
				return p.tell(o, o.region(region), func(out io.Writer) {
					fmt.Fprintf(out, "region %d is on %s\n", region.GetId(), membersInWords(region))
				})
			})
		},
	}
	regionFlag(command, &regionID)
	command.Flags().BoolVar(&force, "force", false, "even if too few of the voters that would be left have been heard of lately")
	return command
}

// known refuses a store that nobody has heard of: a peer there would count for the quorum and never answer.
func known(ctx context.Context, c *client.Client, storeID uint64) error {
	stores, err := c.Stores(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range stores {
		if s.ID == storeID {
			return nil
		}
		names = append(names, fmt.Sprintf("S%d", s.ID))
	}
	return &usageError{fmt.Errorf("no store knows of S%d; there are %s", storeID, strings.Join(names, ", "))}
}

func storeID(argument string) (uint64, error) {
	id, err := strconv.ParseUint(argument, 10, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("a store is named by its number, from 1, not %q", argument)
	}
	return id, nil
}

func (p *Program) ctlTransfer(o *ctl) *cobra.Command {
	var regionID uint64
	command := &cobra.Command{
		Use:     "transfer STORE",
		Short:   "Have the leader hand over to a store's peer, and wait until it leads",
		Example: "  raftplay ctl transfer 2\n  raftplay ctl transfer 2 --region 4",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			storeID, err := storeID(args[0])
			if err != nil {
				return err
			}
			return p.laterIn(o, &regionID, func(ctx context.Context, c *client.Client, id uint64) error {
				if err := transfer(ctx, c, id, storeID); err != nil {
					return err
				}
				return p.tell(o, map[string]uint64{"region": id, "leader": storeID}, func(out io.Writer) {
					fmt.Fprintf(out, "S%d leads region %d\n", storeID, id)
				})
			})
		},
	}
	regionFlag(command, &regionID)
	return command
}

// transfer begins the handing over and waits for its end, which only the next leader can tell.
func transfer(ctx context.Context, c *client.Client, regionID, storeID uint64) error {
	status, err := c.Status(ctx, regionID)
	if err != nil {
		return err
	}
	if status.GetLeader().GetStoreId() == storeID {
		return nil // It is as it is wanted.
	}
	if _, err := c.TransferLeader(ctx, regionID, storeID); err != nil {
		return err
	}
	for {
		status, err := c.Status(ctx, regionID)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("the transfer has begun, but S%d does not lead region %d yet", storeID, regionID)
		case err != nil:
			return err
		case status.GetLeader().GetStoreId() == storeID:
			return nil
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
		}
	}
}

func (p *Program) ctlCompact(o *ctl) *cobra.Command {
	var regionID, index uint64
	command := &cobra.Command{
		Use:     "compact",
		Short:   "Take applied entries off the front of a region's log",
		Example: "  raftplay ctl compact                      # all that are applied\n  raftplay ctl compact --region 2 --index 500",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if command.Flags().Changed("index") && index == 0 {
				return errors.New("--index must be at least 1")
			}
			return p.laterIn(o, &regionID, func(ctx context.Context, c *client.Client, id uint64) error {
				first, err := c.CompactLog(ctx, id, index)
				if err != nil {
					return err
				}
				return p.tell(o, map[string]uint64{"region": id, "firstIndex": first}, func(out io.Writer) {
					fmt.Fprintf(out, "the log of region %d begins at entry %d\n", id, first)
				})
			})
		},
	}
	regionFlag(command, &regionID)
	command.Flags().Uint64Var(&index, "index", 0, "the last entry to take off; without it, all that are applied")
	return command
}

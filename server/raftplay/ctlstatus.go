package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/server/client"
)

// statusResult is what --json prints of a cluster.
type statusResult struct {
	ClusterID uint64          `json:"clusterId"`
	Stores    []storeResult   `json:"stores"`
	Regions   []*regionResult `json:"regions"`
}

type storeResult struct {
	ID      uint64 `json:"id"`
	Address string `json:"address"`
	Version string `json:"version,omitempty"`
	Error   string `json:"error,omitempty"` // why it does not answer
	Regions uint32 `json:"regions"`
	Leaders uint32 `json:"leaders"`
}

type regionResult struct {
	ID       uint64       `json:"id"`
	Start    string       `json:"start"`
	End      string       `json:"end"` // empty: no end
	Encoding string       `json:"encoding"`
	ConfVer  uint64       `json:"confVer"`
	Version  uint64       `json:"version"`
	Joint    bool         `json:"joint"`
	Leader   uint64       `json:"leader"` // its store; 0: nobody is known to lead
	Term     uint64       `json:"term"`
	Peers    []peerResult `json:"peers"`
	// As the leader tells; left out when it does not answer.
	Log   *logResult `json:"log,omitempty"`
	Error string     `json:"error,omitempty"`
}

type peerResult struct {
	ID    uint64 `json:"id"`
	Store uint64 `json:"store"`
	Role  string `json:"role"`
	Down  bool   `json:"down"`
}

type logResult struct {
	FirstIndex uint64 `json:"firstIndex"`
	LastIndex  uint64 `json:"lastIndex"`
	Commit     uint64 `json:"commit"`
	Applied    uint64 `json:"applied"`
	SizeBytes  uint64 `json:"sizeBytes"`
}

func (o *ctl) region(region *metapb.Region) *regionResult {
	r := &regionResult{
		ID: region.GetId(), ConfVer: region.GetRegionEpoch().GetConfVer(), Version: region.GetRegionEpoch().GetVersion(),
		Joint: region.GetJoint(), Encoding: o.encodingOf(region.GetStartKey(), region.GetEndKey()), Peers: []peerResult{},
	}
	r.Start, r.End = encodeAs(r.Encoding, region.GetStartKey()), encodeAs(r.Encoding, region.GetEndKey())
	for _, member := range region.GetPeers() {
		r.Peers = append(r.Peers, peerResult{ID: member.GetId(), Store: member.GetStoreId(), Role: roleInWords(member.GetRole())})
	}
	return r
}

func roleInWords(role metapb.PeerRole) string {
	name := strings.TrimPrefix(role.String(), "PEER_ROLE_")
	return strings.ReplaceAll(strings.ToLower(name), "_", " ")
}

// membersInWords lists where a region's peers are: S1, S2 and S4 (learner).
func membersInWords(region *metapb.Region) string {
	var members []string
	for _, member := range region.GetPeers() {
		name := fmt.Sprintf("S%d", member.GetStoreId())
		if member.GetRole() != metapb.PeerRole_PEER_ROLE_VOTER {
			name += " (" + roleInWords(member.GetRole()) + ")"
		}
		members = append(members, name)
	}
	if last := len(members) - 1; last > 0 {
		return strings.Join(members[:last], ", ") + " and " + members[last]
	}
	return strings.Join(members, "")
}

func (p *Program) ctlStatus(o *ctl) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Print the cluster's stores and regions",
		Example: "  raftplay ctl status\n  raftplay ctl status --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return p.later(o, func(ctx context.Context, c *client.Client) error {
				result, err := o.status(ctx, c)
				if err != nil {
					return err
				}
				return p.tell(o, result, func(out io.Writer) { result.print(out) })
			})
		},
	}
}

// status asks every store and every leader. One that does not answer is told with the reason, and is no error.
func (o *ctl) status(ctx context.Context, c *client.Client) (*statusResult, error) {
	stores, err := c.Stores(ctx)
	if err != nil {
		return nil, err
	}
	regions, err := c.Regions(ctx)
	if err != nil {
		return nil, err
	}
	result := &statusResult{ClusterID: c.ClusterID(), Stores: []storeResult{}, Regions: []*regionResult{}}
	for _, s := range stores {
		store := storeResult{ID: s.ID, Address: s.Address, Version: s.Version}
		if s.Err == nil {
			var stats *raftcmdpb.StoreStats
			stats, s.Err = c.StoreStats(ctx, s.ID)
			store.Regions, store.Leaders = stats.GetRegions(), stats.GetLeaders()
		}
		if s.Err != nil {
			store.Error = s.Err.Error()
		}
		result.Stores = append(result.Stores, store)
	}
	for _, seen := range regions {
		result.Regions = append(result.Regions, o.regionStatus(ctx, c, seen))
	}
	return result, nil
}

// leaderAnswersWithin keeps one region without a leader from using up the time of all.
const leaderAnswersWithin = time.Second

func (o *ctl) regionStatus(ctx context.Context, c *client.Client, seen client.RegionSeen) *regionResult {
	ctx, cancel := context.WithTimeout(ctx, leaderAnswersWithin)
	defer cancel()
	status, err := c.Status(ctx, seen.Region.GetId())
	if err != nil {
		r := o.region(seen.Region)
		r.Leader, r.Term, r.Error = seen.Leader.GetStoreId(), seen.Term, err.Error()
		return r
	}
	d := status.GetDetail()
	r := o.region(d.GetRegion())
	r.Leader, r.Term = status.GetLeader().GetStoreId(), d.GetTerm()
	r.Log = &logResult{
		FirstIndex: d.GetFirstIndex(), LastIndex: d.GetLastIndex(), Commit: d.GetCommit(), Applied: d.GetApplied(), SizeBytes: d.GetSizeBytes()}
	for _, down := range d.GetDownPeers() {
		for i := range r.Peers {
			r.Peers[i].Down = r.Peers[i].Down || r.Peers[i].ID == down.GetPeer().GetId()
		}
	}
	return r
}

func (s *statusResult) print(out io.Writer) {
	fmt.Fprintf(out, "cluster %d\n\n", s.ClusterID)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STORE\tADDRESS\tREGIONS\tLEADS\tVERSION")
	for _, store := range s.Stores {
		if store.Error != "" {
			fmt.Fprintf(table, "S%d\t%s\t-\t-\tdoes not answer\n", store.ID, store.Address)
			continue
		}
		fmt.Fprintf(table, "S%d\t%s\t%d\t%d\t%s\n", store.ID, store.Address, store.Regions, store.Leaders, store.Version)
	}
	fmt.Fprintln(table)
	_ = table.Flush()
	fmt.Fprintln(table, "REGION\tSTART\tEND\tEPOCH\tLEADER\tTERM\tLOG\tAPPLIED\tBYTES\tPEERS")
	for _, r := range s.Regions {
		leader, log := "none", "-\t-\t-"
		if r.Leader != 0 {
			leader = fmt.Sprintf("S%d", r.Leader)
		}
		if r.Log != nil {
			log = fmt.Sprintf("%d-%d\t%d\t%d", r.Log.FirstIndex, r.Log.LastIndex, r.Log.Applied, r.Log.SizeBytes)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%d.%d\t%s\t%d\t%s\t%s\n",
			r.ID, orDash(r.Start), orDash(r.End), r.Version, r.ConfVer, leader, r.Term, log, r.peersInWords())
	}
	_ = table.Flush()
}

func orDash(key string) string {
	if key == "" {
		return "-"
	}
	return key
}

func (r *regionResult) peersInWords() string {
	var words []string
	for _, p := range r.Peers {
		word := fmt.Sprintf("S%d", p.Store)
		if p.Role != "voter" {
			word += " " + p.Role
		}
		if p.Down {
			word += " down"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

package sim_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// badNetworks are faults of the network that nobody can have, and what is said to who asks for them.
func badNetworks() []struct {
	action *sessionpb.Action
	want   string
} {
	with := func(change func(*sessionpb.Network)) *sessionpb.Network {
		n := &sessionpb.Network{LatencyMicros: 20_000}
		change(n)
		return n
	}
	link := func(from, to uint64) *sessionpb.Link { return &sessionpb.Link{FromStore: from, ToStore: to, Cut: true} }
	lose := func(change func(*sessionpb.Filter)) *sessionpb.Action {
		f := &sessionpb.Filter{Deed: sessionpb.FilterDeed_FILTER_DEED_LOSE}
		change(f)
		return setFilters(&sessionpb.Filter{Deed: sessionpb.FilterDeed_FILTER_DEED_HOLD}, f)
	}
	const symmetric, oneWay = sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC, sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY
	const ring = sessionpb.PartitionKind_PARTITION_KIND_RING
	return []struct {
		action *sessionpb.Action
		want   string
	}{
		{useNetwork(with(func(n *sessionpb.Network) { n.LossPpm = 1_300_000 })), "the loss is at most 1000000 messages in a million, not 1300000"},
		{useNetwork(with(func(n *sessionpb.Network) { n.LatencyMicros = -5 })), "the latency must be 0.1 ms to 2000 ms, not -0.005 ms"},
		{useNetwork(with(func(n *sessionpb.Network) { n.SlowPpm = 1_000_001 })), "slow messages are at most 1000000 messages in a million, not 1000001"},
		{useNetwork(with(func(n *sessionpb.Network) { n.SlowMicros = -1 })), "what a slow message takes longer must be 0 ms to 10000 ms, not -0.001 ms"},
		{useNetwork(with(func(n *sessionpb.Network) { n.SlowMicros = 1 << 62 })), "what a slow message takes longer must be 0 ms to 10000 ms, not 4611686018427387.904 ms"},
		{useNetwork(with(func(n *sessionpb.Network) { n.DuplicatePpm = 1_000_001 })), "duplicated messages are at most 1000000 messages in a million, not 1000001"},
		{useNetwork(with(func(n *sessionpb.Network) { n.ReorderPpm = 1_000_001 })), "reordered messages are at most 1000000 messages in a million, not 1000001"},
		{useNetwork(with(func(n *sessionpb.Network) { n.BytesPerSecond = 999 })), "a link carries 1000 to 1000000000000 bytes a second, or 0 for any number, not 999"},
		{useNetwork(with(func(n *sessionpb.Network) { n.BytesPerSecond = 1 << 63 })), "a link carries 1000 to 1000000000000 bytes a second, or 0 for any number, not 9223372036854775808"},

		{setLinks(link(1, 1)), "there is no link from S1 to itself"},
		{setLinks(link(0, 1)), "there is no S0: a cluster has S1 to S9 at most"},
		{setLinks(link(1, 2), link(2, 6)), "there is no S6: the cluster has 5 stores"},
		{setLinks(link(10, 2)), "there is no S10: a cluster has S1 to S9 at most"},
		{setLinks(link(1, 2), link(2, 1), link(1, 2)), "the link from S1 to S2 is named twice"},
		{setLinks(&sessionpb.Link{FromStore: 3, ToStore: 4, Network: &sessionpb.Network{}}),
			"the link from S3 to S4: the latency must be 0.1 ms to 2000 ms, not 0 ms"},

		{partition(0, []uint64{1}), "the partition has sides and no kind"},
		{partition(9, []uint64{1}), "there is no partition of kind 9"},
		{partition(symmetric), "a partition needs at least one side"},
		{partition(oneWay), "a partition needs at least one side"},
		{partition(oneWay, nil, []uint64{1}), "side 1 of the partition has no store"},
		{partition(symmetric, []uint64{1, 2}, []uint64{3, 6}), "there is no S6: the cluster has 5 stores"},
		{partition(symmetric, []uint64{1, 2}, []uint64{3, 1 << 60}), "there is no S1152921504606846976: a cluster has S1 to S9 at most"},
		{partition(symmetric, []uint64{1, 2}, []uint64{3, 2}), "S2 is named twice: in side 1 and in side 2"},
		{partition(ring, []uint64{1, 2, 1}), "S1 is named twice: in side 1 and in side 1"},
		{partition(ring, []uint64{1, 2}), "a ring has at least 3 stores, not 2"},
		{partition(ring, []uint64{1, 2, 3}, []uint64{4, 5}), "a ring is one side, not 2"},

		{setFilters(make([]*sessionpb.Filter, 65)...), "a network has at most 64 filters, not 65"},
		{setFilters(&sessionpb.Filter{}), "filter 1: it does nothing to what it matches"},
		{lose(func(f *sessionpb.Filter) { f.Deed = 7 }), "filter 2: there is no deed 7"},
		{lose(func(f *sessionpb.Filter) { f.FromStore = 6 }), "filter 2: there is no S6: the cluster has 5 stores"},
		{lose(func(f *sessionpb.Filter) { f.ToStore = 10 }), "filter 2: there is no S10: a cluster has S1 to S9 at most"},
		{lose(func(f *sessionpb.Filter) { f.FromStore, f.ToStore = 2, 2 }), "filter 2: there is no link from S2 to itself"},
		{lose(func(f *sessionpb.Filter) { f.Type = 77 }), "filter 2: there are no messages of type 77"},
		{lose(func(f *sessionpb.Filter) { f.Deed = sessionpb.FilterDeed_FILTER_DEED_DELAY }),
			"filter 2: its delay must be 0.001 ms to 60000 ms, not 0 ms"},
	}
}

func TestImpossibleFaultsOfTheNetworkAreRefused(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	elect(t, w)
	for _, c := range badNetworks() {
		before, events := w.Keyframe(), len(seen)
		if _, err := w.Act(c.action); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %q", c.action, err, c.want)
		}
		if len(seen) != events || !proto.Equal(before, w.Keyframe()) {
			t.Errorf("%v was refused and changed something: %v", c.action, seen[events:])
		}
	}
	act(t, w, &sessionpb.Action{Action: &sessionpb.Action_AddStore{AddStore: &sessionpb.AddStore{}}})
	act(t, w, setLinks(&sessionpb.Link{FromStore: 2, ToStore: 6, Cut: true}))
	act(t, w, partition(sessionpb.PartitionKind_PARTITION_KIND_ONE_WAY, []uint64{6}))
}

// A run may begin with what an action could do, and with nothing else.
func TestAConfigurationHoldsTheSameFaults(t *testing.T) {
	for _, c := range badNetworks() {
		cfg := sim.DefaultConfig()
		switch a := c.action.Action.(type) {
		case *sessionpb.Action_SetNetwork:
			cfg.Network = a.SetNetwork.Network
		case *sessionpb.Action_SetLinks:
			cfg.Links = a.SetLinks.Links
		case *sessionpb.Action_SetFilters:
			cfg.Filters = a.SetFilters.Filters
		default:
			continue
		}
		if err := sim.Validate(cfg); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %q", cfg, err, c.want)
		}
	}
	var seen recording
	cfg := sim.DefaultConfig()
	cfg.Links = []*sessionpb.Link{{FromStore: 1, ToStore: 2, Cut: true}}
	cfg.Filters = []*sessionpb.Filter{{FromStore: 3, ToStore: 1, Deed: sessionpb.FilterDeed_FILTER_DEED_HOLD}}
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	act(t, w, timeOut(1))
	w.RunUntil(5_000_000)
	cut, _ := trips(seen, 1, 2)
	held, _ := trips(seen, 3, 1)
	for _, m := range append(cut, held...) {
		if m.delivered || m.FromStore == 1 && !m.Doomed || m.FromStore == 3 && m.Held != sessionpb.HoldReason_HOLD_REASON_FILTER {
			t.Errorf("message %+v", m)
		}
	}
	if len(cut) == 0 || len(held) == 0 {
		t.Error("nothing was sent")
	}
}

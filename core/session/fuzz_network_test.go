package session

import sessionpb "raftplay/core/pb/sessionpb/v1"

// networkCommand draws something that breaks the network, or mends it, from a script.
func networkCommand(next func() byte) *sessionpb.Command {
	id := func() uint64 { return uint64(next()) % 6 }
	message := func() uint64 { return uint64(next()) }
	network := func() *sessionpb.Network {
		return &sessionpb.Network{
			LatencyMicros: 1 + int64(next())*500, SlowPpm: uint32(next()) * 4_000, SlowMicros: int64(next()) * 1_000,
			DuplicatePpm: uint32(next()) * 4_000, ReorderPpm: uint32(next()) * 4_000, BytesPerSecond: uint64(next()) * 500,
		}
	}
	switch next() % 9 {
	case 0:
		return act(&sessionpb.Action{Action: &sessionpb.Action_HoldMessage{HoldMessage: &sessionpb.HoldMessage{MessageId: message()}}})
	case 1:
		return act(&sessionpb.Action{Action: &sessionpb.Action_ReleaseMessage{ReleaseMessage: &sessionpb.ReleaseMessage{MessageId: message()}}})
	case 2:
		return act(&sessionpb.Action{Action: &sessionpb.Action_DelayMessage{
			DelayMessage: &sessionpb.DelayMessage{MessageId: message(), DelayMicros: int64(next()) * 1_000}}})
	case 3:
		return act(&sessionpb.Action{Action: &sessionpb.Action_DuplicateMessage{
			DuplicateMessage: &sessionpb.DuplicateMessage{MessageId: message()}}})
	case 4:
		set := &sessionpb.SetLinks{}
		for range next() % 4 {
			l := &sessionpb.Link{FromStore: id(), ToStore: id(), Cut: next()%3 == 0, Clogged: next()%3 == 0}
			if next()%3 == 0 {
				l.Network = network()
			}
			set.Links = append(set.Links, l)
		}
		return act(&sessionpb.Action{Action: &sessionpb.Action_SetLinks{SetLinks: set}})
	case 5:
		p := &sessionpb.Partition{Kind: sessionpb.PartitionKind(next() % 6)}
		for range next() % 4 {
			side := &sessionpb.Side{}
			for range next() % 4 {
				side.StoreIds = append(side.StoreIds, id())
			}
			p.Sides = append(p.Sides, side)
		}
		return act(&sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: p}})
	case 6:
		set := &sessionpb.SetFilters{}
		for range next() % 4 {
			set.Filters = append(set.Filters, &sessionpb.Filter{
				FromStore: id(), ToStore: id(), RegionId: id() / 3, Type: sessionpb.MessageType(next() % 21),
				Deed: sessionpb.FilterDeed(next() % 6), DelayMicros: int64(next()) * 1_000})
		}
		return act(&sessionpb.Action{Action: &sessionpb.Action_SetFilters{SetFilters: set}})
	case 7:
		return act(&sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{Network: network()}}})
	}
	heal := &sessionpb.Heal{}
	for range next() % 3 {
		heal.StoreIds = append(heal.StoreIds, id())
	}
	return act(&sessionpb.Action{Action: &sessionpb.Action_Heal{Heal: heal}})
}

package sim

import (
	"fmt"
	"slices"
	"strings"

	metapb "raftplay/core/pb/metapb/v1"

	"raftplay/core/store"
)

// Who makes a quorum of a region, and why nobody does.

// voters are the stores of a region's voters: of its configuration, or of both halves of a joint one.
func voters(region *metapb.Region) (halves [][]uint64) {
	var now, before []uint64
	joint := false
	for _, p := range region.GetPeers() {
		switch p.GetRole() {
		case metapb.PeerRole_PEER_ROLE_VOTER:
			now, before = append(now, p.GetStoreId()), append(before, p.GetStoreId())
		case metapb.PeerRole_PEER_ROLE_INCOMING_VOTER:
			now, joint = append(now, p.GetStoreId()), true
		case metapb.PeerRole_PEER_ROLE_DEMOTING_VOTER, metapb.PeerRole_PEER_ROLE_LEAVING_VOTER:
			before, joint = append(before, p.GetStoreId()), true
		}
	}
	if joint {
		return [][]uint64{now, before}
	}
	return [][]uint64{now}
}

// hasQuorum tells whether the stores for which in holds make a quorum of a region.
func hasQuorum(region *metapb.Region, in func(storeID uint64) bool) bool {
	for _, half := range voters(region) {
		if count(half, in) <= len(half)/2 {
			return false
		}
	}
	return true
}

func count(ids []uint64, in func(id uint64) bool) (n int) {
	for _, id := range ids {
		if in(id) {
			n++
		}
	}
	return n
}

// suffice tells whether nothing but some stores is needed for regions to serve. They are a quorum of each region; and also
// of the region as each member of it among them has it, which is what that member needs to be elected: a change of members
// that it has not applied is for it none, though the entry may stand in its log, and may be committed. And one of them has
// the region's data, or is yet to apply the split that makes the region.
func (w *World) suffice(regions []*metapb.Region, stores []uint64) bool {
	in := func(id uint64) bool { return slices.Contains(stores, id) }
	for _, region := range regions {
		if !hasQuorum(region, in) {
			return false
		}
		covered := false
		for _, id := range stores {
			s, err := w.machines[id-1].look()
			if err != nil {
				continue
			}
			covered = covered || s.RegionOf(region.GetStartKey()) != nil
			own := s.Region(region.GetId())
			if own == nil || !w.elects(s, own, region) {
				continue
			}
			if !hasQuorum(own, in) {
				return false
			}
		}
		if !covered {
			return false
		}
	}
	return true
}

// elects tells whether a store's peer, with the region as it has it, may campaign, and is a member of the newest shape.
func (w *World) elects(s *store.Store, own, newest *metapb.Region) bool {
	view, _ := s.View(own.GetId())
	is := func(p *metapb.Peer) bool { return p.GetId() == view.PeerID }
	at := slices.IndexFunc(own.GetPeers(), is)
	return !view.Uninitialized && at >= 0 && own.GetPeers()[at].GetRole() != metapb.PeerRole_PEER_ROLE_LEARNER &&
		slices.ContainsFunc(newest.GetPeers(), is)
}

// someQuorum draws stores that suffice, given ones among them, and of which no other could be left out.
func (w *World) someQuorum(seed uint64, regions []*metapb.Region, given []uint64) []uint64 {
	chosen := make([]uint64, len(w.machines))
	for i := range chosen {
		chosen[i] = uint64(i) + 1
	}
	draw := newStream(seed, "quorum")
	order := slices.Clone(chosen)
	for i := len(order) - 1; i > 0; i-- {
		j := draw.below(uint64(i) + 1)
		order[i], order[j] = order[j], order[i]
	}
	for _, id := range order {
		rest := slices.DeleteFunc(slices.Clone(chosen), func(other uint64) bool { return other == id })
		if len(rest) > 0 && !slices.Contains(given, id) && w.suffice(regions, rest) {
			chosen = rest
		}
	}
	return chosen
}

// whyNot tells in words why a region does not serve.
func (r *Recovery) whyNot(region *metapb.Region) string {
	w := r.w
	for _, half := range voters(region) {
		for _, trouble := range []struct {
			what string
			in   func(m *machine) bool
		}{
			{"down", func(m *machine) bool { return m.store == nil }},
			{"down or paused", func(m *machine) bool { return m.store == nil || m.paused }},
			{"down, paused, or without the region's data", func(m *machine) bool {
				return m.store == nil || m.paused || m.shape(region.GetId()) == nil
			}},
		} {
			bad := func(id uint64) bool { return trouble.in(w.machines[id-1]) }
			if n := count(half, bad); len(half)-n <= len(half)/2 {
				return fmt.Sprintf("%s of %s voters %s %s (%s)", word(n), word(len(half)), isOrAre(n), trouble.what, names(half, bad))
			}
		}
		if !slices.ContainsFunc(half, func(id uint64) bool {
			return count(half, func(other uint64) bool { return w.hears(id, other) }) > len(half)/2
		}) {
			return fmt.Sprintf("no store hears and is heard by %s of %s voters: links are cut", word(len(half)/2+1), word(len(half)))
		}
	}
	leader := w.LeaderOf(region.GetId())
	switch by := r.Disturbed(region.GetId()); {
	case by == 0 && leader == 0:
		return "nobody was elected"
	case by == 0:
		return fmt.Sprintf("S%d leads it and commits nothing", leader)
	case by == leader:
		return fmt.Sprintf("S%d, which was not healed, leads it: its heartbeats arrive, and it commits nothing", by)
	default:
		return fmt.Sprintf("nobody was elected: S%d, which was not healed, campaigns, and without PreVote that ends the others' elections", by)
	}
}

// Disturbed is a store that was not healed and can keep a region from serving, as Raft allows it to; 0 when there is none.
// It leads the region, and keeps its office by heartbeats that arrive where its entries do not; or where answers do not come
// back and without CheckQuorum it does not mind; or where the minority that hears it refuses the others' votes because its
// logs are longer. Or it campaigns, and a healed store may hear it: without PreVote each of its terms ends what the others have
// begun, and where they do not hear of the term their own requests for votes are ignored for being of an older one.
func (r *Recovery) Disturbed(regionID uint64) (storeID uint64) {
	w := r.w
	if len(r.healed) == 0 {
		return 0
	}
	if leader := w.LeaderOf(regionID); leader != 0 {
		if slices.Contains(r.healed, leader) {
			return 0
		}
		return leader
	}
	if w.config.Raft.PreVote {
		return 0
	}
	most := 0
	for _, m := range w.machines {
		seen := r.campaigns[candidacy{regionID, m.id}]
		if seen == nil || seen.times <= most || m.store == nil || slices.Contains(r.healed, m.id) {
			continue
		}
		if slices.ContainsFunc(r.healed, func(id uint64) bool { return !w.blocked(m.id, id) }) {
			most, storeID = seen.times, m.id
		}
	}
	return storeID
}

// hears tells whether messages go both ways between two stores that are up.
func (w *World) hears(a, b uint64) bool {
	up := func(id uint64) bool { m := w.machines[id-1]; return m.store != nil && !m.paused }
	return up(a) && up(b) && (a == b || !w.blocked(a, b) && !w.blocked(b, a))
}

// blocked tells whether a link lets nothing through.
func (w *World) blocked(from, to uint64) bool {
	l := w.network.link(from, to)
	return l.cut || l.clogged
}

func names(ids []uint64, in func(id uint64) bool) string {
	var named []string
	for _, id := range ids {
		if in(id) {
			named = append(named, fmt.Sprintf("S%d", id))
		}
	}
	return strings.Join(named, ", ")
}

func word(n int) string {
	words := [...]string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
	if n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}

func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

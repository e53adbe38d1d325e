package sim

import (
	"fmt"
	"slices"
	"strings"

	metapb "raftplay/core/pb/metapb/v1"
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

// someQuorum draws stores that make a quorum of every region, and of which none could be left out.
func (w *World) someQuorum(seed uint64) []uint64 {
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
	regions := w.regions()
	for _, id := range order {
		rest := slices.DeleteFunc(slices.Clone(chosen), func(other uint64) bool { return other == id })
		enough := !slices.ContainsFunc(regions, func(r *metapb.Region) bool {
			return !hasQuorum(r, func(id uint64) bool { return slices.Contains(rest, id) })
		})
		if enough && len(rest) > 0 {
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
	if leader := w.LeaderOf(region.GetId()); leader != 0 {
		if len(r.healed) > 0 && !slices.Contains(r.healed, leader) {
			return fmt.Sprintf("S%d, which was not healed, leads it: its heartbeats arrive, and it commits nothing", leader)
		}
		return fmt.Sprintf("S%d leads it and commits nothing", leader)
	}
	return "nobody was elected"
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

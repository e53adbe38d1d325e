package check

import (
	"fmt"
	"slices"
	"strings"
)

// How verdicts name those whom they are about.

// named is a member as a person knows it: its store, if it is known.
func (r *region) named(peerID uint64) string {
	for _, p := range r.peers {
		if p.state.peerID == peerID {
			return fmt.Sprintf("S%d", p.storeID)
		}
	}
	return fmt.Sprintf("peer %d", peerID)
}

// storeNames lists stores as a sentence does.
func storeNames(ids []uint64) string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = fmt.Sprintf("S%d", id)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// sides names the two stores that differ; or the two times, when a store differs from itself.
func sides(first, second uint64) (there, here string) {
	if first == second {
		return fmt.Sprintf("S%d at first", first), fmt.Sprintf("S%d now", second)
	}
	return fmt.Sprintf("S%d", first), fmt.Sprintf("S%d", second)
}

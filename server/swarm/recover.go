package swarm

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// Recover heals a random quorum and asks whether every region serves again; unserved are those that had to and do not, each
// in a sentence. A region may be kept from it by a store that was not healed, where Raft allows that; then those that were
// not healed are taken down, and every region must serve.
func Recover(w *sim.World, seed uint64) (result *sessionpb.RecoverResult, unserved []string, err error) {
	r, err := w.StartRecovery(seed, false)
	if err != nil {
		return nil, nil, err
	}
	if result, err = ask(r); err != nil {
		return result, nil, err
	}
	unserved, disturbed := unservedOf(r, result)
	if len(unserved) > 0 || !disturbed {
		return result, unserved, nil
	}
	if err := r.Alone(); err != nil {
		return result, nil, err
	}
	alone, err := ask(r)
	if err != nil {
		return result, nil, err
	}
	for _, region := range alone.GetRegions() {
		if !region.GetServes() {
			unserved = append(unserved, fmt.Sprintf("region %d: %s, with all stores down that were not healed", region.GetRegionId(), region.GetWhy()))
		}
	}
	return result, unserved, nil
}

func ask(r *sim.Recovery) (*sessionpb.RecoverResult, error) {
	for {
		if more, err := r.Next(); !more {
			return r.Result(), err
		}
	}
}

// unservedOf are the regions of a recovery that had to serve and do not; disturbed: there are others, which a store that was
// not healed kept from it.
func unservedOf(r *sim.Recovery, result *sessionpb.RecoverResult) (sentences []string, disturbed bool) {
	if len(result.GetRegions()) == 0 {
		return []string{result.GetMessage()}, false
	}
	for _, region := range result.GetRegions() {
		switch {
		case region.GetServes():
		case r.Disturbed(region.GetRegionId()) != 0:
			disturbed = true
		default:
			sentences = append(sentences, fmt.Sprintf("region %d: %s", region.GetRegionId(), region.GetWhy()))
		}
	}
	return sentences, disturbed
}

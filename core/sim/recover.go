package sim

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// recoverElections is how many of the longest election timeouts a cluster may take to serve again. Some elections fail,
// logs have to catch up, and snapshots to arrive, before every region has answered.
const recoverElections = 40

// Recovery is a cluster being asked whether it serves again: safety first, then liveness, as TigerBeetle's simulator does.
// Each region must accept a write within a bound; of one that does not the reason is told.
type Recovery struct {
	w               *World
	seed            uint64
	began, deadline int64
	healed          []uint64 // none: the cluster is taken as it is
	// known are the regions as they were when they were last looked at; lookAgain is when that is done again.
	known     []*metapb.Region
	lookAgain int64
	regions   map[uint64]*probe
	campaigns map[candidacy]*campaign
}

// candidacy is a peer of a region on a store, and campaign how often it has stood for election since the recovery began,
// as far as it was seen, and in which term last.
type candidacy struct{ regionID, storeID uint64 }

type campaign struct {
	term  uint64
	times int
}

// StartRecovery begins to ask. Unless the cluster is to be taken as it is, a quorum of stores, drawn by the seed, is
// healed; every other fault stays for good. Changes of members that take effect later may call for more stores: they are
// healed then, and the time begins anew. The world goes on from there: to ask without doing anything, ask a copy.
func (w *World) StartRecovery(seed uint64, asItIs bool) (*Recovery, error) {
	r := &Recovery{w: w, seed: seed, began: w.now, regions: map[uint64]*probe{}, campaigns: map[candidacy]*campaign{}}
	r.know()
	r.setDeadline()
	if asItIs {
		return r, nil
	}
	return r, r.heal()
}

// Alone takes down every store that was not healed, and asks all regions once more: what those did no longer matters, and
// what is healed is a quorum.
func (r *Recovery) Alone() error {
	for _, m := range r.w.machines {
		if m.store == nil || slices.Contains(r.healed, m.id) {
			continue
		}
		if _, err := r.w.Act(crashOf(m.id, sessionpb.CrashKeeps_CRASH_KEEPS_UNSPECIFIED, sessionpb.CrashMoment_CRASH_MOMENT_UNSPECIFIED)); err != nil {
			return err
		}
	}
	clear(r.regions)
	r.know()
	r.setDeadline()
	return r.heal()
}

func (r *Recovery) setDeadline() {
	options := r.w.config.Raft
	r.deadline = r.w.now + recoverElections*2*int64(options.ElectionTicksMin)*options.BaseTickMicros
}

// know looks at the regions, and at who stands for election.
func (r *Recovery) know() {
	r.known = r.w.regions()
	r.lookAgain = r.w.now + r.w.config.Raft.BaseTickMicros
	for _, m := range r.w.machines {
		if m.store == nil {
			continue
		}
		for _, id := range m.store.RegionIDs() {
			key := candidacy{id, m.id}
			view, _ := m.store.View(id)
			switch seen := r.campaigns[key]; {
			case seen == nil:
				r.campaigns[key] = &campaign{term: view.Term}
			case view.Term > seen.term && view.Vote == view.PeerID:
				seen.term = view.Term
				seen.times++
			}
		}
	}
}

// heal heals as few stores as make a quorum of every region as it is now, those among them that are healed already.
func (r *Recovery) heal() error {
	if len(r.healed) > 0 && r.w.suffice(r.known, r.healed) {
		return nil
	}
	r.healed = r.w.someQuorum(r.seed, r.known, r.healed)
	r.setDeadline()
	_, err := r.w.Act(&sessionpb.Action{Action: &sessionpb.Action_Heal{Heal: &sessionpb.Heal{StoreIds: r.healed}}})
	return err
}

// Next does one step, and returns false when every region has answered or the time is up.
func (r *Recovery) Next() (more bool, err error) {
	served := r.serves()
	if served || r.w.now >= r.lookAgain {
		if r.know(); len(r.healed) > 0 {
			if err := r.heal(); err != nil {
				return false, err
			}
		}
		served = r.serves()
	}
	due, ok := r.w.NextDue()
	return !served && ok && due <= r.deadline && r.w.Step(), nil
}

// Progress is how much of the time that it may take has passed, in microseconds.
func (r *Recovery) Progress() (done, total uint64) {
	return uint64(r.w.now - r.began), uint64(r.deadline - r.began)
}

// probe is a write to a region, tried until it is acknowledged.
type probe struct {
	operation *operation
	retry     int64
	after     int64 // when it was acknowledged, from the start of the recovery; 0 not yet
}

// serves asks every region that has not answered yet, and tells whether all have.
func (r *Recovery) serves() bool {
	all := true
	for _, region := range r.known {
		p := r.regions[region.GetId()]
		if p == nil {
			p = &probe{}
			r.regions[region.GetId()] = p
		}
		if p.after == 0 {
			r.ask(region, p)
		}
		all = all && p.after > 0
	}
	return all
}

func (r *Recovery) ask(region *metapb.Region, p *probe) {
	if op := p.operation; op != nil {
		if !op.ended {
			return
		}
		if op.response.GetHeader().GetError() == nil {
			p.after = max(op.endedAt-r.began, 1)
			return
		}
		p.operation, p.retry = nil, r.w.now+r.w.config.Raft.BaseTickMicros
	}
	if r.w.now < p.retry {
		return
	}
	// Right behind the region's first key, where nobody else writes.
	key := append(bytes.Clone(region.GetStartKey()), 0)
	id, err := r.w.Act(&sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{{
			Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: key}}}}}}}})
	p.retry = r.w.now + r.w.config.Raft.BaseTickMicros
	if err == nil {
		p.operation = r.w.clients.find(id)
	}
}

// Result is the answer, once Next has returned false.
func (r *Recovery) Result() *sessionpb.RecoverResult {
	result := &sessionpb.RecoverResult{Recovers: true, StoreIds: r.healed}
	var last int64
	for _, region := range r.w.regions() {
		p := r.regions[region.GetId()]
		told := &sessionpb.RegionRecovery{RegionId: region.GetId(), LeaderStore: r.w.LeaderOf(region.GetId())}
		if told.Serves = p != nil && p.after > 0; told.Serves {
			told.AfterMicros = p.after
			last = max(last, p.after)
		} else {
			told.Why = r.whyNot(region)
			if result.Recovers {
				result.Message = fmt.Sprintf("region %d: %s", region.GetId(), told.Why)
			}
			result.Recovers = false
		}
		result.Regions = append(result.Regions, told)
	}
	switch {
	case len(result.Regions) == 0:
		result.Recovers, result.Message = false, "no store holds any region"
	case result.Recovers:
		result.Message = "every region serves after " + millis(last)
	default:
		result.Message += ", for " + millis(r.deadline-r.began)
	}
	return result
}

// regions are all regions in their newest shapes that any store knows, down or not, by their keys.
func (w *World) regions() []*metapb.Region {
	var all []*metapb.Region
	for _, m := range w.machines {
		s, err := m.look()
		if err != nil {
			continue
		}
		for _, id := range s.RegionIDs() {
			if view, ok := s.View(id); !ok || view.Uninitialized {
				continue
			}
			region := s.Region(id)
			i := slices.IndexFunc(all, func(r *metapb.Region) bool { return r.GetId() == id })
			switch {
			case i < 0:
				all = append(all, region)
			case compareEpochs(all[i], region) < 0:
				all[i] = region
			}
		}
	}
	slices.SortFunc(all, func(a, b *metapb.Region) int {
		return cmp.Or(bytes.Compare(a.GetStartKey(), b.GetStartKey()), cmp.Compare(a.GetId(), b.GetId()))
	})
	return all
}

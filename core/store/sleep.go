package store

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// A region in which nothing happens sleeps: its timers rest on every store, and instead of its heartbeats the stores
// themselves beat, once for all regions (TiKV's hibernate regions, CockroachDB's quiescence and its node liveness). Who
// sleeps wakes by any message or command; and when a store that holds a member of it falls silent, or has started anew:
// then its leader may be gone. See docs/decisions/sleep.md.

// sleepers are who of a store's peers sleeps, and whether the stores that they depend on are there.
type sleepers struct {
	awake    []*peer // in no particular, but a repeatable, order; some may have fallen asleep, or be gone, since the last settle
	restless bool    // there may be such
	ticks    int
	// stores are those with members of sleeping regions, ascending.
	stores []sleeperStore
}

type sleeperStore struct {
	id          uint64
	sleeping    int // regions with a member there
	heardTick   int
	incarnation uint64
}

// rise puts a peer among those that are ticked.
func (z *sleepers) rise(p *peer) {
	p.asleep, p.idleTicks = false, 0
	if !p.listed {
		p.listed = true
		z.awake = append(z.awake, p)
	}
}

// settle takes out of the awake who has fallen asleep or is gone.
func (z *sleepers) settle() {
	if !z.restless {
		return
	}
	z.restless = false
	kept := z.awake[:0]
	for _, p := range z.awake {
		if p.listed = !p.asleep && !p.gone; p.listed {
			kept = append(kept, p)
		}
	}
	clear(z.awake[len(kept):])
	z.awake = kept
}

// forget follows a peer's end.
func (z *sleepers) forget(p *peer) {
	if p.asleep {
		z.count(p, -1)
		p.asleep = false
	}
	z.restless = true
}

func (z *sleepers) knows(id uint64) bool {
	return slices.ContainsFunc(z.stores, func(s sleeperStore) bool { return s.id == id })
}

func (z *sleepers) store(id uint64) *sleeperStore {
	i, found := slices.BinarySearchFunc(z.stores, id, func(s sleeperStore, id uint64) int { return int(int64(s.id) - int64(id)) })
	if !found {
		z.stores = slices.Insert(z.stores, i, sleeperStore{id: id, heardTick: z.ticks})
	}
	return &z.stores[i]
}

func (z *sleepers) count(p *peer, by int) {
	for _, member := range p.region.GetPeers() {
		if member.GetId() != p.id {
			s := z.store(member.GetStoreId())
			if s.sleeping == 0 {
				s.heardTick = z.ticks
			}
			s.sleeping += by
		}
	}
}

// heardLately tells whether a store has beaten within so many ticks.
func (z *sleepers) heardLately(storeID uint64, ticks int) bool {
	for i := range z.stores {
		if z.stores[i].id == storeID {
			return z.ticks-z.stores[i].heardTick < ticks
		}
	}
	return false
}

func (p *peer) fallAsleep() {
	p.asleep = true
	p.s.asleep.restless = true
	p.s.asleep.count(p, 1)
}

// wake lets the peer's timers run again, from where they rested. Members on stores that have beaten meanwhile count as
// heard: the stores spoke for them.
func (p *peer) wake() {
	p.idleTicks = 0
	if !p.asleep {
		return
	}
	for i := range p.heard {
		if h := &p.heard[i]; p.s.asleep.heardLately(h.storeID, p.s.cfg.ElectionTicksMin) {
			h.at = p.s.cfg.Now()
		}
	}
	p.s.asleep.count(p, -1)
	p.s.asleep.rise(p)
}

// wakeFor wakes the regions that have a member on a store.
func (s *Store) wakeFor(storeID uint64) {
	for _, id := range s.order {
		if p := s.peers[id]; p.asleep && memberOn(p.region, storeID) != nil {
			p.wake()
		}
	}
}

// tickSleepers beats for the regions that sleep, and wakes those that depend on a silent store.
func (s *Store) tickSleepers() {
	if s.cfg.SleepTicks == 0 {
		return
	}
	z := &s.asleep
	z.ticks++
	for i := range z.stores {
		at := z.stores[i]
		if at.sleeping == 0 {
			continue
		}
		if z.ticks-at.heardTick >= s.cfg.ElectionTicksMin {
			s.wakeFor(at.id)
			continue
		}
		if z.ticks%s.cfg.HeartbeatTicks == 0 {
			s.say(Message{FromStore: s.cfg.StoreID, ToStore: at.id, Extra: &raftserverpb.StoreBeat{Incarnation: s.cfg.Incarnation}})
		}
	}
}

// stepBeat hears that another store is there, and whether it is the one it was.
func (s *Store) stepBeat(m Message, beat *raftserverpb.StoreBeat) error {
	switch {
	case m.ToStore != s.cfg.StoreID:
		return fmt.Errorf("it is for S%d, this is S%d", m.ToStore, s.cfg.StoreID)
	case m.FromStore == 0 || m.FromStore == s.cfg.StoreID || m.Raft != nil:
		return errors.New("a store beats for itself, and with nothing else")
	case len(s.asleep.stores) >= storesMax && !s.asleep.knows(m.FromStore):
		return fmt.Errorf("S%d knows %d stores already, the most it takes", s.cfg.StoreID, storesMax)
	}
	at := s.asleep.store(m.FromStore)
	at.heardTick = s.asleep.ticks
	if known := at.incarnation; known != beat.GetIncarnation() {
		at.incarnation = beat.GetIncarnation()
		if known != 0 {
			s.wakeFor(m.FromStore)
		}
	}
	return nil
}

// storesMax bounds the stores whose beats are remembered.
const storesMax = 4096

// considerSleep has the leader of an idle region tell the others to sleep, and sleep itself.
func (p *peer) considerSleep() {
	if limit := p.s.cfg.SleepTicks; limit == 0 || p.state != stateLeader || p.idleTicks < limit || !p.quiet() {
		return
	}
	for _, member := range p.region.GetPeers() {
		if member.GetId() == p.id {
			continue
		}
		out := p.envelope(member.GetId())
		out.Extra = &raftserverpb.Sleep{Term: p.term, LastIndex: p.log.hard.LastIndex, Commit: p.applied}
		p.s.say(out)
	}
	p.fallAsleep()
}

// quiet tells whether nothing is under way in the region, and every member is there and holds all of the log.
func (p *peer) quiet() bool {
	last := p.log.hard.LastIndex
	if p.out || p.applied != last || len(p.proposals)+len(p.reads)+len(p.readsWaiting) > 0 || p.confWaiting ||
		p.region.GetJoint() || p.rn.BasicStatus().LeadTransferee != 0 || p.rn.HasReady() {
		return false
	}
	quiet := true
	p.rn.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
		if id != p.id && (pr.Match != last || pr.State != tracker.StateReplicate) {
			quiet = false
		}
	})
	return quiet && !slices.ContainsFunc(p.region.GetPeers(), p.isSilent)
}

// stepSleep has a follower sleep that knows all that its leader knows.
func (p *peer) stepSleep(m Message, sleep *raftserverpb.Sleep) error {
	if p.s.cfg.SleepTicks == 0 || p.asleep || p.out || p.incoming != nil || p.state != raft.StateFollower || p.lead != m.FromPeer ||
		p.term != sleep.GetTerm() || p.log.hard.LastIndex != sleep.GetLastIndex() || p.applied != sleep.GetCommit() ||
		p.rn.HasReady() {
		return nil
	}
	p.fallAsleep()
	return nil
}

// staysAsleep tells whether a message is no reason to wake: an answer to a heartbeat of before.
func (p *peer) staysAsleep(m *raftpb.Message) bool {
	return m.GetType() == raftpb.MsgHeartbeatResp && len(m.GetContext()) == 0 && m.GetTerm() == p.term
}

package main

import (
	"fmt"

	"go.etcd.io/raft/v3"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	"raftplay/core/store"
)

// fleet drives stores in one process without time between: messages arrive in the order they were sent, disks are at once.
// What it measures is the stores alone.
type fleet struct {
	stores  []*store.Store // by store id - 1
	engines []*engine.Memory
	mail    []store.Message
	lastID  uint64
	now     int64
	// carry, when set, takes a message from one store to the other, as a wire would.
	carry func(store.Message) (store.Message, error)
}

const tickMicros = 100_000

// newFleet returns stores of which the first members hold region 1, S1 as its leader.
func newFleet(stores, members int, change func(*store.Config)) (*fleet, error) {
	f := &fleet{lastID: 1000}
	region := &metapb.Region{Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}
	for id := uint64(1); id <= uint64(members); id++ {
		region.Peers = append(region.Peers, &metapb.Peer{Id: 100 + id, StoreId: id, Role: metapb.PeerRole_PEER_ROLE_VOTER})
	}
	for id := uint64(1); id <= uint64(stores); id++ {
		e := engine.NewMemory()
		first := store.BootstrapStore(id, 1)
		if id <= uint64(members) {
			first = store.Bootstrap(id, 1, region)
		}
		if err := e.Write(first); err != nil {
			return nil, err
		}
		cfg := store.DefaultConfig()
		cfg.StoreID, cfg.Engine, cfg.Now = id, e, func() int64 { return f.now }
		cfg.ElectionTicks = func(uint64) int { return 15 + int(id) }
		cfg.NewID = func(store.IDKind) uint64 { f.lastID++; return f.lastID }
		cfg.RegionBytesMax = 0
		if change != nil {
			change(&cfg)
		}
		s, err := store.Open(cfg)
		if err != nil {
			return nil, err
		}
		f.stores, f.engines = append(f.stores, s), append(f.engines, e)
	}
	if err := f.stores[0].Campaign(1); err != nil {
		return nil, err
	}
	return f, f.settle()
}

// settle runs until no store owes anything and no message is under way.
func (f *fleet) settle() error {
	for busy := true; busy; {
		busy = false
		for i := range f.stores {
			for {
				more, err := f.turn(i)
				if err != nil {
					return err
				}
				if !more {
					break
				}
				busy = true
			}
		}
		mail := f.mail
		f.mail = nil
		for _, m := range mail {
			busy = true
			m = m.Clone()
			if f.carry != nil {
				var err error
				if m, err = f.carry(m); err != nil {
					return err
				}
			}
			_ = f.stores[m.ToStore-1].Step(m) // refusals are the stores' own business
		}
	}
	return nil
}

// turn does one Ready of a store, if it owes one.
func (f *fleet) turn(i int) (bool, error) {
	s, e := f.stores[i], f.engines[i]
	rd, ok := s.Ready()
	if !ok {
		return false, nil
	}
	f.mail = append(f.mail, rd.Messages...)
	if err := e.Write(rd.Batch); err != nil {
		return false, err
	}
	if rd.MustSync {
		if err := e.Sync(); err != nil {
			return false, err
		}
	}
	f.mail = append(f.mail, rd.AfterSync...)
	s.Advance()
	return true, nil
}

func (f *fleet) tick(ticks int) error {
	for range ticks {
		f.now += tickMicros
		for _, s := range f.stores {
			s.Tick()
		}
		if err := f.settle(); err != nil {
			return err
		}
	}
	return nil
}

// call gives S1, which leads every region, a command and waits for the answer.
func (f *fleet) call(req *raftcmdpb.RaftCommandRequest) error {
	var answer *raftcmdpb.RaftCommandResponse
	f.stores[0].Propose(req, func(r *raftcmdpb.RaftCommandResponse) { answer = r })
	if err := f.settle(); err != nil {
		return err
	}
	if answer == nil {
		return fmt.Errorf("no answer to %v", req)
	}
	if e := answer.GetHeader().GetError(); e != nil {
		return fmt.Errorf("%s", e.GetMessage())
	}
	return nil
}

// split makes the first region n regions, each of which S1 leads.
func (f *fleet) split(n int) error {
	for i := n - 1; i > 0; i-- {
		key := regionPrefix(i)
		region := f.stores[0].RegionOf(key)
		err := f.call(&raftcmdpb.RaftCommandRequest{
			Header: &raftcmdpb.RequestHeader{RegionId: region.GetId(), RegionEpoch: region.GetRegionEpoch()},
			Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{
				Split: &raftcmdpb.SplitRequest{SplitKey: key}}},
		})
		if err != nil {
			return fmt.Errorf("split at %s: %w", key, err)
		}
	}
	for _, id := range f.stores[0].RegionIDs() {
		if role, _, _ := f.stores[0].Role(id); role != raft.StateLeader {
			return fmt.Errorf("S1 does not lead region %d but is %s", id, role)
		}
	}
	return nil
}

// regionPrefix is the first key of the i-th region.
func regionPrefix(i int) []byte { return fmt.Appendf(nil, "r%05d", i) }

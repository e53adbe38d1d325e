package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// snapshot is the region at its applied index: the users' pairs, the clients it remembers, its shape. While a batch is
// outstanding the engine is behind what has been applied, so there is none just then; raft asks again.
func (p *peer) snapshot() (*raftpb.Snapshot, error) {
	if p.out {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	state := &raftserverpb.RegionSnapshot{Region: p.region, ClientFloor: p.clients.floor}
	size := 0
	from, to := dataBounds(p.region.GetStartKey(), p.region.GetEndKey())
	err := p.s.cfg.Engine.Ascend(from, to, func(key, value []byte) bool {
		size += len(key) + len(value)
		state.Pairs = append(state.Pairs, &raftcmdpb.Pair{Key: key, Value: value})
		return size <= p.s.cfg.Limits.SnapshotBytesMax
	})
	if err != nil {
		return nil, err
	}
	if size > p.s.cfg.Limits.SnapshotBytesMax {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	p.clients.records.Scan(func(client uint64, record *raftserverpb.ClientRecord) bool {
		state.Clients = append(state.Clients, &raftserverpb.RememberedClient{Client: client, Record: record})
		return true
	})
	return &raftpb.Snapshot{
		Data: encode(state),
		Metadata: &raftpb.SnapshotMetadata{
			Index: new(p.applied), Term: new(p.appliedTerm), ConfState: proto.Clone(p.log.conf).(*raftpb.ConfState),
		},
	}, nil
}

// restore puts the peer where a snapshot stands; checkSnapshot has looked at it. All of it is in one batch.
func (p *peer) restore(s *raftpb.Snapshot, batch *engine.Batch) {
	state := &raftserverpb.RegionSnapshot{}
	if err := proto.Unmarshal(s.GetData(), state); err != nil {
		panic(fmt.Sprintf("region %d: a snapshot that was checked does not parse: %v", p.region.GetId(), err))
	}
	from, to := dataBounds(p.region.GetStartKey(), p.region.GetEndKey())
	err := p.s.cfg.Engine.Ascend(from, to, func(key, _ []byte) bool {
		p.overlay.Delete(key)
		batch.Delete(key)
		return true
	})
	p.must(nil, false, err)
	for _, pair := range state.GetPairs() {
		p.overlay.Put(pair.GetKey(), pair.GetValue())
		batch.Put(pair.GetKey(), pair.GetValue())
	}
	p.clients.replace(state.GetClients(), state.GetClientFloor(), batch)
	p.log.restore(s.GetMetadata().GetIndex(), s.GetMetadata().GetTerm(), batch)
	p.applied, p.appliedTerm = s.GetMetadata().GetIndex(), s.GetMetadata().GetTerm()
	p.applyFixed = p.encodeFixed()
	batch.Put(p.applyStateKey, encodeApplyState(p.applyFixed, p.applied, p.clients.floor))
}

// encodeFixed encodes the part of the apply state that entries do not move.
func (p *peer) encodeFixed() []byte {
	conf := p.log.conf
	return encode(&raftserverpb.RaftApplyState{
		TruncatedIndex: p.log.truncated, TruncatedTerm: p.log.truncatedTerm,
		Voters: conf.GetVoters(), Learners: conf.GetLearners(), VotersOutgoing: conf.GetVotersOutgoing(),
		LearnersNext: conf.GetLearnersNext(), AutoLeave: conf.GetAutoLeave(),
	})
}

// indexMax leaves room for all entries that may ever follow a snapshot.
const indexMax = 1 << 62

// checkSnapshot wants a snapshot of this region as it is: the same members, keys within its range, clients in order.
func (p *peer) checkSnapshot(r *raftpb.Message) error {
	s := r.GetSnapshot()
	meta := s.GetMetadata()
	switch {
	case raft.IsEmptySnap(s):
		return errors.New("it has no snapshot")
	case meta.GetTerm() == 0 || meta.GetTerm() > r.GetTerm():
		return fmt.Errorf("its snapshot is of term %d in a message of term %d", meta.GetTerm(), r.GetTerm())
	case meta.GetIndex() > indexMax:
		return fmt.Errorf("the index %d of its snapshot would overflow", meta.GetIndex())
	case !sameMembers(meta.GetConfState(), p.log.conf):
		return errors.New("its snapshot's members are not the region's")
	}
	state := &raftserverpb.RegionSnapshot{}
	if err := proto.Unmarshal(s.GetData(), state); err != nil {
		return errors.New("its snapshot does not parse")
	}
	if !proto.Equal(state.GetRegion(), p.region) {
		return fmt.Errorf("its snapshot is of another shape of region %d", p.region.GetId())
	}
	return checkRegionState(state, p)
}

func checkRegionState(state *raftserverpb.RegionSnapshot, p *peer) error {
	from, to := dataBounds(p.region.GetStartKey(), p.region.GetEndKey())
	var last []byte
	for _, pair := range state.GetPairs() {
		key := pair.GetKey()
		if bytes.Compare(key, from) < 0 || bytes.Compare(key, to) >= 0 || last != nil && bytes.Compare(key, last) <= 0 {
			return fmt.Errorf("key %q in its snapshot is outside the region or out of order", key)
		}
		if len(pair.GetValue()) < 8 {
			return fmt.Errorf("the value of key %q in its snapshot has no revision", key)
		}
		last = key
	}
	client := uint64(0)
	for _, c := range state.GetClients() {
		if c.GetClient() <= client || c.GetRecord() == nil {
			return fmt.Errorf("client %d in its snapshot is out of order", c.GetClient())
		}
		client = c.GetClient()
	}
	if len(state.GetClients()) > p.s.cfg.Limits.ClientsRememberedMax {
		return fmt.Errorf("its snapshot remembers %d clients; the most is %d",
			len(state.GetClients()), p.s.cfg.Limits.ClientsRememberedMax)
	}
	return nil
}

func sameMembers(a, b *raftpb.ConfState) bool {
	return slices.Equal(a.GetVoters(), b.GetVoters()) && slices.Equal(a.GetLearners(), b.GetLearners()) &&
		slices.Equal(a.GetVotersOutgoing(), b.GetVotersOutgoing()) && slices.Equal(a.GetLearnersNext(), b.GetLearnersNext()) &&
		a.GetAutoLeave() == b.GetAutoLeave()
}

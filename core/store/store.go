package store

import (
	"errors"
	"fmt"
	"sort"

	"go.etcd.io/raft/v3"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	errorpb "raftplay/core/pb/errorpb/v1"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// formatVersion of what a store keeps in its engine.
const formatVersion = 1

// Callback takes the answer to a command. It is called exactly once, inside Advance or Quit. The answer belongs to the
// Store: read it, keep it, do not change it.
type Callback func(*raftcmdpb.RaftCommandResponse)

// Store holds a peer of each of its regions and drives them as one. See the package's comment.
type Store struct {
	cfg   Config
	peers map[uint64]*peer
	order []uint64 // region ids, ascending

	dirty       []*peer // may have a Ready
	turn        []*peer // have one outstanding
	outstanding bool
	// The last Ready's parts, whose memory the next one uses again.
	batch               engine.Batch
	messages, afterSync []Message
	writes              []PeerWrite

	answers []answer // given out by the next Advance
	stopped bool
}

type answer struct {
	callback Callback
	response *raftcmdpb.RaftCommandResponse
}

// Bootstrap returns what an empty engine must hold before its first Open: the store's identity and its first region, at
// term 0 with an empty log. Every member writes and syncs its own.
func Bootstrap(storeID, clusterID uint64, region *metapb.Region) *engine.Batch {
	apply := &raftserverpb.RaftApplyState{}
	for _, p := range region.GetPeers() {
		if p.GetRole() == metapb.PeerRole_PEER_ROLE_LEARNER {
			apply.Learners = append(apply.Learners, p.GetId())
		} else {
			apply.Voters = append(apply.Voters, p.GetId())
		}
	}
	b := BootstrapStore(storeID, clusterID)
	b.Put(regionKey(region.GetId()), encode(&raftserverpb.RegionLocalState{
		State: raftserverpb.PeerState_PEER_STATE_NORMAL, Region: region}))
	b.Put(raftKey(region.GetId(), raftSuffix), encode(&raftserverpb.RaftLocalState{}))
	b.Put(raftKey(region.GetId(), applySuffix), encode(apply))
	return b
}

// BootstrapStore returns what the empty engine of a store without any region must hold before its first Open.
func BootstrapStore(storeID, clusterID uint64) *engine.Batch {
	b := &engine.Batch{}
	b.Put(identKey, encode(&raftserverpb.StoreIdent{ClusterId: clusterID, StoreId: storeID, FormatVersion: formatVersion}))
	return b
}

// Open starts a store from what its engine holds. It fails when the engine is empty, belongs to another store, has a
// newer format, or contradicts itself; and when the raft library has moved what the election timer needs.
func Open(cfg Config) (*Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("store configuration: %w", err)
	}
	if err := timerWorks(); err != nil {
		return nil, err
	}
	ident := &raftserverpb.StoreIdent{}
	if err := load(cfg.Engine, identKey, ident); err != nil {
		return nil, fmt.Errorf("open store %d: %w", cfg.StoreID, err)
	}
	if ident.GetStoreId() != cfg.StoreID {
		return nil, fmt.Errorf("open store %d: the engine belongs to store %d", cfg.StoreID, ident.GetStoreId())
	}
	if ident.GetFormatVersion() != formatVersion {
		return nil, fmt.Errorf("open store %d: the engine's format is %d, this store knows %d",
			cfg.StoreID, ident.GetFormatVersion(), formatVersion)
	}
	s := &Store{cfg: cfg, peers: map[uint64]*peer{}}
	var broken error
	err := cfg.Engine.Ascend(regionKey(0), []byte{localPrefix, regionSpace + 1}, func(_, value []byte) bool {
		state := &raftserverpb.RegionLocalState{}
		if broken = proto.Unmarshal(value, state); broken != nil {
			return false
		}
		var p *peer
		if p, broken = openPeer(s, state.GetRegion()); broken != nil {
			return false
		}
		s.add(p)
		return true
	})
	if err := errors.Join(err, broken); err != nil {
		return nil, fmt.Errorf("open store %d: %w", cfg.StoreID, err)
	}
	return s, nil
}

func (s *Store) add(p *peer) {
	id := p.region.GetId()
	s.peers[id] = p
	at := sort.Search(len(s.order), func(i int) bool { return s.order[i] >= id })
	s.order = append(s.order[:at], append([]uint64{id}, s.order[at:]...)...)
}

// Observe replaces Config.Observer; nil ends the observing.
func (s *Store) Observe(o Observer) {
	s.cfg.Observer = o
	for _, id := range s.order {
		p := s.peers[id]
		p.commit = p.rn.BasicStatus().GetCommit()
	}
}

// Step takes a message from another store, and owns it from then on: in one process, pass a Clone. An error is a sentence
// that says why the message was refused; the store is as before then.
func (s *Store) Step(m Message) error {
	if s.stopped {
		return fmt.Errorf("S%d has stopped", s.cfg.StoreID)
	}
	p, err := s.receiver(m)
	if err != nil {
		return err
	}
	if err := p.validate(m); err != nil {
		return err
	}
	// What is of an older term, or for a leader of this one, raft does not take into its log.
	if term := m.Raft.GetTerm(); term > p.term || term == p.term && p.state != raft.StateLeader {
		p.noteCut(m.Raft)
	}
	p.countVote(m.Raft)
	err = p.rn.Step(m.Raft)
	p.touched()
	if err != nil && !errors.Is(err, raft.ErrProposalDropped) {
		return fmt.Errorf("raft refused the message: %w", err)
	}
	return nil
}

// Tick is RaftBaseTick: it moves every region's timers on by one tick.
func (s *Store) Tick() {
	for _, id := range s.order {
		p := s.peers[id]
		p.rn.Tick()
		p.touched()
	}
}

// Propose takes a command, which nobody changes from here on. The callback gets its answer, exactly once, inside a later
// Advance or Quit; a stopped Store answers at once.
func (s *Store) Propose(req *raftcmdpb.RaftCommandRequest, callback Callback) {
	if s.stopped {
		callback(stopped(notApplied, s.cfg.StoreID))
		return
	}
	if err := CheckRequest(req, s.cfg.Limits); err != nil {
		s.answer(callback, invalid(err))
		return
	}
	p := s.peers[req.GetHeader().GetRegionId()]
	if p == nil {
		s.answer(callback, regionNotFound(s.cfg.StoreID, req.GetHeader().GetRegionId()))
		return
	}
	if response := p.propose(req, callback); response != nil {
		s.answer(callback, response)
	}
}

func (s *Store) answer(callback Callback, response *raftcmdpb.RaftCommandResponse) {
	s.answers = append(s.answers, answer{callback, response})
}

// Ready returns what the outside owes, or false when nothing is owed or a Ready is outstanding already.
func (s *Store) Ready() (Ready, bool) {
	if s.outstanding || s.stopped || len(s.dirty) == 0 && len(s.answers) == 0 {
		return Ready{}, false
	}
	s.batch.Reset()
	ready := Ready{Batch: &s.batch, Messages: s.messages[:0], AfterSync: s.afterSync[:0], Writes: s.writes[:0]}
	s.turn = s.turn[:0]
	for _, p := range s.dirty {
		p.dirty = false
		if p.collect(&ready); p.out {
			s.turn = append(s.turn, p)
		}
	}
	s.dirty = s.dirty[:0]
	if len(s.turn) == 0 && len(s.answers) == 0 {
		return Ready{}, false
	}
	s.messages, s.afterSync, s.writes = ready.Messages, ready.AfterSync, ready.Writes
	s.outstanding = true
	return ready, true
}

// Advance says that the last Ready's batch is written, and durable if it had to be. Answers are given inside it.
func (s *Store) Advance() {
	if !s.outstanding {
		panic("store: Advance without a Ready")
	}
	s.outstanding = false
	for _, p := range s.turn {
		p.advance()
	}
	s.giveAnswers()
}

func (s *Store) giveAnswers() {
	answers := s.answers
	s.answers = nil
	for _, a := range answers {
		a.callback(a.response)
	}
}

// Quit stops the store and answers every command that still waits. The engine keeps what it has.
func (s *Store) Quit() {
	if s.stopped {
		return
	}
	for _, id := range s.order {
		s.peers[id].failProposals(func(outcome errorpb.Outcome) *raftcmdpb.RaftCommandResponse {
			return stopped(outcome, s.cfg.StoreID)
		})
	}
	s.stopped = true
	s.giveAnswers()
}

// Campaign makes the election timer of a region's peer fire now.
func (s *Store) Campaign(regionID uint64) error {
	p := s.peers[regionID]
	switch {
	case p == nil:
		return fmt.Errorf("S%d holds no peer of region %d", s.cfg.StoreID, regionID)
	case p.state == raft.StateLeader:
		return fmt.Errorf("S%d is the leader of region %d: a leader has no election timer", s.cfg.StoreID, regionID)
	}
	err := p.rn.Campaign()
	p.touched()
	return err
}

// SetElectionTimeout sets the running election timer of a region's peer, in ticks, until raft draws it anew.
func (s *Store) SetElectionTimeout(regionID uint64, ticks int) error {
	p := s.peers[regionID]
	switch {
	case p == nil:
		return fmt.Errorf("S%d holds no peer of region %d", s.cfg.StoreID, regionID)
	case p.state == raft.StateLeader:
		return fmt.Errorf("S%d is the leader of region %d: a leader has no election timer", s.cfg.StoreID, regionID)
	case ticks < 1 || ticks > electionTicksMax:
		return fmt.Errorf("an election timeout must be from 1 to %d ticks, not %d", electionTicksMax, ticks)
	}
	*p.inside.timeout = ticks
	return nil
}

const electionTicksMax = 10_000

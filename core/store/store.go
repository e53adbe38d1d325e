package store

import (
	"errors"
	"fmt"
	"sort"

	"github.com/tidwall/btree"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// formatVersion of what a store keeps in its engine.
const formatVersion = 2

// Callback takes the answer to a command. It is called exactly once, inside Advance, Answer or Quit. The answer belongs to the
// Store: read it, keep it, do not change it.
type Callback func(*raftcmdpb.RaftCommandResponse)

// Store holds a peer of each of its regions and drives them as one. See the package's comment.
type Store struct {
	cfg   Config
	peers map[uint64]*peer
	order []uint64 // region ids, ascending
	// ranges are the initialized peers by their regions' start keys; they never overlap.
	ranges btree.Map[string, *peer]
	// overlay is the engine with what the outstanding batch will write.
	overlay *engine.Overlay

	dirty       []*peer // may have a Ready
	turn        []*peer // take part in the outstanding one
	outstanding bool
	served      bool // by Answer, since the last Ready
	// collecting is set while a Ready is made, and peers are between what they were and what its batch makes them.
	collecting bool
	// The last Ready's parts, whose memory the next one uses again.
	batch               engine.Batch
	messages, afterSync []Message
	writes              []PeerWrite

	// says and saysAfter are the stores' own words for the next Ready: at once, and once its batch is written.
	says, saysAfter []Message

	sending        []*outgoing // in the order in which they began
	lastSnapshotID uint64
	asleep         sleepers

	answers []answer // given out by the next Advance
	stopped bool

	commandsApplied uint64
}

type answer struct {
	callback Callback
	response *raftcmdpb.RaftCommandResponse
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
	s := &Store{cfg: cfg, peers: map[uint64]*peer{}, overlay: engine.NewOverlay(cfg.Engine)}
	s.lastSnapshotID = cfg.Incarnation * snapshotsPerStart
	var broken error
	err := cfg.Engine.Ascend(regionKey(0), []byte{localPrefix, regionSpace + 1}, func(_, value []byte) bool {
		broken = s.openRegion(value)
		return broken == nil
	})
	if err := errors.Join(err, broken); err != nil {
		return nil, fmt.Errorf("open store %d: %w", cfg.StoreID, err)
	}
	return s, nil
}

// snapshotsPerStart keeps a transfer's id apart from those of before a restart, which a receiver may remember.
const snapshotsPerStart = 1_000_000

// openRegion opens the peer of a stored RegionLocalState, unless it is a tombstone.
func (s *Store) openRegion(stored []byte) error {
	state := &raftserverpb.RegionLocalState{}
	if err := proto.Unmarshal(stored, state); err != nil {
		return fmt.Errorf("read a region's state: %w", err)
	}
	if state.GetState() == raftserverpb.PeerState_PEER_STATE_TOMBSTONE {
		return nil
	}
	p, err := openPeer(s, state)
	if err != nil {
		return err
	}
	p.restarted()
	if other := s.overlapping(p.region); p.initialized && other != nil {
		return fmt.Errorf("regions %d and %d overlap", other.region.GetId(), p.region.GetId())
	}
	s.add(p)
	if p.hasStaged() {
		p.unstage = true // of a transfer that the last stop cut short
		p.touched()
	}
	return nil
}

func (s *Store) add(p *peer) {
	id := p.region.GetId()
	s.peers[id] = p
	at := sort.Search(len(s.order), func(i int) bool { return s.order[i] >= id })
	s.order = append(s.order[:at], append([]uint64{id}, s.order[at:]...)...)
	if p.initialized {
		s.ranges.Set(string(p.region.GetStartKey()), p)
	}
	s.asleep.rise(p)
}

// drop takes a peer out of the store's lists. Its state in the engine is the caller's.
func (s *Store) drop(p *peer) {
	id := p.region.GetId()
	p.gone = true
	delete(s.peers, id)
	at := sort.Search(len(s.order), func(i int) bool { return s.order[i] >= id })
	s.order = append(s.order[:at:at], s.order[at+1:]...)
	s.unrange(p)
	s.asleep.forget(p)
	s.cancelSnapshots(p, "the sender is gone", every)
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
// that says why the message was refused; the store is as before then, but that it may have been told that a peer of its
// was replaced, or may tell a peer that it was removed.
func (s *Store) Step(m Message) error {
	if s.stopped {
		return fmt.Errorf("S%d has stopped", s.cfg.StoreID)
	}
	if beat, ok := m.Extra.(*raftserverpb.StoreBeat); ok {
		return s.stepBeat(m, beat)
	}
	p, err := s.receiver(m)
	if err != nil {
		return err
	}
	if m.Raft == nil {
		return s.stepExtra(p, m)
	}
	if err := p.validate(m); err != nil {
		return err
	}
	s.adopt(p)
	p.tellCommitted(m)
	return p.step(m)
}

// step gives raft a message that has been looked at.
func (p *peer) step(m Message) error {
	// What is of an older term, or for a leader of this one, raft does not take into its log.
	if term := m.Raft.GetTerm(); term > p.term || term == p.term && p.state != raft.StateLeader {
		p.noteCut(m.Raft)
	}
	p.heardFrom(m.FromPeer, m.FromStore)
	if t := m.Raft.GetType(); t != raftpb.MsgHeartbeat && t != raftpb.MsgHeartbeatResp || len(m.Raft.GetContext()) > 0 {
		p.idleTicks = 0
	}
	p.countVote(m.Raft)
	if p.asleep && !p.staysAsleep(m.Raft) {
		p.wake()
	}
	err := p.rn.Step(m.Raft)
	p.touched()
	if err != nil && !errors.Is(err, raft.ErrProposalDropped) {
		return fmt.Errorf("raft refused the message: %w", err)
	}
	return nil
}

// Tick is RaftBaseTick: it moves every awake region's timers on by one tick.
func (s *Store) Tick() {
	s.tickSleepers()
	s.asleep.settle()
	for _, p := range s.asleep.awake {
		p.rn.Tick()
		p.tickOwn()
		p.touched()
	}
	s.tickSnapshots()
}

// Propose takes a command, which nobody changes from here on. The callback gets its answer, exactly once, inside a later
// Advance, Answer or Quit; a stopped Store answers at once. A command without a region goes to the region that holds its first
// key, at the epoch it has here.
func (s *Store) Propose(req *raftcmdpb.RaftCommandRequest, callback Callback) {
	if s.stopped {
		callback(stopped(notApplied, s.cfg.StoreID))
		return
	}
	if err := CheckRequest(req, s.cfg.Limits); err != nil {
		s.answer(callback, invalid(err))
		return
	}
	if req.GetStatus().GetType() == raftcmdpb.StatusType_STATUS_TYPE_STORE_STATS {
		s.answer(callback, s.stats())
		return
	}
	req, p := s.route(req)
	if p == nil {
		s.answer(callback, regionNotFound(notApplied, s.cfg.StoreID, req.GetHeader().GetRegionId()))
		return
	}
	if response := p.propose(req, callback); response != nil {
		s.answer(callback, response)
	}
}

// route finds the peer a command is for. A command that names no region gets the one of its first key filled in.
func (s *Store) route(req *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandRequest, *peer) {
	if id := req.GetHeader().GetRegionId(); id != 0 {
		return req, s.peers[id]
	}
	p := s.holder(raftcmdpb.RoutingKey(req))
	if p == nil {
		return req, nil
	}
	h := req.GetHeader()
	return &raftcmdpb.RaftCommandRequest{
		Header: &raftcmdpb.RequestHeader{
			RegionId: p.region.GetId(), RegionEpoch: p.region.GetRegionEpoch(),
			Client: h.GetClient(), Sequence: h.GetSequence(), ReadMode: h.GetReadMode(),
		},
		Requests: req.GetRequests(), Compares: req.GetCompares(), Status: req.GetStatus(), Admin: req.GetAdmin(),
	}, p
}

func (s *Store) answer(callback Callback, response *raftcmdpb.RaftCommandResponse) {
	s.answers = append(s.answers, answer{callback, response})
}

// say puts a word of the store itself into the next Ready, to be sent at once.
func (s *Store) say(m Message) { s.says = append(s.says, m) }

// Ready returns what the outside owes, or false when nothing is owed or a Ready is outstanding already.
func (s *Store) Ready() (Ready, bool) {
	if s.outstanding || s.stopped ||
		len(s.dirty) == 0 && len(s.answers) == 0 && len(s.says) == 0 && len(s.saysAfter) == 0 {
		return Ready{}, false
	}
	s.batch.Reset()
	ready := Ready{Batch: &s.batch, Messages: s.messages[:0], AfterSync: s.afterSync[:0], Writes: s.writes[:0]}
	s.turn = s.turn[:0]
	s.collecting = true
	// Peers that a split makes come to the list's end, and have their turn next time.
	due := len(s.dirty)
	for _, p := range s.dirty[:due] {
		p.dirty = false
		if p.collect(&ready) {
			s.turn = append(s.turn, p)
		}
	}
	s.dirty = append(s.dirty[:0], s.dirty[due:]...)
	s.sendChunks()
	owes := len(s.turn) > 0 || len(s.answers) > 0 || len(s.says) > 0 || len(s.saysAfter) > 0
	ready.Messages = append(ready.Messages, s.says...)
	ready.AfterSync = append(ready.AfterSync, s.saysAfter...)
	clear(s.says)
	clear(s.saysAfter)
	s.says, s.saysAfter = s.says[:0], s.saysAfter[:0]
	s.messages, s.afterSync, s.writes = ready.Messages, ready.AfterSync, ready.Writes
	s.outstanding, s.collecting, s.served = owes, false, false
	if !owes {
		return Ready{}, false
	}
	return ready, true
}

// Advance says that the last Ready's batch is written, and durable if it had to be. Answers are given inside it.
func (s *Store) Advance() {
	if !s.outstanding {
		panic("store: Advance without a Ready")
	}
	s.outstanding = false
	s.overlay.Reset()
	s.freezeSnapshots()
	for _, p := range s.turn {
		p.advance()
	}
	s.giveAnswers()
}

// Answer gives the answers that are known already, instead of having them wait for the disk. What has been applied is
// committed: a quorum holds it, and whether this store's own disk does is no concern of the client's. Reads whose index is
// applied are served as well. A driver need not call it.
func (s *Store) Answer() {
	if s.outstanding && !s.served {
		s.served = true // what a read waits for comes with a Ready
		for _, p := range s.turn {
			if !p.gone {
				p.serveReads()
			}
		}
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
	for _, o := range s.sending {
		o.close()
	}
	s.sending = nil
	s.giveAnswers()
}

// follower returns the peer of a region whose election timer runs, or why there is none.
func (s *Store) follower(regionID uint64) (*peer, error) {
	p := s.peers[regionID]
	switch {
	case p == nil:
		return nil, fmt.Errorf("S%d holds no peer of region %d", s.cfg.StoreID, regionID)
	case !p.initialized:
		return nil, fmt.Errorf("S%d waits for a snapshot of region %d: it cannot campaign before", s.cfg.StoreID, regionID)
	case p.state == raft.StateLeader:
		return nil, fmt.Errorf("S%d is the leader of region %d: a leader has no election timer", s.cfg.StoreID, regionID)
	}
	return p, nil
}

// Campaign makes the election timer of a region's peer fire now.
func (s *Store) Campaign(regionID uint64) error {
	p, err := s.follower(regionID)
	if err != nil {
		return err
	}
	if p.isLearner() {
		return fmt.Errorf("S%d is a learner of region %d: it does not campaign", s.cfg.StoreID, regionID)
	}
	p.wake()
	err = p.rn.Campaign()
	p.touched()
	return err
}

// SetElectionTimeout sets the running election timer of a region's peer, in ticks, until raft draws it anew.
func (s *Store) SetElectionTimeout(regionID uint64, ticks int) error {
	p, err := s.follower(regionID)
	switch {
	case err != nil:
		return err
	case ticks < 1 || ticks > electionTicksMax:
		return fmt.Errorf("an election timeout must be from 1 to %d ticks, not %d", electionTicksMax, ticks)
	}
	*p.inside.timeout = ticks
	return nil
}

const electionTicksMax = 10_000

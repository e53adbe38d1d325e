package store

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"raftplay/core/engine"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// peer is one region's replica on this store: its RawNode, its log, its state machine, and who waits for an answer.
type peer struct {
	s  *Store
	id uint64
	// region is never written, only replaced. Until the peer is initialized, by a snapshot, it holds the id, the epoch of
	// the message that made the peer, and the peer alone.
	region      *metapb.Region
	initialized bool
	rn          *raft.RawNode
	inside      inside
	log         *raftLog

	// What the last look found; see observe.
	term, vote, lead uint64
	state            raft.StateType
	commit           uint64
	votes            []uint64

	raftStateKey, applyStateKey []byte
	// applyFixed encodes the part of the apply state that entries do not move: configuration and truncation.
	applyFixed []byte

	applied     uint64
	appliedTerm uint64
	clients     *clients
	heard       []heard

	proposals    []proposal // in the order of their indexes
	placed       int        // how many of them know their index
	waitingBytes int        // of the proposals
	confWaiting  bool       // one of the proposals, or the deferred one, changes the members
	deferred     *proposal
	readsWaiting []read // not yet given to raft
	reads        []read // given to raft, in the order of their rounds
	rounds       rounds
	lease        lease

	size       size
	compacting bool // a compaction by size was proposed and is not applied
	incoming   *incoming
	unstage    bool // staged pairs are to be removed

	// cut is set, with the end it may leave, when an append since the last Ready may have shortened raft's own log.
	cut    bool
	cutEnd uint64

	silentTicks int // since a leader was heard
	idleTicks   int // since anything happened
	asleep      bool
	listed      bool // among the awake

	fresh  bool         // its first state is not yet in a batch
	doomed string       // why it is to be destroyed with the next Ready
	caller *metapb.Peer // whose message made it, until it is initialized
	// removed is the entry that removed it.
	removed removal
	// removedAt is the epoch at which it was told to be no member.
	removedAt *metapb.RegionEpoch
	ghost     uint64 // a peer that raft took for a leader for a moment, and that waits for no answer; see stepRemoved
	gone      bool   // the store has dropped it

	dirty bool // in s.dirty
	rd    raft.Ready
	out   bool // rd is outstanding
}

// proposal is a command in raft's hands whose callback waits for it to be applied. Its index is known once its entry
// comes out of a Ready.
type proposal struct {
	index, term uint64
	bytes       int
	request     *raftcmdpb.RaftCommandRequest
	callback    Callback
}

// openPeer opens a peer whose state is in the engine, or in the overlay of the batch that is being made.
func openPeer(s *Store, state *raftserverpb.RegionLocalState) (*peer, error) {
	region := state.GetRegion()
	member := memberOn(region, s.cfg.StoreID)
	if member == nil || state.GetPeerId() != 0 && member.GetId() != state.GetPeerId() {
		return nil, fmt.Errorf("region %d has no peer on store %d", region.GetId(), s.cfg.StoreID)
	}
	log, apply, err := openLog(s.overlay, region.GetId(), s.cfg.Limits.EntryCacheBytesMax, s.cfg.Bugs)
	if err != nil {
		return nil, err
	}
	initialized := state.GetState() == raftserverpb.PeerState_PEER_STATE_NORMAL
	p, err := newPeer(s, region, member.GetId(), initialized, log, apply)
	if err == nil {
		p.caller = state.GetCaller()
	}
	return p, err
}

func newPeer(s *Store, region *metapb.Region, id uint64, initialized bool, log *raftLog, apply *raftserverpb.RaftApplyState) (*peer, error) {
	cfg := &s.cfg
	p := &peer{s: s, id: id, region: region, initialized: initialized, log: log, applied: apply.GetAppliedIndex()}
	regionID := region.GetId()
	p.raftStateKey, p.applyStateKey = raftKey(regionID, raftSuffix), raftKey(regionID, applySuffix)
	var err error
	if p.appliedTerm, err = p.log.Term(p.applied); err != nil {
		return nil, fmt.Errorf("region %d: term of applied entry %d: %w", regionID, p.applied, err)
	}
	if p.clients, err = openClients(s.overlay, regionID, apply.GetClientFloor(), cfg.Limits.ClientsRememberedMax); err != nil {
		return nil, err
	}
	p.applyFixed = p.encodeFixed()
	p.log.snapshot = p.snapshot
	p.rn, err = raft.NewRawNode(&raft.Config{
		ID: p.id, ElectionTick: cfg.ElectionTicksMin, HeartbeatTick: cfg.HeartbeatTicks, Storage: p.storage(), Applied: p.applied,
		MaxSizePerMsg: cfg.Limits.MessageBytesMax, MaxCommittedSizePerReady: cfg.Limits.ApplyBytesMax,
		MaxUncommittedEntriesSize: cfg.Limits.UncommittedBytesMax, MaxInflightMsgs: cfg.Limits.InflightMessagesMax,
		CheckQuorum: cfg.CheckQuorum && !cfg.Bugs.Has(BugLeaseWithoutQuorum), PreVote: cfg.PreVote, StepDownOnRemoval: true, DisableProposalForwarding: true,
		DisableConfChangeValidation: cfg.Bugs.Has(BugTwoConfChanges), Logger: silent{},
	})
	if err != nil {
		return nil, fmt.Errorf("region %d: %w", regionID, err)
	}
	if p.inside, err = openInside(p.rn); err != nil {
		return nil, err
	}
	p.drawTimeout()
	p.term, p.vote, p.lead, p.state = *p.inside.term, *p.inside.vote, *p.inside.lead, *p.inside.state
	p.commit = p.log.hard.Commit
	p.size.due = true
	return p, nil
}

func (p *peer) drawTimeout() {
	if p.s.cfg.ElectionTicks != nil {
		*p.inside.timeout = p.s.cfg.ElectionTicks(p.region.GetId())
	}
}

// member returns the region's peer with that id, or nil.
func (p *peer) member(id uint64) *metapb.Peer {
	for _, member := range p.region.GetPeers() {
		if member.GetId() == id {
			return member
		}
	}
	return nil
}

func (p *peer) confVer() uint64 { return p.region.GetRegionEpoch().GetConfVer() }

func (p *peer) isLearner() bool {
	return p.member(p.id).GetRole() == metapb.PeerRole_PEER_ROLE_LEARNER
}

// touched follows every call into raft: it notes what changed, draws the election timeout anew where raft did, and puts
// the peer on the list of those that may have a Ready.
func (p *peer) touched() {
	term, state := *p.inside.term, *p.inside.state
	// Raft draws a new timeout exactly then (measured over 36 million calls; docs/decisions/election-timer.md).
	if (term != p.term || state != p.state) && state != raft.StatePreCandidate {
		p.drawTimeout()
	}
	if term != p.term || state != p.state || *p.inside.lead != p.lead || *p.inside.vote != p.vote {
		p.roleChanged(term, state)
	}
	if p.s.cfg.Observer != nil {
		if commit := p.rn.BasicStatus().GetCommit(); commit != p.commit {
			before := p.commit
			p.commit = commit
			p.s.cfg.Observer.Committed(p.region.GetId(), before, commit)
		}
	}
	if !p.dirty && !p.gone {
		p.dirty = true
		p.s.dirty = append(p.s.dirty, p)
	}
}

// collect adds what the peer owes to the store's Ready, and tells whether it takes part in it.
func (p *peer) collect(ready *Ready) bool {
	if p.gone {
		return false
	}
	if p.doomed != "" {
		p.destroy(ready.Batch, p.doomed)
		return true
	}
	part := p.writeFresh(ready)
	part = p.collectStaged(ready) || part
	p.confirmReads()
	p.cut = false // what raft's log holds now, it hands out
	if !p.rn.HasReady() {
		p.settleIncoming()
		return part
	}
	p.rd = p.rn.Ready()
	p.out = true
	rd := &p.rd
	if !raft.IsEmptySnap(rd.Snapshot) {
		p.restore(rd.Snapshot, ready)
	}
	if len(rd.Entries) > 0 {
		p.log.append(rd.Entries, ready.Batch)
		p.placeProposals(rd.Entries)
	}
	p.send(rd.Messages, ready)
	p.settleIncoming()
	committed := rd.CommittedEntries
	if p.s.cfg.Bugs.Has(BugApplyBeforeCommit) {
		committed = p.appliesAhead(committed)
	}
	if len(committed) > 0 {
		p.log.applying = rd.CommittedEntries
		for _, e := range committed {
			if p.apply(e, ready); p.gone {
				// The entry removed this peer: nothing of it is left to write.
				p.out = false
				return true
			}
		}
		ready.Batch.Put(p.applyStateKey, encodeApplyState(p.applyFixed, p.applied, p.clients.floor))
	}
	p.writeRaftState(ready)
	p.readsConfirmed(rd.ReadStates)
	ready.MustSync = ready.MustSync || rd.MustSync || !raft.IsEmptySnap(rd.Snapshot)
	return true
}

// writeRaftState writes term, vote, commit and the log's end, unless all that moved is a commit that the apply state tells
// as well (see openLog).
func (p *peer) writeRaftState(ready *Ready) {
	rd, hard := &p.rd, &p.log.hard
	moved := len(rd.Entries) > 0 || !raft.IsEmptySnap(rd.Snapshot)
	if rd.HardState != nil {
		moved = moved || hard.Term != rd.HardState.GetTerm() || hard.Vote != rd.HardState.GetVote() ||
			rd.HardState.GetCommit() > p.applied
		hard.Term, hard.Vote, hard.Commit = rd.HardState.GetTerm(), rd.HardState.GetVote(), rd.HardState.GetCommit()
	}
	if !moved {
		return
	}
	p.putRaftState(ready, rd.Entries)
}

// putRaftState writes the raft state as it is now, with the entries that the batch holds.
func (p *peer) putRaftState(ready *Ready, entries []*raftpb.Entry) {
	hard := &p.log.hard
	ready.Batch.Put(p.raftStateKey, encodeRaftState(hard))
	ready.Writes = append(ready.Writes, PeerWrite{
		RegionID: p.region.GetId(), Term: hard.Term, Vote: hard.Vote, Commit: hard.Commit, LastIndex: hard.LastIndex,
		Entries: entries,
	})
}

// putApplyState writes the apply state as it is now.
func (p *peer) putApplyState(batch *engine.Batch) {
	batch.Put(p.applyStateKey, encodeApplyState(p.applyFixed, p.applied, p.clients.floor))
}

// encodeFixed encodes the part of the apply state that entries do not move.
func (p *peer) encodeFixed() []byte {
	state := applyStateOf(p.log.conf, p.log.truncated, p.log.truncatedTerm)
	state.AppliedIndex = 0
	return encode(state)
}

// placeProposals finds the entries of the proposals that have none yet. Only the leader of a term makes its entries, so
// those with data are its proposals, in their order; a change of members without a command is raft's own. A change that
// raft thought one too many has no entry, and is answered.
func (p *peer) placeProposals(entries []*raftpb.Entry) {
	for _, e := range entries {
		if len(e.GetData()) == 0 {
			continue
		}
		for p.placed < len(p.proposals) && p.proposals[p.placed].changesMembers() && e.GetType() == raftpb.EntryNormal {
			refused := p.proposals[p.placed]
			p.proposals = slices.Delete(p.proposals, p.placed, p.placed+1)
			p.waitingBytes -= refused.bytes
			p.confWaiting = false
			p.s.answer(refused.callback, confChangePending(p.region, p.region.GetJoint()))
		}
		if p.placed == len(p.proposals) {
			return
		}
		if next := &p.proposals[p.placed]; e.GetTerm() == next.term {
			next.index = e.GetIndex()
			p.placed++
			if p.s.cfg.Bugs.Has(BugAnswerBeforeCommit) {
				p.answerAhead(next)
			}
		}
	}
}

func (w *proposal) changesMembers() bool { return w.request.GetAdmin().GetChangePeers() != nil }

// send sorts messages: a leader's own words may travel while its disk works; whatever answers or asks for a vote waits,
// for it promises what the batch holds (Raft dissertation, 10.2.1). A snapshot goes its own way, in chunks.
func (p *peer) send(messages []*raftpb.Message, ready *Ready) {
	for _, m := range messages {
		out := p.envelope(m.GetTo())
		if out.ToStore == 0 || m.GetTo() == p.ghost && m.GetType() == raftpb.MsgHeartbeatResp {
			continue
		}
		out.Raft = m
		switch m.GetType() {
		case raftpb.MsgSnap:
			p.startSnapshot(m, out.ToStore)
		case raftpb.MsgApp, raftpb.MsgHeartbeat, raftpb.MsgTimeoutNow:
			ready.Messages = append(ready.Messages, out)
		default:
			ready.AfterSync = append(ready.AfterSync, out)
		}
	}
	p.ghost = 0
}

// envelope is a message to another peer, without content. ToStore is 0 when nobody knows where that peer is.
func (p *peer) envelope(to uint64) Message {
	store := p.member(to).GetStoreId()
	if store == 0 {
		store = p.heardOn(to)
	}
	return Message{
		RegionID: p.region.GetId(), FromStore: p.s.cfg.StoreID, ToStore: store, FromPeer: p.id, ToPeer: to,
		ConfVer: p.region.GetRegionEpoch().GetConfVer(), Version: p.region.GetRegionEpoch().GetVersion(),
	}
}

// advance follows the batch's write: raft goes on, reads are served.
func (p *peer) advance() {
	if p.gone {
		p.rd = raft.Ready{}
		return
	}
	p.log.advanced(p.applied)
	if p.out {
		rd := p.rd
		p.rd, p.out = raft.Ready{}, false
		p.rn.Advance(rd)
		p.log.applying = nil
		p.touched()
	}
	p.proposeDeferred()
	p.stepIncoming()
	p.serveReads()
	p.checkSize()
	p.checkLog()
}

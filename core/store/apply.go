package store

import (
	"bytes"
	"fmt"

	"go.etcd.io/raft/v3/raftpb"

	"raftplay/core/engine"
	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// apply carries out one committed entry: its writes go to the batch, its answer to whoever waits for it. What it does
// depends only on the entry and the replicated state, so every replica does the same.
func (p *peer) apply(e *raftpb.Entry, ready *Ready) {
	if e.GetIndex() != p.applied+1 {
		panic(fmt.Sprintf("region %d: entry %d applied after %d", p.region.GetId(), e.GetIndex(), p.applied))
	}
	p.applied, p.appliedTerm = e.GetIndex(), e.GetTerm()
	done := Apply{RegionID: p.region.GetId(), Entry: e}
	var answer *raftcmdpb.RaftCommandResponse
	switch {
	case e.GetType() == raftpb.EntryConfChangeV2:
		answer = p.applyMembers(e, ready)
	case len(e.GetData()) > 0:
		p.s.commandsApplied++
		answer, done.Changes = p.applyCommand(e, ready)
	}
	if p.s.cfg.Observer != nil {
		done.Refused = refusal(answer)
		p.s.cfg.Observer.Applied(done)
	}
	p.answerProposal(e, answer)
	if e.GetType() != raftpb.EntryConfChangeV2 {
		return
	}
	if p.member(p.id) == nil {
		p.removed = removal{index: e.GetIndex(), term: e.GetTerm()}
		p.destroy(ready.Batch, "an entry removed it")
		return
	}
	p.touched()
}

func (p *peer) applyCommand(e *raftpb.Entry, ready *Ready) (*raftcmdpb.RaftCommandResponse, []Change) {
	batch := ready.Batch
	req := p.proposed(e)
	if req == nil {
		var err error
		if req, err = p.s.cfg.Commands.decode(e); err != nil {
			// The same bytes fail on every replica; protobuf's own words differ from build to build.
			return invalid(fmt.Errorf("entry %d is no command", e.GetIndex())), nil
		}
	}
	switch admin := req.GetAdmin().GetRequest().(type) {
	case nil:
	case *raftcmdpb.AdminRequest_Split:
		return p.applySplit(req, e, ready), nil
	case *raftcmdpb.AdminRequest_CompactLog:
		return p.applyCompaction(admin.CompactLog, e, ready), nil
	default:
		return invalid(fmt.Errorf("entry %d is no command for the log", e.GetIndex())), nil
	}
	if answer := p.s.misplaced(req, p.region); answer != nil {
		return answer, nil
	}
	client, sequence := req.GetHeader().GetClient(), req.GetHeader().GetSequence()
	once := client != 0 && raftcmdpb.Writes(req) && !p.s.cfg.Bugs.Has(BugRetryAppliedAgain)
	if once {
		if answer := p.clients.look(client, sequence); answer != nil {
			return answer, nil
		}
	}
	a := &appliedAnswer{}
	changes := p.execute(req, e.GetIndex(), batch, a)
	a.header.Client, a.header.Sequence, a.header.RegionId = client, sequence, p.region.GetId()
	a.header.Term, a.header.Index, a.header.ReadMode = e.GetTerm(), e.GetIndex(), raftcmdpb.ReadMode_READ_MODE_LOG
	a.answer.Header = &a.header
	if once {
		a.record.Sequence, a.record.Answer = sequence, &a.answer
		p.clients.remember(client, &a.record, batch)
	}
	return &a.answer, changes
}

// appliedAnswer is an applied command's answer, and the client's record of it, in one piece of memory: every store makes
// one for every command.
type appliedAnswer struct {
	answer    raftcmdpb.RaftCommandResponse
	header    raftcmdpb.ResponseHeader
	record    raftserverpb.ClientRecord
	responses [1]*raftcmdpb.Response
}

// proposed returns the command of an entry that was proposed here, without decoding it again; nil for others' entries.
func (p *peer) proposed(e *raftpb.Entry) *raftcmdpb.RaftCommandRequest {
	for i := range p.proposals[:p.placed] {
		if w := &p.proposals[i]; w.index >= e.GetIndex() {
			if w.index == e.GetIndex() && w.term == e.GetTerm() {
				return w.request
			}
			return nil
		}
	}
	return nil
}

// execute looks at the compares and then does the requests in order, each seeing the ones before. It fills the answer in.
func (p *peer) execute(req *raftcmdpb.RaftCommandRequest, index uint64, batch *engine.Batch, a *appliedAnswer) []Change {
	answer := &a.answer
	overlay := p.s.overlay
	if !p.s.cfg.Bugs.Has(BugCompareAtPropose) {
		answer.CompareFailed = p.compare(overlay, req.GetCompares())
	}
	if answer.CompareFailed != nil {
		return nil
	}
	if answer.Responses = a.responses[:0]; len(req.GetRequests()) > len(a.responses) {
		answer.Responses = make([]*raftcmdpb.Response, 0, len(req.GetRequests()))
	}
	var changes []Change
	watched := p.s.cfg.Observer != nil
	for _, r := range req.GetRequests() {
		switch r := r.GetRequest().(type) {
		case *raftcmdpb.Request_Put:
			key, stored := encodePair(index, r.Put.GetKey(), r.Put.GetValue())
			overlay.Put(key, stored)
			p.size.added += uint64(len(key) + len(stored))
			batch.Put(key, stored)
			if watched {
				changes = append(changes, Change{Key: r.Put.GetKey(), Value: r.Put.GetValue()})
			}
			answer.Responses = append(answer.Responses, putDone)
		case *raftcmdpb.Request_Delete:
			key := dataKey(r.Delete.GetKey())
			_, found := p.must(overlay.Get(key))
			if found {
				overlay.Delete(key)
				batch.Delete(key)
				if watched {
					changes = append(changes, Change{Key: r.Delete.GetKey(), Deleted: true})
				}
			}
			answer.Responses = append(answer.Responses, &raftcmdpb.Response{Response: &raftcmdpb.Response_Delete{
				Delete: &raftcmdpb.DeleteResponse{Found: found}}})
		default:
			answer.Responses = append(answer.Responses, p.readOne(overlay, r))
		}
	}
	return changes
}

func (p *peer) compare(reader engine.Reader, compares []*raftcmdpb.Compare) *raftcmdpb.CompareFailed {
	for i, c := range compares {
		stored, found := p.must(reader.Get(dataKey(c.GetKey())))
		var value []byte
		if found {
			_, value = decodeValue(stored)
		}
		holds := !found
		if want, isValue := c.GetExpect().(*raftcmdpb.Compare_Value); isValue {
			holds = found && bytes.Equal(value, want.Value)
		}
		if !holds {
			return &raftcmdpb.CompareFailed{Position: uint32(i), Key: c.GetKey(), Found: found, Value: value}
		}
	}
	return nil
}

// must ends the store when its engine cannot be read: going on would let replicas differ.
func (p *peer) must(value []byte, found bool, err error) ([]byte, bool) {
	if err != nil {
		panic(fmt.Sprintf("region %d: read the engine: %v", p.region.GetId(), err))
	}
	return value, found
}

// answerProposal answers the commands whose place in the log is now decided.
func (p *peer) answerProposal(e *raftpb.Entry, answer *raftcmdpb.RaftCommandResponse) {
	for p.placed > 0 && p.proposals[0].index <= e.GetIndex() {
		waiting := p.proposals[0]
		p.proposals = p.proposals[1:]
		p.placed--
		p.waitingBytes -= waiting.bytes
		if waiting.changesMembers() {
			p.confWaiting = false
		}
		if waiting.index == e.GetIndex() && waiting.term == e.GetTerm() {
			p.s.answer(waiting.callback, answer)
		} else {
			p.s.answer(waiting.callback, overwritten())
		}
	}
}

// failProposals answers every waiting command with an error: it stands in this log, and may apply under another leader.
func (p *peer) failProposals(with func(errorpb.Outcome) *raftcmdpb.RaftCommandResponse) {
	for _, waiting := range p.proposals {
		p.s.answer(waiting.callback, with(mayApply))
	}
	if p.s.cfg.Bugs.Has(BugCallbackTwice) {
		p.proposals = p.proposals[:p.placed]
	} else {
		p.proposals, p.placed = nil, 0
	}
	p.waitingBytes = 0
	if p.deferred != nil {
		p.s.answer(p.deferred.callback, with(notApplied))
	}
	p.confWaiting, p.deferred = false, nil
	for _, waiting := range p.reads {
		p.s.answer(waiting.callback, with(notApplied))
	}
	for _, waiting := range p.readsWaiting {
		p.s.answer(waiting.callback, with(notApplied))
	}
	p.reads, p.readsWaiting = nil, nil
}

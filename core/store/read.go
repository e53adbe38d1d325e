package store

import (
	"encoding/binary"

	"go.etcd.io/raft/v3"

	"raftplay/core/engine"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// read is a command that reads without the log (Raft dissertation, 6.4): it waits for a quorum to confirm the leader,
// which gives the index to wait for, and then for that index to be applied.
type read struct {
	request  *raftcmdpb.RaftCommandRequest
	callback Callback
	mode     raftcmdpb.ReadMode // that serves it
	context  uint64
	index    uint64
	ready    bool // index is known
}

// rounds are the confirmations of a leadership that were asked for.
type rounds struct {
	last uint64
	// began are the times, on Config.Now, of those that are not confirmed, oldest first; the last is of round last.
	began []int64
}

// startRead takes a read that needs no entry. Within the lease nobody has to be asked; still it waits until all that the
// leader knows to be committed is applied: a split among it takes keys away.
func (p *peer) startRead(req *raftcmdpb.RaftCommandRequest, mode raftcmdpb.ReadMode, callback Callback) *response {
	if response := p.overloaded(); response != nil {
		return response
	}
	r := read{request: req, callback: callback, mode: raftcmdpb.ReadMode_READ_MODE_READ_INDEX}
	if p.s.cfg.Bugs.Has(BugStaleRead) || p.s.cfg.Bugs.Has(BugReadBeforeApply) && p.appliedTerm != p.term {
		return p.serveRead(req, r.mode)
	}
	if mode == raftcmdpb.ReadMode_READ_MODE_LEASE {
		if !p.s.leases() {
			return leaseNotOffered()
		}
		if p.s.cfg.Bugs.Has(BugLeaseWithoutQuorum) && p.appliedTerm == p.term {
			p.lease.renew(p.term, p.s.cfg.Now()+p.s.leaseMicros())
		}
		if p.lease.holds(p.s.cfg.Now()) {
			r.mode, r.index, r.ready = mode, p.rn.BasicStatus().GetCommit(), true
			if r.index <= p.applied {
				return p.serveRead(req, mode)
			}
			p.reads = append(p.reads, r)
			return nil
		}
	}
	p.readsWaiting = append(p.readsWaiting, r)
	p.touched()
	return nil
}

// confirmReads asks raft to confirm the leadership for all reads that came since the last time, in one round. Raft can
// only answer once an entry of the leader's own term is committed.
func (p *peer) confirmReads() {
	if len(p.readsWaiting) == 0 || p.appliedTerm != *p.inside.term || *p.inside.state != raft.StateLeader {
		return
	}
	p.rounds.last++
	p.rounds.began = append(p.rounds.began, p.s.cfg.Now())
	for _, r := range p.readsWaiting {
		r.context = p.rounds.last
		p.reads = append(p.reads, r)
	}
	p.readsWaiting = nil
	p.rn.ReadIndex(binary.LittleEndian.AppendUint64(nil, p.rounds.last))
}

// readsConfirmed notes the indexes at which reads may be served.
func (p *peer) readsConfirmed(states []raft.ReadState) {
	for _, state := range states {
		context := binary.LittleEndian.Uint64(state.RequestCtx)
		p.confirmed(context)
		for i := range p.reads {
			if p.reads[i].context == context && context > 0 {
				p.reads[i].index, p.reads[i].ready = state.Index, true
			}
		}
	}
}

// confirmed renews the lease: a quorum has answered a round, and with it promised a time without another leader, from
// the round's beginning on.
func (p *peer) confirmed(round uint64) {
	left := p.rounds.last - round
	if round > p.rounds.last || left >= uint64(len(p.rounds.began)) {
		return
	}
	at := len(p.rounds.began) - 1 - int(left)
	if p.state == stateLeader {
		p.lease.renew(p.term, p.rounds.began[at]+p.s.leaseMicros())
	}
	p.rounds.began = p.rounds.began[at+1:]
}

// serveReads answers the reads whose index is applied. Called in Advance.
func (p *peer) serveReads() {
	kept := p.reads[:0]
	for _, r := range p.reads {
		if !r.ready || r.index > p.applied {
			kept = append(kept, r)
			continue
		}
		p.s.answer(r.callback, p.serveRead(r.request, r.mode))
	}
	p.reads = kept
}

// serveRead reads what this peer has applied.
func (p *peer) serveRead(req *raftcmdpb.RaftCommandRequest, mode raftcmdpb.ReadMode) *response {
	if answer := p.s.misplaced(req, p.region); answer != nil {
		return answer
	}
	reader := p.s.overlay
	header := &raftcmdpb.ResponseHeader{
		Client: req.GetHeader().GetClient(), Sequence: req.GetHeader().GetSequence(), RegionId: p.region.GetId(),
		Term: *p.inside.term, Index: p.applied, ReadMode: mode,
	}
	if failed := p.compare(reader, req.GetCompares()); failed != nil {
		return &raftcmdpb.RaftCommandResponse{Header: header, CompareFailed: failed}
	}
	answer := &raftcmdpb.RaftCommandResponse{Header: header}
	for _, r := range req.GetRequests() {
		answer.Responses = append(answer.Responses, p.readOne(reader, r.GetRequest()))
	}
	return answer
}

// readOne does one get, seek or scan; r is a raftcmdpb.Request's oneof.
func (p *peer) readOne(reader engine.Reader, r any) *raftcmdpb.Response {
	switch r := r.(type) {
	case *raftcmdpb.Request_Get:
		resp := &raftcmdpb.GetResponse{}
		if stored, found := p.must(reader.Get(dataKey(r.Get.GetKey()))); found {
			resp.Found = true
			_, resp.Value = decodeValue(stored)
		}
		return &raftcmdpb.Response{Response: &raftcmdpb.Response_Get{Get: resp}}
	case *raftcmdpb.Request_Seek:
		resp := &raftcmdpb.SeekResponse{}
		p.scan(reader.Ascend, r.Seek.GetKey(), nil, func(key, value []byte) bool {
			resp.Found, resp.Key, resp.Value = true, key, value
			return false
		})
		return &raftcmdpb.Response{Response: &raftcmdpb.Response_Seek{Seek: resp}}
	case *raftcmdpb.Request_Scan:
		resp := &raftcmdpb.ScanResponse{}
		walk := reader.Ascend
		if r.Scan.GetReverse() {
			walk = reader.Descend
		}
		p.scan(walk, r.Scan.GetStartKey(), r.Scan.GetEndKey(), func(key, value []byte) bool {
			if len(resp.Pairs) == int(r.Scan.GetLimit()) {
				resp.More = true
				return false
			}
			resp.Pairs = append(resp.Pairs, &raftcmdpb.Pair{Key: key, Value: value})
			return true
		})
		return &raftcmdpb.Response{Response: &raftcmdpb.Response_Scan{Scan: resp}}
	}
	return &raftcmdpb.Response{}
}

// walk is an engine's Ascend or Descend.
type walk = func(from, to []byte, visit func(key, value []byte) bool) error

// scan visits the users' pairs of [start, end), cut to the region, without their revisions.
func (p *peer) scan(walk walk, start, end []byte, visit func(key, value []byte) bool) {
	if regionEnd := p.region.GetEndKey(); len(regionEnd) > 0 && (len(end) == 0 || string(end) > string(regionEnd)) {
		end = regionEnd
	}
	from, to := dataBounds(start, end)
	err := walk(from, to, func(key, stored []byte) bool {
		_, value := decodeValue(stored)
		return visit(key[1:], value)
	})
	p.must(nil, false, err)
}

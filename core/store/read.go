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
	context  uint64
	index    uint64
	ready    bool // index is known
}

// confirmReads asks raft to confirm the leadership for all reads that came since the last time, in one round. Raft can
// only answer once an entry of the leader's own term is committed.
func (p *peer) confirmReads() {
	if len(p.readsWaiting) == 0 || p.appliedTerm != *p.inside.term || *p.inside.state != raft.StateLeader {
		return
	}
	p.readRounds++
	for _, r := range p.readsWaiting {
		r.context = p.readRounds
		p.reads = append(p.reads, r)
	}
	p.readsWaiting = nil
	p.rn.ReadIndex(binary.LittleEndian.AppendUint64(nil, p.readRounds))
}

// readsConfirmed notes the indexes at which reads may be served.
func (p *peer) readsConfirmed(states []raft.ReadState) {
	for _, state := range states {
		context := binary.LittleEndian.Uint64(state.RequestCtx)
		for i := range p.reads {
			if p.reads[i].context == context {
				p.reads[i].index, p.reads[i].ready = state.Index, true
			}
		}
	}
}

// serveReads answers the reads whose index is applied and in the engine. Called in Advance.
func (p *peer) serveReads() {
	kept := p.reads[:0]
	for _, r := range p.reads {
		if !r.ready || r.index > p.applied {
			kept = append(kept, r)
			continue
		}
		p.s.answer(r.callback, p.serveRead(r.request))
	}
	p.reads = kept
}

func (p *peer) serveRead(req *raftcmdpb.RaftCommandRequest) *raftcmdpb.RaftCommandResponse {
	if answer := misplaced(req, p.region); answer != nil {
		return answer
	}
	header := &raftcmdpb.ResponseHeader{
		Client: req.GetHeader().GetClient(), Sequence: req.GetHeader().GetSequence(), RegionId: p.region.GetId(),
		Term: *p.inside.term, Index: p.applied, ReadMode: raftcmdpb.ReadMode_READ_MODE_READ_INDEX,
	}
	if failed := p.compare(p.s.cfg.Engine, req.GetCompares()); failed != nil {
		return &raftcmdpb.RaftCommandResponse{Header: header, CompareFailed: failed}
	}
	answer := &raftcmdpb.RaftCommandResponse{Header: header}
	for _, r := range req.GetRequests() {
		answer.Responses = append(answer.Responses, p.readOne(p.s.cfg.Engine, r.GetRequest()))
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
		p.scan(reader, r.Seek.GetKey(), nil, func(key, value []byte) bool {
			resp.Found, resp.Key, resp.Value = true, key, value
			return false
		})
		return &raftcmdpb.Response{Response: &raftcmdpb.Response_Seek{Seek: resp}}
	case *raftcmdpb.Request_Scan:
		resp := &raftcmdpb.ScanResponse{}
		p.scan(reader, r.Scan.GetStartKey(), r.Scan.GetEndKey(), func(key, value []byte) bool {
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

// scan visits the users' pairs of [start, end), cut to the region, without their revisions.
func (p *peer) scan(reader engine.Reader, start, end []byte, visit func(key, value []byte) bool) {
	if regionEnd := p.region.GetEndKey(); len(regionEnd) > 0 && (len(end) == 0 || string(end) > string(regionEnd)) {
		end = regionEnd
	}
	from, to := dataBounds(start, end)
	err := reader.Ascend(from, to, func(key, stored []byte) bool {
		_, value := decodeValue(stored)
		return visit(key[1:], value)
	})
	p.must(nil, false, err)
}

package store

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// A change of members is raft's ConfChangeV2, whose context is the command. What is applied is made from the command and
// the region alone, the same on every replica (Raft dissertation, chapter 4; TiKV, apply.rs exec_change_peer_v2).

// changeMembers returns the region as it is just after a change, with raft's change, or why the change does not fit.
func changeMembers(region *metapb.Region, req *raftcmdpb.ChangePeersRequest) (*raftpb.ConfChangeV2, *response) {
	if req.GetLeaveJoint() {
		return &raftpb.ConfChangeV2{}, nil
	}
	change := &raftpb.ConfChangeV2{}
	switch req.GetTransition() {
	case raftcmdpb.ConfTransition_CONF_TRANSITION_IMPLICIT:
		change.Transition = raftpb.ConfChangeTransitionJointImplicit.Enum()
	case raftcmdpb.ConfTransition_CONF_TRANSITION_EXPLICIT:
		change.Transition = raftpb.ConfChangeTransitionJointExplicit.Enum()
	}
	voters := 0
	for _, member := range region.GetPeers() {
		if isVoter(member) {
			voters++
		}
	}
	var seen []uint64 // stores
	for _, c := range req.GetChanges() {
		one, of, err := changeOne(region, c)
		if err != "" {
			return nil, confChangeRefused(of, region, err)
		}
		if slices.Contains(seen, of.GetStoreId()) {
			return nil, confChangeRefused(of, region, fmt.Sprintf("the peer on S%d is changed twice", of.GetStoreId()))
		}
		seen = append(seen, of.GetStoreId())
		change.Changes = append(change.Changes, one)
		switch member := memberOn(region, of.GetStoreId()); {
		case one.GetType() == raftpb.ConfChangeAddNode:
			voters++
		case member != nil && isVoter(member):
			voters--
		}
	}
	if voters < 1 {
		return nil, confChangeRefused(nil, region, "no voter would be left")
	}
	return change, nil
}

func isVoter(member *metapb.Peer) bool { return member.GetRole() != metapb.PeerRole_PEER_ROLE_LEARNER }

// usableID tells whether a peer may have an id: none of those that mean something else to raft.
func usableID(id uint64) bool { return id != raft.None && id < raft.LocalApplyThread }

// changeOne is one change in raft's words, and the peer it is about; or a sentence why it does not fit.
func changeOne(region *metapb.Region, c *raftcmdpb.PeerChange) (*raftpb.ConfChangeSingle, *metapb.Peer, string) {
	named := c.GetPeer()
	member := namedMember(region, named)
	one := func(t raftpb.ConfChangeType, id uint64) *raftpb.ConfChangeSingle {
		return &raftpb.ConfChangeSingle{Type: t.Enum(), NodeId: new(id)}
	}
	of := named
	if member != nil {
		of = member
	}
	switch c.GetType() {
	case raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE:
		if member == nil {
			return nil, of, fmt.Sprintf("%s is no member of region %d", peerName(named), region.GetId())
		}
		return one(raftpb.ConfChangeRemoveNode, member.GetId()), of, ""
	case raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER:
		learner := c.GetType() == raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER
		t, role := raftpb.ConfChangeAddNode, "voter"
		if learner {
			t, role = raftpb.ConfChangeAddLearnerNode, "learner"
		}
		switch {
		case member != nil && isVoter(member) != learner:
			return nil, of, fmt.Sprintf("S%d has a %s of region %d already", member.GetStoreId(), role, region.GetId())
		case member != nil:
			return one(t, member.GetId()), of, ""
		case !usableID(named.GetId()) || named.GetStoreId() == 0:
			return nil, of, "a new peer needs a store, and an id that means nothing else to raft"
		case slices.ContainsFunc(region.GetPeers(), func(p *metapb.Peer) bool { return p.GetId() == named.GetId() }):
			return nil, of, fmt.Sprintf("peer %d is on another store", named.GetId())
		case memberOn(region, named.GetStoreId()) != nil:
			return nil, of, fmt.Sprintf("S%d has a peer of region %d already, with another id", named.GetStoreId(), region.GetId())
		}
		return one(t, named.GetId()), of, ""
	}
	return nil, of, "a change adds a voter, adds a learner or removes a peer"
}

// namedMember is the member that a command names by id or by store, or nil.
func namedMember(region *metapb.Region, named *metapb.Peer) *metapb.Peer {
	for _, member := range region.GetPeers() {
		byID := named.GetId() != 0 && member.GetId() == named.GetId() &&
			(named.GetStoreId() == 0 || named.GetStoreId() == member.GetStoreId())
		if byID || named.GetId() == 0 && member.GetStoreId() == named.GetStoreId() {
			return member
		}
	}
	return nil
}

func peerName(p *metapb.Peer) string {
	if p.GetStoreId() != 0 {
		return fmt.Sprintf("S%d", p.GetStoreId())
	}
	return fmt.Sprintf("peer %d", p.GetId())
}

// membersOf is the region with the members that a configuration has, each with its role. Peers it does not know come from
// added.
func membersOf(region *metapb.Region, conf *raftpb.ConfState, added []*metapb.Peer) *metapb.Region {
	next := proto.Clone(region).(*metapb.Region)
	next.RegionEpoch.ConfVer++
	next.Joint = len(conf.GetVotersOutgoing()) > 0
	next.Peers = nil
	known := slices.Concat(region.GetPeers(), added)
	for i, peer := range known {
		if slices.ContainsFunc(known[:i], func(p *metapb.Peer) bool { return p.GetId() == peer.GetId() }) {
			continue
		}
		if role := roleIn(conf, peer.GetId()); role != metapb.PeerRole_PEER_ROLE_UNSPECIFIED {
			next.Peers = append(next.Peers, &metapb.Peer{Id: peer.GetId(), StoreId: peer.GetStoreId(), Role: role})
		}
	}
	return next
}

func roleIn(conf *raftpb.ConfState, id uint64) metapb.PeerRole {
	joint := len(conf.GetVotersOutgoing()) > 0
	outgoing := slices.Contains(conf.GetVotersOutgoing(), id)
	switch {
	case slices.Contains(conf.GetVoters(), id):
		if joint && !outgoing {
			return metapb.PeerRole_PEER_ROLE_INCOMING_VOTER
		}
		return metapb.PeerRole_PEER_ROLE_VOTER
	case slices.Contains(conf.GetLearnersNext(), id):
		return metapb.PeerRole_PEER_ROLE_DEMOTING_VOTER
	case outgoing:
		return metapb.PeerRole_PEER_ROLE_LEAVING_VOTER
	case slices.Contains(conf.GetLearners(), id):
		return metapb.PeerRole_PEER_ROLE_LEARNER
	}
	return metapb.PeerRole_PEER_ROLE_UNSPECIFIED
}

// proposeMembers looks at a change of members and proposes it: one at a time, and none that would leave the region
// without a quorum, unless forced.
func (p *peer) proposeMembers(req *raftcmdpb.RaftCommandRequest, callback Callback) *response {
	change := req.GetAdmin().GetChangePeers()
	joint := p.region.GetJoint()
	switch {
	case p.s.cfg.Bugs.Has(BugTwoConfChanges) && !joint && !change.GetLeaveJoint():
	case p.confWaiting || joint && (!change.GetLeaveJoint() || p.log.conf.GetAutoLeave()):
		return confChangePending(p.region, joint)
	case !joint && change.GetLeaveJoint():
		return confChangeRefused(nil, p.region, "the configuration is not joint")
	case p.appliedTerm != p.term:
		// An earlier leader's change may be among the entries that are not applied yet.
		return confChangePending(p.region, false)
	}
	if p.out && !p.s.cfg.Bugs.Has(BugTwoConfChanges) {
		// Raft learns with the Advance what is applied, and would turn the change into nothing until then.
		p.confWaiting, p.deferred = true, &proposal{request: req, callback: callback}
		return nil
	}
	req, missing := p.withPeerIDs(req)
	if missing {
		return confChangeRefused(nil, p.region, "a new peer needs an id, and this store cannot give one")
	}
	raftChange, refusal := changeMembers(p.region, req.GetAdmin().GetChangePeers())
	if refusal != nil {
		return refusal
	}
	if !change.GetForce() && !change.GetLeaveJoint() {
		if refusal := p.quorumAtRisk(req.GetAdmin().GetChangePeers()); refusal != nil {
			return refusal
		}
	}
	raftChange.Context = encode(req)
	err := p.rn.ProposeConfChange(raftChange)
	p.touched()
	if err != nil {
		return p.dropped()
	}
	p.confWaiting = true
	p.await(req, len(raftChange.Context), callback)
	return nil
}

// proposeDeferred proposes the change of members that came while a Ready was outstanding.
func (p *peer) proposeDeferred() {
	if p.deferred == nil {
		return
	}
	d := p.deferred
	p.confWaiting, p.deferred = false, nil
	if response := p.proposeAdmin(d.request, d.callback); response != nil {
		p.s.answer(d.callback, response)
	}
}

// withPeerIDs fills in the ids of new peers that the command leaves to the store.
func (p *peer) withPeerIDs(req *raftcmdpb.RaftCommandRequest) (filled *raftcmdpb.RaftCommandRequest, missing bool) {
	filled = req
	for i, c := range req.GetAdmin().GetChangePeers().GetChanges() {
		isNew := c.GetPeer().GetId() == 0 && c.GetPeer().GetStoreId() != 0 && namedMember(p.region, c.GetPeer()) == nil &&
			c.GetType() != raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE
		if !isNew {
			continue
		}
		if p.s.cfg.NewID == nil {
			return req, true
		}
		if filled == req {
			filled = proto.Clone(req).(*raftcmdpb.RaftCommandRequest)
		}
		filled.Admin.GetChangePeers().Changes[i].Peer.Id = p.s.cfg.NewID(PeerID)
	}
	return filled, false
}

// quorumAtRisk refuses a change after which too few voters are known to be there: the leader heard them lately, and they
// hold what it has committed. A new voter holds nothing yet; only a group of one has no other way to grow.
func (p *peer) quorumAtRisk(change *raftcmdpb.ChangePeersRequest) *response {
	removed, added := map[uint64]bool{}, 0
	var next []*metapb.Peer
	for _, c := range change.GetChanges() {
		member := namedMember(p.region, c.GetPeer())
		switch {
		case c.GetType() != raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER:
			removed[member.GetId()] = true
		case member != nil:
			next = append(next, member)
		default:
			added++
		}
	}
	before := 0
	for _, member := range p.region.GetPeers() {
		if isVoter(member) {
			before++
			if !removed[member.GetId()] {
				next = append(next, member)
			}
		}
	}
	total, there := len(next)+added, 0
	var silent []*metapb.Peer
	for _, member := range next {
		if p.isSilent(member) {
			silent = append(silent, member)
		} else {
			there++
		}
	}
	if before == 1 {
		there += added
	}
	if there >= total/2+1 {
		return nil
	}
	return quorumAtRisk(p.region, total, there, silent)
}

// applyMembers carries out a change of members. A leader may have ceased to lead by it; the caller looks once the command
// is answered.
func (p *peer) applyMembers(e *raftpb.Entry, ready *Ready) (answer *response) {
	req, change, refusal := p.readMembers(e)
	if refusal != nil {
		return refusal
	}
	before := p.region
	p.confLeavesFirstEntry(ready)
	var conf *raftpb.ConfState
	if p.s.cfg.Bugs.Has(BugWrongQuorum) {
		conf = p.changeHalf(change)
	} else {
		conf = p.rn.ApplyConfChange(change)
	}
	p.log.conf = conf
	var added []*metapb.Peer
	for _, c := range req.GetAdmin().GetChangePeers().GetChanges() {
		added = append(added, c.GetPeer())
	}
	p.region = membersOf(before, conf, added)
	answer = p.administered(e, &raftcmdpb.AdminResponse{Response: &raftcmdpb.AdminResponse_ChangePeers{
		ChangePeers: &raftcmdpb.ChangePeersResponse{Region: p.region}}})
	if o := p.s.cfg.Observer; o != nil {
		o.RegionChanged(RegionChanged{Region: p.region, Before: before, Index: e.GetIndex()})
	}
	if !p.s.cfg.Bugs.Has(BugStaleConfState) {
		p.applyFixed = p.encodeFixed()
	}
	p.putRegion(ready.Batch, raftserverpb.PeerState_PEER_STATE_NORMAL)
	p.countMembers()
	p.s.cancelSnapshots(p, "the receiver was removed", toStranger)
	p.tellRemoved(before, removal{index: e.GetIndex(), term: e.GetTerm()})
	return answer
}

// readMembers reads an entry's command and raft's change that follows from it; or why it is refused.
func (p *peer) readMembers(e *raftpb.Entry) (*raftcmdpb.RaftCommandRequest, *raftpb.ConfChangeV2, *response) {
	cc := &raftpb.ConfChangeV2{}
	if err := proto.Unmarshal(e.GetData(), cc); err != nil {
		return nil, nil, invalid(fmt.Errorf("entry %d is no change of members", e.GetIndex()))
	}
	if len(cc.GetContext()) == 0 {
		// Raft's own: a joint configuration is left by itself.
		if len(cc.GetChanges()) > 0 || !p.region.GetJoint() {
			return nil, nil, invalid(fmt.Errorf("entry %d leaves no joint configuration", e.GetIndex()))
		}
		return nil, &raftpb.ConfChangeV2{}, nil
	}
	req, err := decodeCommand(cc.GetContext())
	if err != nil || req.GetAdmin().GetChangePeers() == nil {
		return nil, nil, invalid(fmt.Errorf("entry %d is no change of members", e.GetIndex()))
	}
	if answer := p.s.staleShape(req, p.region); answer != nil && !p.s.cfg.Bugs.Has(BugTwoConfChanges) {
		return nil, nil, answer
	}
	change := req.GetAdmin().GetChangePeers()
	if p.region.GetJoint() != change.GetLeaveJoint() {
		return nil, nil, confChangePending(p.region, p.region.GetJoint())
	}
	raftChange, refusal := changeMembers(p.region, change)
	return req, raftChange, refusal
}

// confLeavesFirstEntry takes the first entry off a log that still has it: whoever joins begins with nothing, and must get
// a snapshot, for what the first members began with stands in no entry.
func (p *peer) confLeavesFirstEntry(ready *Ready) {
	if p.log.truncated == 0 {
		p.compactTo(1, ready.Batch)
	}
}

// tellRemoved has a leader tell those who are no longer members: they may never hear of the entry that removed them.
func (p *peer) tellRemoved(before *metapb.Region, by removal) {
	if p.state != stateLeader {
		return
	}
	for _, old := range before.GetPeers() {
		if old.GetId() != p.id && p.member(old.GetId()) == nil {
			p.s.tellGone(p.region, p.id, old.GetId(), old.GetStoreId(), by)
		}
	}
}

// wellFormed tells whether a region that came from outside can be one: an id, an epoch, a range, and members of which each
// has an id, a store and a role of its own, one at least a voter.
func wellFormed(region *metapb.Region) bool {
	if region.GetId() == 0 || region.GetRegionEpoch() == nil ||
		len(region.GetEndKey()) > 0 && string(region.GetStartKey()) >= string(region.GetEndKey()) {
		return false
	}
	voters := 0
	for i, member := range region.GetPeers() {
		if member.GetId() == 0 || member.GetStoreId() == 0 || member.GetRole() == metapb.PeerRole_PEER_ROLE_UNSPECIFIED ||
			member.GetRole() > metapb.PeerRole_PEER_ROLE_LEAVING_VOTER {
			return false
		}
		if r := member.GetRole(); r == metapb.PeerRole_PEER_ROLE_VOTER || r == metapb.PeerRole_PEER_ROLE_INCOMING_VOTER {
			voters++
		} else if r != metapb.PeerRole_PEER_ROLE_LEARNER && !region.GetJoint() {
			return false
		}
		for _, other := range region.GetPeers()[:i] {
			if other.GetId() == member.GetId() || other.GetStoreId() == member.GetStoreId() {
				return false
			}
		}
	}
	return voters > 0
}

package store

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3/raftpb"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// proposeAdmin looks at an admin command at the leader, and proposes or does it; it returns an answer when nothing is
// left to wait for.
func (p *peer) proposeAdmin(req *raftcmdpb.RaftCommandRequest, callback Callback) *response {
	if p.state != stateLeader {
		return p.notLeader(notApplied)
	}
	if answer := p.s.staleShape(req, p.region); answer != nil {
		return answer
	}
	switch admin := req.GetAdmin().GetRequest().(type) {
	case *raftcmdpb.AdminRequest_ChangePeers:
		return p.proposeMembers(req, callback)
	case *raftcmdpb.AdminRequest_Split:
		return p.proposeSplit(req, callback)
	case *raftcmdpb.AdminRequest_CompactLog:
		return p.proposeCompaction(req, admin.CompactLog, callback)
	case *raftcmdpb.AdminRequest_TransferLeader:
		return p.transfer(admin.TransferLeader)
	}
	return invalid(errors.New("the admin command asks for nothing"))
}

// administered answers an admin command that was applied.
func (p *peer) administered(e *raftpb.Entry, done *raftcmdpb.AdminResponse) *response {
	return &response{
		Header: &raftcmdpb.ResponseHeader{
			RegionId: p.region.GetId(), Term: e.GetTerm(), Index: e.GetIndex(), ReadMode: raftcmdpb.ReadMode_READ_MODE_LOG},
		Admin: done,
	}
}

// staleShape answers an admin command that was made for another shape of the region; nil when it fits. A compaction fits
// any shape.
func (s *Store) staleShape(req *raftcmdpb.RaftCommandRequest, region *metapb.Region) *response {
	if req.GetAdmin().GetCompactLog() != nil {
		return nil
	}
	epoch, now := req.GetHeader().GetRegionEpoch(), region.GetRegionEpoch()
	if epoch.GetVersion() != now.GetVersion() || epoch.GetConfVer() != now.GetConfVer() {
		return staleEpoch(region)
	}
	return nil
}

// checkAdmin says in one sentence what is wrong with an admin command's form, or nil.
func checkAdmin(req *raftcmdpb.RaftCommandRequest, l Limits) error {
	if len(req.GetRequests()) > 0 || len(req.GetCompares()) > 0 || req.GetStatus() != nil {
		return errors.New("an admin command carries nothing else")
	}
	switch admin := req.GetAdmin().GetRequest().(type) {
	case *raftcmdpb.AdminRequest_ChangePeers:
		return checkChangePeers(admin.ChangePeers)
	case *raftcmdpb.AdminRequest_Split:
		if len(admin.Split.GetSplitKey()) == 0 {
			return errors.New("the split has no key")
		}
		if len(admin.Split.GetNewPeerIds()) > changesMax {
			return fmt.Errorf("the split names %d peers; the most is %d", len(admin.Split.GetNewPeerIds()), changesMax)
		}
		return checkKeyLength(admin.Split.GetSplitKey(), l)
	case *raftcmdpb.AdminRequest_CompactLog:
		return nil
	case *raftcmdpb.AdminRequest_TransferLeader:
		return checkNamed(admin.TransferLeader.GetPeer())
	}
	return errors.New("the admin command asks for nothing")
}

// changesMax bounds the members that one command changes.
const changesMax = 64

func checkChangePeers(change *raftcmdpb.ChangePeersRequest) error {
	switch n := len(change.GetChanges()); {
	case change.GetLeaveJoint() && n > 0:
		return errors.New("leaving a joint configuration comes without changes")
	case !change.GetLeaveJoint() && n == 0:
		return errors.New("the change of members changes nobody")
	case n > changesMax:
		return fmt.Errorf("%d changes of members in one command; the most is %d", n, changesMax)
	}
	for _, c := range change.GetChanges() {
		if err := checkNamed(c.GetPeer()); err != nil {
			return err
		}
		if t := c.GetType(); t < raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER || t > raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE {
			return errors.New("a change adds a voter, adds a learner or removes a peer")
		}
	}
	return nil
}

func checkNamed(p *metapb.Peer) error {
	if p.GetId() == 0 && p.GetStoreId() == 0 {
		return errors.New("a peer is named by its store or its id")
	}
	return nil
}

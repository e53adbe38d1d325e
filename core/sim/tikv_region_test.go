package sim_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/raft/v3"
	"google.golang.org/protobuf/proto"

	errorpb "raftplay/core/pb/errorpb/v1"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What tests of many regions ask of a cluster: who leads a region, who holds it, what became of it.

// membersOf is a cluster of so many stores, the first of which hold a voter of region 1.
func membersOf(stores, members uint32) func(*sessionpb.Config) {
	return func(cfg *sessionpb.Config) { cfg.Stores, cfg.Members = stores, members }
}

// leaderOf is the store on which a region's leader of the newest term runs, or 0.
func (c *cluster) leaderOf(region uint64) uint64 {
	leader, newest := uint64(0), uint64(0)
	for _, id := range c.stores() {
		if s := c.w.Store(id); s != nil {
			if role, term, _ := s.Role(region); role == raft.StateLeader && term > newest {
				leader, newest = id, term
			}
		}
	}
	return leader
}

func (c *cluster) mustLeaderOf(region uint64) uint64 {
	c.t.Helper()
	c.must(fmt.Sprintf("region %d has a leader", region), c.patience, func() bool { return c.leaderOf(region) != 0 })
	return c.leaderOf(region)
}

// region is a region as its leader knows it.
func (c *cluster) region(id uint64) *metapb.Region {
	c.t.Helper()
	return c.w.Store(c.mustLeaderOf(id)).Region(id)
}

// membersOn are the stores with a peer of a region, ascending, as its leader knows it.
func (c *cluster) membersOn(region uint64) []uint64 {
	c.t.Helper()
	return storesOf(c.region(region))
}

func storesOf(region *metapb.Region) []uint64 {
	var ids []uint64
	for _, p := range region.GetPeers() {
		ids = append(ids, p.GetStoreId())
	}
	slices.Sort(ids)
	return ids
}

func peerOn(region *metapb.Region, store uint64) *metapb.Peer {
	for _, p := range region.GetPeers() {
		if p.GetStoreId() == store {
			return p
		}
	}
	return nil
}

// start hands a command for a region to a store, in the region's present epoch as that store knows it.
func (c *cluster) start(store, region uint64, request *raftcmdpb.RaftCommandRequest) uint64 {
	c.t.Helper()
	if request.Header == nil {
		request.Header = &raftcmdpb.RequestHeader{}
	}
	request.Header.RegionId = region
	return c.propose(store, request)
}

// wait returns an operation's answer, whatever it is.
func (c *cluster) wait(operation uint64) *raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	c.must("the client hears an answer", c.patience, func() bool { return c.answers[operation] != nil })
	return c.answers[operation]
}

// call is start and wait.
func (c *cluster) call(store, region uint64, request *raftcmdpb.RaftCommandRequest) *raftcmdpb.RaftCommandResponse {
	c.t.Helper()
	return c.wait(c.start(store, region, request))
}

func command(requests ...*raftcmdpb.Request) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Requests: requests}
}

// administer is an admin command.
func administer(admin *raftcmdpb.AdminRequest) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Admin: admin}
}

// reason is the name of an answer's error; empty without one.
func reason(answer *raftcmdpb.RaftCommandResponse) string {
	e := answer.GetHeader().GetError()
	if e == nil {
		return ""
	}
	field := e.ProtoReflect().WhichOneof(e.ProtoReflect().Descriptor().Oneofs().ByName("reason"))
	if field == nil {
		return "an error without a reason"
	}
	return string(field.Name())
}

// wantReason wants an answer to be an error of that reason and outcome, with a sentence.
func (c *cluster) wantReason(answer *raftcmdpb.RaftCommandResponse, want string, outcome errorpb.Outcome) *errorpb.Error {
	c.t.Helper()
	e := answer.GetHeader().GetError()
	if reason(answer) != want || e.GetOutcome() != outcome || e.GetMessage() == "" {
		c.t.Fatalf("the answer is %v; want %s with %s", answer, want, outcome)
	}
	return e
}

// mustAdmin has a region's leader carry out an admin command. What passes by itself is waited for.
func (c *cluster) mustAdmin(region uint64, admin *raftcmdpb.AdminRequest) *raftcmdpb.AdminResponse {
	c.t.Helper()
	for deadline := c.w.Now() + c.patience; ; {
		answer := c.call(c.mustLeaderOf(region), region, administer(admin))
		switch reason(answer) {
		case "":
			return answer.GetAdmin()
		case "not_leader", "conf_change_pending", "server_is_busy", "leader_transferring":
			if c.w.Now() < deadline {
				c.pass(second / 10)
				continue
			}
		}
		c.t.Fatalf("the leader of region %d answers %v to %v", region, answer, admin)
	}
}

// The changes of members. Peers are named by their stores alone.

func change(t raftcmdpb.PeerChangeType, store uint64) *raftcmdpb.PeerChange {
	return &raftcmdpb.PeerChange{Type: t, Peer: &metapb.Peer{StoreId: store}}
}

func addVoter(store uint64) *raftcmdpb.PeerChange {
	return change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_VOTER, store)
}

func addLearner(store uint64) *raftcmdpb.PeerChange {
	return change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_ADD_LEARNER, store)
}

func removePeer(store uint64) *raftcmdpb.PeerChange {
	return change(raftcmdpb.PeerChangeType_PEER_CHANGE_TYPE_REMOVE, store)
}

func changePeers(changes ...*raftcmdpb.PeerChange) *raftcmdpb.AdminRequest {
	return changePeersBy(raftcmdpb.ConfTransition_CONF_TRANSITION_UNSPECIFIED, changes...)
}

func changePeersBy(transition raftcmdpb.ConfTransition, changes ...*raftcmdpb.PeerChange) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{
		ChangePeers: &raftcmdpb.ChangePeersRequest{Changes: changes, Transition: transition}}}
}

// forced is a change that does not mind silent voters.
func forced(changes ...*raftcmdpb.PeerChange) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{
		ChangePeers: &raftcmdpb.ChangePeersRequest{Changes: changes, Force: true}}}
}

func leaveJoint() *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_ChangePeers{
		ChangePeers: &raftcmdpb.ChangePeersRequest{LeaveJoint: true}}}
}

func splitAt(key string) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{
		Split: &raftcmdpb.SplitRequest{SplitKey: []byte(key)}}}
}

func compactTo(index uint64) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_CompactLog{
		CompactLog: &raftcmdpb.CompactLogRequest{CompactIndex: index}}}
}

func transferTo(store uint64) *raftcmdpb.AdminRequest {
	return &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_TransferLeader{
		TransferLeader: &raftcmdpb.TransferLeaderRequest{Peer: &metapb.Peer{StoreId: store}}}}
}

// mustChange changes a region's members and returns the region after it.
func (c *cluster) mustChange(region uint64, changes ...*raftcmdpb.PeerChange) *metapb.Region {
	c.t.Helper()
	return c.mustAdmin(region, changePeers(changes...)).GetChangePeers().GetRegion()
}

// mustSplit splits the region that holds a key just before the key.
func (c *cluster) mustSplit(key string) (left, right *metapb.Region) {
	c.t.Helper()
	answer := c.mustAdmin(c.regionWith(key).GetId(), splitAt(key)).GetSplit()
	return answer.GetLeft(), answer.GetRight()
}

// regionWith is the region that holds a key, in the newest epoch that any store knows.
func (c *cluster) regionWith(key string) *metapb.Region {
	c.t.Helper()
	var newest *metapb.Region
	for _, id := range c.stores() {
		if s := c.w.Store(id); s != nil {
			r := s.RegionOf([]byte(key))
			if r != nil && (newest == nil || r.GetRegionEpoch().GetVersion() > newest.GetRegionEpoch().GetVersion()) {
				newest = r
			}
		}
	}
	if newest == nil {
		c.t.Fatalf("no store holds key %q", key)
	}
	return newest
}

// mustTransfer makes a store the leader of a region.
func (c *cluster) mustTransfer(region, to uint64) {
	c.t.Helper()
	if c.mustLeaderOf(region) == to {
		return
	}
	c.mustAdmin(region, transferTo(to))
	c.must(fmt.Sprintf("S%d leads region %d", to, region), 5*second, func() bool { return c.leaderOf(region) == to })
}

// keysOf are the keys in their order: a test that went through a map would be another run each time.
func keysOf(pairs map[string]string) []string { return slices.Sorted(maps.Keys(pairs)) }

// dataOf is what a store holds of a region; nil when it is down or has no peer of it.
func (c *cluster) dataOf(store, region uint64) map[string]string {
	s := c.w.Store(store)
	if s == nil || s.Region(region) == nil {
		return nil
	}
	pairs := map[string]string{}
	if err := s.Data(region, func(key, value []byte, _ uint64) bool { pairs[string(key)] = string(value); return true }); err != nil {
		c.t.Fatal(err)
	}
	return pairs
}

// revisionOf is the log index that wrote a key, as a store holds it; 0 for none.
func (c *cluster) revisionOf(store, region uint64, key string) (revision uint64) {
	if err := c.w.Store(store).Data(region, func(k, _ []byte, r uint64) bool {
		if string(k) == key {
			revision = r
		}
		return true
	}); err != nil {
		c.t.Fatal(err)
	}
	return revision
}

// settled tells whether a store's peer of a region is what the leader says the region is, and holds exactly the pairs.
func (c *cluster) settled(store, region uint64, want map[string]string) bool {
	leader := c.leaderOf(region)
	if leader == 0 || c.w.Store(store) == nil {
		return false
	}
	of := c.w.Store(leader).Region(region)
	pairs := c.dataOf(store, region)
	return pairs != nil && maps.Equal(pairs, want) && proto.Equal(c.w.Store(store).Region(region), of) && peerOn(of, store) != nil
}

// mustSettle waits until all the stores' peers of a region hold exactly the pairs and agree with its leader on what the
// region is.
func (c *cluster) mustSettle(region uint64, stores []uint64, want map[string]string) {
	c.t.Helper()
	for _, id := range stores {
		if !c.until(c.patience, func() bool { return c.settled(id, region, want) }) {
			held := c.dataOf(id, region)
			c.t.Fatalf("S%d does not settle in region %d: it holds %d pairs of %d, %v, and knows %v; S%d leads %v", id, region,
				len(held), len(want), held != nil, c.w.Store(id).Region(region), c.leaderOf(region), c.region(region))
		}
	}
}

// engine is everything that a store's engine holds, synced or not.
func (c *cluster) engine(store uint64) map[string]string {
	all := strings.NewReader(c.engines())
	number := func() uint64 {
		n, err := binary.ReadUvarint(all)
		if err != nil {
			c.t.Fatal(err)
		}
		return n
	}
	text := func() string {
		out := make([]byte, number())
		if len(out) > 0 {
			if _, err := all.Read(out); err != nil {
				c.t.Fatal(err)
			}
		}
		return string(out)
	}
	for all.Len() > 0 {
		id, pairs := number(), map[string]string{}
		for range number() {
			key := text()
			pairs[key] = text()
		}
		if id == store {
			return pairs
		}
	}
	return nil
}

// The engine's key space; see core/store/keys.go.

func logPrefix(region uint64) string { return raftPrefix(region) + "\x01" }

func raftPrefix(region uint64) string {
	return "\x01\x02" + string(binary.BigEndian.AppendUint64(nil, region))
}

func regionStateKey(region uint64) string {
	return "\x01\x03" + string(binary.BigEndian.AppendUint64(nil, region))
}

const stagedPrefix = "\x01\x04"

// keysUnder counts an engine's keys with a prefix.
func keysUnder(engine map[string]string, prefix string) (n int) {
	for key := range engine {
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n
}

// holdsRegion tells whether a store has a peer of a region, initialized or not.
func (c *cluster) holdsRegion(store, region uint64) bool {
	s := c.w.Store(store)
	return s != nil && slices.Contains(s.RegionIDs(), region)
}

// mustBeGone waits until a store has no peer of a region any more, and wants nothing left of it on the disk but the
// tombstone.
func (c *cluster) mustBeGone(store, region uint64) {
	c.t.Helper()
	c.must(fmt.Sprintf("S%d has no peer of region %d", store, region), 20*second, func() bool { return !c.holdsRegion(store, region) })
	c.pass(second / 10) // the write
	c.wantTombstone(store, region)
}

func (c *cluster) wantTombstone(store, region uint64) {
	c.t.Helper()
	engine, state := c.engine(store), &raftserverpb.RegionLocalState{}
	if err := proto.Unmarshal([]byte(engine[regionStateKey(region)]), state); err != nil {
		c.t.Fatal(err)
	}
	if state.GetState() != raftserverpb.PeerState_PEER_STATE_TOMBSTONE || state.GetPeerId() == 0 {
		c.t.Fatalf("S%d keeps %v of region %d, and not a tombstone", store, state, region)
	}
	if n := keysUnder(engine, raftPrefix(region)); n > 0 {
		c.t.Fatalf("S%d keeps %d keys of the log of region %d, which it no longer has", store, n, region)
	}
	for _, id := range c.w.Store(store).RegionIDs() {
		if id != region && !c.uninitialized(store, id) {
			return // its data may be another region's
		}
	}
	if n := keysUnder(engine, "z") + keysUnder(engine, stagedPrefix); n > 0 {
		c.t.Fatalf("S%d keeps %d pairs, and has no region", store, n)
	}
}

func (c *cluster) uninitialized(store, region uint64) bool {
	view, found := c.w.Store(store).View(region)
	return found && view.Uninitialized
}

// watchRanges wants, after every step, that no two regions of one store have a key in common.
func (c *cluster) watchRanges() {
	for _, id := range c.stores() {
		s := c.w.Store(id)
		if s == nil {
			continue
		}
		var regions []*metapb.Region
		for _, region := range s.RegionIDs() {
			if !c.uninitialized(id, region) {
				regions = append(regions, s.Region(region))
			}
		}
		for i, a := range regions {
			for _, b := range regions[:i] {
				if overlap(a, b) {
					c.t.Fatalf("S%d holds a key in two regions: %v and %v", id, a, b)
				}
			}
		}
	}
}

func overlap(a, b *metapb.Region) bool {
	before := func(a, b *metapb.Region) bool {
		return len(a.GetEndKey()) > 0 && bytes.Compare(a.GetEndKey(), b.GetStartKey()) <= 0
	}
	return !before(a, b) && !before(b, a)
}

// between cuts two groups of stores off from each other.
func between(some, others []uint64) func(*sessionpb.Message) bool {
	return func(m *sessionpb.Message) bool {
		from, to := m.GetFromStore(), m.GetToStore()
		return slices.Contains(some, from) && slices.Contains(others, to) || slices.Contains(some, to) && slices.Contains(others, from)
	}
}

// alone cuts stores off from everybody else.
func (c *cluster) alone(stores ...uint64) func(*sessionpb.Message) bool {
	return between(stores, c.others(stores...))
}

func setNetwork(latencyMicros int64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetNetwork{SetNetwork: &sessionpb.SetNetwork{
		Network: &sessionpb.Network{LatencyMicros: latencyMicros}}}}
}

// mustCalm waits, in calm weather, until every region has a leader, and all its members, and nobody else, hold what it does.
// It returns all pairs of all regions, which lie one behind the other without a gap.
func (c *cluster) mustCalm() map[string]string {
	c.t.Helper()
	var regions []uint64
	why := ""
	quiet := func() bool {
		regions = regions[:0]
		for _, id := range c.stores() {
			if c.w.Store(id) == nil {
				why = fmt.Sprintf("S%d is down: %s", id, c.w.Keyframe().GetStores()[id-1].GetStoppedReason())
				return false
			}
			for _, region := range c.w.Store(id).RegionIDs() {
				if !slices.Contains(regions, region) {
					regions = append(regions, region)
				}
			}
		}
		for _, region := range regions {
			leader := c.leaderOf(region)
			if leader == 0 {
				why = fmt.Sprintf("region %d has no leader", region)
				return false
			}
			of := c.w.Store(leader).Region(region)
			want := c.dataOf(leader, region)
			for _, id := range c.stores() {
				if member := peerOn(of, id); member != nil && !c.settled(id, region, want) || member == nil && c.holdsRegion(id, region) {
					why = fmt.Sprintf("S%d (%v) is not settled in region %d: %v there, %v at its leader S%d", id, member, region,
						c.w.Store(id).Region(region), of, leader)
					return false
				}
			}
		}
		return true
	}
	calm := quiet()
	for range 360 {
		if calm {
			break
		}
		c.pass(second / 2)
		calm = quiet()
	}
	if !calm {
		for _, id := range c.stores() {
			if c.w.Store(id) == nil {
				continue
			}
			for _, region := range c.w.Store(id).RegionIDs() {
				view, _ := c.w.Store(id).View(region)
				c.t.Logf("S%d region %d: %v %+v", id, region, c.w.Store(id).Region(region), view)
			}
		}
		c.t.Fatalf("in calm weather %s", why)
	}
	all, end := map[string]string{}, "" // the regions in their order
	slices.SortFunc(regions, func(a, b uint64) int {
		return strings.Compare(string(c.region(a).GetStartKey()), string(c.region(b).GetStartKey()))
	})
	for i, id := range regions {
		region := c.region(id)
		if string(region.GetStartKey()) != end || i > 0 && end == "" {
			c.t.Fatalf("region %v does not begin where the one before it ends, at %q", region, end)
		}
		end = string(region.GetEndKey())
		maps.Copy(all, c.dataOf(c.leaderOf(id), id))
	}
	if end != "" {
		c.t.Fatalf("nobody holds the keys from %q on", end)
	}
	return all
}

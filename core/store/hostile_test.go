package store

import (
	"math"
	"strings"
	"testing"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	metapb "raftplay/core/pb/metapb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// letter is what arrives from another process: a raft message in its envelope, a snapshot as its only chunk. Peers are
// named by their stores.
func letter(from, to uint64, m *raftpb.Message) *raftserverpb.RaftMessage {
	m.From, m.To = new(100+from), new(100+to)
	out := Message{RegionID: 1, FromStore: from, ToStore: to, FromPeer: 100 + from, ToPeer: 100 + to, ConfVer: 1, Version: 1, Raft: m}
	if m.GetType() == raftpb.MsgSnap && !raft.IsEmptySnap(m.GetSnapshot()) {
		out.Raft, out.Extra = nil, hostileChunk(m)
	}
	rm, err := out.Encode()
	if err != nil {
		panic(err)
	}
	return rm
}

func entries(term uint64, indexes ...uint64) []*raftpb.Entry {
	var all []*raftpb.Entry
	for _, index := range indexes {
		all = append(all, &raftpb.Entry{Term: new(term), Index: new(index), Data: []byte{}})
	}
	return all
}

func confChange(typ raftpb.EntryType, index uint64) []*raftpb.Entry {
	return []*raftpb.Entry{{Term: new(uint64(1)), Index: new(index), Type: typ.Enum(), Data: []byte{0xff}}}
}

// hostile is a message that must never reach raft, and what the refusal says.
type hostile struct {
	name    string
	message *raftserverpb.RaftMessage
	refusal string
}

// hostileMessages are for the stores of newArena. Many were measured to make raft panic, or to be believed by it.
func hostileMessages() []hostile {
	one, two := new(uint64(1)), new(uint64(2))
	typed := func(t raftpb.MessageType) *raftpb.Message { return &raftpb.Message{Type: t.Enum(), Term: one} }
	with := func(t raftpb.MessageType, change func(*raftpb.Message)) *raftpb.Message {
		m := typed(t)
		change(m)
		return m
	}
	stranger := func(id uint64, m *raftpb.Message) *raftserverpb.RaftMessage {
		rm := letter(id-100, 2, m)
		rm.FromPeer.StoreId = 9
		return rm
	}
	appends := func(es []*raftpb.Entry) *raftpb.Message {
		return with(raftpb.MsgApp, func(m *raftpb.Message) { m.Index, m.LogTerm, m.Entries = new(uint64(3)), one, es })
	}
	chunk := func(change func(*raftserverpb.SnapshotChunk)) *raftserverpb.RaftMessage {
		m := &raftpb.Message{Type: raftpb.MsgSnap.Enum(), Term: new(uint64(1)), Snapshot: hostileSnapshot(9, 1)}
		rm := letter(1, 2, m)
		change(rm.GetSnapshotChunk())
		return rm
	}
	otherwise := func(rm *raftserverpb.RaftMessage, change func(*raftserverpb.RaftMessage)) *raftserverpb.RaftMessage {
		change(rm)
		return rm
	}
	all := []hostile{
		{"a proposal without entries", letter(2, 1, typed(raftpb.MsgProp)), "does not travel"},
		{"a proposed conf change that does not parse", letter(2, 1, with(raftpb.MsgProp, func(m *raftpb.Message) {
			m.Entries = confChange(raftpb.EntryConfChange, 5)
		})), "carries no entries"},
		{"an appended conf change of the first kind", letter(1, 2, appends(confChange(raftpb.EntryConfChange, 4))), "has type EntryConfChange"},
		{"an appended conf change that does not parse", letter(1, 2, appends(confChange(raftpb.EntryConfChangeV2, 4))), "does not parse"},
		{"a read without entries", letter(2, 1, typed(raftpb.MsgReadIndex)), "does not travel"},
		{"the answer to a read", letter(1, 2, typed(raftpb.MsgReadIndexResp)), "does not travel"},
		{"a heartbeat's answer with a short context", letter(2, 1, with(raftpb.MsgHeartbeatResp, func(m *raftpb.Message) {
			m.Context = []byte{1, 2, 3}
		})), "3 bytes, not 8"},
		{"a heartbeat's answer with a long context", letter(2, 1, with(raftpb.MsgHeartbeatResp, func(m *raftpb.Message) {
			m.Context = make([]byte, 9)
		})), "9 bytes, not 8"},
		{"the confirmation of a read that nobody asked for", letter(2, 1, with(raftpb.MsgHeartbeatResp, func(m *raftpb.Message) {
			m.Context = []byte{9, 0, 0, 0, 0, 0, 0, 0}
		})), "it confirms read 9, the last is 1"},
		{"a heartbeat that commits beyond the log", letter(1, 2, with(raftpb.MsgHeartbeat, func(m *raftpb.Message) {
			m.Commit = new(uint64(4))
		})), "it commits entry 4, the log ends at 3"},
		{"a heartbeat of a new term that commits beyond the log", letter(1, 5, with(raftpb.MsgHeartbeat, func(m *raftpb.Message) {
			m.Term, m.Commit = two, new(uint64(1<<63))
		})), "the log ends at 2"},
		{"entries with a gap", letter(1, 2, appends(entries(1, 4, 6))), "entry 6 stands where 5 should"},
		{"entries that do not follow", letter(1, 2, appends(entries(1, 7))), "entry 7 stands where 4 should"},
		{"entries out of order", letter(1, 2, appends(entries(1, 5, 4))), "entry 5 stands where 4 should"},
		{"entries without a term", letter(1, 2, appends(entries(0, 4))), "entry 4 of term 0"},
		{"entries of a later term than the message", letter(1, 2, appends(entries(2, 4))), "entry 4 of term 2"},
		{"entries whose terms fall", letter(1, 2, with(raftpb.MsgApp, func(m *raftpb.Message) {
			m.Term, m.Index, m.LogTerm, m.Entries = two, new(uint64(3)), two, entries(1, 4)
		})), "follows term 2"},
		{"entries at the end of all indexes", letter(1, 2, with(raftpb.MsgApp, func(m *raftpb.Message) {
			m.Index, m.LogTerm, m.Entries = new(uint64(math.MaxUint64)), one, entries(1, 0)
		})), "overflow"},
		{"an append after an entry of term 0", letter(1, 2, with(raftpb.MsgApp, func(m *raftpb.Message) { m.Index = two })), "it follows entry 2 of term 0"},
		{"an append after entry 0 of a term", letter(1, 2, with(raftpb.MsgApp, func(m *raftpb.Message) { m.LogTerm = one })), "it follows entry 0 of term 1"},
		{"a log term past the term", letter(3, 2, with(raftpb.MsgVote, func(m *raftpb.Message) { m.LogTerm = two })), "log term 2 is past its term 1"},
		{"an acknowledgement beyond the log", letter(2, 1, with(raftpb.MsgAppResp, func(m *raftpb.Message) {
			m.Index = new(uint64(5))
		})), "it acknowledges entry 5, the log ends at 4"},
		{"a hint past what it rejects", letter(2, 1, with(raftpb.MsgAppResp, func(m *raftpb.Message) {
			m.Index, m.Reject, m.RejectHint = two, new(true), new(uint64(3))
		})), "its hint 3 is past the rejected 2"},
		{"a snapshot in one piece", letter(1, 2, typed(raftpb.MsgSnap)), "travels in chunks"},
		{"a chunk whose raft message does not parse", chunk(func(c *raftserverpb.SnapshotChunk) { c.Message = []byte{0xff} }), "does not parse"},
		{"a chunk whose raft message is no snapshot", chunk(func(c *raftserverpb.SnapshotChunk) {
			c.Message = encode(typed(raftpb.MsgHeartbeat))
		}), "is a snapshot between the envelope's peers"},
		{"a chunk with a store's own key", chunk(func(c *raftserverpb.SnapshotChunk) { c.Pairs[0].Key = identKey }), "outside the region"},
		{"a chunk with keys out of order", chunk(func(c *raftserverpb.SnapshotChunk) {
			c.Pairs[0], c.Pairs[1] = c.Pairs[1], c.Pairs[0]
		}), "out of order"},
		{"a chunk with a value without revision", chunk(func(c *raftserverpb.SnapshotChunk) { c.Pairs[1].Value = nil }), "no revision"},
		{"a chunk with a client's record that does not parse", chunk(func(c *raftserverpb.SnapshotChunk) { c.Pairs[0].Value = []byte{0xff} }), "does not parse"},
		{"a peer that is told to go by who knows no more", otherwise(letter(1, 2, typed(raftpb.MsgHeartbeat)), func(rm *raftserverpb.RaftMessage) {
			rm.Message, rm.Extra = nil, &raftserverpb.RaftMessage_PeerGone{PeerGone: &raftserverpb.PeerGone{}}
		}), "it knows the region at epoch 1, this peer at 1"},
		{"a store's beat to another store", &raftserverpb.RaftMessage{FromPeer: &metapb.Peer{StoreId: 3}, ToPeer: &metapb.Peer{StoreId: 2},
			Message: []byte{8, 8}, Extra: &raftserverpb.RaftMessage_StoreBeat{StoreBeat: &raftserverpb.StoreBeat{}}}, "beats for itself"},
		{"an append with a snapshot", letter(1, 2, with(raftpb.MsgApp, func(m *raftpb.Message) {
			m.Snapshot = &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(9)), Term: one}}
		})), "carries no snapshot"},
		{"an append without a term", letter(1, 2, &raftpb.Message{Type: raftpb.MsgApp.Enum()}), "it has no term"},
		{"a call to campaign without a term", letter(1, 2, &raftpb.Message{Type: raftpb.MsgTimeoutNow.Enum()}), "it has no term"},
		{"a call to campaign at the storage's thread", stranger(raft.LocalAppendThread, typed(raftpb.MsgHup)), "no member"},
		{"a vote's answer from the storage's thread", stranger(raft.LocalApplyThread, typed(raftpb.MsgVoteResp)), "no member"},
		{"a call to campaign from a member", letter(1, 2, typed(raftpb.MsgHup)), "does not travel"},
		{"a stranger who raises the term", stranger(999, &raftpb.Message{Type: raftpb.MsgHeartbeat.Enum(), Term: new(uint64(math.MaxUint64))}), "no member"},
		{"a stranger who asks for a vote", stranger(999, &raftpb.Message{Type: raftpb.MsgVote.Enum(), Term: new(uint64(math.MaxUint64))}), "no member"},
		{"a member who leaps to the last term", letter(1, 2, &raftpb.Message{Type: raftpb.MsgHeartbeat.Enum(), Term: new(uint64(math.MaxUint64))}), "too far ahead"},
		{"a pre-vote for the last term", letter(4, 2, &raftpb.Message{Type: raftpb.MsgPreVote.Enum(), Term: new(uint64(math.MaxUint64))}), "too far ahead"},
		{"a type that does not exist", letter(1, 2, typed(raftpb.MessageType(99))), "does not travel"},
		{"a local message's vote", letter(1, 2, with(raftpb.MsgHeartbeat, func(m *raftpb.Message) { m.Vote = two })), "local messages"},
		{"a local message's responses", letter(1, 2, with(raftpb.MsgHeartbeat, func(m *raftpb.Message) {
			m.Responses = []*raftpb.Message{{}}
		})), "local messages"},
		{"a context without end", letter(1, 2, with(raftpb.MsgHeartbeat, func(m *raftpb.Message) { m.Context = make([]byte, 65) })), "65 bytes"},
		{"a message for another region, which calls nobody", otherwise(letter(1, 2, typed(raftpb.MsgAppResp)), func(rm *raftserverpb.RaftMessage) {
			rm.RegionId = 5
		}), "no peer of region 5"},
		{"a message for another peer", otherwise(letter(1, 3, typed(raftpb.MsgHeartbeat)), func(rm *raftserverpb.RaftMessage) {
			rm.ToPeer.StoreId = 2
		}), "it is for peer 103, this is peer 102"},
		{"a member on another store", otherwise(letter(1, 2, typed(raftpb.MsgHeartbeat)), func(rm *raftserverpb.RaftMessage) {
			rm.FromPeer.StoreId = 3
		}), "no member"},
		{"a message from the peer it is for", letter(2, 2, typed(raftpb.MsgHeartbeat)), "from the peer it is for"},
		{"an envelope that contradicts its content", otherwise(letter(1, 2, typed(raftpb.MsgHeartbeat)), func(rm *raftserverpb.RaftMessage) {
			rm.FromPeer.Id = 103
		}), "envelope says peer 103"},
		{"an envelope around bytes of something else", otherwise(letter(1, 2, typed(raftpb.MsgHeartbeat)), func(rm *raftserverpb.RaftMessage) {
			rm.Message = []byte{0xff, 0xff}
		}), "does not parse"},
		{"an empty envelope", &raftserverpb.RaftMessage{ToPeer: &metapb.Peer{StoreId: 2}}, "no peer of region 0"},
	}
	for _, local := range []raftpb.MessageType{
		raftpb.MsgBeat, raftpb.MsgUnreachable, raftpb.MsgSnapStatus, raftpb.MsgCheckQuorum, raftpb.MsgTransferLeader,
		raftpb.MsgForgetLeader, raftpb.MsgStorageAppend, raftpb.MsgStorageAppendResp, raftpb.MsgStorageApply,
		raftpb.MsgStorageApplyResp,
	} {
		all = append(all, hostile{"a " + local.String() + " from outside", letter(2, 1, typed(local)), "does not travel"})
	}
	return all
}

func TestHostileMessagesAreRefusedAndChangeNothing(t *testing.T) {
	c := newArena(t)
	for _, h := range hostileMessages() {
		t.Run(h.name, func(t *testing.T) {
			c.t = t
			refusal := c.deliver(h.message)
			if refusal == nil || !strings.Contains(refusal.Error(), h.refusal) {
				t.Fatalf("the refusal is %v, and should tell %q", refusal, h.refusal)
			}
		})
	}
	c.t = t
	c.live(60)
	for id := uint64(1); id <= 5; id++ {
		wantEqual(t, "data in the end", strings.HasPrefix(c.data(id), "a=1@2 b=2@3 "), true)
	}
}

// A leader that contradicts another shortens a log in raft's memory at once, and on the disk with the next Ready; between
// the two, a heartbeat may commit only what both hold.
func TestAHeartbeatCommitsNothingThatAnAppendCutOff(t *testing.T) {
	c := newArena(t)
	c.must(letter(1, 2, &raftpb.Message{Type: raftpb.MsgApp.Enum(), Term: new(uint64(1)), Index: new(uint64(3)),
		LogTerm: new(uint64(1)), Entries: entries(1, 4, 5, 6)}))
	c.turn(2)
	c.must(letter(3, 2, &raftpb.Message{Type: raftpb.MsgApp.Enum(), Term: new(uint64(2)), Index: new(uint64(3)),
		LogTerm: new(uint64(1)), Entries: entries(2, 4)}))
	beat := &raftpb.Message{Type: raftpb.MsgHeartbeat.Enum(), Term: new(uint64(2)), Commit: new(uint64(6))}
	if err := c.deliver(letter(3, 2, beat)); err == nil || !strings.Contains(err.Error(), "it commits entry 6, the log ends at 4") {
		t.Fatalf("the refusal is %v", err)
	}
	beat.Commit = new(uint64(4))
	c.must(letter(3, 2, beat))
	c.live(60)
}

// A store that lacks what it acknowledged, for its disk lied, cannot be helped; it must not start a storm of messages.
func TestAPeerThatLacksWhatItAcknowledgedIsNotAskedForEver(t *testing.T) {
	c := newArena(t)
	c.must(letter(5, 1, &raftpb.Message{Type: raftpb.MsgAppResp.Enum(), Term: new(uint64(1)), Index: new(uint64(3))}))
	c.rest()
	reject := &raftpb.Message{Type: raftpb.MsgAppResp.Enum(), Term: new(uint64(1)), Index: new(uint64(3)),
		LogTerm: new(uint64(1)), Reject: new(true), RejectHint: new(uint64(2))}
	if err := c.deliver(letter(5, 1, reject)); err == nil || !strings.Contains(err.Error(), "it rejects entry 3, which it has acknowledged") {
		t.Fatalf("the refusal is %v", err)
	}
	c.live(60)
	for id := uint64(1); id <= 4; id++ {
		wantEqual(t, "data in the end", strings.HasPrefix(c.data(id), "a=1@2 b=2@3 "), true)
	}
}

// A message that calls for a peer of a region that the store does not have names both by ids that mean no peer to raft.
func TestNoPeerIsMadeUnderAnIDThatRaftKeepsForItself(t *testing.T) {
	c := newCluster(t, 3)
	for _, id := range []uint64{raft.None, raft.LocalAppendThread, raft.LocalApplyThread} {
		for _, kind := range []raftpb.MessageType{raftpb.MsgApp, raftpb.MsgHeartbeat, raftpb.MsgVote, raftpb.MsgPreVote} {
			for _, ends := range [][2]uint64{{id, 5}, {5, id}} {
				m := Message{RegionID: 7, FromStore: 2, ToStore: 1, FromPeer: ends[0], ToPeer: ends[1], ConfVer: 1, Version: 1,
					Raft: &raftpb.Message{Type: kind.Enum(), From: new(ends[0]), To: new(ends[1]), Term: new(uint64(1))}}
				if err := c.stores[1].Step(m); err == nil {
					t.Errorf("a %s from peer %d to peer %d makes a peer", kind, ends[0], ends[1])
				}
			}
		}
	}
	wantEqual(t, "peers", len(c.stores[1].RegionIDs()), 1)
}

package store

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// lettersMax bounds the work of one input.
const lettersMax = 8

// FuzzStep takes bytes from outside: letters, each after its length. Nothing in them makes a store panic, a refused one
// changes nothing, and whatever was accepted, the cluster lives on.
func FuzzStep(f *testing.F) {
	for _, h := range hostileMessages() {
		data, err := proto.Marshal(h.message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(protowire.AppendBytes(nil, data))
	}
	for _, data := range honestLetters(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newArena(t)
		for n := 0; n < lettersMax && len(data) > 0; n++ {
			bytes, size := protowire.ConsumeBytes(data)
			if size < 0 {
				bytes, size = data, len(data)
			}
			data = data[size:]
			rm := &raftserverpb.RaftMessage{}
			if proto.Unmarshal(bytes, rm) == nil {
				_ = c.deliver(rm)
			}
		}
		c.live(45)
	})
}

// honestLetters are what stores say to each other from the arena on, for the fuzzer to bend; some come in pairs.
func honestLetters(f *testing.F) [][]byte {
	c := newArena(&testing.T{})
	var all [][]byte
	var previous []byte
	c.cut = func(m Message) bool {
		rm, err := m.Encode()
		if err != nil {
			f.Fatal(err)
		}
		data, err := proto.Marshal(rm)
		if err != nil {
			f.Fatal(err)
		}
		data = protowire.AppendBytes(nil, data)
		all = append(all, data, append(previous[:len(previous):len(previous)], data...))
		previous = data
		return false
	}
	c.live(4)
	return all[:min(len(all), 80)]
}

// FuzzHostileMember reads its bytes as a script: members say whatever they like, in small numbers that meet what the
// stores know, between honest messages, ticks and turns. It reaches deeper than bytes do.
func FuzzHostileMember(f *testing.F) {
	const deliver, rest = 0, 3
	turn := func(id byte) byte { return 1 + 4*(id-1) }
	say := func(from, to byte, m raftpb.MessageType, term, logTerm, index, commit, hint, flags, terms, context byte) []byte {
		return []byte{deliver, from - 1, to - 1, byte(m), term, logTerm, index, commit, hint, flags, terms, context}
	}
	// A log is cut in memory and a heartbeat commits what is only on the disk.
	f.Add(slices.Concat(say(1, 2, raftpb.MsgApp, 1, 1, 3, 0, 0, 3<<4, 0b010101, 0), []byte{turn(2)},
		say(3, 2, raftpb.MsgApp, 2, 1, 3, 0, 0, 1<<4, 2, 0), say(3, 2, raftpb.MsgHeartbeat, 2, 0, 0, 6, 0, 0, 0, 0)))
	// Followers acknowledge what they do not have; a read is confirmed by a lie.
	f.Add(slices.Concat(say(2, 1, raftpb.MsgAppResp, 1, 0, 4, 0, 0, 0, 0, 0), say(3, 1, raftpb.MsgAppResp, 1, 0, 4, 0, 0, 0, 0, 0),
		say(5, 1, raftpb.MsgHeartbeatResp, 1, 0, 0, 0, 0, 0, 0, 1|1<<2), say(4, 1, raftpb.MsgHeartbeatResp, 1, 0, 0, 0, 0, 0, 0, 1|1<<2), []byte{rest}))
	// Votes that nobody asked for make a second leader.
	f.Add(slices.Concat(say(1, 2, raftpb.MsgTimeoutNow, 1, 0, 0, 0, 0, 0, 0, 0), say(3, 2, raftpb.MsgVoteResp, 2, 0, 0, 0, 0, 0, 0, 0),
		say(4, 2, raftpb.MsgVoteResp, 2, 0, 0, 0, 0, 0, 0, 0), say(5, 2, raftpb.MsgVoteResp, 2, 0, 0, 0, 0, 0, 0, 0), []byte{turn(2), rest}))
	// The first index, the last index, and a rejection without end.
	f.Add(slices.Concat(say(1, 5, raftpb.MsgApp, 1, 0, 0, 15, 0, 3<<4, 0b010101, 0), say(2, 1, raftpb.MsgAppResp, 1, 1, 4, 0, 255, 1, 0, 0),
		say(4, 1, raftpb.MsgAppResp, 2, 0, 255, 0, 255, 0, 0, 0), []byte{rest}))
	// A snapshot takes the place of a longer log, and a heartbeat commits what went with it.
	f.Add(slices.Concat(say(1, 2, raftpb.MsgApp, 1, 1, 3, 0, 0, 3<<4, 0b010101, 0), []byte{turn(2)},
		say(3, 2, raftpb.MsgSnap, 2, 2, 4, 0, 0, 0, 0, 0), say(3, 2, raftpb.MsgHeartbeat, 2, 0, 0, 6, 0, 0, 0, 0)))
	f.Add(slices.Concat(say(3, 2, raftpb.MsgSnap, 2, 2, 255, 0, 0, 0, 0, 0), []byte{rest}))
	f.Fuzz(func(t *testing.T, script []byte) {
		c := newArena(t)
		next := func() byte {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return b
		}
		for n := 0; n < 40 && len(script) > 0; n++ {
			switch op := next(); op % 4 {
			case 0:
				m := hostileWord(next)
				_ = c.deliver(letter(1+m.GetFrom()%5, 1+m.GetTo()%5, m))
			case 1:
				c.turn(1 + uint64(op/4)%5)
			case 2:
				c.stores[1+uint64(op/4)%5].Tick()
			case 3:
				c.rest()
			}
		}
		c.live(45)
	})
}

// hostileWord draws a message from a script.
func hostileWord(next func() byte) *raftpb.Message {
	number := func() *uint64 {
		b := next()
		if b >= 250 {
			return new(uint64(math.MaxUint64) - uint64(255-b))
		}
		return new(uint64(b) % 16)
	}
	m := &raftpb.Message{
		From: new(uint64(next())), To: new(uint64(next())), Type: raftpb.MessageType(next() % 24).Enum(), Term: number(), LogTerm: number(),
		Index: number(), Commit: number(), RejectHint: number(),
	}
	flags, terms, context := next(), next(), next()
	m.Reject = new(flags&1 != 0)
	for i := range uint64(flags>>4) % 4 {
		m.Entries = append(m.Entries, &raftpb.Entry{
			Index: new(m.GetIndex() + 1 + i), Term: new(uint64(terms>>(2*i)) & 3), Data: []byte{terms},
		})
	}
	if m.GetType() == raftpb.MsgSnap {
		m.Snapshot = hostileSnapshot(m.GetIndex(), m.GetLogTerm())
	}
	switch context % 4 {
	case 1:
		m.Context = binary.LittleEndian.AppendUint64(nil, uint64(context/4)%4)
	case 2:
		m.Context = []byte("CampaignTransfer")
	case 3:
		m.Context = []byte{context}
	}
	return m
}

// hostileSnapshot is well-formed, for the arena's region, and says what no leader would.
func hostileSnapshot(index, term uint64) *raftpb.Snapshot {
	region := &metapb.Region{Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}
	members := &raftpb.ConfState{AutoLeave: new(false)}
	for id := uint64(1); id <= 5; id++ {
		region.Peers = append(region.Peers, &metapb.Peer{Id: 100 + id, StoreId: id, Role: metapb.PeerRole_PEER_ROLE_VOTER})
		members.Voters = append(members.Voters, 100+id)
	}
	return &raftpb.Snapshot{
		Metadata: &raftpb.SnapshotMetadata{Index: &index, Term: &term, ConfState: members},
		Data:     encode(&raftserverpb.RegionSnapshot{Region: region, SnapshotId: 1}),
	}
}

// hostileChunk is all of a hostile snapshot, as it travels.
func hostileChunk(m *raftpb.Message) *raftserverpb.SnapshotChunk {
	index := m.GetSnapshot().GetMetadata().GetIndex()
	dataStored, value := encodePair(index, []byte("s"), []byte("snapshot"))
	record := &raftserverpb.ClientRecord{Sequence: 3, Answer: &raftcmdpb.RaftCommandResponse{}}
	return &raftserverpb.SnapshotChunk{
		SnapshotId: 1, Last: true, Message: encode(m), Index: index,
		Pairs: []*raftcmdpb.Pair{
			{Key: clientKey(1, 12), Value: encode(record)},
			{Key: dataStored, Value: value},
		},
	}
}

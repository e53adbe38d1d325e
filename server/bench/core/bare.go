package main

import (
	"fmt"
	"io"
	"log"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"raftplay/core/store"
)

const (
	storeCount = 5
	// compactEvery bounds the bare nodes' logs, as the store's are bounded by its own cache.
	compactEvery = 10_000
)

// bare is the least that carries Raft: five RawNodes over raft's own memory storage, in one loop, without clock, disk or
// network. Every message is cloned by hand on its way (store.Message.Clone), as nodes in one process must. It is what
// the store is measured against.
type bare struct {
	nodes    [storeCount]*raft.RawNode
	storages [storeCount]*raft.MemoryStorage
	inboxes  [storeCount][]*raftpb.Message
	messages uint64
	commits  uint64 // commands committed at the leader
}

// newBare returns the five nodes with node 1 as their leader.
func newBare() (*bare, error) {
	b := &bare{}
	quiet := &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}
	voters := []uint64{1, 2, 3, 4, 5}
	for i := range b.nodes {
		b.storages[i] = raft.NewMemoryStorage()
		snapshot := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
			Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: voters}}}
		if err := b.storages[i].ApplySnapshot(snapshot); err != nil {
			return nil, err
		}
		node, err := raft.NewRawNode(&raft.Config{
			ID: uint64(i + 1), ElectionTick: 15, HeartbeatTick: 3, Storage: b.storages[i], MaxSizePerMsg: 1 << 20,
			MaxInflightMsgs: 256, PreVote: true, CheckQuorum: true, DisableProposalForwarding: true, Logger: quiet,
		})
		if err != nil {
			return nil, err
		}
		b.nodes[i] = node
	}
	if err := b.nodes[0].Campaign(); err != nil {
		return nil, err
	}
	for b.turn() {
	}
	if state := b.nodes[0].BasicStatus().RaftState; state != raft.StateLeader {
		return nil, fmt.Errorf("node 1 is %v, not the leader", state)
	}
	b.messages, b.commits = 0, 0
	return b, nil
}

// propose commits one command of that many bytes, and leaves on their way the messages that do not matter for it.
func (b *bare) propose(command []byte) error {
	before := b.commits
	if err := b.nodes[0].Propose(command); err != nil {
		return err
	}
	for b.commits == before {
		if !b.turn() {
			return fmt.Errorf("nothing is on its way after %d commits", b.commits)
		}
	}
	return nil
}

// turn lets every node take its messages and do what they ask for. It returns false when nothing was to be done.
func (b *bare) turn() (busy bool) {
	for i, node := range b.nodes {
		inbox := b.inboxes[i]
		b.inboxes[i] = nil
		for _, m := range inbox {
			// A message that came too late is refused, which is no failure.
			_ = node.Step(m)
		}
		for node.HasReady() {
			busy = true
			b.carryOut(i, node.Ready())
		}
		busy = busy || len(inbox) > 0
	}
	return busy
}

func (b *bare) carryOut(i int, ready raft.Ready) {
	storage := b.storages[i]
	if !raft.IsEmptyHardState(ready.HardState) {
		must(storage.SetHardState(ready.HardState))
	}
	must(storage.Append(ready.Entries))
	for _, m := range ready.Messages {
		b.messages++
		to := m.GetTo() - 1
		b.inboxes[to] = append(b.inboxes[to], store.Message{Raft: m}.Clone().Raft)
	}
	if n := len(ready.CommittedEntries); n > 0 {
		if i == 0 {
			b.commits += uint64(n)
		}
		if index := ready.CommittedEntries[n-1].GetIndex(); index%compactEvery == 0 {
			must(storage.Compact(index - 1))
		}
	}
	b.nodes[i].Advance(ready)
}

// must panics: raft's memory storage fails only when it is used wrongly.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// commandBytes is the size of the command that the whole store writes in its log for the same put.
func commandBytes() []byte {
	encoded, err := proto.Marshal(put(1).GetPropose().GetRequest())
	must(err)
	return encoded
}

package store

import (
	"fmt"

	"github.com/tidwall/btree"
	"google.golang.org/protobuf/proto"

	"raftplay/core/engine"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	raftserverpb "raftplay/core/pb/raftserverpb/v1"
)

// clients is a region's memory of its clients: for each, the highest sequence applied and its answer, so that a retry is
// answered and not applied again (Raft dissertation, 6.3). It is part of the replicated state: every change is made while
// applying an entry, the same on every replica.
//
// The dissertation has clients register. Here a client id must grow with the time of its making, and the oldest id is
// forgotten first: then an id at or below the floor without a record is a forgotten client, and one above it is new. No
// forgotten client can pass for a new one, without a round trip before the first command.
// See docs/decisions/exactly-once.md.
type clients struct {
	regionID uint64
	max      int
	floor    uint64
	records  btree.Map[uint64, *raftserverpb.ClientRecord]
}

func openClients(reader engine.Reader, regionID, floor uint64, max int) (*clients, error) {
	c := &clients{regionID: regionID, max: max, floor: floor}
	var broken error
	err := reader.Ascend(raftKey(regionID, clientSuffix), raftKey(regionID, clientSuffix+1), func(key, value []byte) bool {
		record := &raftserverpb.ClientRecord{}
		if broken = proto.Unmarshal(value, record); broken != nil {
			return false
		}
		c.records.Set(lastNumber(key), record)
		return true
	})
	if err == nil {
		err = broken
	}
	if err != nil {
		return nil, fmt.Errorf("read the clients of region %d: %w", regionID, err)
	}
	return c, nil
}

// forgetAll removes every record.
func (c *clients) forgetAll(batch *engine.Batch) {
	c.records.Scan(func(client uint64, _ *raftserverpb.ClientRecord) bool {
		batch.Delete(clientKey(c.regionID, client))
		return true
	})
	c.records.Clear()
}

// restore takes in a record that came with a snapshot, as it is stored.
func (c *clients) restore(client uint64, stored []byte, batch *engine.Batch) error {
	record := &raftserverpb.ClientRecord{}
	if err := proto.Unmarshal(stored, record); err != nil {
		return err
	}
	c.records.Set(client, record)
	batch.Put(clientKey(c.regionID, client), stored)
	return nil
}

// look answers a request that must not be applied: a retry with its first answer, an older or forgotten one with a
// refusal. Nil: apply it.
func (c *clients) look(client, sequence uint64) *raftcmdpb.RaftCommandResponse {
	record, known := c.records.Get(client)
	if !known {
		floor := c.floor
		if c.records.Len() >= c.max {
			// There is room only for ids above the oldest remembered.
			oldest, _, _ := c.records.Min()
			floor = max(floor, oldest)
		}
		if client <= floor {
			return clientForgotten(client, floor)
		}
		return nil
	}
	switch {
	case sequence > record.GetSequence():
		return nil
	case sequence < record.GetSequence():
		return staleSequence(sequence, record.GetSequence())
	}
	first := record.GetAnswer()
	header := first.GetHeader()
	return &raftcmdpb.RaftCommandResponse{
		Header: &raftcmdpb.ResponseHeader{
			Error: header.GetError(), Client: header.GetClient(), Sequence: header.GetSequence(), RegionId: header.GetRegionId(),
			Term: header.GetTerm(), Index: header.GetIndex(), ReadMode: header.GetReadMode(), RepeatedAnswer: true,
		},
		Responses:     first.GetResponses(),
		CompareFailed: first.GetCompareFailed(),
	}
}

// remember notes a request's answer, and forgets the oldest client when there are too many. The floor is written with the
// region's apply state.
func (c *clients) remember(client uint64, record *raftserverpb.ClientRecord, batch *engine.Batch) {
	c.records.Set(client, record)
	batch.Put(clientKey(c.regionID, client), encodeClientRecord(record.GetSequence(), record.GetAnswer()))
	for c.records.Len() > c.max {
		oldest, _, _ := c.records.PopMin()
		batch.Delete(clientKey(c.regionID, oldest))
		c.floor = max(c.floor, oldest)
	}
}

package store

import (
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// Commands remembers the last commands that were decoded, so that the stores of one process decode an entry once and not
// each for itself: its messages share an entry's data already, and nobody writes a decoded command. The first follower
// decodes, never the proposer, so what is applied is what the bytes say. Stores that share one are driven from one
// goroutine. The zero Commands is empty and ready; nil remembers nothing.
type Commands struct{ slots [64]decoded }

type decoded struct {
	// data is the entry's, to know it again: only the same bytes in the same place count.
	data    []byte
	request *raftcmdpb.RaftCommandRequest
}

// decodedBytesMax is the longest command that is remembered.
const decodedBytesMax = 4 << 10

func (c *Commands) decode(e *raftpb.Entry) (*raftcmdpb.RaftCommandRequest, error) {
	data := e.GetData()
	if c == nil || len(data) == 0 || len(data) > decodedBytesMax {
		return decodeCommand(data)
	}
	slot := &c.slots[e.GetIndex()%uint64(len(c.slots))]
	if len(slot.data) == len(data) && &slot.data[0] == &data[0] {
		return slot.request, nil
	}
	request, err := decodeCommand(data)
	if err == nil {
		*slot = decoded{data: data, request: request}
	}
	return request, err
}

func decodeCommand(data []byte) (*raftcmdpb.RaftCommandRequest, error) {
	request := &raftcmdpb.RaftCommandRequest{}
	return request, proto.Unmarshal(data, request)
}

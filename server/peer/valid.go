package peer

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// invalid says why a message cannot be one of the sender to the store, or "". What raft says in it the store looks at
// itself.
func invalid(speaks *sender, toStore uint64, p *rpcpb.Parcel, bytesMax int) string {
	m := p.GetMessage()
	chunk := m.GetSnapshotChunk() != nil
	switch {
	case p == nil:
		return "the request is empty"
	case p.GetId() == 0:
		return "it has no number"
	case m == nil:
		return "it is empty"
	case proto.Size(p) > bytesMax:
		return fmt.Sprintf("it has %d bytes, and at most %d are taken", proto.Size(p), bytesMax)
	case m.GetFromPeer().GetStoreId() != speaks.store:
		return fmt.Sprintf("it is of S%d, on a stream of S%d", m.GetFromPeer().GetStoreId(), speaks.store)
	case m.GetToPeer().GetStoreId() != toStore:
		return fmt.Sprintf("it is for S%d, and this is S%d", m.GetToPeer().GetStoreId(), toStore)
	case m.GetExtra() == nil && len(m.GetMessage()) == 0:
		return "it says nothing"
	case m.GetExtra() != nil && len(m.GetMessage()) > 0:
		return "it says two things"
	case chunk != speaks.chunks:
		return "chunks of snapshots have a stream of their own"
	case !parses(m.GetMessage()):
		return "its raft message does not parse"
	}
	return ""
}

// parses tells whether bytes are fields of protobuf, one after the other. It does not look into them: the store decodes.
func parses(b []byte) bool {
	for len(b) > 0 {
		_, _, n := protowire.ConsumeField(b)
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

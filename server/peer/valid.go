package peer

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// invalid says why a message cannot be one of a store to another, or "". What raft says in it the store looks at itself.
func invalid(fromStore, toStore uint64, p *rpcpb.Parcel, bytesMax int) string {
	m := p.GetMessage()
	switch {
	case p.GetId() == 0:
		return "it has no number"
	case m == nil:
		return "it is empty"
	case proto.Size(p) > bytesMax:
		return fmt.Sprintf("it has more than %d bytes", bytesMax)
	case m.GetFromPeer().GetStoreId() != fromStore:
		return fmt.Sprintf("it is of S%d, on a line of S%d", m.GetFromPeer().GetStoreId(), fromStore)
	case m.GetToPeer().GetStoreId() != toStore:
		return fmt.Sprintf("it is for S%d, and this is S%d", m.GetToPeer().GetStoreId(), toStore)
	case m.GetExtra() == nil && len(m.GetMessage()) == 0:
		return "it says nothing"
	}
	return ""
}

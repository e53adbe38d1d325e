package store

import "encoding/binary"

// The engine's key space, after TiKV's keys module. Everything of the store itself lies below the users' data:
//
//	0x01 0x01                            StoreIdent
//	0x01 0x02 <region> 0x01 <index>      a raft log entry
//	0x01 0x02 <region> 0x02              RaftLocalState
//	0x01 0x02 <region> 0x03              RaftApplyState
//	0x01 0x02 <region> 0x04 <client>     ClientRecord
//	0x01 0x03 <region>                   RegionLocalState
//	0x01 0x04 <region> <engine key>      a pair of a snapshot that is being received, under the key it is for
//	'z' <key>                            a user's key; its value is <revision> <value>
//
// Numbers are 8 bytes, big-endian, so that binary order is numeric order.
const (
	localPrefix  = 0x01
	identSpace   = 0x01
	raftSpace    = 0x02
	regionSpace  = 0x03
	stagedSpace  = 0x04
	logSuffix    = 0x01
	raftSuffix   = 0x02
	applySuffix  = 0x03
	clientSuffix = 0x04
	dataPrefix   = 'z'
)

var identKey = []byte{localPrefix, identSpace}

// logKeyBytes is the length of a log entry's key.
const logKeyBytes = 19

func raftKey(regionID uint64, suffix byte) []byte {
	return appendRaftKey(make([]byte, 0, logKeyBytes), regionID, suffix)
}

func appendRaftKey(key []byte, regionID uint64, suffix byte) []byte {
	key = append(key, localPrefix, raftSpace)
	key = binary.BigEndian.AppendUint64(key, regionID)
	return append(key, suffix)
}

func logKey(regionID, index uint64) []byte {
	return appendLogKey(make([]byte, 0, logKeyBytes), regionID, index)
}

func appendLogKey(key []byte, regionID, index uint64) []byte {
	return binary.BigEndian.AppendUint64(appendRaftKey(key, regionID, logSuffix), index)
}

func clientKey(regionID, client uint64) []byte {
	return binary.BigEndian.AppendUint64(raftKey(regionID, clientSuffix), client)
}

func regionKey(regionID uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{localPrefix, regionSpace}, regionID)
}

// stagedKey is where a snapshot's pair waits until all have come.
func stagedKey(regionID uint64, key []byte) []byte {
	out := make([]byte, 0, stagedPrefixBytes+len(key))
	out = binary.BigEndian.AppendUint64(append(out, localPrefix, stagedSpace), regionID)
	return append(out, key...)
}

// stagedPrefixBytes is the length of a staged key before the key it is for.
const stagedPrefixBytes = 10

// stagedBounds are the staged pairs of a region.
func stagedBounds(regionID uint64) (from, to []byte) {
	return stagedKey(regionID, nil), stagedKey(regionID+1, nil)
}

// lastNumber reads the number a log, client or region key ends with.
func lastNumber(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

func dataKey(key []byte) []byte {
	out := make([]byte, 0, len(key)+1)
	return append(append(out, dataPrefix), key...)
}

// dataBounds is the engine's range for the users' range [start, end); an empty end means no end.
func dataBounds(start, end []byte) (from, to []byte) {
	if len(end) == 0 {
		return dataKey(start), []byte{dataPrefix + 1}
	}
	return dataKey(start), dataKey(end)
}

// encodePair is a user's key and value as they are stored, in one piece of memory.
func encodePair(revision uint64, key, value []byte) (storedKey, stored []byte) {
	end := 1 + len(key)
	out := make([]byte, 0, end+8+len(value))
	out = append(append(out, dataPrefix), key...)
	out = append(binary.BigEndian.AppendUint64(out, revision), value...)
	return out[:end:end], out[end:]
}

func decodeValue(stored []byte) (revision uint64, value []byte) {
	return binary.BigEndian.Uint64(stored), stored[8:]
}

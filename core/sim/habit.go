package sim

import (
	"bytes"
	"fmt"
	"strconv"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// habit is what a worker does: one kind of workload. Every value is written by one operation only, so that a reader knows
// whose it saw: "7 by 3.12" is what client 3 wrote as its 12th deed.
type habit interface {
	// next returns the next command, without its header.
	next(k *worker, d drawn) *raftcmdpb.RaftCommandRequest
	// heard takes the answer to the command that next returned last, which is no error.
	heard(request *raftcmdpb.RaftCommandRequest, response *raftcmdpb.RaftCommandResponse)
}

func newHabit(kind sessionpb.WorkloadKind) habit {
	switch kind {
	case sessionpb.WorkloadKind_WORKLOAD_KIND_SETS:
		return setsHabit{}
	case sessionpb.WorkloadKind_WORKLOAD_KIND_COUNTERS:
		return &countersHabit{}
	case sessionpb.WorkloadKind_WORKLOAD_KIND_BANK:
		return &bankHabit{}
	}
	return &registersHabit{seen: map[string]sight{}}
}

// drawn is chance for one deed. All of it is drawn for each, whatever the deed needs.
type drawn struct {
	object uint64 // from 1
	choice uint64 // of 12
	pick   uint64 // large: for a choice among a few
	mode   raftcmdpb.ReadMode
}

func drawDeed(s *stream, l *sessionpb.Workload) drawn {
	d := drawn{object: 1 + s.below(uint64(l.GetObjects())), choice: s.below(12), pick: s.below(1 << 32)}
	modes := l.GetReadModes()
	if i := s.below(uint64(max(1, len(modes)))); len(modes) > 0 {
		d.mode = modes[i]
	}
	return d
}

// sight is a key as a client saw it.
type sight struct {
	found bool
	value []byte
}

// number is what a value begins with; 0 for an absent one.
func (s sight) number() int64 {
	digits, _, _ := bytes.Cut(s.value, []byte(" "))
	n, _ := strconv.ParseInt(string(digits), 10, 64)
	return n
}

// sightsOf are the answers to a command of gets alone.
func sightsOf(response *raftcmdpb.RaftCommandResponse) []sight {
	sights := make([]sight, 0, len(response.GetResponses()))
	for _, r := range response.GetResponses() {
		sights = append(sights, sight{found: r.GetGet().GetFound(), value: r.GetGet().GetValue()})
	}
	return sights
}

// signed is a value that only this deed writes.
func (k *worker) signed(number int64) []byte {
	return fmt.Appendf(nil, "%d by %d.%d", number, k.number, k.deeds)
}

func getOf(key []byte) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Get{Get: &raftcmdpb.GetRequest{Key: key}}}
}

func putOf(key, value []byte) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: key, Value: value}}}
}

func deleteOf(key []byte) *raftcmdpb.Request {
	return &raftcmdpb.Request{Request: &raftcmdpb.Request_Delete{Delete: &raftcmdpb.DeleteRequest{Key: key}}}
}

// still is the condition that a key is as it was seen.
func (s sight) still(key []byte) *raftcmdpb.Compare {
	if !s.found {
		return &raftcmdpb.Compare{Key: key, Expect: &raftcmdpb.Compare_Absent{Absent: true}}
	}
	return &raftcmdpb.Compare{Key: key, Expect: &raftcmdpb.Compare_Value{Value: s.value}}
}

func asking(requests ...*raftcmdpb.Request) *raftcmdpb.RaftCommandRequest {
	return &raftcmdpb.RaftCommandRequest{Requests: requests}
}

// reading is a command that gets all of the keys at once.
func reading(keys [][]byte) *raftcmdpb.RaftCommandRequest {
	command := asking()
	for _, key := range keys {
		command.Requests = append(command.Requests, getOf(key))
	}
	return command
}

package sim

import (
	"fmt"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// registersHabit puts, gets, deletes, and sets by compare with what it saw last, single keys.
type registersHabit struct{ seen map[string]sight }

func (h *registersHabit) next(k *worker, d drawn) *raftcmdpb.RaftCommandRequest {
	key := fmt.Appendf(nil, "r/%02d", d.object)
	value := fmt.Appendf(nil, "%d.%d", k.number, k.deeds)
	last, known := h.seen[string(key)]
	switch {
	case d.choice < 4:
		return asking(putOf(key, value))
	case d.choice == 4:
		return asking(deleteOf(key))
	case d.choice < 7 && known:
		set := asking(putOf(key, value))
		set.Compares = []*raftcmdpb.Compare{last.still(key)}
		return set
	}
	return asking(getOf(key))
}

func (h *registersHabit) heard(request *raftcmdpb.RaftCommandRequest, response *raftcmdpb.RaftCommandResponse) {
	if failed := response.GetCompareFailed(); failed != nil {
		h.seen[string(failed.GetKey())] = sight{failed.GetFound(), failed.GetValue()}
		return
	}
	switch r := request.GetRequests()[0].GetRequest().(type) {
	case *raftcmdpb.Request_Put:
		h.seen[string(r.Put.GetKey())] = sight{true, r.Put.GetValue()}
	case *raftcmdpb.Request_Delete:
		h.seen[string(r.Delete.GetKey())] = sight{}
	case *raftcmdpb.Request_Get:
		h.seen[string(r.Get.GetKey())] = sightsOf(response)[0]
	}
}

// setElements is how many elements a set can have.
const setElements = 12

// setsHabit adds elements to sets, and reads all of a set at once.
type setsHabit struct{}

func (setsHabit) next(k *worker, d drawn) *raftcmdpb.RaftCommandRequest {
	keys := keysOf("s", d.object, setElements)
	if d.choice < 5 {
		return reading(keys)
	}
	key := keys[d.pick%setElements]
	add := asking(putOf(key, k.signed(1)))
	add.Compares = []*raftcmdpb.Compare{sight{}.still(key)}
	return add
}

func (setsHabit) heard(*raftcmdpb.RaftCommandRequest, *raftcmdpb.RaftCommandResponse) {}

// countersHabit reads a counter and then sets it to one more, if nobody else has.
type countersHabit struct {
	read *sight // what it has read and not used
	key  []byte
}

func (h *countersHabit) next(k *worker, d drawn) *raftcmdpb.RaftCommandRequest {
	if h.read == nil {
		h.key = fmt.Appendf(nil, "c/%02d", d.object)
		return asking(getOf(h.key))
	}
	count := asking(putOf(h.key, k.signed(h.read.number()+1)))
	count.Compares = []*raftcmdpb.Compare{h.read.still(h.key)}
	h.read = nil
	return count
}

func (h *countersHabit) heard(request *raftcmdpb.RaftCommandRequest, response *raftcmdpb.RaftCommandResponse) {
	if len(request.GetCompares()) == 0 {
		h.read = &sightsOf(response)[0]
	}
}

// What banks are like.
const (
	bankAccountsMin = 4
	bankAccountsMax = 6
	balanceFirst    = 100
	transferMax     = 10
)

// bankHabit reads all accounts of a bank and then moves money between two of them, if neither has changed. Who finds no
// account opens them all.
type bankHabit struct {
	keys [][]byte
	read []sight // what it has read and not used
}

func (h *bankHabit) next(k *worker, d drawn) *raftcmdpb.RaftCommandRequest {
	read := h.read
	if h.read = nil; len(read) == 0 || d.choice < 3 {
		accounts := bankAccountsMin + int(d.object%(bankAccountsMax-bankAccountsMin+1))
		h.keys = keysOf("b", d.object, accounts)
		return reading(h.keys)
	}
	command := asking()
	change := func(account uint64, balance int64) {
		command.Compares = append(command.Compares, read[account].still(h.keys[account]))
		command.Requests = append(command.Requests, putOf(h.keys[account], k.signed(balance)))
	}
	n := uint64(len(read))
	if !anyFound(read) {
		for account := range n {
			change(account, balanceFirst)
		}
		return command
	}
	from := d.pick % n
	to := (from + 1 + d.pick/n%(n-1)) % n
	amount := min(read[from].number(), 1+int64(d.pick/(n*n)%transferMax))
	change(from, read[from].number()-amount)
	change(to, read[to].number()+amount)
	return command
}

func (h *bankHabit) heard(request *raftcmdpb.RaftCommandRequest, response *raftcmdpb.RaftCommandResponse) {
	if len(request.GetCompares()) == 0 {
		h.read = sightsOf(response)
	}
}

func anyFound(sights []sight) bool {
	for _, s := range sights {
		if s.found {
			return true
		}
	}
	return false
}

// keysOf are the keys of one object: they have a prefix of their own, which a split may cut.
func keysOf(kind string, object uint64, n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "%s/%02d/%02d", kind, object, i+1)
	}
	return keys
}

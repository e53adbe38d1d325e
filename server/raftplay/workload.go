package main

import (
	"fmt"
	"strconv"
	"strings"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// clientsDefault is how many clients a workload has that says nothing of it.
const clientsDefault = 4

var workloadKinds = map[string]sessionpb.WorkloadKind{
	"registers": sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS,
	"sets":      sessionpb.WorkloadKind_WORKLOAD_KIND_SETS,
	"counters":  sessionpb.WorkloadKind_WORKLOAD_KIND_COUNTERS,
	"bank":      sessionpb.WorkloadKind_WORKLOAD_KIND_BANK,
}

// workloadsOf reads --workload: a kind each, and perhaps a number of clients: "bank:8".
func workloadsOf(given []string) ([]*sessionpb.Workload, error) {
	var workloads []*sessionpb.Workload
	for _, text := range given {
		name, number, numbered := strings.Cut(text, ":")
		kind, known := workloadKinds[name]
		if !known {
			return nil, fmt.Errorf("--workload is registers, sets, counters or bank, not %q", name)
		}
		clients := uint64(clientsDefault)
		if numbered {
			var err error
			if clients, err = strconv.ParseUint(number, 10, 32); err != nil {
				return nil, fmt.Errorf("--workload %s has a number of clients after the colon, not %q", name, number)
			}
		}
		workloads = append(workloads, &sessionpb.Workload{
			Kind: kind, Clients: uint32(clients), Objects: 3,
			ThinkMicros: 100_000, TimeoutMicros: 1_000_000, AttemptsMax: 10, AstrayPpm: 50_000,
		})
	}
	return workloads, nil
}

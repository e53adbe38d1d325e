package sim_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func workload(kind sessionpb.WorkloadKind, clients uint32) *sessionpb.Workload {
	return &sessionpb.Workload{
		Kind: kind, Clients: clients, Objects: 2, ThinkMicros: 50_000, TimeoutMicros: 1_000_000, AttemptsMax: 10,
	}
}

func setWorkloads(workloads ...*sessionpb.Workload) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetWorkloads{
		SetWorkloads: &sessionpb.SetWorkloads{Workloads: workloads}}}
}

// busyRun is the exercise of a seed, with crashes on a lossy network, and clients that work by themselves besides.
func busyRun(seed uint64, workloads ...*sessionpb.Workload) *sessionpb.Run {
	run := sim.Exercise(seed)
	run.Config.Workloads = workloads
	return run
}

func everyKind(clients uint32) []*sessionpb.Workload {
	var all []*sessionpb.Workload
	for kind := sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS; kind <= sessionpb.WorkloadKind_WORKLOAD_KIND_BANK; kind++ {
		w := workload(kind, clients)
		w.AstrayPpm = 100_000
		all = append(all, w)
	}
	return all
}

// operations are the operations of an event list, as they ended.
func (r *recording) operations() []*sessionpb.Operation {
	var all []*sessionpb.Operation
	byID := map[uint64]*sessionpb.Operation{}
	for _, e := range *r {
		if op := e.GetOperationStarted().GetOperation(); op != nil {
			op = proto.Clone(op).(*sessionpb.Operation)
			all, byID[op.Id] = append(all, op), op
		}
		if ended := e.GetOperationEnded(); ended != nil {
			byID[ended.Id].Response, byID[ended.Id].EndedMicros = ended.Response, e.TimeMicros
		}
	}
	return all
}

func TestClientsWorkByThemselves(t *testing.T) {
	for kind := sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS; kind <= sessionpb.WorkloadKind_WORKLOAD_KIND_BANK; kind++ {
		var seen recording
		cfg := sim.DefaultConfig()
		cfg.Workloads = []*sessionpb.Workload{workload(kind, 3)}
		w, err := sim.New(cfg, &seen)
		if err != nil {
			t.Fatal(err)
		}
		w.RunUntil(20_000_000)
		did := map[string]int{}
		for _, op := range seen.operations() {
			if op.Worker < 1 || op.Worker > 3 {
				t.Fatalf("%v: operation %v is no client's", kind, op)
			}
			if op.Response == nil || op.Response.GetHeader().GetError() != nil {
				continue
			}
			what := "reads"
			switch op.Request.Requests[0].GetRequest().(type) {
			case *raftcmdpb.Request_Put:
				what = "puts"
			case *raftcmdpb.Request_Delete:
				what = "deletes"
			}
			if op.Response.CompareFailed != nil {
				what += " refused"
			} else if len(op.Request.Compares) > 0 {
				what += " by compare"
			}
			did[what]++
		}
		want := map[sessionpb.WorkloadKind]string{
			sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS: "puts,deletes,reads,puts by compare,puts refused",
			sessionpb.WorkloadKind_WORKLOAD_KIND_SETS:      "reads,puts by compare,puts refused",
			sessionpb.WorkloadKind_WORKLOAD_KIND_COUNTERS:  "reads,puts by compare,puts refused",
			sessionpb.WorkloadKind_WORKLOAD_KIND_BANK:      "reads,puts by compare,puts refused",
		}[kind]
		for _, what := range strings.Split(want, ",") {
			if did[what] < 5 {
				t.Errorf("%v: %d %s, want at least 5; %v", kind, did[what], what, did)
			}
		}
	}
}

func TestABankKeepsItsMoney(t *testing.T) {
	var seen recording
	if _, err := sim.Play(busyRun(7, workload(sessionpb.WorkloadKind_WORKLOAD_KIND_BANK, 6)), &seen); err != nil {
		t.Fatal(err)
	}
	looks := 0
	for _, op := range seen.operations() {
		if op.Worker == 0 || len(op.Request.Compares) > 0 || op.Response == nil || len(op.Response.Responses) == 0 {
			continue
		}
		sum := 0
		for _, r := range op.Response.Responses {
			balance := 0
			if r.GetGet().GetFound() {
				if _, err := fmt.Sscanf(string(r.GetGet().Value), "%d by", &balance); err != nil {
					t.Fatalf("a balance of %q", r.GetGet().Value)
				}
			}
			sum += balance
		}
		if n := len(op.Response.Responses); n < 4 || n > 6 || sum != 0 && sum != 100*n {
			t.Fatalf("operation %d sees %d in %d accounts: %v", op.Id, sum, n, op.Response.Responses)
		}
		if sum > 0 {
			looks++
		}
	}
	if looks < 20 {
		t.Errorf("%d looks at banks, want at least 20", looks)
	}
}

func TestAClientAsksAgainUnderTheSameRequestID(t *testing.T) {
	retries, unknown, astray := 0, 0, 0
	for seed := uint64(1); seed <= 5; seed++ {
		var seen recording
		run := busyRun(seed, everyKind(2)...)
		for _, l := range run.Config.Workloads {
			l.TimeoutMicros = 250_000
		}
		run.Config.Network.LossPpm = 200_000
		if _, err := sim.Play(run, &seen); err != nil {
			t.Fatal(err)
		}
		byID, last := map[uint64]*sessionpb.Operation{}, map[uint32]*sessionpb.Operation{}
		for _, op := range seen.operations() {
			byID[op.Id] = op
			if op.Worker == 0 {
				continue
			}
			before := last[op.Worker]
			last[op.Worker] = op
			if before != nil && (before.Response == nil || before.EndedMicros > op.StartedMicros) {
				t.Fatalf("seed %d: client %d begins operation %d while it waits for %d", seed, op.Worker, op.Id, before.Id)
			}
			h := op.Request.Header
			if h.Client != 0 && h.Client != 1_000+uint64(op.Worker) {
				t.Fatalf("seed %d: client %d goes by the id %d", seed, op.Worker, h.Client)
			}
			if op.RetryOf == 0 {
				if h.Client != 0 && before != nil && before.Request.Header.Client != 0 && before.Request.Header.Sequence >= h.Sequence {
					t.Fatalf("seed %d: client %d numbers %d after %d", seed, op.Worker, h.Sequence, before.Request.Header.Sequence)
				}
				continue
			}
			retries++
			first := byID[op.RetryOf]
			if first.Request.Header.Client != h.Client || first.Request.Header.Sequence != h.Sequence ||
				!sameCommand(first.Request, op.Request) {
				t.Fatalf("seed %d: operation %v is no retry of %v", seed, op, first)
			}
			e := before.Response.GetHeader().GetError()
			switch {
			case e == nil:
				t.Fatalf("seed %d: operation %d retries what was answered: %v", seed, op.Id, before)
			case e.GetTimeout() != nil:
				unknown++
				if e.GetTimeout().WaitedMicros != 250_000 {
					t.Fatalf("seed %d: it waited %d", seed, e.GetTimeout().WaitedMicros)
				}
			case e.GetNotLeader() != nil:
				astray++
			}
		}
	}
	if retries < 50 || unknown < 20 || astray < 20 {
		t.Errorf("%d retries, %d after a timeout, %d after a wrong address: too few to mean anything", retries, unknown, astray)
	}
}

func sameCommand(a, b *raftcmdpb.RaftCommandRequest) bool {
	return proto.Equal(&raftcmdpb.RaftCommandRequest{Requests: a.Requests, Compares: a.Compares},
		&raftcmdpb.RaftCommandRequest{Requests: b.Requests, Compares: b.Compares})
}

func TestARunWithClientsRepeatsItself(t *testing.T) {
	run := busyRun(3, everyKind(2)...)
	first := hashOf(t, run)
	if second := hashOf(t, run); second != first {
		t.Errorf("hashes %s and %s", first, second)
	}
	fewer := proto.Clone(run).(*sessionpb.Run)
	fewer.Config.Workloads = fewer.Config.Workloads[:3]
	if hashOf(t, fewer) == first {
		t.Error("clients make no difference")
	}
}

func TestWorkloadsComeAndGo(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	elect(t, w)
	registers := workload(sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS, 4)
	act(t, w, setWorkloads(registers))
	if told := seen[len(seen)-1].GetSettingsChanged(); len(told.GetWorkloads()) != 1 || told.GetNetwork() == nil ||
		len(w.Config().Workloads) != 1 || len(w.Keyframe().Config.Workloads) != 1 {
		t.Errorf("told %v", told)
	}
	w.RunUntil(w.Now() + 3_000_000)
	act(t, w, setWorkloads())
	stopped, started := len(seen), 0
	for _, e := range seen {
		if e.GetOperationStarted() != nil {
			started++
		}
	}
	w.RunUntil(w.Now() + 3_000_000)
	for _, e := range seen[stopped:] {
		if e.GetOperationStarted() != nil {
			t.Fatalf("a client goes on: %v", e)
		}
	}
	waiting := 0
	for _, op := range seen.operations() {
		if op.Response == nil {
			waiting++
		}
	}
	if started < 50 || waiting > 0 {
		t.Errorf("%d operations started, %d never ended", started, waiting)
	}
	// The same clients take up what comes next, and do not number from the start again.
	act(t, w, setWorkloads(registers))
	w.RunUntil(w.Now() + 3_000_000)
	numbered := map[string]bool{}
	for _, op := range seen.operations() {
		h := op.Request.Header
		if id := fmt.Sprintf("%d.%d", h.Client, h.Sequence); h.Client != 0 && op.RetryOf == 0 {
			if numbered[id] {
				t.Fatalf("the request id %s is used twice", id)
			}
			numbered[id] = true
		}
	}
}

func TestClientsWaitForAStore(t *testing.T) {
	var seen recording
	cfg := sim.DefaultConfig()
	cfg.Stores = 3
	cfg.Workloads = []*sessionpb.Workload{workload(sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS, 2)}
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	elect(t, w)
	for store := uint64(1); store <= 3; store++ {
		act(t, w, crash(store))
	}
	down := len(seen)
	w.RunUntil(w.Now() + 10_000_000)
	for _, e := range seen[down:] {
		if e.GetOperationStarted() != nil {
			t.Fatal("somebody asked a store that is down")
		}
	}
	for store := uint64(1); store <= 3; store++ {
		act(t, w, restart(store))
	}
	elect(t, w)
	up := len(seen)
	w.RunUntil(w.Now() + 3_000_000)
	ended := 0
	for _, e := range seen[up:] {
		if o := e.GetOperationEnded(); o != nil && o.Response.GetHeader().GetError() == nil {
			ended++
		}
	}
	if ended < 10 {
		t.Errorf("%d operations went well after the restart", ended)
	}
}

func TestASplitThroughABankRefusesItsTransfersAndTheClientsGoOn(t *testing.T) {
	var seen recording
	cfg := sim.DefaultConfig()
	bank := workload(sessionpb.WorkloadKind_WORKLOAD_KIND_BANK, 3)
	cfg.Workloads = []*sessionpb.Workload{bank}
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	elect(t, w)
	w.RunUntil(w.Now() + 3_000_000)
	act(t, w, &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{Admin: &raftcmdpb.AdminRequest{Request: &raftcmdpb.AdminRequest_Split{
			Split: &raftcmdpb.SplitRequest{SplitKey: []byte("b/01/03")}}}}}}})
	w.RunUntil(w.Now() + 10_000_000)
	refused, well := 0, 0
	for _, op := range seen.operations() {
		switch e := op.Response.GetHeader().GetError(); {
		case op.Worker == 0:
		case e.GetKeyNotInRegion() != nil:
			refused++
		case e == nil && bytes.HasPrefix(firstKey(op.Request), []byte("b/02")):
			well++
		}
	}
	if refused < 5 || well < 20 {
		t.Errorf("%d refused, %d answered of the other bank", refused, well)
	}
}

func firstKey(r *raftcmdpb.RaftCommandRequest) []byte {
	if put := r.GetRequests()[0].GetPut(); put != nil {
		return put.Key
	}
	return r.GetRequests()[0].GetGet().GetKey()
}

func TestAWorkloadThatMakesNoSenseIsRefused(t *testing.T) {
	for want, spoil := range map[string]func(*sessionpb.Workload){
		"workload 1: it is about registers, sets, counters or banks, and says none of them": func(w *sessionpb.Workload) { w.Kind = 0 },
		"workload 1: it has 1 to 64 clients, not 65":                                        func(w *sessionpb.Workload) { w.Clients = 65 },
		"workload 1: it has 1 to 99 objects, not 0":                                         func(w *sessionpb.Workload) { w.Objects = 0 },
		"workload 1: the time to think must be 1 ms to 60000 ms, not 0 ms":                  func(w *sessionpb.Workload) { w.ThinkMicros = 0 },
		"workload 1: the timeout of an attempt must be 1 ms to 600000 ms, not 0.001 ms":     func(w *sessionpb.Workload) { w.TimeoutMicros = 1 },
		"workload 1: an operation has 1 to 100 attempts, not 0":                             func(w *sessionpb.Workload) { w.AttemptsMax = 0 },
		"workload 1: there is no read mode 9":                                               func(w *sessionpb.Workload) { w.ReadModes = []raftcmdpb.ReadMode{9} },
		"workload 1: at most 1000000 attempts in a million go astray, not 1000001":          func(w *sessionpb.Workload) { w.AstrayPpm = 1_000_001 },
	} {
		l := workload(sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS, 1)
		spoil(l)
		cfg := sim.DefaultConfig()
		cfg.Workloads = []*sessionpb.Workload{l}
		if err := sim.Validate(cfg); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
		if err := sim.ValidateAction(setWorkloads(l)); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	half := workload(sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS, 33)
	if err := sim.ValidateAction(setWorkloads(half, half)); err == nil ||
		err.Error() != "all workloads together have at most 64 clients, not 66" {
		t.Error(err)
	}
}

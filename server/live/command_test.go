package live

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	errorpb "raftplay/core/pb/errorpb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/session"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

func acting(id uint64, a *sessionpb.Action) *sessionpb.Command {
	return &sessionpb.Command{Id: id, Command: &sessionpb.Command_Act{Act: &sessionpb.Act{Action: a}}}
}

func putting() *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{Request: &raftcmdpb.RaftCommandRequest{
		Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: []byte("k")}}}}}}}}
}

// deedsOf are an action of every kind that an operator can do.
func deedsOf() []*sessionpb.Action {
	return []*sessionpb.Action{
		putting(),
		{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{StoreId: 1}}},
		{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{StoreId: 1}}},
		{Action: &sessionpb.Action_SetLinks{SetLinks: &sessionpb.SetLinks{Links: []*sessionpb.Link{{FromStore: 1, ToStore: 2, Cut: true}}}}},
		{Action: &sessionpb.Action_Partition{Partition: &sessionpb.Partition{Kind: sessionpb.PartitionKind_PARTITION_KIND_SYMMETRIC,
			Sides: []*sessionpb.Side{{StoreIds: []uint64{1}}, {StoreIds: []uint64{2, 3}}}}}},
		{Action: &sessionpb.Action_Heal{Heal: &sessionpb.Heal{}}},
	}
}

func TestAViewerCannotAct(t *testing.T) {
	c := newScripted(1, 2, 3)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.ask()
		for i, a := range deedsOf() {
			v.ask(acting(uint64(i+1), a))
			if r := v.replies[uint64(i+1)]; !strings.HasPrefix(r.GetFailure(), "only an operator may") {
				t.Errorf("%v: %v", a, r)
			}
		}
		v.askFor(time.Second)
		if done := c.done(); len(done) != 0 {
			t.Errorf("it did %v", done)
		}
	})
}

func TestAnOperatorActsAndIsToldTheEnd(t *testing.T) {
	c := newScripted(1, 2, 3)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v, other := attach(t, g, operator, nil), attach(t, g, viewer, nil)
		v.ask()
		other.ask()
		for i, a := range deedsOf() {
			v.ask(acting(uint64(i+1), a))
			if r := v.replies[uint64(i+1)]; r.GetFailure() != "" || r.GetAct() == nil {
				t.Errorf("%v: %v", a, r)
			}
		}
		other.askFor(time.Second)
		if done := c.done(); !slices.Equal(done, []string{"do", "crash", "restart", "cut", "cut", "cut"}) {
			t.Errorf("it did %v", done)
		}
		// S1 | S2, S3, then healed: the viewers know which links are cut.
		if len(other.said) != 3 || len(other.fold.links) != 0 {
			t.Errorf("the other was told %q, links %v", other.said, other.fold.links)
		}
	})
}

func TestAProposalIsAnsweredWithItsOperation(t *testing.T) {
	c := newScripted(1)
	c.do = func(context.Context, uint64, *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
		c.tell(1, seenAt(0, &sessionpb.Event{Body: &sessionpb.Event_OperationStarted{OperationStarted: &sessionpb.OperationStarted{
			Operation: &sessionpb.Operation{Id: 77, Request: &raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{Client: 5, Sequence: 6}}}}}}))
		return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{Client: 5, Sequence: 6}}, nil
	}
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, operator, nil)
		v.ask()
		v.ask(acting(1, putting()))
		v.askFor(time.Second)
		if r := v.replies[1]; r.GetAct().GetOperationId() != 1 || !slices.Contains(v.said, "S1 0ms asked 1") {
			t.Errorf("%v, told %q", r, v.said)
		}
	})
}

func TestAProposalThatFailsSaysWhatIsKnown(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{CommandWait: 2 * time.Second}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, operator, nil)
		v.ask()
		id := uint64(0)
		fails := func(want string, do func(context.Context) (*raftcmdpb.RaftCommandResponse, error)) {
			t.Helper()
			c.mu.Lock()
			c.do = func(ctx context.Context, _ uint64, _ *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
				return do(ctx)
			}
			c.mu.Unlock()
			id++
			v.ask(acting(id, putting()))
			v.askFor(3 * time.Second)
			if got := v.replies[id].GetFailure(); got != want {
				t.Errorf("it says %q, want %q", got, want)
			}
		}
		answer := func(outcome errorpb.Outcome) func(context.Context) (*raftcmdpb.RaftCommandResponse, error) {
			return func(context.Context) (*raftcmdpb.RaftCommandResponse, error) {
				return &raftcmdpb.RaftCommandResponse{Header: &raftcmdpb.ResponseHeader{
					Error: &errorpb.Error{Message: "the leader went", Outcome: outcome}}}, nil
			}
		}
		fails("the leader went", answer(errorpb.Outcome_OUTCOME_NOT_APPLIED))
		fails("the leader went; the outcome is unknown", answer(errorpb.Outcome_OUTCOME_MAY_APPLY))
		fails("no answer came, so the outcome is unknown: context deadline exceeded", func(ctx context.Context) (*raftcmdpb.RaftCommandResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
	})
}

func TestWhatALiveClusterCannotDoIsRefusedWithTheReason(t *testing.T) {
	c := newScripted(1, 2)
	inTime(t, c, Limits{CommandsPerSecondMax: 1_000}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, operator, nil)
		v.ask()
		for want, command := range map[string]*sessionpb.Command{
			"neither stepped nor stopped": {Command: &sessionpb.Command_Pause{}},
			"does not go back":            {Command: &sessionpb.Command_Seek{}},
			"no run":                      {Command: &sessionpb.Command_ExportRun{}},
			"not started anew":            {Command: &sessionpb.Command_Reset_{}},
			"not judged":                  {Command: &sessionpb.Command_Recover{}},
			"command is empty":            {},
			"action is empty":             acting(0, nil),
			"no command to propose":       acting(0, &sessionpb.Action{Action: &sessionpb.Action_Propose{}}),
			"only watched":                acting(0, &sessionpb.Action{Action: &sessionpb.Action_DropMessage{}}),
			"are its own":                 acting(0, &sessionpb.Action{Action: &sessionpb.Action_SetClock{}}),
			"network and the disks":       acting(0, &sessionpb.Action{Action: &sessionpb.Action_FailDisk{}}),
			"not wiped":                   acting(0, &sessionpb.Action{Action: &sessionpb.Action_RestartStore{RestartStore: &sessionpb.RestartStore{Wiped: true}}}),
			"crashes now":                 acting(0, &sessionpb.Action{Action: &sessionpb.Action_CrashStore{CrashStore: &sessionpb.CrashStore{Moment: 1}}}),
			"cut and mended":              acting(0, &sessionpb.Action{Action: &sessionpb.Action_SetLinks{SetLinks: &sessionpb.SetLinks{Links: []*sessionpb.Link{{Clogged: true}}}}}),
			"no link from S1 to S9":       acting(0, &sessionpb.Action{Action: &sessionpb.Action_SetLinks{SetLinks: &sessionpb.SetLinks{Links: []*sessionpb.Link{{FromStore: 1, ToStore: 9, Cut: true}}}}}),
			"on two sides":                acting(0, &sessionpb.Action{Action: &sessionpb.Action_Partition{Partition: &sessionpb.Partition{Sides: []*sessionpb.Side{{StoreIds: []uint64{1}}, {StoreIds: []uint64{1}}}}}}),
		} {
			command.Id = 9
			v.ask(command)
			v.ask()
			if got := v.replies[9].GetFailure(); !strings.Contains(got, want) {
				t.Errorf("%v: %q, want %q", command, got, want)
			}
			delete(v.replies, 9)
		}
		g.cfg.Operator = nil
		v.ask(acting(9, deedsOf()[1]))
		if got := v.replies[9].GetFailure(); !strings.Contains(got, "runs elsewhere") {
			t.Errorf("without an operator: %q", got)
		}
		if done := c.done(); len(done) != 0 {
			t.Errorf("it did %v", done)
		}
	})
}

func TestCommandsAreBounded(t *testing.T) {
	c := newScripted(1)
	c.do = func(ctx context.Context, _ uint64, _ *raftcmdpb.RaftCommandRequest) (*raftcmdpb.RaftCommandResponse, error) {
		<-ctx.Done()
		return nil, errors.New("too late")
	}
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, operator, nil)
		v.ask()
		var commands []*sessionpb.Command
		for i := range 60 {
			commands = append(commands, acting(uint64(i+1), putting()))
		}
		v.ask(commands...)
		failures := map[string]int{}
		for _, r := range v.replies {
			failures[r.GetFailure()]++
		}
		if failures["16 commands wait for their answers already, which is the most"] != 34 || failures["more than 50 commands a second"] != 10 {
			t.Errorf("it says %v", failures)
		}
		v.askFor(16 * time.Second)
		if len(v.replies) != 60 {
			t.Errorf("%d replies for 60 commands", len(v.replies))
		}
		v.ask(make([]*sessionpb.Command, 2_000)...)
		if v.closed != "a request has at most 1024 commands, not 2000" {
			t.Errorf("closed: %q", v.closed)
		}
	})
}

func TestTheProtocolIsTheSimulations(t *testing.T) {
	hello := session.New("x").Handle(&sessionpb.Request{}, func() bool { return true }).Hello
	l := hello.Limits
	if hello.ProtocolVersion != ProtocolVersion || l.KeyBytesMax != keyBytesMax || l.ValueBytesMax != valueBytesMax || l.RequestsMax != requestsMax {
		t.Errorf("the simulation says %v", hello)
	}
}

func TestASecondOfTheClusterIsMeasured(t *testing.T) {
	c := newScripted(1, 2)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.ask()
		buckets := func(at map[int]uint64) []uint64 {
			b := make([]uint64, 60)
			for i, n := range at {
				b[i] = n
			}
			return b
		}
		c.measure(1, &rpcpb.StoreMetrics{Answered: 1_000, Applied: 100, LatencyBuckets: buckets(map[int]uint64{50: 1_000})})
		c.measure(2, &rpcpb.StoreMetrics{Applied: 90})
		v.askFor(500 * time.Millisecond)
		c.measure(1, &rpcpb.StoreMetrics{Answered: 1_100, Applied: 160, LeaderChanges: 1, Events: 500, EventsLeftOut: 20,
			LatencyBuckets: buckets(map[int]uint64{40: 98, 48: 2, 50: 1_000})})
		c.measure(2, &rpcpb.StoreMetrics{Applied: 140, LeaderChanges: 1})
		v.askFor(1500 * time.Millisecond)
		i := slices.IndexFunc(v.metrics, func(p *sessionpb.MetricsPoint) bool { return p.Answered > 0 })
		if i < 0 {
			t.Fatalf("the points are %v", v.metrics)
		}
		p := v.metrics[i]
		if p.Answered != 100 || p.Applied != 60 || p.LeaderChanges != 2 || p.LatencyP50Micros != 1_024 || p.LatencyP99Micros != 4_096 || p.Events != 500 || p.EventsLeftOut != 20 {
			t.Errorf("the point is %v", p)
		}
		v.askFor(90 * time.Second)
		newcomer := attach(t, g, viewer, nil)
		if newcomer.ask(); len(newcomer.metrics) != metricsMax {
			t.Errorf("a newcomer is given %d points", len(newcomer.metrics))
		}
		if n := len(v.metrics); n < 80 || n > 95 {
			t.Errorf("%d points in 92 seconds", n)
		}
	})
}

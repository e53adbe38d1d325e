package main

import (
	"fmt"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
	"raftplay/server/swarm"
)

// tally counts what a summary tells.
type tally struct {
	events, sent, delivered, lost uint64
	crashes, restarts             uint64
	term                          uint64
	termsLed                      map[regionTerm]bool
	writes                        map[uint64]bool
	acknowledged                  uint64
	violations                    []string
}

// regionTerm is a term of a region: each region counts its own.
type regionTerm struct{ region, term uint64 }

var _ sim.Observer = (*tally)(nil)

func newTally() *tally { return &tally{termsLed: map[regionTerm]bool{}, writes: map[uint64]bool{}} }

// Event implements sim.Observer.
func (t *tally) Event(e *sessionpb.Event) {
	t.events++
	switch body := e.GetBody().(type) {
	case *sessionpb.Event_MessageSent:
		t.sent++
	case *sessionpb.Event_MessageDelivered:
		t.delivered++
	case *sessionpb.Event_MessageLost:
		t.lost++
	case *sessionpb.Event_StoreCrashed:
		t.crashes++
	case *sessionpb.Event_StoreStarted:
		t.restarts++
	case *sessionpb.Event_RoleChanged:
		t.term = max(t.term, body.RoleChanged.GetTerm())
		if body.RoleChanged.GetRole() == sessionpb.Role_ROLE_LEADER {
			t.termsLed[regionTerm{body.RoleChanged.GetRegionId(), body.RoleChanged.GetTerm()}] = true
		}
	case *sessionpb.Event_OperationStarted:
		if o := body.OperationStarted.GetOperation(); raftcmdpb.Writes(o.GetRequest()) {
			t.writes[o.GetId()] = true
		}
	case *sessionpb.Event_OperationEnded:
		answer := body.OperationEnded.GetResponse()
		if t.writes[body.OperationEnded.GetId()] && answer.GetHeader().GetError() == nil && answer.GetCompareFailed() == nil {
			t.acknowledged++
		}
		delete(t.writes, body.OperationEnded.GetId())
	case *sessionpb.Event_Violation:
		v := body.Violation
		t.violations = append(t.violations, fmt.Sprintf("%s, at event %d: %s", v.GetJudge(), e.GetSeq(), v.GetMessage()))
	}
}

// summary is what `sim run` tells about a run. Its JSON names are part of the command line.
type summary struct {
	Seed               uint64   `json:"seed"`
	Stores             uint32   `json:"stores"`
	TimeMicros         int64    `json:"timeMicros"`
	Steps              uint64   `json:"steps"`
	Actions            int      `json:"actions"`
	ActionsRefused     int      `json:"actionsRefused"`
	Events             uint64   `json:"events"`
	MessagesSent       uint64   `json:"messagesSent"`
	MessagesDelivered  uint64   `json:"messagesDelivered"`
	MessagesLost       uint64   `json:"messagesLost"`
	Crashes            uint64   `json:"crashes"`
	Restarts           uint64   `json:"restarts"`
	Term               uint64   `json:"term"`     // the newest of any store and region
	TermsLed           int      `json:"termsLed"` // terms in which a region had a leader
	Leader             uint64   `json:"leader"`
	WritesAcknowledged uint64   `json:"writesAcknowledged"`
	Violations         []string `json:"violations"`
	Judged             uint32   `json:"judged"`       // operations of clients, by the judge of histories
	Linearizable       string   `json:"linearizable"` // yes, no or undecided
	LinearizableWhy    string   `json:"linearizableWhy"`
	Recovery           string   `json:"recovery,omitempty"` // when it was asked for: what became of the regions
	Unserved           []string `json:"unserved,omitempty"`
	Hash               string   `json:"hash"`
}

func (t *tally) summary(run *sessionpb.Run, player *sim.Player, hash string) *summary {
	w := player.World
	return &summary{
		Seed:               run.GetConfig().GetSeed(),
		Stores:             run.GetConfig().GetStores(),
		TimeMicros:         w.Now(),
		Steps:              w.Steps(),
		Actions:            len(run.GetActions()),
		ActionsRefused:     len(player.Refused),
		Events:             t.events,
		MessagesSent:       t.sent,
		MessagesDelivered:  t.delivered,
		MessagesLost:       t.lost,
		Crashes:            t.crashes,
		Restarts:           t.restarts,
		Term:               t.term,
		TermsLed:           len(t.termsLed),
		Leader:             w.Leader(),
		WritesAcknowledged: t.acknowledged,
		Violations:         append([]string{}, t.violations...),
		Hash:               hash,
	}
}

// recover heals a quorum of the world and notes what does not serve again.
func (s *summary) recover(w *sim.World, seed uint64) error {
	result, unserved, err := swarm.Recover(w, seed)
	s.Recovery, s.Unserved = result.GetMessage(), unserved
	return err
}

// judge takes the verdict on what clients heard.
func (s *summary) judge(v *sessionpb.Verdict) {
	s.Judged, s.LinearizableWhy = v.GetJudged(), v.GetMessage()
	switch v.GetKind() {
	case sessionpb.VerdictKind_VERDICT_KIND_LINEARIZABLE:
		s.Linearizable = "yes"
	case sessionpb.VerdictKind_VERDICT_KIND_VIOLATED:
		s.Linearizable = "no"
	default:
		s.Linearizable = "undecided"
	}
}

// verdict is an error when the run broke a promise. A history that nobody could decide on broke none.
func (s *summary) verdict() error {
	if n := len(s.Violations); n > 0 {
		return fmt.Errorf("the run broke Raft's promises %d times, first: %s", n, s.Violations[0])
	}
	if len(s.Unserved) > 0 {
		return fmt.Errorf("the cluster does not recover: %s", s.Unserved[0])
	}
	if s.Linearizable == "no" {
		return fmt.Errorf("what clients heard is not linearizable: %s", s.LinearizableWhy)
	}
	return nil
}

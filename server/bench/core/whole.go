package main

import (
	"fmt"

	"raftplay/core/check"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

const (
	electionMicrosMax = 30_000_000
	commandMicrosMax  = 10_000_000
	minuteMicros      = 60_000_000
	// recordBytesMax is how much of a recording is kept at once; older events are written over. Its memory is taken before
	// anything is measured: a recorder and a frame do not copy all that went before to make room, as a growing slice does.
	recordBytesMax = 8 << 20
)

// put is a small write to one of many keys.
func put(n uint64) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{
			Header: &raftcmdpb.RequestHeader{},
			Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{
				Key: fmt.Appendf(nil, "key-%d", n%1000), Value: fmt.Appendf(nil, "value-%d", n)}}}},
		}}}}
}

// whole is a simulated cluster.
type whole struct {
	world    *sim.World
	puts     uint64
	recorder recorder
}

// configuration is the page's, but for a network and a disk without waits to speak of, as the bare loop has: a command
// then takes no ticks.
func configuration() *sessionpb.Config {
	cfg := sim.DefaultConfig()
	cfg.Network = &sessionpb.Network{LatencyMicros: sim.Limits().GetLatencyMicrosMin()}
	cfg.Disk = &sessionpb.Disk{}
	return cfg
}

// newWhole returns a cluster that has a leader. watched: judges look at every event, and each is encoded into a recording.
func newWhole(watched bool) (*whole, error) {
	w := &whole{}
	var observers []sim.Observer
	if watched {
		judges := check.New(func(v *sessionpb.Violation) { w.world.Report(v) })
		w.recorder.bytes = make([]byte, 0, recordBytesMax+recordBytesMax/8)
		observers = []sim.Observer{judges, &w.recorder}
	}
	var err error
	if w.world, err = sim.New(configuration(), observers...); err != nil {
		return nil, err
	}
	if !w.world.RunWhile(electionMicrosMax, func() bool { return w.world.Leader() == 0 }) {
		return nil, fmt.Errorf("no leader after %d s", electionMicrosMax/1_000_000)
	}
	return w, nil
}

// propose sends one put and steps until it is answered.
func (w *whole) propose() error {
	w.puts++
	before := w.world.Counts().OperationsEnded
	if _, err := w.world.Act(put(w.puts)); err != nil {
		return err
	}
	deadline := w.world.Now() + commandMicrosMax
	if !w.world.RunWhile(deadline, func() bool { return w.world.Counts().OperationsEnded == before }) {
		return fmt.Errorf("put %d had no answer", w.puts)
	}
	return nil
}

// verify says whether every put was applied, so that nothing is measured that did not happen.
func (w *whole) verify() error {
	var applied uint64
	if view, ok := w.world.Store(w.world.Leader()).View(1); ok {
		applied = view.Applied
	}
	if applied < w.puts {
		return fmt.Errorf("%d puts, but only %d entries applied", w.puts, applied)
	}
	if w.recorder.violations > 0 {
		return fmt.Errorf("the judges found %d violations", w.recorder.violations)
	}
	return nil
}

// recorder is an observer that encodes every event, as a recording or a frame to the page does.
type recorder struct {
	bytes      []byte
	violations int
}

// Event implements sim.Observer.
func (r *recorder) Event(e *sessionpb.Event) {
	if len(r.bytes) > recordBytesMax {
		r.bytes = r.bytes[:0]
	}
	r.bytes = sessionpb.AppendFrameEvent(r.bytes, e)
	if e.GetViolation() != nil {
		r.violations++
	}
}

// idleMinute lets a cluster with a leader live for a minute in which nobody asks it for anything.
func (w *whole) idleMinute() {
	w.world.RunUntil(w.world.Now() + minuteMicros)
}
